package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"rubato/player"
)

// Module pd, asked for a selection by a call and over HTTP.

func selectionPieces() []piece {
	return []piece{
		{"select-call", "a selection from 1 000 passages, asked of module pd by calls", 1, func(at place) (*opened, error) {
			return openSelection(at, false)
		}},
		{"select-http", "the same, asked of module pd over HTTP on loopback, with JSON there and back, as the original player does", 1, func(at place) (*opened, error) {
			return openSelection(at, true)
		}},
	}
}

// A wish is what module ap asks for, a choice what module pd answers.
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

// programme is module pd: the parts that select, over a library.
type programme struct {
	timeslots *player.Timeslots
	director  *player.Director
}

func newProgramme(store player.Store) programme {
	library := store.Director()
	return programme{player.NewTimeslots(library, false), player.NewDirector(library, false)}
}

func (p programme) choose(w wish) (choice, error) {
	flavor, err := p.timeslots.FlavorAt(w.Target)
	if err != nil {
		return choice{}, err
	}
	passage, err := p.director.Select(w.Target, flavor, w.Seed)
	return choice{passage.ID, passage.Length()}, err
}

// mostBody bounds what either side reads of the other.
const mostBody = 1 << 12

// ServeHTTP answers a wish.
func (p programme) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	_ = json.NewEncoder(w).Encode(chosen) // whoever asked finds out
}

// selector is module ap: it asks, and remembers what it was answered.
type selector struct {
	ask    func(wish) (choice, error)
	next   int
	digest uint64 // of all answers, in order
}

// openSelection has beside the selector another that asks the same again outside the
// clock, by calls and of parts of its own: what was answered on the way here must be what
// was chosen there.
func openSelection(at place, overHTTP bool) (*opened, error) {
	store, err := openStore(at)
	if err != nil {
		return nil, err
	}
	asked := newProgramme(store)
	s, again := &selector{ask: asked.choose}, &selector{ask: newProgramme(store).choose}
	o := &opened{run: s.run, close: store.Close,
		check: func() error { return s.check(again) },
		count: func() int64 { return int64(asked.director.Lane.Count) }}
	if overHTTP {
		served, err := serveLoopback(asked)
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
		s.ask = func(w wish) (choice, error) { return askOver(served, w) }
		o.close = func() error { return errors.Join(served.close(), store.Close()) }
	}
	return o, nil
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

// wishOf is the i-th wish, that of passage-select.
func wishOf(i int) wish {
	s := suggestAt(1, i)
	return wish{s.At, s.Seed}
}

// check has again catch up.
func (s *selector) check(again *selector) error {
	if err := again.run(s.next - again.next); err != nil {
		return err
	}
	if again.digest != s.digest {
		return fmt.Errorf("of %d answers some are not what was selected", s.next)
	}
	return nil
}

// askOver is a wish over HTTP.
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
