package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
	"rubato/player/playertest"
	"rubato/runner"
	"rubato/sqlite"

	"rubato/direct"
)

var dir string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "rubato-peers"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	if leaked := goleak.Find(); leaked != nil && code == 0 {
		os.Stderr.WriteString(leaked.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// library is made once. Every store is a copy of it.
var library = sync.OnceValues(func() (string, error) {
	path := filepath.Join(dir, "library.db")
	return path, sqlite.Make(path, sqlite.Library{Passages: 200, Seed: 1}, nil)
})

func newStore(t testing.TB) player.Store {
	t.Helper()
	from, err := library()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err == nil {
		err = sqlite.Copy(from, path)
	}
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error("close store:", err)
		}
	})
	return store
}

// TestContract runs the player's contract on every rival. None of them declares an exception: a
// module that is stopped refuses, so no message is kept.
func TestContract(t *testing.T) {
	for _, style := range append([]player.Style{spansStyle}, rivalStyles()...) {
		t.Run(style.Name, func(t *testing.T) {
			playertest.Suite{Styles: []player.Style{direct.Style, style}, Sockets: socketed(), Store: newStore, Start: sqlite.Epoch,
				Golden:    "../player/playertest/testdata/transcript.golden",
				Listening: "../player/playertest/testdata/listening.golden"}.Run(t)
		})
	}
}

func rivalStyles() (all []player.Style) {
	for _, r := range rivals {
		all = append(all, r.style())
	}
	return all
}

func socketed() (names []string) {
	for _, r := range rivals {
		if r.sockets {
			names = append(names, r.name)
		}
	}
	return names
}

func low(i int) player.Stimulus {
	return player.Stimulus{Kind: player.QueueLow, Seq: uint64(i), At: sqlite.Epoch + player.Ticks(i)*player.Hour, Seed: uint64(i)}
}

func chatted(i int) player.Stimulus {
	return player.Stimulus{Kind: player.MessageSaid, Seq: uint64(i), Message: player.Message{Username: "ada", Text: "so", At: sqlite.Epoch}}
}

// TestCrosses: a rival carries what has to cross, as many messages as the style on NATS without its
// own savings, and without it nothing works.
func TestCrosses(t *testing.T) {
	t.Parallel()
	for _, style := range rivalStyles() {
		t.Run(style.Name, func(t *testing.T) {
			t.Parallel()
			joins, err := style.Network(player.Placement{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := style.Open(player.Config{Store: newStore(t), Placement: player.Placement{Network: joins}})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(p.Do(low(1)), p.Do(chatted(2))); err != nil {
				t.Fatal(err)
			}
			links, _ := joins.Links()
			want := map[string][2]int64{"ap": {4, 4}, "pd": {3, 3}, "log": {1, 1}, "ui": {2, 2}} // a refill: 3 of pd, 1 of ui; a message and its outcome
			for _, l := range links {
				if got := [2]int64{l.Sent, l.Received}; got != want[l.Module] {
					t.Errorf("module %s sent and received %v, want %v", l.Module, got, want[l.Module])
				}
				if bytes := l.SentBytes > 0; bytes != rivalNamed(style.Name).json {
					t.Errorf("module %s sent %d bytes", l.Module, l.SentBytes)
				}
			}
			if err := joins.Close(); err != nil {
				t.Error(err)
			}
			for _, s := range []player.Stimulus{low(3), chatted(4)} {
				if err := p.Do(s); player.CodeOf(err) != player.Unavailable {
					t.Errorf("kind %d without what joins the modules: %v", s.Kind, err)
				}
			}
			_ = p.Close() // it cannot settle
		})
	}
}

func rivalNamed(name string) rival {
	return rivals[slices.IndexFunc(rivals, func(r rival) bool { return r.name == name })]
}

// silent is a carrier that loses what it is given.
type silent struct{ lost atomic.Int64 }

func (s *silent) ask(*end, *door, *exchange) error     { s.lost.Add(1); return nil }
func (s *silent) publish(*end, *door, *envelope) error { s.lost.Add(1); return nil }
func (s *silent) close() error                         { return nil }

// TestLoss: what a bus loses is named. Whoever waits is told, and messages count as dropped.
func TestLoss(t *testing.T) {
	t.Parallel()
	bus := &silent{}
	r := rival{name: "silent", open: func(plan) (carrier, error) { return bus, nil }}
	p, err := r.style().Open(player.Config{Store: newStore(t), Timeout: 20 * time.Millisecond, Window: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Do(low(1)); player.CodeOf(err) != player.Unavailable {
		t.Errorf("a lost request: %v", err)
	}
	var told atomic.Int64
	for i := range 3 {
		if err := p.Post(chatted(i+2), func(_ uint64, err error) {
			if player.CodeOf(err) == player.Unavailable {
				told.Add(1)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Settle(); player.CodeOf(err) != player.Unavailable {
		t.Errorf("settle: %v", err)
	}
	seen, err := p.Observe()
	if err != nil || told.Load() != 3 || seen.Dropped != 3 {
		t.Errorf("%d were told, %d dropped, %v; want 3 and 3", told.Load(), seen.Dropped, err)
	}
	_ = p.Close() // it settles, which is lost
}

// counting counts the rows of a trace.
type counting struct{ rows atomic.Int64 }

func (c *counting) Append(rows []player.TraceRow) error { c.rows.Add(int64(len(rows))); return nil }

// TestSpans: there are as many spans of actions as the style's own trace has records, for all that
// a player does, and one for each flow. A span that is missing is an error of Close.
func TestSpans(t *testing.T) {
	t.Parallel()
	records := &counting{}
	own, err := orchestrated.Open(player.Config{Store: newStore(t), Trace: player.Tracing{On: true, Sink: records, PerFlow: true}})
	if err != nil {
		t.Fatal(err)
	}
	spans, err := openSpans(player.Config{Store: newStore(t)})
	if err != nil {
		t.Fatal(err)
	}
	const n = 40
	for i := 1; i <= n; i++ {
		s := low(i)
		if i%2 == 0 {
			s = chatted(i)
		}
		if err := errors.Join(own.Do(s), spans.Do(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(own.Close(), spans.Close()); err != nil {
		t.Error(err)
	}
	if spans.actions != records.rows.Load() || spans.flows != n || spans.exporter.spans.Load() != spans.actions+n {
		t.Errorf("%d spans of actions, %d of flows, %d exported; the own trace has %d records", spans.actions, spans.flows, spans.exporter.spans.Load(), records.rows.Load())
	}
	if records.rows.Load() < 2*n {
		t.Errorf("%d records of %d stimuli: nothing was compared", records.rows.Load(), n)
	}
	lossy, err := openSpans(player.Config{Store: newStore(t)})
	if err != nil {
		t.Fatal(err)
	}
	lossy.actions++
	if err := lossy.Close(); err == nil || !strings.Contains(err.Error(), "0 spans were exported, 1 were begun") {
		t.Errorf("a span was lost: %v", err)
	}
}

// TestBusEvent: every bus gives every handler every event, in order, in one go as in parts.
func TestBusEvent(t *testing.T) {
	t.Parallel()
	for _, b := range buses {
		for _, handlers := range []string{"1", "3", "10"} {
			t.Run(b.name+"/"+handlers, func(t *testing.T) {
				t.Parallel()
				load, err := busEvent().Open(runner.Setup{Style: b.name, Options: runner.Options{"handlers": handlers}})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					err := load.Prepare(0, 600)
					for _, n := range []int{1, 2, 597} {
						err = errors.Join(err, load.Run(n, nil))
					}
					w, failed := load.Work()
					if err = errors.Join(err, failed); err != nil || w.Wrong != "" || w.Effects != w.Expected || w.Stimuli != 600 {
						t.Errorf("%v, %+v", err, w)
					}
				}
				if err := load.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestBusEventFindsDisorder: an event that is missing, or two that changed places, are found.
func TestBusEventFindsDisorder(t *testing.T) {
	t.Parallel()
	for name, cheat := range map[string]func(*handler, said){
		"lost":    func(h *handler, s said) { h.count++; h.count -= s.at % 2 },
		"swapped": func(h *handler, s said) { h.hear(s.user, s.text, s.at^1) },
	} {
		l := &eventLoad{handlers: []*handler{{}}}
		l.emit = func(s said) error { cheat(l.handlers[0], s); return nil }
		err := errors.Join(l.Prepare(0, 4), l.Run(4, nil))
		if w, failed := l.Work(); errors.Join(err, failed) != nil || w.Wrong == "" {
			t.Errorf("%s: %v, %+v", name, err, w)
		}
	}
}

// TestEnvelope: an envelope survives the wire, and what is none is refused.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	flavor := &player.Flavor{Present: 3}
	flavor.Values[0], flavor.Values[1] = 0.1+0.2, 0.7
	fields := []engine.Field{{Name: "i", Type: engine.Integer}, {Name: "n", Type: engine.Natural}, {Name: "r", Type: engine.Real},
		{Name: "y", Type: engine.Truth}, {Name: "t", Type: engine.Text}, {Name: "f", Type: engine.Flavor}}
	values := []engine.Value{engine.Int(int64(math.MinInt64)), engine.Nat(math.MaxUint64), engine.Float(math.Pi), engine.Bool(true),
		engine.String("\"é\u2028\n"), engine.FlavorOf(flavor)}
	sent := envelope{flow: math.MaxUint64, cause: 1 << 60, depth: 63, values: values,
		err: &player.Error{Code: player.QueueFull, Op: "a"}, outcomes: []outcome{{7, nil}, {8, &player.Error{Code: player.Invalid, Op: "b"}}}}
	text, err := sent.encode(nil, fields)
	if err != nil {
		t.Fatal(err)
	}
	var got envelope
	if err := got.decode(text, fields); err != nil {
		t.Fatal(err)
	}
	if got.flow != sent.flow || got.cause != sent.cause || got.depth != 63 || player.CodeOf(got.err) != player.QueueFull ||
		len(got.outcomes) != 2 || got.outcomes[0] != sent.outcomes[0] || player.CodeOf(got.outcomes[1].err) != player.Invalid {
		t.Errorf("got %+v", got)
	}
	if !slices.Equal(got.values[:5], values[:5]) || *got.values[5].Flavor() != *flavor {
		t.Errorf("got %v, want %v", got.values, values)
	}
	for _, bad := range []string{"", "[]", "[1,2,3]", string(text[:len(text)-1]), string(text) + "1", strings.Replace(string(text), "63", "6.5", 1),
		strings.Replace(string(text), "true", "7", 1), strings.Replace(string(text), "[3,", "[3,3,", 1), strings.Repeat("[", 1<<12)} {
		if err := new(envelope).decode([]byte(bad), fields); player.CodeOf(err) != player.Unavailable {
			t.Errorf("decode %.40q: %v", bad, err)
		}
	}
	if _, err := (&envelope{values: []engine.Value{engine.String("\xff")}}).encode(nil, fields[4:5]); player.CodeOf(err) != player.Invalid {
		t.Errorf("text that is no UTF-8: %v", err)
	}
}

// FuzzEnvelope: whatever the bytes, decoding never panics.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`[1,2,3,"","",[4,"x"],[[5]]]`))
	fields := []engine.Field{{Name: "i", Type: engine.Integer}, {Name: "f", Type: engine.Flavor}}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e envelope
		if e.decode(data, fields) == nil && len(e.values) != 0 && len(e.values) != len(fields) {
			t.Errorf("%d values of %d from %q", len(e.values), len(fields), data)
		}
	})
}

// TestSuite: every rival can stand in the scenarios, traced as bus and nats are, and says what it
// guarantees.
func TestSuite(t *testing.T) {
	t.Parallel()
	s := suite()
	if len(s.Scenarios) != len(measured)+1 {
		t.Errorf("%d scenarios, want %d and bus-event", len(s.Scenarios), len(measured))
	}
	for _, c := range s.Scenarios {
		for _, k := range c.Keys {
			if k.Name == "trace" && (!slices.Contains(k.Styles, "http") || slices.Contains(k.Styles, spansStyle.Name)) {
				t.Errorf("%s: key trace applies to %v", c.Name, k.Styles)
			}
		}
	}
	for _, style := range s.Styles[3:] {
		if !strings.Contains(style.Doc, "in order") {
			t.Errorf("%s does not say what it guarantees: %s", style.Name, style.Doc)
		}
	}
	for _, b := range buses {
		if posted := strings.HasSuffix(b.name, "-posted"); b.guarantees.all() == posted {
			t.Errorf("%s: %v", b.name, b.guarantees)
		}
	}
}
