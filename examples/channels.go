package main

import (
	"sync"

	"rubato/examples/orders"
)

// waiting is how many orders may wait for a module. Who asks when so many do, waits, too.
const waiting = 16

// A question is an order on its way to a module, and where the answer goes.
type question struct {
	order  orders.Order
	answer chan<- answered
}

type answered struct {
	order orders.Order
	err   error
}

// goroutines are modules that each run in one of their own.
type goroutines struct {
	inboxes []chan question
	ended   sync.WaitGroup
}

// channels reaches the modules over channels.
func channels(local orders.Shop) (orders.Shop, func() error, error) {
	g := &goroutines{}
	return orders.Shop{Stock: g.start(local.Stock), Payment: g.start(local.Payment), Shipping: g.start(local.Shipping)}, g.stop, nil
}

// start starts a module, and returns how it is asked.
func (g *goroutines) start(module orders.Module) orders.Module {
	inbox := make(chan question, waiting)
	g.inboxes = append(g.inboxes, inbox)
	g.ended.Go(func() {
		for q := range inbox {
			o, err := module(q.order)
			q.answer <- answered{o, err}
		}
	})
	return func(o orders.Order) (orders.Order, error) {
		answer := make(chan answered, 1) // the module never waits for who asked
		inbox <- question{o, answer}
		a := <-answer
		return a.order, a.err
	}
}

// stop returns when every module has answered all that it was asked.
func (g *goroutines) stop() error {
	for _, inbox := range g.inboxes {
		close(inbox)
	}
	g.ended.Wait()
	return nil
}
