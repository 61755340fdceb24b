package components

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rubato/orchestrated/engine"
	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// These pieces show what a switch saves.

// alike is the number of rules that ask the same queries.
const alike = 5

// cachePieces have rules that ask the same two queries. The second does not hold, so no
// action runs and answers stay in the cache.
func cachePieces() []piece {
	const doc = "an event with 5 rules that ask the same 2 queries, of which the second does not hold; "
	return []piece{
		{"where-asked", doc + "answered from memory", alike * 2, openAlike(false, false)},
		{"where-cached", doc + "answered from memory once, then remembered", 2, openAlike(true, false)},
		{"where-asked-database", doc + "answered from SQLite", alike * 2, openAlike(false, true)},
		{"where-cached-database", doc + "answered from SQLite once, then remembered", 2, openAlike(true, true)},
	}
}

func openAlike(cached, database bool) func(place) (*opened, error) {
	w := wiring{Settings: engine.Settings{CacheWhere: cached}, alike: alike, queries: 1}
	if !database {
		return func(place) (*opened, error) { return w.emit(&fixture{}) }
	}
	return withStore(func(store *sqlite.Store) (*opened, error) {
		return w.emit(&fixture{ask: func() error { _, err := store.Director().Passage(1); return err }})
	})
}

// storm is the number of events that come at once, before the listener reads.
const storm = 100

func stormPieces() []piece {
	const doc = "one event of a storm of 100, to a listener that encodes what it gets as JSON; "
	return []piece{
		{"storm-unlimited", doc + "all are delivered", 1, openStorm(player.ListenOptions{})},
		{"storm-limited", doc + "at most one in 10 ms, the newest", 1, openStorm(player.ListenOptions{Capacity: 1, Interval: 10 * time.Millisecond})},
		{"storm-coalesced", doc + "the newest of each storm", 1, openStorm(player.ListenOptions{Coalesce: true})},
	}
}

// openStorm counts the events that the listener received, that were reported lost, or that
// it does not need because it asked for the newest only. The newest must arrive in the end.
func openStorm(options player.ListenOptions) func(place) (*opened, error) {
	return func(place) (*opened, error) {
		e, err := (&fixture{}).engine(engine.Settings{})
		if err != nil {
			return nil, err
		}
		s := &stormy{engine: e, options: options, listener: engine.Inspection{e}.Listen(options)}
		return &opened{run: s.run, check: s.last, count: func() int64 { return s.accounted },
			close: func() error { s.listener.Close(); return nil }}, nil
	}
}

type stormy struct {
	engine    *engine.Engine
	options   player.ListenOptions
	listener  player.Listener
	emitted   int64
	accounted int64
	newest    string // fields of the newest event received
}

func (s *stormy) run(n int) error {
	for n > 0 {
		some := min(n, storm)
		for range some {
			s.emitted++
			if err := s.engine.Emit(uint64(s.emitted), 0, fixtureURI+"happened", engine.Int(s.emitted)); err != nil {
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

// over is a finished context: with it Next takes what is due and does not wait.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// drain takes what can be delivered now.
func (s *stormy) drain() error {
	for {
		err := s.next(over)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// next takes one event.
func (s *stormy) next(ctx context.Context) error {
	heard, err := s.listener.Next(ctx)
	if err == nil {
		_, err = json.Marshal(heard)
	}
	if err != nil {
		return err
	}
	s.newest = heard.Fields
	s.accounted += 1 + int64(heard.Lost)
	if s.options.Coalesce {
		s.accounted = int64(heard.Flow) // it replaces all before it
	}
	return nil
}

// last waits, after the clock, until the newest event arrives.
func (s *stormy) last() error {
	want := fmt.Sprint("a=", s.emitted)
	for s.newest != want {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := s.next(ctx)
		cancel()
		if err != nil {
			return fmt.Errorf("the newest event, %s, did not arrive; the last was %s: %w", want, s.newest, err)
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
