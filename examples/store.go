package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"

	"rubato/examples/orders"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The key that says where the tables are.
const (
	durability = "durability"
	inMemory   = "memory"
	onDisk     = "disk"
)

// A store has a SQLite database for each module: none can read the tables of another. It is the
// same in all styles. A module uses its database for one order at a time.
type store struct{ stock, payment, shipping *sqlite.Conn }

// openStore makes the databases of a new shop, with full shelves.
func openStore(dir, durability string) (*store, error) {
	s := &store{}
	for name, d := range map[string]struct {
		place  **sqlite.Conn
		schema string
	}{
		"stock":    {&s.stock, "CREATE TABLE stock (item INTEGER PRIMARY KEY, left INTEGER NOT NULL)"},
		"payment":  {&s.payment, "CREATE TABLE payments (number INTEGER PRIMARY KEY, customer INTEGER NOT NULL, cents INTEGER NOT NULL)"},
		"shipping": {&s.shipping, "CREATE TABLE parcels (parcel INTEGER PRIMARY KEY, number INTEGER NOT NULL, item INTEGER NOT NULL, quantity INTEGER NOT NULL)"},
	} {
		path := filepath.Join(dir, name+".db")
		if durability == inMemory {
			path = ":memory:"
		}
		var err error
		if *d.place, err = sqlite.OpenConn(path); err == nil { // with a write-ahead log
			// A commit returns when the log is on the disk.
			err = errors.Join(do(*d.place, "PRAGMA synchronous = FULL"), do(*d.place, d.schema))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make the tables of %s: %w", name, err), s.close())
		}
	}
	for item := range int64(orders.Items) {
		if err := do(s.stock, "INSERT INTO stock VALUES (?, ?)", item, orders.Full); err != nil {
			return nil, errors.Join(fmt.Errorf("fill the shelves: %w", err), s.close())
		}
	}
	return s, nil
}

// do executes a statement, which is prepared when it comes first.
func do(conn *sqlite.Conn, query string, args ...any) error {
	return sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: args})
}

// reserve is module stock.
func (s *store) reserve(o orders.Order) (orders.Order, error) {
	left := int64(-1)
	err := sqlitex.Execute(s.stock, "SELECT left FROM stock WHERE item = ?", &sqlitex.ExecOptions{Args: []any{o.Item},
		ResultFunc: func(row *sqlite.Stmt) error { left = row.ColumnInt64(0); return nil }})
	if err == nil && left < 0 {
		err = errors.New("there is no such item")
	}
	if err == nil {
		left, o = orders.Reserve(left, o)
		err = do(s.stock, "UPDATE stock SET left = ? WHERE item = ?", left, o.Item)
	}
	return o, wrap("reserve item", o.Item, err)
}

// charge is module payment.
func (s *store) charge(o orders.Order) (orders.Order, error) {
	if o = orders.Charge(o); o.Refused != "" {
		return o, nil
	}
	return o, wrap("charge order", o.Number, do(s.payment, "INSERT INTO payments VALUES (?, ?, ?)", o.Number, o.Customer, o.Cents))
}

// ship is module shipping.
func (s *store) ship(o orders.Order) (orders.Order, error) {
	err := do(s.shipping, "INSERT INTO parcels (number, item, quantity) VALUES (?, ?, ?)", o.Number, o.Item, o.Quantity)
	o.Parcel = s.shipping.LastInsertRowID()
	return o, wrap("ship order", o.Number, err)
}

func wrap(what string, which int64, err error) error {
	if err != nil {
		return fmt.Errorf("%s %d: %w", what, which, err)
	}
	return nil
}

// state reads back what the shop has, and a digest of all rows.
func (s *store) state() (string, error) {
	var pieces, cents, parcels int64
	rows := sha256.New()
	read := func(conn *sqlite.Conn, query string, row func(*sqlite.Stmt)) error {
		return sqlitex.Execute(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			for column := range stmt.ColumnCount() {
				fmt.Fprint(rows, stmt.ColumnInt64(column), " ")
			}
			row(stmt)
			return nil
		}})
	}
	err := errors.Join(
		read(s.stock, "SELECT item, left FROM stock ORDER BY item", func(row *sqlite.Stmt) { pieces += row.ColumnInt64(1) }),
		read(s.payment, "SELECT number, customer, cents FROM payments ORDER BY number", func(row *sqlite.Stmt) { cents += row.ColumnInt64(2) }),
		read(s.shipping, "SELECT parcel, number, item, quantity FROM parcels ORDER BY parcel", func(*sqlite.Stmt) { parcels++ }))
	return fmt.Sprintf("%d pieces left, %s paid, %d parcels, rows %x", pieces, orders.Money(cents), parcels, rows.Sum(nil)), err
}

// close closes what was opened.
func (s *store) close() (err error) {
	for _, conn := range []*sqlite.Conn{s.stock, s.payment, s.shipping} {
		if conn != nil {
			err = errors.Join(err, conn.Close())
		}
	}
	return err
}
