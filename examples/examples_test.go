package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rubato/examples/orders"
	"rubato/runner"

	"go.uber.org/goleak"
)

// The test binary is also the program: for the run of TestQuickRun and what that starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		main()
	}
	// The server's clock never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

var styles = map[string]style{"direct": direct, "channels": channels, "nats": overNATS}

const seed = 7

// right is what 300 orders must leave, in plain words: told and kept. It uses no rule of package orders.
func right() (told []string, kept string, refused map[string]int) {
	refused = map[string]int{}
	left, payments, parcels, cents := [10]int64{}, "", "", int64(0)
	for i := range left {
		left[i] = 60
	}
	for i := range 300 {
		o, end := orders.New(seed, i), ""
		cost, parcel := o.Quantity*(500+300*o.Item), int64(len(strings.Split(parcels, "|")))
		switch {
		case left[o.Item] < o.Quantity:
			end = fmt.Sprintf(": refused, %d left", left[o.Item])
			left[o.Item] = 60
			refused["stock"]++
		case cost > 10000:
			end = fmt.Sprintf(": refused, %.2f is over the limit of 100.00", float64(cost)/100)
			refused["payment"]++
		default:
			end = fmt.Sprintf(": %.2f, parcel %d", float64(cost)/100, parcel)
			left[o.Item] -= o.Quantity
			cents += cost
			payments += fmt.Sprintf("%d %d %d ", i, o.Customer, cost)
			parcels += fmt.Sprintf("%d %d %d %d |", parcel, i, o.Item, o.Quantity)
		}
		told = append(told, fmt.Sprintf("order %d, %d of item %d for customer %d%s", i, o.Quantity, o.Item, o.Customer, end))
	}
	pieces, shelves := int64(0), ""
	for item, n := range left {
		pieces += n
		shelves += fmt.Sprintf("%d %d ", item, n)
	}
	rows := sha256.Sum256([]byte(shelves + payments + strings.ReplaceAll(parcels, "|", "")))
	return told, fmt.Sprintf("%d pieces left, %.2f paid, %d parcels, rows %x", pieces, float64(cents)/100, strings.Count(parcels, "|"), rows), refused
}

// Every style tells the customers the same, and leaves the same behind.
func TestStyles(t *testing.T) {
	t.Parallel()
	told, kept, refused := right()
	if refused["stock"] < 3 || refused["payment"] < 3 {
		t.Fatalf("refused %v: too few to see that refusals are right", refused)
	}
	for name, join := range styles {
		for _, where := range []string{inMemory, onDisk} {
			t.Run(name+"/"+where, func(t *testing.T) {
				t.Parallel()
				system, err := open(join)(runner.Setup{Dir: t.TempDir(), Options: runner.Options{durability: where}})
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range told {
					if o, err := system.Do(orders.New(seed, i)); err != nil || o.String() != want {
						t.Fatalf("%v, %v; want %s", o, err, want)
					}
				}
				if state, err := system.State(); err != nil || state != kept {
					t.Errorf("%s, %v; want %s", state, err, kept)
				}
				if _, err := system.Do(orders.Order{Item: 99, Quantity: 1}); err == nil || !strings.Contains(err.Error(), "no such item") {
					t.Errorf("item 99: %v", err)
				}
				if err := system.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// An order fails when the server is gone, and all ends.
func TestServerGone(t *testing.T) {
	t.Parallel()
	n := &network{token: "secret"}
	pass := func(o orders.Order) (orders.Order, error) { return o, nil }
	shop, err := n.start(orders.Shop{Stock: pass, Payment: pass, Shipping: func(o orders.Order) (orders.Order, error) {
		if o.Number == 2 {
			n.server.Shutdown()
		}
		return o, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for number := range int64(4) {
		if _, err := shop.Place(orders.Order{Number: number}); (err != nil) != (number >= 2) {
			t.Errorf("order %d: %v", number, err)
		}
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
}

// A store that cannot be opened is an error, and nothing of the style is started.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	_, err := open(channels)(runner.Setup{Dir: filepath.Join(t.TempDir(), "none"), Options: runner.Options{durability: onDisk}})
	if err == nil || !strings.Contains(err.Error(), "make the tables of ") {
		t.Error(err)
	}
}

// The program measures all three, and its report names them and their operation.
func TestQuickRun(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	said, err := exec.Command(os.Args[0], "run", "-quick", "-time", "2s", "-set", "durability=memory", "-out", out).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 3) {
		t.Fatalf("%v\n%s", err, said)
	}
	report, err := os.ReadFile(filepath.Join(out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"direct", "channels", "nats", "order"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("the report does not name %s\n%s", want, report)
		}
	}
}
