// Package orders is what a small shop does with an order, in three modules: stock reserves, payment
// charges, shipping packs. It is pure: it knows no database, goroutine or network. How the modules
// reach one another is what the styles beside it differ in.
package orders

import (
	"fmt"
	"math/rand/v2"
)

// The shop: its items cost Price, and a shelf holds Full pieces of one.
const (
	Items     = 10
	Customers = 50
	Full      = 60
	Limit     = 100_00 // cents that one order may cost
)

// An Order goes from module to module, and each adds to it.
type Order struct {
	Number   int64  `json:"number"`
	Customer int64  `json:"customer"`
	Item     int64  `json:"item"`
	Quantity int64  `json:"quantity"`
	Cents    int64  `json:"cents,omitempty"`   // what was charged
	Parcel   int64  `json:"parcel,omitempty"`  // that it is in, counted from 1
	Refused  string `json:"refused,omitempty"` // why; empty: it was not
}

// New is order i of a run: the same seed and i make an equal one.
func New(seed uint64, i int) Order {
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	return Order{Number: int64(i), Customer: random.Int64N(Customers), Item: random.Int64N(Items), Quantity: 1 + random.Int64N(5)}
}

// String is what the customer is told.
func (o Order) String() string {
	what := fmt.Sprintf("order %d, %d of item %d for customer %d", o.Number, o.Quantity, o.Item, o.Customer)
	if o.Refused != "" {
		return what + ": refused, " + o.Refused
	}
	return fmt.Sprintf("%s: %s, parcel %d", what, Money(o.Cents), o.Parcel)
}

// Money shows cents.
func Money(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// Price of one piece, in cents.
func Price(item int64) int64 { return 5_00 + 3_00*item }

// Reserve takes the pieces of an order from the left ones of a shelf, and gives back those of an
// order that was refused later. It returns what is left then. If there are too few the order is
// refused and the shelf is filled, so that orders are refused now and then, however many there are.
func Reserve(left int64, o Order) (int64, Order) {
	switch {
	case o.Refused != "":
		return left + o.Quantity, o
	case left < o.Quantity:
		o.Refused = fmt.Sprintf("%d left", left)
		return Full, o
	}
	return left - o.Quantity, o
}

// Charge says what an order costs. It is refused if that is too much.
func Charge(o Order) Order {
	if cents := o.Quantity * Price(o.Item); cents > Limit {
		o.Refused = Money(cents) + " is over the limit of " + Money(Limit)
	} else {
		o.Cents = cents
	}
	return o
}

// A Module takes an order one step further. When it returns, its effect is durable. An order that it
// refuses is no error.
type Module func(Order) (Order, error)

// A Shop is the three modules, however they are reached.
type Shop struct{ Stock, Payment, Shipping Module }

// Place takes an order through the shop. An order that payment refuses returns to stock, which takes
// its pieces back.
func (s Shop) Place(o Order) (Order, error) {
	o, err := s.Stock(o)
	if err != nil || o.Refused != "" {
		return o, err
	}
	if o, err = s.Payment(o); err != nil {
		return o, err
	}
	if o.Refused != "" {
		return s.Stock(o)
	}
	return s.Shipping(o)
}
