package components

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// Alternatives compares ways to reach another module, from a call to a request over a
// network, each without other work. The rungs are those of Pieces. Two arms do the same
// work: a selection from 1 000 passages, requested from module pd by a call, and over HTTP
// as the original player does.
func Alternatives() runner.Scenario {
	return withPieces(runner.Scenario{
		Name:    "alternatives",
		Answers: "What do other ways of joining two modules cost: goroutine and channel, database, HTTP, bus, NATS?",
		Op:      "exchange",
		ArmKey:  "way",
		Script:  10,
		Claims:  alternativeClaims,
		Pairs: []runner.Pair{
			{Switch: "a call in place of HTTP between modules", Without: "select-http", With: "select-call", Note: "a selection from 1 000 passages"},
			{Switch: "a call in place of a channel", Without: "channel-round-trip", With: "call"},
			{Switch: "a channel in place of HTTP", Without: "http-request", With: "channel-round-trip"},
			{Switch: "NATS in place of HTTP", Without: "http-request", With: "nats-request-tcp"},
		},
		Prepare: func(setup runner.Setup) error { return workload.Prepare(setup, 1000) },
	}, ways)
}

// ways returns rungs and pieces, the cheapest first, and the two selections.
func ways() []piece {
	chosen := []string{"call", "channel-round-trip", "emission", "activation", "sqlite-read", "sqlite-write",
		"nats-request-pipe", "nats-request-tcp", "http-request"}
	var out []piece
	for _, name := range chosen {
		all := pieces()
		out = append(out, all[slices.IndexFunc(all, func(p piece) bool { return p.name == name })])
	}
	return append(out, selectionPieces()...)
}

var alternativeClaims = []runner.Claim{
	workload.Estimate("async await 0.1–0.5 µs", 0.1, 0.5).On("channel-round-trip"),
	workload.Estimate("HTTP on localhost 100–500 µs", 100, 500).On("http-request"),
	workload.Estimate("HTTP on localhost 100–500 µs (here between modules, with what is asked and answered as JSON)", 100, 500).Less("select-http", "select-call"),
	workload.Estimate("event emission 1.5–7 µs", 1.5, 7).On("emission"),
	workload.Estimate("whole activation 12.5–44.5 µs, typically 25", 12.5, 44.5).On("activation"),
	workload.Estimate("flavor query 100 µs and selection 500 µs", 600, 600).On("select-call"),
	workload.Budget("request and reply under 10 ms", workload.NatsDocument, 10_000).On("nats-request-tcp"),
}

// Module pd selects a passage, requested by a call or over HTTP.

func selectionPieces() []piece {
	return []piece{
		{"select-call", "a selection from 1 000 passages, asked of module pd by calls", 1, openSelection(false)},
		{"select-http", "the same, asked of module pd over HTTP on loopback, with JSON there and back, as the original player does", 1, openSelection(true)},
	}
}

// Module ap sends a wish, module pd answers with a choice.
type (
	wish struct {
		Target player.Ticks `json:"target"`
		Seed   uint64       `json:"seed"`
	}
	choice struct {
		Passage int64        `json:"passage"`
		Length  player.Ticks `json:"length"`
	}
)

// selectorModule is module pd: the parts that select, over a library.
type selectorModule struct {
	timeslots *player.Timeslots
	director  *player.Director
}

func newSelectorModule(store player.Store) selectorModule {
	library := store.Director()
	return selectorModule{player.NewTimeslots(library, false), player.NewDirector(library, false)}
}

func (p selectorModule) choose(w wish) (choice, error) {
	flavor, err := p.timeslots.FlavorAt(w.Target)
	if err != nil {
		return choice{}, err
	}
	passage, err := p.director.Select(w.Target, flavor, w.Seed)
	return choice{passage.ID, passage.Length()}, err
}

// mostBody limits what either side reads from the other, in bytes.
const mostBody = 1 << 12

// ServeHTTP answers a wish.
func (p selectorModule) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var wanted wish
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody)).Decode(&wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	chosen, err := p.choose(wanted)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(chosen) // the client notices
}

// selector is module ap: it asks and digests the answers.
type selector struct {
	ask    func(wish) (choice, error)
	next   int
	digest uint64 // of all answers, in order
}

// openSelection opens a second selector, which asks the same again outside the clock, by
// calls and from its own parts. Both must get the same answers.
func openSelection(overHTTP bool) func(place) (*opened, error) {
	return withStore(func(store *sqlite.Store) (*opened, error) {
		asked := newSelectorModule(store)
		s, again := &selector{ask: asked.choose}, &selector{ask: newSelectorModule(store).choose}
		o := &opened{run: s.run,
			check: func() error { return s.check(again) },
			count: func() int64 { return int64(asked.director.Lane.Count) }}
		if !overHTTP {
			return o, nil
		}
		served, err := serveLoopback(asked)
		if err != nil {
			return nil, err
		}
		s.ask = func(w wish) (choice, error) { return askOver(served, w) }
		o.close = served.close
		return o, nil
	})
}

func (s *selector) run(n int) error {
	for range n {
		c, err := s.ask(wishOf(s.next))
		if err != nil {
			return err
		}
		s.digest = player.DigestWord(player.DigestWord(s.digest, uint64(c.Passage)), uint64(c.Length))
		s.next++
	}
	return nil
}

// wishOf is the i-th wish, the same as in passage-select.
func wishOf(i int) wish {
	s := workload.SuggestAt(1, i)
	return wish{s.At, s.Seed}
}

// check lets again catch up and compares the digests.
func (s *selector) check(again *selector) error {
	if err := again.run(s.next - again.next); err != nil {
		return err
	}
	if again.digest != s.digest {
		return fmt.Errorf("of %d answers, some are not what was selected", s.next)
	}
	return nil
}

// askOver sends a wish over HTTP.
func askOver(served *loopback, w wish) (c choice, err error) {
	body, err := json.Marshal(w)
	if err != nil {
		return c, err
	}
	answer, err := served.client.Post(served.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return c, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostBody))
	if err != nil {
		return c, err
	}
	if answer.StatusCode != http.StatusOK {
		return c, fmt.Errorf("module pd answered %s: %s", answer.Status, bytes.TrimSpace(text))
	}
	return c, json.Unmarshal(text, &c)
}
