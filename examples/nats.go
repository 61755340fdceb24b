package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"rubato/examples/orders"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// patience bounds the start of the server, and how long a module may take to answer.
const patience = 10 * time.Second

// A network is a NATS server on loopback and who is connected to it: each module, and who asks them.
type network struct {
	server *server.Server
	token  string // without it no other program of the machine can speak there
	asks   *nats.Conn
	conns  []*nats.Conn // all
	ended  sync.WaitGroup
}

// A reply is how a module answers.
type reply struct {
	Order  orders.Order `json:"order"`
	Failed string       `json:"failed,omitempty"`
}

// overNATS reaches the modules by request and reply over a NATS server in this process.
func overNATS(local orders.Shop) (orders.Shop, func() error, error) {
	n := &network{token: rand.Text()}
	shop, err := n.start(local)
	return shop, n.stop, err
}

func (n *network) start(local orders.Shop) (shop orders.Shop, err error) {
	n.server, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: n.token, NoLog: true, NoSigs: true})
	if err != nil {
		return shop, fmt.Errorf("configure the NATS server: %w", err)
	}
	n.server.Start()
	if !n.server.ReadyForConnections(patience) {
		return shop, fmt.Errorf("the NATS server on 127.0.0.1 was not ready after %v", patience)
	}
	if n.asks, err = n.connect("shop"); err != nil {
		return shop, err
	}
	for _, m := range []struct {
		subject string
		local   orders.Module
		place   *orders.Module
	}{{"stock", local.Stock, &shop.Stock}, {"payment", local.Payment, &shop.Payment}, {"shipping", local.Shipping, &shop.Shipping}} {
		if err := n.serve(m.subject, m.local); err != nil {
			return shop, err
		}
		*m.place = n.ask(m.subject)
	}
	return shop, nil
}

// connect opens one connection. When the server is gone, it is gone: what was asked fails at once.
func (n *network) connect(name string) (*nats.Conn, error) {
	conn, err := nats.Connect(n.server.ClientURL(), nats.Name(name), nats.Token(n.token), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("connect %s to the NATS server: %w", name, err)
	}
	n.conns = append(n.conns, conn)
	return conn, nil
}

// serve has a module answer on a connection of its own.
func (n *network) serve(subject string, module orders.Module) error {
	conn, err := n.connect(subject)
	if err != nil {
		return err
	}
	inbox, err := conn.SubscribeSync(subject)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	n.ended.Go(func() {
		for m, err := range inbox.Msgs() {
			if err != nil { // the connection is closed
				return
			}
			_ = m.Respond(answer(m.Data, module)) // whoever asked is told by its own connection
		}
	})
	return conn.Flush() // the server knows of it
}

// answer is what a module says to a message.
func answer(message []byte, module orders.Module) []byte {
	var r reply
	err := json.Unmarshal(message, &r.Order)
	if err == nil {
		r.Order, err = module(r.Order)
	}
	if err != nil {
		r.Failed = err.Error()
	}
	data, _ := json.Marshal(r) // numbers and texts always are JSON
	return data
}

// ask is how a module is reached.
func (n *network) ask(subject string) orders.Module {
	return func(o orders.Order) (orders.Order, error) {
		data, err := json.Marshal(o)
		if err != nil {
			return o, err
		}
		m, err := n.asks.Request(subject, data, patience)
		if err != nil {
			return o, fmt.Errorf("ask %s: %w", subject, err)
		}
		var r reply
		if err := json.Unmarshal(m.Data, &r); err != nil {
			return o, fmt.Errorf("read the answer of %s: %w", subject, err)
		}
		if r.Failed != "" {
			return o, errors.New(r.Failed)
		}
		return r.Order, nil
	}
}

// stop returns when no module is at work any more, and the server has ended.
func (n *network) stop() error {
	for _, conn := range n.conns {
		conn.Close()
	}
	n.ended.Wait()
	if n.server != nil {
		n.server.Shutdown()
		n.server.WaitForShutdown()
	}
	return nil
}
