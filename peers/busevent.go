package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	EventBus "github.com/asaskevich/EventBus"
	"github.com/cskr/pubsub/v2"

	"rubato/orchestrated/engine"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// busEvent is the bus alone, without a player: one event to some handlers. Each handler counts it
// and folds its payload into a number that depends on the order. An operation ends when all handlers
// have returned, but in the arms named …-posted, which give another guarantee: there a slice ends when
// all handlers have had its events. The arms are no styles, since each needs slices of its own length;
// ratios are to rubato's bus. What each handler has seen is checked after every slice.
func busEvent() runner.Scenario {
	s := runner.Scenario{
		Name:    "bus-event",
		Answers: "What does one event to some handlers cost on each bus, without a player?",
		Op:      "event",
		ArmKey:  "with",
		Keys: []runner.Key{{Name: "handlers", Default: "1,3,10", Check: workload.Between(1, mostHandlers),
			Doc: "how many hear the event"}},
		Script: 10,
		Open:   openBusEvent,
	}
	for _, b := range buses {
		s.Arms = append(s.Arms, runner.Style{Name: b.name, Doc: describe(b.doc, b.library, b.guarantees)})
	}
	return s
}

const (
	mostHandlers = 1000
	postedRoom   = 256 // events that wait at one handler, where the publisher does not wait for it
)

// said is the event: the one that crosses in the player.
type said struct {
	user, text string
	at         int64
}

var saying = said{user: "ada", text: strings.Repeat("stolen time, ", 5)}

// A handler is where the event goes. Its work is a few nanoseconds, so that the bus shows.
type handler struct {
	count int64
	fold  uint64
	_     [48]byte // a cache line each: they may run side by side
}

func (h *handler) hear(user, text string, at int64) {
	h.count++
	h.fold = (h.fold^uint64(at))*1099511628211 + uint64(len(user)+len(text))
}

// openedBus is a bus with its handlers subscribed.
type openedBus struct {
	emit   func(said) error
	settle func() // returns when all that was emitted has been heard; nil: emit does
	close  func() error
}

// A bus is one way to get the event to its handlers.
type bus struct {
	name, doc, library string
	guarantees         guarantees
	open               func(handlers []*handler) (openedBus, error)
}

var (
	synchronous = guarantees{delivered: true, inOrder: true, beforeReturn: true}
	awaited     = guarantees{delivered: true, inOrder: true, beforeReturn: true, how: "each handler says that it is done, and the publisher waits for all"}
	posted      = guarantees{delivered: true, inOrder: true, how: fmt.Sprintf("the publisher waits only while %d events wait at a handler", postedRoom)}
)

// buses are the arms. Ratios are to the first.
var buses = []bus{
	{"bus", "rubato's bus: engine.Emit to engine.Subscribe, without rules and trace", "", synchronous, openOwnBus},
	{"call", "function calls, one after the other", "", synchronous, openCalls},
	{"rules", "rubato's engine: a rule and an action for each handler, without trace", "", synchronous, openRules},
	{"eventbus", "Publish to Subscribe", eventBusModule, eventBusRival.guarantees, openEventBusEvent(false)},
	{"eventbus-async", "Publish to SubscribeAsync, transactional, then WaitAsync", eventBusModule,
		guarantees{delivered: true, inOrder: true, beforeReturn: true, how: "WaitAsync after each event"}, openEventBusEvent(true)},
	{"pubsub", "Pub to Sub", pubsubModule, awaited, openPubsubEvent(true)},
	{"pubsub-posted", "Pub to Sub", pubsubModule, posted, openPubsubEvent(false)},
	{"channels", "a channel and a goroutine for each handler", "", awaited, openChannelsEvent(true)},
	{"channels-posted", "a channel and a goroutine for each handler", "", posted, openChannelsEvent(false)},
	{"gochannel", "Watermill's channels, with 8 bytes of time and the text as payload", watermillModule, gochannelRival.guarantees, openGoChannelEvent},
}

func openCalls(handlers []*handler) (openedBus, error) {
	var hear []func(user, text string, at int64)
	for _, h := range handlers {
		hear = append(hear, h.hear)
	}
	return openedBus{emit: func(s said) error {
		for _, f := range hear {
			f(s.user, s.text, s.at)
		}
		return nil
	}}, nil
}

const chatURI = "t::Chat::"

var chatFields = []engine.Field{{Name: "user", Type: engine.Text}, {Name: "text", Type: engine.Text}, {Name: "at", Type: engine.Integer}}

// hearing hears an event or an action's inputs.
func (h *handler) hearing(v []engine.Value) { h.hear(v[0].Text(), v[1].Text(), v[2].Int()) }

func openOwnBus(handlers []*handler) (openedBus, error) {
	e := engine.New(engine.Settings{})
	err := e.AddConcepts(engine.Concept{Module: "t", Name: "Chat", Events: []engine.Event{{Name: "said", Fields: chatFields}}})
	for _, h := range handlers {
		_, failed := e.Subscribe(chatURI+"said", func(v *engine.Envelope) { h.hearing(v.Fields) })
		err = errors.Join(err, failed)
	}
	return emitting(e), err
}

func openRules(handlers []*handler) (openedBus, error) {
	e := engine.New(engine.Settings{})
	c := engine.Concept{Module: "t", Name: "Chat", Events: []engine.Event{{Name: "said", Fields: chatFields}}}
	var rules []engine.Rule
	for i, h := range handlers {
		name := fmt.Sprint("hear", i)
		c.Actions = append(c.Actions, engine.Action{Name: name, In: chatFields, Run: func(call *engine.Call) error { h.hearing(call.In); return nil }})
		rules = append(rules, engine.Rule{Name: name, When: engine.On(engine.Trigger{URI: chatURI + "said", Bind: engine.Same("user", "text", "at")}),
			Then: []engine.Step{{Do: chatURI + name, With: engine.Vars("user", "text", "at")}}})
	}
	err := e.AddConcepts(c)
	if err == nil {
		err = e.AddRules(rules...)
	}
	return emitting(e), err
}

func emitting(e *engine.Engine) openedBus {
	e.Start()
	return openedBus{
		emit: func(s said) error {
			return e.Emit(uint64(s.at), 0, chatURI+"said", engine.String(s.user), engine.String(s.text), engine.Int(s.at))
		},
		close: func() error { e.Close(); return nil },
	}
}

func openEventBusEvent(async bool) func([]*handler) (openedBus, error) {
	return func(handlers []*handler) (openedBus, error) {
		b := EventBus.New()
		var err error
		for _, h := range handlers {
			hear := func(s *said) { h.hear(s.user, s.text, s.at) } // a pointer: a struct in an interface would be allocated
			if async {
				err = errors.Join(err, b.SubscribeAsync("said", hear, true))
			} else {
				err = errors.Join(err, b.Subscribe("said", hear))
			}
		}
		event := new(said) // all handlers have returned before the next
		return openedBus{emit: func(s said) error {
			*event = s
			b.Publish("said", event)
			if async {
				b.WaitAsync()
			}
			return nil
		}}, err
	}
}

// tally waits until handlers in goroutines of their own have heard what was emitted.
type tally struct {
	handlers int
	heard    sync.WaitGroup
}

// emitted announces an event, before its handlers can hear it.
func (t *tally) emitted() { t.heard.Add(t.handlers) }

// reading has a goroutine for a handler.
func reading(h *handler, from <-chan said, t *tally, readers *sync.WaitGroup) {
	readers.Go(func() {
		for s := range from {
			h.hear(s.user, s.text, s.at)
			t.heard.Done()
		}
	})
}

// room is how many events may wait at one handler.
func room(await bool) int {
	if await {
		return 1
	}
	return postedRoom
}

func openPubsubEvent(await bool) func([]*handler) (openedBus, error) {
	return func(handlers []*handler) (openedBus, error) {
		b := pubsub.New[string, said](room(await))
		t, readers := &tally{handlers: len(handlers)}, &sync.WaitGroup{}
		for _, h := range handlers {
			reading(h, b.Sub("said"), t, readers)
		}
		return t.bus(await, func(s said) { b.Pub(s, "said") }, func() error { b.Shutdown(); readers.Wait(); return nil }), nil
	}
}

func openChannelsEvent(await bool) func([]*handler) (openedBus, error) {
	return func(handlers []*handler) (openedBus, error) {
		t, readers := &tally{handlers: len(handlers)}, &sync.WaitGroup{}
		var to []chan said
		for _, h := range handlers {
			to = append(to, make(chan said, room(await)))
			reading(h, to[len(to)-1], t, readers)
		}
		return t.bus(await, func(s said) {
			for _, c := range to {
				c <- s
			}
		}, func() error {
			for _, c := range to {
				close(c)
			}
			readers.Wait()
			return nil
		}), nil
	}
}

// bus waits for each event, or for all that were posted.
func (t *tally) bus(await bool, publish func(said), end func() error) openedBus {
	b := openedBus{close: end, settle: t.heard.Wait, emit: func(s said) error {
		t.emitted()
		publish(s)
		return nil
	}}
	if await {
		b.settle, b.emit = nil, func(s said) error {
			t.emitted()
			publish(s)
			t.heard.Wait()
			return nil
		}
	}
	return b
}

func openGoChannelEvent(handlers []*handler) (openedBus, error) {
	b := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, watermill.NopLogger{})
	readers := &sync.WaitGroup{}
	var unreadable atomic.Bool
	for _, h := range handlers {
		from, err := b.Subscribe(context.Background(), "said")
		if err != nil {
			return openedBus{}, errors.Join(err, b.Close())
		}
		readers.Go(func() {
			for m := range from {
				if len(m.Payload) < 8 {
					unreadable.Store(true)
				} else {
					h.hear(m.UUID, string(m.Payload[8:]), int64(binary.LittleEndian.Uint64(m.Payload)))
				}
				m.Ack()
			}
		})
	}
	return openedBus{emit: func(s said) error {
		payload := append(binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(s.text)), uint64(s.at)), s.text...)
		err := b.Publish("said", message.NewMessage(s.user, payload))
		if unreadable.Load() {
			err = errors.Join(err, errors.New("a handler got less than was sent"))
		}
		return err
	}, close: func() error { err := b.Close(); readers.Wait(); return err }}, nil
}

// eventLoad is an arm at work.
type eventLoad struct {
	openedBus
	handlers  []*handler
	reference handler // has heard the same, by calls, outside the clock
	at        int64   // the next event
	n         int     // prepared
	before    int64   // effects
}

func openBusEvent(setup runner.Setup) (runner.Workload, error) {
	i := slices.IndexFunc(buses, func(b bus) bool { return b.name == setup.Style })
	if i < 0 {
		return nil, fmt.Errorf("no bus %q", setup.Style)
	}
	l := &eventLoad{}
	for range workload.Number(setup.Options, "handlers") {
		l.handlers = append(l.handlers, &handler{})
	}
	var err error
	l.openedBus, err = buses[i].open(l.handlers)
	return l, err
}

func (l *eventLoad) effects() (n int64) {
	for _, h := range l.handlers {
		n += h.count
	}
	return n
}

// Prepare only counts: all events are alike but for their time.
func (l *eventLoad) Prepare(_, n int) error {
	l.n, l.before = n, l.effects()
	return nil
}

// Run emits n events. It reports no latency: reading the clock would cost more than most of them.
func (l *eventLoad) Run(n int, _ func(time.Duration)) error {
	event := saying
	for range n {
		event.at = l.at
		l.at++
		if err := l.emit(event); err != nil {
			return err
		}
	}
	if l.settle != nil {
		l.settle()
	}
	return nil
}

// Work checks what each handler has seen, and in which order.
func (l *eventLoad) Work() (runner.Work, error) {
	for ; l.reference.count < l.at; l.reference.hear(saying.user, saying.text, l.reference.count) {
	}
	w := runner.Work{Stimuli: int64(l.n), Effects: l.effects() - l.before, Expected: int64(l.n) * int64(len(l.handlers))}
	for i, h := range l.handlers {
		if h.count != l.reference.count || h.fold != l.reference.fold {
			w.Wrong = fmt.Sprintf("handler %d of %d heard %d events, folded into %x; %d were emitted, which fold into %x",
				i+1, len(l.handlers), h.count, h.fold, l.reference.count, l.reference.fold)
		}
	}
	return w, nil
}

// Close ends the handlers.
func (l *eventLoad) Close() error {
	if l.close == nil {
		return nil
	}
	return l.close()
}
