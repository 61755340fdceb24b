package playertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"rubato/player"
)

// reports counts what done tells.
type reports struct {
	mu    sync.Mutex
	times map[uint64]int
	errs  map[uint64]error
}

func newReports() *reports {
	return &reports{times: map[uint64]int{}, errs: map[uint64]error{}}
}

func (r *reports) done(seq uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[seq]++
	if err != nil {
		r.errs[seq] = err
	}
}

// all tells whether 1 to n were reported once each, without error.
func (r *reports) all(n int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := uint64(1); seq <= uint64(n); seq++ {
		if r.times[seq] != 1 || r.errs[seq] != nil {
			return fmt.Errorf("stimulus %d was reported %d times, error %v", seq, r.times[seq], r.errs[seq])
		}
	}
	if len(r.times) != n {
		return fmt.Errorf("%d stimuli were reported, want %d", len(r.times), n)
	}
	return nil
}

// refusals: what makes no sense is refused with the same code by do and by post,
// and has no effect.
func (s subject) refusals(t *testing.T) {
	p := s.open(t, player.Config{Verbatim: true})
	before := observe(t, p)
	long := strings.Repeat("x", player.TextLimit+1)
	for name, stimulus := range map[string]player.Stimulus{
		"no kind":   {Seq: 1},
		"no user":   {Seq: 2, Kind: player.MessageSaid, Message: player.Message{Text: "who said this?"}},
		"long text": {Seq: 3, Kind: player.MessageSaid, Message: player.Message{Username: "u", Text: long}},
	} {
		if code := player.CodeOf(p.Do(stimulus)); code != player.Invalid {
			t.Errorf("do %s: code %q, want %q", name, code, player.Invalid)
		}
		r := newReports()
		err := p.Post(stimulus, r.done)
		if settle := p.Settle(); settle != nil {
			t.Errorf("post %s: settle: %v", name, settle)
		}
		if err = errors.Join(err, r.errs[stimulus.Seq]); player.CodeOf(err) != player.Invalid {
			t.Errorf("post %s: code %q, want %q", name, player.CodeOf(err), player.Invalid)
		}
	}
	if d := diff(before, observe(t, p)); d != "" {
		t.Errorf("a refused stimulus had an effect: %s", d)
	}
}

// failures: a store that fails once fails that stimulus, and the player goes on.
func (s subject) failures(t *testing.T) {
	faults := &faulty{Store: s.Store(t)}
	p := s.open(t, player.Config{Store: faults})
	steps := s.script(6)
	faults.fail(true)
	for _, stimulus := range steps[:3] {
		if code := player.CodeOf(p.Do(stimulus)); code != player.Unavailable {
			t.Errorf("stimulus %d on a store that fails: code %q, want %q", stimulus.Seq, code, player.Unavailable)
		}
	}
	faults.fail(false)
	for _, stimulus := range steps[3:] {
		if err := p.Do(stimulus); err != nil {
			t.Errorf("stimulus %d after the store has recovered: %v", stimulus.Seq, err)
		}
	}
	if seen := observe(t, p); seen.Stored.Messages != 2 || seen.Stored.Said != 2 {
		t.Errorf("stored %d messages and %d counted, want 2 of each", seen.Stored.Messages, seen.Stored.Said)
	}
}

// closed: a closed player says so, closing twice is closing once.
func (s subject) closed(t *testing.T) {
	p := s.open(t, player.Config{})
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error("close:", err)
		}
	}
	if code := player.CodeOf(p.Do(s.message(0))); code != player.Closed {
		t.Errorf("do: code %q, want %q", code, player.Closed)
	}
	if code := player.CodeOf(p.Post(s.message(0), func(uint64, error) {})); code != player.Closed {
		t.Errorf("post: code %q, want %q", code, player.Closed)
	}
	if _, err := s.style.Open(player.Config{Store: s.Store(t), Placement: player.Placement{Transport: "pigeon"}}); s.networked() && player.CodeOf(err) != player.Invalid {
		t.Errorf("open with an unknown transport: %v, want code %q", err, player.Invalid)
	}
}
