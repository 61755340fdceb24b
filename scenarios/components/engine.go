package components

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"rubato/orchestrated/engine"
	"rubato/orchestrated/naive"
	"rubato/player"
	"rubato/sqlite/tracedb"
)

// usual is the number of rules where their number is not what is measured.
const usual = 20

var inMemory = player.Tracing{On: true}

func emissionPieces() []piece {
	return []piece{{"emission", "an event with one field, to one handler, with no rule about it", 1, func(place) (*opened, error) {
		d := &fixture{}
		e, err := d.engine(engine.Settings{})
		if err == nil {
			_, err = e.Subscribe(fixtureURI+"happened", func(*engine.Envelope) { d.events++ })
		}
		return emitting(d, e), err
	}}}
}

// wiredPieces add one thing at a time to emission: matching and one query, which does not
// hold; queries; actions.
func wiredPieces() (out []piece) {
	for _, n := range []int{10, 20, 50, 100, 1000} {
		out = append(out, wired(fmt.Sprint("match-", n),
			fmt.Sprintf("an event that one of %d rules is about, whose where does not hold", n), wiring{rules: n}))
	}
	linear := engine.Settings{LinearScan: true}
	out = append(out, wired("match-1000-linear", "the same as match-1000, looking at every rule", wiring{Settings: linear, rules: 1000}))
	for n := range 5 {
		out = append(out, wired(fmt.Sprint("where-", n), fmt.Sprintf("an event, a rule with %s and one action", counted(n, "query", "queries")),
			wiring{rules: usual, queries: n, actions: 1}))
	}
	for n := 1; n <= 4; n++ {
		out = append(out, wired(fmt.Sprint("invoke-", n), fmt.Sprintf("an event, a rule with %s and no query", counted(n, "action", "actions")),
			wiring{rules: usual, actions: n}))
	}
	return out
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// tracePieces are invoke-1 with tracing: one record with its edge.
func tracePieces() []piece {
	w := func(t player.Tracing) wiring {
		return wiring{Settings: engine.Settings{Trace: t}, rules: usual, actions: 1}
	}
	chain := wiring{rules: usual, actions: 1, follows: true}
	traced := chain
	traced.Trace = inMemory
	return []piece{
		wired("trace-memory", "invoke-1, traced in memory, written out when it is read", w(inMemory)),
		wired("trace-eager", "invoke-1, traced in memory, written out at once", w(player.Tracing{On: true, Eager: true})),
		{"trace-persisted", "invoke-1, traced, its row committed to SQLite before it returns", 2, persisted(w, true, flushed)},
		{"trace-batched", "invoke-1, traced, rows committed to SQLite 500 at a time; their writing is in the time", 2, persisted(w, false, flushed)},
		{"trace-beside", "invoke-1, traced, while another goroutine writes the trace to SQLite without pause; what the writer cannot keep up with is lost and counted, so this is the emitter's cost and not the writer's", 2, persisted(w, false, flushedBeside)},
		wired("edge-untraced", "an event, a rule with one action, whose completion triggers a rule with one action", chain),
		wired("edge", "the same as edge-untraced, traced: two records, and the edge from one to the other", traced),
	}
}

// flushEach is the number of flows in a batch: half of what the trace keeps, so none is
// lost.
const flushEach = engine.TraceFlows / 2

// persisted counts actions and committed rows. flush changes the piece so that the trace
// is written.
func persisted(w func(player.Tracing) wiring, perFlow bool, flush func(*opened, *engine.Engine)) func(place) (*opened, error) {
	return func(at place) (*opened, error) {
		store, err := tracedb.Open(filepath.Join(at.dir, "trace.db"), tracedb.Options{})
		if err != nil {
			return nil, err
		}
		d, sink := &fixture{}, &countedSink{to: store}
		e, err := w(player.Tracing{On: true, Sink: sink, PerFlow: perFlow}).open(d)
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
		o := emitting(d, e)
		o.count = func() int64 { return d.actions + sink.rows }
		o.check = func() error { return sink.err }
		o.close = func() error { e.Close(); return store.Close() }
		flush(o, e)
		return o, nil
	}
}

// flushed writes the trace after each batch.
func flushed(o *opened, e *engine.Engine) {
	emit := o.run
	o.run = func(n int) error {
		for n > 0 {
			some := min(n, flushEach)
			if err := emit(some); err != nil {
				return err
			}
			e.Flush()
			n -= some
		}
		return nil
	}
}

// flushedBeside writes the trace in another goroutine, without pause. Lost rows count, too.
func flushedBeside(o *opened, e *engine.Engine) {
	before, writer := *o, sync.WaitGroup{}
	o.run = func(n int) error {
		var done atomic.Bool
		writer.Go(func() {
			for !done.Load() {
				e.Flush()
			}
		})
		defer done.Store(true)
		return before.run(n)
	}
	o.check = func() error { writer.Wait(); e.Flush(); return before.check() }
	o.count = func() int64 { return before.count() + int64(e.Lost().Flows) }
	o.close = func() error { writer.Wait(); return before.close() }
}

// countedSink counts committed rows.
type countedSink struct {
	to   player.TraceSink
	rows int64
	err  error
}

func (s *countedSink) Append(rows []player.TraceRow) error {
	err := s.to.Append(rows)
	if err == nil {
		s.rows += int64(len(rows))
	}
	s.err = errors.Join(s.err, err)
	return err
}

// activationPieces are one whole activation: 2 queries and 3 actions.
func activationPieces() []piece {
	whole := func(s engine.Settings) wiring { return wiring{Settings: s, rules: usual, queries: 2, actions: 3} }
	return []piece{
		wired("activation", "20 rules, of which one asks 2 queries and runs 3 actions; 3 records and 3 edges in memory", whole(engine.Settings{Trace: inMemory})),
		wired("activation-untraced", "the same, tracing off", whole(engine.Settings{})),
		wired("activation-linear", "the same as activation, looking at every rule", whole(engine.Settings{Trace: inMemory, LinearScan: true})),
		wired("activation-queued", "the same as activation, through a queue to another goroutine", whole(engine.Settings{Trace: inMemory, Dispatch: player.Queued})),
		{"direct-activation", "the same 2 queries and 3 actions, called", 5, openDirect},
		{"naive-activation", "the same as activation in the naive engine: every rule compared as text, bindings through JSON, a random UUID a record, one lock", 5, openNaive},
	}
}

// openDirect calls actions and queries through function values, as a part calls another
// that it was given.
func openDirect(place) (*opened, error) {
	d := &fixture{}
	c := d.concept()
	e := emitting(d, engine.New(engine.Settings{})) // for its count
	var call engine.Call
	call.In, call.Out = make([]engine.Value, 1), make([]engine.Value, 1)
	e.run = func(n int) error {
		for i := range n {
			call.In[0] = engine.Int(i)
			for range 2 {
				if holds, err := c.Queries[0].Ask(&call); err != nil || !holds {
					return fmt.Errorf("the query holds: %v, %w", holds, err)
				}
			}
			for _, a := range c.Actions[:3] {
				if err := a.Run(&call); err != nil {
					return err
				}
				call.In[0] = call.Out[0]
			}
		}
		return nil
	}
	return e, nil
}

func openNaive(place) (*opened, error) {
	var actions, queries int64
	a := map[string]string{"a": "a"}
	e := &naive.Engine{Actions: map[string]naive.Action{}, Trace: naive.NewTrace(),
		Queries: map[string]naive.Query{fixtureURI + "holds": func(naive.Bindings) (bool, error) { queries++; return true, nil }}}
	rule := naive.Rule{Name: "piece", When: fixtureURI + "happened",
		Where: []naive.Ask{{Query: fixtureURI + "holds", With: a}, {Query: fixtureURI + "holds", With: a}}}
	variable := "a"
	for i, name := range fixtureActions[:3] {
		e.Actions[fixtureURI+name] = func(in naive.Bindings) (naive.Bindings, error) {
			actions++
			return naive.Bindings{"b": in["a"].(float64) + 1}, nil
		}
		given := "v" + strconv.Itoa(i)
		rule.Then = append(rule.Then, naive.Step{Do: fixtureURI + name, With: map[string]string{"a": variable}, Gives: map[string]string{"b": given}})
		variable = given
	}
	e.Rules = []naive.Rule{rule}
	for len(e.Rules) < usual {
		e.Rules = append(e.Rules, naive.Rule{Name: fmt.Sprint("padding ", len(e.Rules)), When: fixtureURI + "elsewhere",
			Then: []naive.Step{{Do: fixtureURI + "one", With: a}}})
	}
	flows := 0
	return &opened{count: func() int64 { return actions + queries }, run: func(n int) error {
		for i := range n {
			flows++
			if err := e.Emit("flow-"+strconv.Itoa(flows), fixtureURI+"happened", naive.Bindings{"a": i}); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}
