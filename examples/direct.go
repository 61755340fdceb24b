package main

import (
	"errors"

	"rubato/examples/orders"
	"rubato/measure"
	"rubato/runner"
)

// A style makes, of modules that are functions, modules that are reached in its own way. stop ends
// what it has started; it is never nil.
type style func(local orders.Shop) (shop orders.Shop, stop func() error, err error)

// direct reaches the modules by function calls: they are that already.
func direct(local orders.Shop) (orders.Shop, func() error, error) {
	return local, func() error { return nil }, nil
}

// open opens a shop with a store of its own, in any style.
func open(join style) func(runner.Setup) (measure.System[orders.Order, orders.Order], error) {
	return func(s runner.Setup) (system measure.System[orders.Order, orders.Order], err error) {
		kept, err := openStore(s.Dir, s.Options[durability])
		if err != nil {
			return system, err
		}
		shop, stop, err := join(orders.Shop{Stock: kept.reserve, Payment: kept.charge, Shipping: kept.ship})
		system.Do, system.State = shop.Place, kept.state
		system.Close = func() error { return errors.Join(stop(), kept.close()) } // first who uses the store
		if err != nil {
			err = errors.Join(err, system.Close())
		}
		return system, err
	}
}
