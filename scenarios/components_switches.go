package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rubato/orchestrated"
	"rubato/player"
	"rubato/runner"
)

// Pieces that exist for what a switch saves.

// alike is how many rules ask the same.
const alike = 5

// cachePieces are rules that ask the same two queries, of which the second does not
// hold: an answer is remembered until an action runs.
func cachePieces() []piece {
	const doc = "an event that 5 rules are about, which ask the same 2 queries, the second in vain; "
	return []piece{
		{"where-asked", doc + "answered from memory", alike * 2, openAlike(false, false)},
		{"where-cached", doc + "answered from memory once, then remembered", 2, openAlike(true, false)},
		{"where-asked-database", doc + "answered from SQLite", alike * 2, openAlike(false, true)},
		{"where-cached-database", doc + "answered from SQLite once, then remembered", 2, openAlike(true, true)},
	}
}

func openAlike(cached, database bool) func(place) (*opened, error) {
	return func(at place) (*opened, error) {
		d := &desk{}
		e := orchestrated.NewEngine(orchestrated.Settings{CacheWhere: cached})
		if err := e.AddConcepts(d.concept()); err != nil {
			return nil, err
		}
		for i := range alike {
			err := e.AddRules(orchestrated.Rule{Name: fmt.Sprint("rule ", i), When: bound(deskURI+"happened", "a"),
				Where: orchestrated.And{asked("holds"), asked("holdsNot")}, Then: steps("a", "one")})
			if err != nil {
				return nil, err
			}
		}
		o := emitting(d, e)
		if !database {
			return o, nil
		}
		store, err := openStore(at)
		if err != nil {
			return nil, err
		}
		d.ask = func() error { _, err := store.Director().Passage(1); return err }
		o.close = store.Close
		return o, nil
	}
}

// storm is how many events come at once, before whoever listens gets round to it.
const storm = 100

func stormPieces() []piece {
	const doc = "one event of a storm of 100, to a listener who makes JSON of what it gets; "
	return []piece{
		{"storm-unlimited", doc + "all are delivered", 1, openStorm(player.ListenOptions{})},
		{"storm-limited", doc + "at most one in 10 ms, the newest", 1, openStorm(player.ListenOptions{Capacity: 1, Interval: 10 * time.Millisecond})},
		{"storm-coalesced", doc + "the newest of each storm", 1, openStorm(player.ListenOptions{Coalesce: true})},
	}
}

// openStorm counts what the listener heard, was told to have lost, or need not hear
// because it asked for the newest only. That the newest comes in the end is checked.
func openStorm(options player.ListenOptions) func(place) (*opened, error) {
	return func(place) (*opened, error) {
		e := orchestrated.NewEngine(orchestrated.Settings{})
		if err := e.AddConcepts((&desk{}).concept()); err != nil {
			return nil, err
		}
		s := &stormy{engine: e, options: options, listener: orchestrated.Inspection{e}.Listen(options)}
		return &opened{run: s.run, check: s.last, count: func() int64 { return s.accounted },
			close: func() error { s.listener.Close(); return nil }}, nil
	}
}

type stormy struct {
	engine    *orchestrated.Engine
	options   player.ListenOptions
	listener  player.Listener
	emitted   int64
	accounted int64
	newest    string // fields of the newest that was heard
}

func (s *stormy) run(n int) error {
	for n > 0 {
		some := min(n, storm)
		for range some {
			s.emitted++
			if err := s.engine.Emit(uint64(s.emitted), 0, deskURI+"happened", orchestrated.Int(s.emitted)); err != nil {
				return err
			}
		}
		if err := s.drain(); err != nil {
			return err
		}
		n -= some
	}
	return nil
}

// over ends at once: with it Next takes what is due and does not wait.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// drain takes what may be delivered now.
func (s *stormy) drain() error {
	for {
		heard, err := s.listener.Next(over)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.take(heard); err != nil {
			return err
		}
	}
}

func (s *stormy) take(heard player.Heard) error {
	if _, err := json.Marshal(heard); err != nil {
		return err
	}
	s.newest = heard.Fields
	s.accounted += 1 + int64(heard.Lost)
	if s.options.Coalesce {
		s.accounted = int64(heard.Flow) // all before it are in it
	}
	return nil
}

// last waits, after the clock, for what is not yet due: the newest must come.
func (s *stormy) last() error {
	want := fmt.Sprint("a=", s.emitted)
	for s.newest != want {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		heard, err := s.listener.Next(ctx)
		cancel()
		if err != nil {
			return fmt.Errorf("the newest event, %s, has not come, %s was the last: %w", want, s.newest, err)
		}
		if err := s.take(heard); err != nil {
			return err
		}
	}
	return nil
}

var componentPairs = []runner.Pair{
	{Switch: "tracing off", Without: "activation", With: "activation-untraced", Note: "a whole activation, 3 records"},
	{Switch: "lazy serialisation", Without: "trace-eager", With: "trace-memory", Note: "a record"},
	{Switch: "batched persistence", Without: "trace-persisted", With: "trace-batched", Note: "a record"},
	{Switch: "rule index, 20 rules", Without: "activation-linear", With: "activation", Note: "a whole activation, 4 triggers"},
	{Switch: "rule index, 1 000 rules", Without: "match-1000-linear", With: "match-1000", Note: "one trigger"},
	{Switch: "cached where, answers from memory", Without: "where-asked", With: "where-cached", Note: "10 questions, 2 of them different"},
	{Switch: "cached where, answers from SQLite", Without: "where-asked-database", With: "where-cached-database", Note: "10 questions, 2 of them different"},
	{Switch: "rate limit", Without: "storm-unlimited", With: "storm-limited", Note: "one event of a storm of 100"},
	{Switch: "coalescing", Without: "storm-unlimited", With: "storm-coalesced", Note: "one event of a storm of 100"},
	{Switch: "inline dispatch", Without: "activation-queued", With: "activation", Note: "a whole activation"},
	{Switch: "an engine built to be fast", Without: "naive-activation", With: "activation", Note: "a whole activation, 3 records"},
}
