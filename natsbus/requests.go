package natsbus

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// The path of a request: the asking module's inbox, the other module's endpoint. Both keep
// their memory, so that a request allocates little more than the NATS client does.

// Headers of an answer that is an error, as NATS services name them.
const (
	errorHeader = "Nats-Service-Error"
	codeHeader  = "Nats-Service-Error-Code"
)

// An inbox holds what the requests of one connection are sent with. The client's own
// Request makes a subject, a channel and a timer for each, and wakes a goroutine more.
type inbox struct {
	conn    *nats.Conn
	timeout time.Duration
	inBody  bool // envelopes

	mu   sync.Mutex
	free []*line
}

// A line carries one request at a time. Answers go straight to who waits for them.
type line struct {
	*outgoing
	inbox   *inbox
	answers *nats.Subscription
	replies [16]string // subjects for answers, in turn: the server finds a known subject faster
	turn    int

	// What is asked, and where the answer goes.
	uri    string
	module *module
	named  []engine.Value // inputs, with flavors named
	out    schema
	values []engine.Value
}

func newInbox(conn *nats.Conn, timeout time.Duration, inBody bool) *inbox {
	return &inbox{conn: conn, timeout: timeout, inBody: inBody}
}

// take returns a line that nobody uses.
func (i *inbox) take() (*line, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := len(i.free); n > 0 {
		l := i.free[n-1]
		i.free = i.free[:n-1]
		return l, nil
	}
	subject := i.conn.NewInbox()
	answers, err := i.conn.SubscribeSync(subject + ".*")
	if err != nil {
		return nil, err
	}
	l := &line{outgoing: newOutgoing(i.inBody), inbox: i, answers: answers}
	for n := range l.replies {
		l.replies[n] = fmt.Sprintf("%s.%d", subject, n)
	}
	return l, nil
}

// give takes a line back. One whose answer may still come is given up.
func (i *inbox) give(l *line, answered bool) {
	if !answered {
		_ = l.answers.Unsubscribe() // fails only without a connection
		return
	}
	i.mu.Lock()
	i.free = append(i.free, l)
	i.mu.Unlock()
}

// send publishes the line's message.
func (l *line) send() error {
	l.turn = (l.turn + 1) % len(l.replies)
	l.Reply = l.replies[l.turn]
	return l.inbox.conn.PublishMsg(&l.Msg)
}

// answer returns the answer to what was sent last. A second answer to an earlier request is
// passed over.
func (l *line) answer() (*nats.Msg, error) {
	for {
		answer, err := l.answers.NextMsg(l.inbox.timeout)
		if err != nil || answer.Subject == l.Reply {
			return answer, err
		}
	}
}

// request runs an action of another module, or has it run while the flow goes on. Flavors
// that the module knows are named. If it has forgotten them, they are sent after all.
func (m *module) request(uri, subject string, in, out schema, call *engine.Call) error {
	err := m.ask(uri, subject, in, out, call, m.flavorsOnce && call.Known())
	if player.CodeOf(err) == forgotten {
		err = m.ask(uri, subject, in, out, call, false)
	}
	return err
}

func (m *module) ask(uri, subject string, in, out schema, call *engine.Call, named bool) error {
	l, err := m.inbox.Load().take()
	if err != nil {
		return unavailable(uri, err)
	}
	l.uri, l.module, l.out, l.values = uri, m, out, call.Out
	inputs := call.In
	if named {
		l.named = nameFlavors(append(l.named[:0], inputs...), in)
		inputs = l.named
	}
	l.address(subject, call.Flow(), call.Cause(), call.Depth())
	if l.Data, err = m.codec.encode(l.Data, in, inputs); err != nil {
		l.inbox.give(l, true) // nothing was asked
		return &player.Error{Code: player.Invalid, Op: uri, Err: err}
	}
	if err = l.send(); err != nil {
		l.inbox.give(l, false)
		return unavailable(uri, err)
	}
	if m.overlaps && call.Later() {
		call.Await(l)
		return nil
	}
	return l.Wait()
}

// Wait waits for the answer and reads it into the outputs.
func (l *line) Wait() error {
	answer, err := l.answer()
	defer l.inbox.give(l, err == nil)
	if err != nil {
		return unavailable(l.uri, refusal(l.inbox.conn, err))
	}
	if code := answer.Header.Get(codeHeader); code != "" {
		return &player.Error{Code: player.Code(code), Op: l.uri, Err: errors.New(answer.Header.Get(errorHeader))}
	}
	if err := l.module.decode(answer.Data, l.out, l.values); err != nil {
		return unavailable(l.uri, l.module.reject(l.uri, err))
	}
	return nil
}

// Values of the placement's Broadcast.
const (
	overlappedBroadcast = "overlapped"
	awaitedBroadcast    = "awaited"
)

// switches are the facts about these and the flavor's, as this module has them.
func (m *module) switches() []player.Fact {
	broadcast, flavor, envelope := awaitedBroadcast, flavorTwice, envelopeInHeader
	if m.inBody {
		envelope = envelopeInBody
	}
	if m.overlaps {
		broadcast = overlappedBroadcast
	}
	if m.flavorsOnce {
		flavor = flavorOnce
	}
	return []player.Fact{{Name: "broadcast", Value: broadcast, Own: true}, {Name: "flavor", Value: flavor, Own: true},
		{Name: "envelope", Value: envelope, Own: true}}
}

// refusal is the server's reason, if it refused a subject: the time-out followed from it.
func refusal(conn *nats.Conn, err error) error {
	if last := conn.LastError(); errors.Is(last, nats.ErrPermissionViolation) {
		return last
	}
	return err
}

// An endpoint runs one action for other modules, one request at a time. Each action has a
// subscription of its own, so that two modules may ask each other.
type endpoint struct {
	module  *module
	conn    *nats.Conn
	uri     string
	inputs  schema
	outputs schema
	in, out []engine.Value
	body    []byte
}

// offer subscribes to the requests for an action.
func (m *module) offer(conn *nats.Conn, uri string, a engine.Action) error {
	e := &endpoint{module: m, conn: conn, uri: uri, inputs: all(a.In), outputs: all(a.Out),
		in: make([]engine.Value, len(a.In)), out: make([]engine.Value, len(a.Out))}
	served, err := conn.QueueSubscribe(m.space.of(actionSubject(uri)), m.name, e.answer)
	if err != nil {
		return fmt.Errorf("serve %s: %w", uri, err)
	}
	m.served = append(m.served, served)
	return nil
}

// answer answers one request. It fails only without a connection, and then who asked
// times out.
func (e *endpoint) answer(request *nats.Msg) {
	if err := e.run(request); err != nil {
		_ = request.RespondMsg(&nats.Msg{Header: nats.Header{codeHeader: {string(player.CodeOf(err))}, errorHeader: {shortened(err.Error())}}})
		return
	}
	_ = e.conn.Publish(request.Reply, e.body)
}

func (e *endpoint) run(request *nats.Msg) (err error) {
	flow, cause, depth, body, err := opened(request, e.module.inBody)
	if err == nil {
		err = e.module.decode(body, e.inputs, e.in)
	}
	if errors.Is(err, errForgotten) {
		return &player.Error{Code: forgotten, Op: e.uri, Err: err}
	}
	if err != nil {
		return e.module.reject(e.uri, err)
	}
	done := e.module.alone()
	err = e.module.engine.Serve(flow, cause, depth, e.uri, e.in, e.out)
	if done(); err != nil {
		return err
	}
	e.module.known.remember(e.outputs, e.out)
	e.body, err = e.module.codec.encode(e.body[:0], e.outputs, e.out)
	return err
}

// decode reads a body and finds the flavors that are named in it.
func (m *module) decode(body []byte, s schema, values []engine.Value) error {
	if err := m.codec.decode(body, s, values); err != nil {
		return err
	}
	return m.known.find(s, values)
}
