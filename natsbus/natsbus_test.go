package natsbus

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/player"
)

// The test binary is also the server in a process of its own, and nats-server itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case ServerCommand:
			os.Exit(Serve(os.Stdin, os.Stdout))
		case realCommand:
			runReal(os.Args[2:])
			return
		}
	}
	goleak.VerifyTestMain(m)
}

var errDisk = errors.New("disk full")

// memory is a store that counts messages and can fail to commit.
type memory struct {
	player.Store
	player.LogStore
	messages atomic.Int64
	failing  atomic.Bool
}

func (s *memory) Director() player.DirectorStore { return nil }
func (s *memory) Cuts() player.CutStore          { return nil }
func (s *memory) Log() player.LogStore           { return s }
func (s *memory) Stored() (player.Stored, error) {
	return player.Stored{Messages: s.messages.Load()}, nil
}
func (s *memory) AppendMessage(player.Message) error { s.messages.Add(1); return nil }
func (s *memory) CountUser(string) error             { return nil }
func (s *memory) PutSetting(string, string) error    { return nil }
func (s *memory) Rollback() error                    { return nil }
func (s *memory) Commit() error {
	if s.failing.Load() {
		return errDisk
	}
	return nil
}

func open(t *testing.T, config player.Config) (*wired, *memory) {
	t.Helper()
	store := &memory{}
	config.Store = store
	p, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p.(*wired), store
}

// TestStopKeepsTheStoresError: a commit that fails while module log stops is reported.
func TestStopKeepsTheStoresError(t *testing.T) {
	w, store := open(t, player.Config{Batch: 2})
	w.receiver.mu.Lock() // so that stopping commits, and not module log before it
	w.Batch.Add(1, nil, func(uint64, error) {})
	store.failing.Store(true)
	err := w.Do(player.Stimulus{Kind: player.ModuleStopped, Module: "log"})
	w.receiver.mu.Unlock()
	if !errors.Is(err, errDisk) {
		t.Errorf("error is %v, want %v", err, errDisk)
	}
}

// TestModules: requests cross from module to module, an unreachable or stopped one is
// unavailable, and a module that joins again answers again.
func TestModules(t *testing.T) {
	w, _ := open(t, player.Config{Timeout: time.Minute, Token: "let me in"})
	for i, c := range []struct {
		player.Stimulus
		want player.Code
	}{
		{player.Stimulus{Kind: player.VolumeSet, Volume: 7}, ""},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 700}, player.Invalid},
		{player.Stimulus{Kind: player.Control, Command: player.Play}, player.Unauthorised},
		{player.Stimulus{Kind: player.Control, Command: player.Play, Token: "let me in"}, ""},
		{player.Stimulus{Kind: player.BufferReady, Passage: 1}, player.NotFound},
		{player.Stimulus{Kind: player.BufferFailed, Passage: 1}, player.NotFound},
		{player.Stimulus{Kind: player.PassageEnd}, player.NotFound},
		{player.Stimulus{}, player.Invalid},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "kitchen"}, player.Invalid},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "log"}, ""},
		{player.Stimulus{Kind: player.ModuleStopped, Module: "log"}, ""},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 8}, player.Unavailable},
		{player.Stimulus{Kind: player.ModuleStarted, Module: "log"}, ""},
		{player.Stimulus{Kind: player.ModuleStarted, Module: "log"}, ""},
		{player.Stimulus{Kind: player.VolumeSet, Volume: 9}, ""},
	} {
		c.Seq = uint64(i + 1)
		if err := w.Do(c.Stimulus); player.CodeOf(err) != c.want {
			t.Errorf("step %d: %v, want code %q", i, err, c.want)
		}
	}
	if status, err := w.Status(100); err != nil || status.Volume != 9 || status.State != player.Playing {
		t.Errorf("status %+v, %v", status, err)
	}
	if queue, err := w.Waiting(101); err != nil || len(queue) != 0 {
		t.Errorf("queue %v, %v", queue, err)
	}
	if seen, err := w.Observe(); err != nil || seen.Dropped != 0 {
		t.Errorf("observed %+v, %v", seen, err)
	}
}

// TestClosed: a closed player refuses everything, and so does an unknown transport.
func TestClosed(t *testing.T) {
	w, _ := open(t, player.Config{})
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	_, status := w.Status(1)
	_, queue := w.Waiting(1)
	for name, err := range map[string]error{"do": w.Do(said(1)), "post": w.Post(said(1), nil), "status": status, "queue": queue} {
		if player.CodeOf(err) != player.Closed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(player.Config{Store: &memory{}, Placement: player.Placement{Transport: "pigeon"}}); player.CodeOf(err) != player.Invalid {
		t.Errorf("unknown transport: %v", err)
	}
}

// TestRung: the floor carries as many messages as requested.
func TestRung(t *testing.T) {
	for _, transport := range []string{"pipe", "tcp"} {
		r, err := OpenRung(transport)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Publish(rungWindow+1), r.Request(2)); err != nil || r.Heard() != rungWindow+3 {
			t.Errorf("%s: heard %d, %v", transport, r.Heard(), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
