package playertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/player"
)

// reports counts the calls of done.
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

// all checks that 1 to n were each reported once and without error.
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

// refusals: Do and Post refuse invalid stimuli with the same code and without effect.
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

// failures: a stimulus fails while its store fails, and the player continues.
func (s subject) failures(t *testing.T) {
	faults := &faulty{Store: s.Store(t), dir: t.TempDir()}
	p := s.open(t, player.Config{Store: faults})
	steps := s.script(6)
	faults.set(t, failing, true)
	for _, stimulus := range steps[:3] {
		if code := player.CodeOf(p.Do(stimulus)); code != player.Unavailable {
			t.Errorf("stimulus %d on a store that fails: code %q, want %q", stimulus.Seq, code, player.Unavailable)
		}
	}
	faults.set(t, failing, false)
	for _, stimulus := range steps[3:] {
		if err := p.Do(stimulus); err != nil {
			t.Errorf("stimulus %d after the store has recovered: %v", stimulus.Seq, err)
		}
	}
	if seen := observe(t, p); seen.Stored.Messages != 2 || seen.Stored.Said != 2 {
		t.Errorf("stored %d messages and %d counted, want 2 of each", seen.Stored.Messages, seen.Stored.Said)
	}
}

// selectionFails: when a selection fails, every style answers with the same code and
// reports the same to the audience, in the same order.
func (s Suite) selectionFails(t *testing.T) {
	var want player.Observation
	for i, style := range s.Styles {
		faults := &faulty{Store: s.Store(t), dir: t.TempDir()}
		faults.set(t, noSelection, true)
		p := subject{s, style}.open(t, player.Config{Store: faults, Verbatim: true})
		if err := p.Do(s.script(1)[0]); player.CodeOf(err) != player.Unavailable {
			t.Errorf("%s: %v, want code %q", style.Name, err, player.Unavailable)
		}
		got := observe(t, p)
		if i == 0 {
			want = got
		} else if d := diff(want, got); d != "" {
			t.Errorf("%s differs from %s: %s", style.Name, s.Styles[0].Name, d)
		}
	}
}

// closed: a closed player refuses everything and may be closed again.
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
	if !s.networked() {
		return
	}
	if _, err := s.style.Open(player.Config{Store: s.Store(t), Placement: player.Placement{Transport: "pigeon"}}); player.CodeOf(err) != player.Invalid {
		t.Errorf("open with an unknown transport: %v, want code %q", err, player.Invalid)
	}
}

// stopped: while module log is stopped, whatever needs it is Unavailable and nothing is
// stored. Once it has started, everything works again, and a style that keeps messages
// stores what was said meanwhile.
func (s subject) stopped(t *testing.T) {
	p := s.open(t, player.Config{Timeout: 250 * time.Millisecond})
	steps := []struct {
		player.Stimulus
		want player.Code
	}{
		{s.message(0), ""},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "kitchen"}, player.Invalid},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "log"}, ""},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "log"}, ""},
		{s.message(1), player.Unavailable},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 3}, player.Unavailable},
		{player.Stimulus{Kind: player.QueueLow, At: s.Start, Seed: 1}, ""},
		{player.Stimulus{Kind: player.ModuleStarted, Module: "log"}, ""},
		{player.Stimulus{Kind: player.ModuleStarted, Module: "log"}, ""},
		{s.message(2), ""},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 4}, ""},
	}
	for i, step := range steps {
		step.Seq = uint64(i + 1)
		if err := p.Do(step.Stimulus); player.CodeOf(err) != step.want {
			t.Errorf("step %d: %v, want code %q", i, err, step.want)
		}
		if seen := observe(t, p); i == 6 && seen.Stored.Messages != 1 {
			t.Errorf("%d messages stored while log was stopped", seen.Stored.Messages-1)
		}
	}
	want := int64(2)
	if slices.Contains(s.Keeps, s.style.Name) {
		want = 3
	}
	if seen := observe(t, p); seen.Stored.Messages != want || seen.Stored.Said != want {
		t.Errorf("stored %d messages and %d counted, want %d of each", seen.Stored.Messages, seen.Stored.Said, want)
	}
}

var errFault = errors.New("the disk is having a bad day")

// faulty is a store that fails on demand, in every process that has it: what fails is named by a
// file in dir.
type faulty struct {
	player.Store
	dir string
}

const (
	failing     = "writes"
	noSelection = "library" // reading it fails
)

// set has something fail, or no longer.
func (f *faulty) set(t testing.TB, what string, fails bool) {
	t.Helper()
	err := os.Remove(filepath.Join(f.dir, what))
	if fails {
		err = os.WriteFile(filepath.Join(f.dir, what), nil, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (f *faulty) err(what string) error {
	if _, err := os.Stat(filepath.Join(f.dir, what)); err == nil {
		return errFault
	}
	return nil
}

// reopening is how another process opens a store of this suite.
type reopening struct {
	Faults string // folder; "": the store is another
	Store  []byte // how the real one is opened
}

// Reopen says how another process opens it.
func (f *faulty) Reopen() ([]byte, error) {
	store, can := f.Store.(player.Reopenable)
	if !can {
		return nil, fmt.Errorf("a %T cannot be opened twice", f.Store)
	}
	how, err := store.Reopen()
	if err != nil {
		return nil, err
	}
	return json.Marshal(reopening{f.dir, how})
}

// Reopen opens a store of the suite in another process, where open opens what Suite.Store returns.
func Reopen(how []byte, open func([]byte) (player.Reopened, error)) (player.Reopened, error) {
	var to reopening
	if err := json.Unmarshal(how, &to); err != nil || to.Faults == "" {
		return open(how)
	}
	opened, err := open(to.Store)
	opened.Store = &faulty{Store: opened.Store, dir: to.Faults}
	return opened, err
}

func (f *faulty) Director() player.DirectorStore { return faultyDirector{f.Store.Director(), f} }
func (f *faulty) Log() player.LogStore           { return faultyLog{f.Store.Log(), f} }

type faultyDirector struct {
	player.DirectorStore
	*faulty
}

func (d faultyDirector) Songs(target player.Ticks, visit func(int64, player.Standing)) error {
	if err := d.err(noSelection); err != nil {
		return err
	}
	return d.DirectorStore.Songs(target, visit)
}

func (d faultyDirector) RecordPlayed(passage int64, at player.Ticks) (int, error) {
	if err := d.err(failing); err != nil {
		return 0, err
	}
	return d.DirectorStore.RecordPlayed(passage, at)
}

type faultyLog struct {
	player.LogStore
	*faulty
}

func (l faultyLog) CountUser(username string) error {
	if err := l.err(failing); err != nil {
		return err
	}
	return l.LogStore.CountUser(username)
}

// leaks: after Close there are as many goroutines and sockets as before Open. The tests
// of one suite run one after the other, so any others are this player's.
func (s subject) leaks(t *testing.T) {
	store := s.Store(t)
	goroutines := goleak.IgnoreCurrent()
	before := sockets(t)
	p, err := s.style.Open(player.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	during := sockets(t)
	for _, stimulus := range s.script(12) {
		if err := p.Do(stimulus); err != nil {
			t.Error(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error("close:", err)
	}
	goleak.VerifyNone(t, goroutines)
	if after := sockets(t); after != before {
		t.Errorf("%d sockets after Close, %d before Open", after, before)
	}
	if (s.networked() || slices.Contains(s.Sockets, s.style.Name)) && during == before {
		t.Error("a networked style opened no socket: the count sees nothing")
	}
}

// networked says whether the style is on NATS, with a transport to choose.
func (s subject) networked() bool { return strings.HasPrefix(s.style.Name, "nats") }

// sockets counts the open sockets of this process.
func sockets(t testing.TB) (n int) {
	t.Helper()
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(descriptors) == 0 {
		t.Fatalf("cannot list open files: %v", err)
	}
	for _, d := range descriptors {
		if to, err := os.Readlink(d); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
