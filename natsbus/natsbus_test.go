package natsbus

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// The test binary is also the server, or a module, in a process of its own, and nats-server itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case realCommand:
			runReal(os.Args[2:])
			return
		}
	}
	if code, is := Child(os.Args[1:], os.Stdin, os.Stdout, reopenMemory); is {
		os.Exit(code)
	}
	// nats-server forgets the file store of a stream that is made while it shuts down, as when it is
	// killed in the middle of a schedule. A server that was forgotten has goroutines beside these two.
	const inServer = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(inServer+".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction(inServer+"/ats.Register.func1"))
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

// TestBroadcast: a refill goes on while module ui broadcasts, and ends after it; if asked to,
// it waits each time.
func TestBroadcast(t *testing.T) {
	for _, broadcast := range []string{overlappedBroadcast, awaitedBroadcast} {
		w, _ := open(t, player.Config{Timeout: never, Replay: recorded(), Placement: player.Placement{Broadcast: broadcast}})
		recorded := func() uint64 {
			w.pd.mu.Lock()
			defer w.pd.mu.Unlock()
			return uint64(w.Cooldowns.Lane.Count)
		}
		w.ui.mu.Lock()
		ended := make(chan error)
		go func() { ended <- w.Do(player.Stimulus{Kind: player.QueueLow, Seq: 1}) }()
		want := uint64(0)
		if broadcast == overlappedBroadcast {
			want = 1
			for deadline := time.Now().Add(never); recorded() == 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(soon) // for what must not happen
		select {
		case err := <-ended:
			t.Errorf("%s: ended before the broadcast: %v", broadcast, err)
		default:
		}
		if got := recorded(); got != want {
			t.Errorf("%s: %d cooldowns recorded before the broadcast, want %d", broadcast, got, want)
		}
		w.ui.mu.Unlock()
		if err := <-ended; err != nil || w.Broadcast.Lane.Count != 1 || recorded() != 1 {
			t.Errorf("%s: %v, %d broadcasts, %d cooldowns", broadcast, err, w.Broadcast.Lane.Count, recorded())
		}
	}
}

// TestSwitches: a value that a switch has not is refused.
func TestSwitches(t *testing.T) {
	for _, p := range []player.Placement{{Broadcast: "loudly"}, {Flavor: "never"}, {Codec: "xml"}} {
		if _, err := Open(player.Config{Store: &memory{}, Placement: p}); player.CodeOf(err) != player.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// TestFlavorOnce: module ap sends a flavor back to module pd only if it is asked to, or pd
// has forgotten it.
func TestFlavorOnce(t *testing.T) {
	for _, c := range []struct {
		flavor    string
		forgets   bool
		flavors   int // that cross from ap to pd in a refill
		questions int64
	}{{flavorOnce, false, 0, 4}, {flavorTwice, false, 1, 4}, {flavorOnce, true, 1, 5}} {
		w, _ := open(t, player.Config{Timeout: never, Replay: recorded(), Placement: player.Placement{Flavor: c.flavor}})
		if c.forgets {
			w.pd.known.ring = nil
		}
		size, err := jsonCodec{}.encode(nil, one("f"), []engine.Value{engine.FlavorOf(&recorded().Answers[0].Flavor)})
		if err != nil {
			t.Fatal(err)
		}
		before := w.ap.conn.Load().Stats()
		if err := w.Do(player.Stimulus{Kind: player.QueueLow, Seq: 1}); err != nil {
			t.Fatal(err)
		}
		after := w.ap.conn.Load().Stats()
		bytes, questions := int(after.OutBytes-before.OutBytes), int64(after.OutMsgs-before.OutMsgs)
		if bytes/len(size) != c.flavors || questions != c.questions {
			t.Errorf("%+v: %d messages with %d bytes; a flavor has %d", c, questions, bytes, len(size))
		}
	}
}

// TestForgotten: a module remembers its last flavors, and says when it does not know one.
func TestForgotten(t *testing.T) {
	t.Parallel()
	k, s := sentFlavors{ring: make([]engine.Value, 2)}, one("f")
	var names []engine.Value
	for i := range 3 {
		f := &player.Flavor{}
		f.Values[0] = float64(i)
		k.remember(s, []engine.Value{engine.FlavorOf(f)})
		names = append(names, nameFlavors([]engine.Value{engine.FlavorOf(f)}, s)...)
	}
	for i, name := range append(names, engine.Nat(7), engine.Value{}) {
		got := []engine.Value{name}
		err := k.find(s, got)
		if known := i == 1 || i == 2; known && (err != nil || got[0].Flavor().Values[0] != float64(i)) || !known && !errors.Is(err, errForgotten) {
			t.Errorf("flavor %d: %v, %v", i, got, err)
		}
	}
}

// embeddedOf is the server of a player that embeds it.
func embeddedOf(w *wired) *server.Server { return w.network.carrier.(*embedded).now() }
