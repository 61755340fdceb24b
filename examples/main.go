// Command examples measures what it costs to decouple a shop: the three modules of an order
// pipeline call one another, are goroutines, or are services. See README.md.
package main

import (
	"os"

	"rubato/examples/orders"
	"rubato/measure"
	"rubato/runner"
)

func main() {
	os.Exit(measure.Main(os.Args[1:], measure.Task[orders.Order, orders.Order]{
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
	}))
}
