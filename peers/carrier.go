package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// A rival is one way to join the modules, with what it promises. Each has a file of its own.
type rival struct {
	name       string
	doc        string // what it is, in a few words
	library    string // module that it comes from; "": the standard library
	guarantees guarantees
	json       bool // it carries bytes; otherwise values, within a process
	sockets    bool
	open       func(plan) (carrier, error)
}

// A carrier carries requests and events between modules. All queues in it are bounded, and a
// full one waits: none drops.
type carrier interface {
	// ask hands a request to who answers at this door. The answer is told by exchange.answered,
	// before or after ask returns.
	ask(from *end, d *door, x *exchange) error
	// publish hands an event to who hears it at this door, which takes the events of a door in
	// order and one at a time. The envelope belongs to the carrier from now on.
	publish(from *end, d *door, e *envelope) error
	// close returns when nothing is left. Nothing is under way.
	close() error
}

// A plan is what a carrier is opened with.
type plan struct {
	doors   []*door
	ends    []*end
	most    int           // events that can be under way at one door
	timeout time.Duration // longest wait for another module
}

// A door is an action of a module that others ask for, or an event that it hears. Exactly one of
// answer and hear is set.
type door struct {
	id      int // place in the plan
	topic   string
	owner   *end // whose action it is, or who hears the event
	in, out []engine.Field
	answer  func(*exchange) // runs the action and fills the reply
	hear    func(*envelope)
}

// An end is a module as a carrier sees it. It counts what the module sends and receives;
// only carriers of bytes count bytes.
type end struct {
	name                                     string
	sent, received, sentBytes, receivedBytes atomic.Int64
}

// An envelope is an event, a request or a reply: values with their flow token, cause and depth.
type envelope struct {
	flow, cause uint64
	depth       int
	values      []engine.Value
	err         error     // of a reply; its code and text survive a wire
	outcomes    []outcome // of ui::Chat::done alone
}

// An outcome reports that a message is durable, or why it is not.
type outcome struct {
	seq uint64
	err error
}

// An exchange is a request and its reply. A carrier of values hands it over as it is.
type exchange struct {
	ask, reply envelope
	answered   chan struct{} // holds a token once the reply is there
	from       *module
	door       *door
	to         []engine.Value // where the outputs go
	timer      *time.Timer
	id         string // of a carrier whose replies have to be found
}

var exchanges = sync.Pool{New: func() any {
	x := &exchange{answered: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	x.timer.Stop()
	return x
}}

// Wait waits for the reply and reads the outputs. A reply that is late finds its exchange given
// up, so nobody uses that again.
func (x *exchange) Wait() error {
	select {
	case <-x.answered:
	default:
		x.timer.Reset(x.from.timeout)
		select {
		case <-x.answered:
			x.timer.Stop()
		case <-x.timer.C:
			if c, keeps := x.from.network.carrier.(interface{ forget(*exchange) }); keeps {
				c.forget(x)
			}
			return unavailable(x.door.topic, fmt.Errorf("no answer within %v", x.from.timeout))
		}
	}
	x.from.received.Add(1)
	err := x.reply.err
	if err == nil && copy(x.to, x.reply.values) < len(x.to) {
		err = unavailable(x.door.topic, fmt.Errorf("%d outputs of %d", len(x.reply.values), len(x.to)))
	}
	x.to, x.reply.err = nil, nil
	exchanges.Put(x)
	return err
}

var errGone = errors.New("what joins the modules is closed")

// A network is a rival as the harness sees it: it counts what each module sends and receives, and
// who closes it has cut the modules off from each other. It opens its carrier with the player's
// plan.
type network struct {
	rival   rival
	carrier carrier // nil until a player joins
	ends    []*end
	closed  atomic.Bool
}

func newNetwork(r rival) *network {
	n := &network{rival: r}
	for _, name := range moduleNames {
		n.ends = append(n.ends, &end{name: name})
	}
	return n
}

// Links counts by module.
func (n *network) Links() (links []player.Link, err error) {
	for _, e := range n.ends {
		links = append(links, player.Link{Module: e.name, Sent: e.sent.Load(), Received: e.received.Load(),
			SentBytes: e.sentBytes.Load(), ReceivedBytes: e.receivedBytes.Load()})
	}
	return links, nil
}

// Close closes the carrier.
func (n *network) Close() error {
	if n.closed.Swap(true) || n.carrier == nil {
		return nil
	}
	return n.carrier.close()
}

func (n *network) ask(d *door, x *exchange) error {
	if n.closed.Load() {
		return errGone
	}
	x.from.sent.Add(1)
	return n.carrier.ask(x.from.end, d, x)
}

func (n *network) publish(from *end, d *door, e *envelope) error {
	if n.closed.Load() {
		return errGone
	}
	from.sent.Add(1)
	return n.carrier.publish(from, d, e)
}

// guarantees are what a bus promises who publishes an event, as it is used here.
type guarantees struct {
	delivered    bool // or its publisher is told
	inOrder      bool // at each handler
	beforeReturn bool // all handlers have returned when publish does
	how          string
}

// all are what rubato's own bus promises. Only who promises the same is compared with it.
func (g guarantees) all() bool { return g.delivered && g.inOrder && g.beforeReturn }

// String names those that are given, and those that are not in capitals.
func (g guarantees) String() string {
	name := func(given bool, text string) string {
		if given {
			return text
		}
		return "NOT " + strings.ToUpper(text)
	}
	text := strings.Join([]string{name(g.delivered, "delivered"), name(g.inOrder, "in order"), name(g.beforeReturn, "before return")}, ", ")
	if g.how != "" {
		text += ": " + g.how
	}
	return text
}

// describe is what a table says of a rival: what it is, its version, what it promises.
func describe(doc, library string, g guarantees) string {
	if library != "" {
		doc += " (" + strings.TrimPrefix(library, "github.com/") + " " + versionOf(library) + ")"
	}
	return doc + "; " + g.String()
}

// versionOf is the version of a module in this program.
func versionOf(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path == path {
			return d.Version
		}
	}
	return "unknown"
}

// style is the player joined by this rival.
func (r rival) style() player.Style {
	return player.Style{
		Name: r.name,
		Doc:  describe(r.doc, r.library, r.guarantees),
		Open: func(c player.Config) (player.Player, error) { return open(r, c) },
		Network: func(player.Placement) (player.Network, error) {
			return newNetwork(r), nil
		},
	}
}

func unavailable(op string, err error) error {
	return &player.Error{Code: player.Unavailable, Op: op, Err: err}
}

// room gives the reply of a request that was read from bytes its outputs, all empty.
func (x *exchange) room(d *door) {
	x.reply.values = append(x.reply.values[:0], make([]engine.Value, len(d.out))...)
}
