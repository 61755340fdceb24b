// Command examples measures what it costs to decouple a shop: the three modules of an order
// pipeline call one another, are goroutines, or are services. See README.md.
package main

import (
	"log"
	"os"

	"rubato/examples/orders"
	"rubato/measure"
	"rubato/runner"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func main() {
	suite, err := measure.Suite(measure.Task[orders.Order, orders.Order]{
		Name:    "order",
		Answers: "What does an order cost when stock, payment and shipping are functions, goroutines or services?",
		Op:      "order",
		Keys: []runner.Key{{
			Name: durability, Values: []string{inMemory, onDisk}, Default: inMemory + "," + onDisk,
			Doc: "memory: tables in memory, so that the conversation is much of an order; disk: each step is synced to the disk",
		}},
		Input: func(s runner.Setup, i int) orders.Order { return orders.New(s.Seed, i) },
		Show:  orders.Order.String,
		Styles: []measure.Style[orders.Order, orders.Order]{
			{Name: "direct", Doc: "function calls", Open: open(direct)},
			{Name: "channels", Doc: "a goroutine for each module, asked over a bounded channel", Open: open(channels)},
			{Name: "nats", Doc: "a NATS connection for each module, asked by request and reply over loopback", Open: open(overNATS)},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	suite.Versions = map[string]string{"nats-server": server.VERSION, "nats.go": nats.Version} // reports show them
	os.Exit(runner.Main(suite, os.Args[1:]))
}
