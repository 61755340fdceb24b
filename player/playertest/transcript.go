package playertest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"rubato/player"
)

var update = flag.Bool("update", false, "rewrite golden files")

// transcript replays a script on every style. The first must leave the golden
// transcript, the others must leave the same as the first.
func (s Suite) transcript(t *testing.T) {
	var want player.Observation
	for i, style := range s.Styles {
		p := subject{s, style}.open(t, player.Config{Verbatim: true, Trace: player.Tracing{On: true}})
		for _, stimulus := range s.script(90) {
			if err := p.Do(stimulus); err != nil {
				t.Fatalf("%s: stimulus %d: %v", style.Name, stimulus.Seq, err)
			}
		}
		got := observe(t, p)
		if i == 0 {
			want = got
			golden(t, s.Golden, format(got))
		} else if d := diff(want, got); d != "" {
			t.Errorf("%s differs from %s: %s", style.Name, s.Styles[0].Name, d)
		}
	}
}

// drafts has filters look at what users write: each once, in their order. A text that is too long
// is refused by all; a player without filters knows no drafts.
func (s Suite) drafts(t *testing.T) {
	written := func(seq uint64, text string) player.Stimulus {
		return player.Stimulus{Kind: player.DraftWritten, Seq: seq, Message: player.Message{Text: text}}
	}
	for _, style := range s.Styles {
		var heard []string
		filters := make([]func(string) uint64, 3)
		for i := range filters {
			filters[i] = func(text string) uint64 { heard = append(heard, fmt.Sprint(i, text)); return uint64(len(text) + i) }
		}
		config := player.Config{Verbatim: true, Trace: player.Tracing{On: true}, Filters: filters}
		if slices.Contains(s.Apart, style.Name) {
			config.Store = s.Store(t)
			if _, err := style.Open(config); player.CodeOf(err) != player.Invalid {
				t.Errorf("%s: opened with filters: %v", style.Name, err)
			}
			continue
		}
		p := subject{s, style}.open(t, config)
		if err := p.Do(written(1, "so")); err != nil {
			t.Errorf("%s: %v", style.Name, err)
		}
		if err := p.Do(written(2, strings.Repeat("x", player.TextLimit+1))); player.CodeOf(err) != player.Invalid {
			t.Errorf("%s: a text that is too long: %v", style.Name, err)
		}
		seen := observe(t, p)
		at := slices.IndexFunc(seen.Lanes, func(l player.Lane) bool { return l.Name == "filters" })
		if want := []string{"0so", "1so", "2so"}; !slices.Equal(heard, want) {
			t.Errorf("%s: filters heard %q, want %q", style.Name, heard, want)
		}
		if want := []string{"check 0 2", "check 1 3", "check 2 4"}; at < 0 || !slices.Equal(seen.Lanes[at].Lines, want) {
			t.Errorf("%s: lanes %v, want filters %q", style.Name, seen.Lanes, want)
		}
		without := subject{s, style}.open(t, player.Config{})
		if err := without.Do(written(1, "so")); player.CodeOf(err) != player.Invalid {
			t.Errorf("%s: a draft without filters: %v", style.Name, err)
		}
	}
}

// golden compares text with a file.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it, and review the difference", err)
	}
	if text != string(want) {
		t.Errorf("differs from %s: %s; run with -update and review the difference", path,
			firstDifference(strings.Split(string(want), "\n"), strings.Split(text, "\n")))
	}
}

func format(seen player.Observation) string {
	var b strings.Builder
	for _, lane := range seen.Lanes {
		fmt.Fprintf(&b, "# %s: %d, digest %016x\n", lane.Name, lane.Count, lane.Digest)
		for _, line := range lane.Lines {
			fmt.Fprintln(&b, line)
		}
	}
	fmt.Fprintf(&b, "# stored\n%+v\n# queue\n%v\n", seen.Stored, seen.Queue)
	return b.String()
}

func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i+1, got[min(i, len(got)):min(i+1, len(got))], want[min(i, len(want)):min(i+1, len(want))])
		}
	}
	return "no difference"
}

// posted posts the same messages with and without shared commits. Their number fills no
// batch. Each must be reported once and stored, and the lanes must equal those of the
// reference style, which takes them one at a time.
func (s subject) posted(t *testing.T) {
	const n = 250
	reference := subject{s.Suite, s.Styles[0]}.open(t, player.Config{Verbatim: true})
	for i := range n {
		if err := reference.Do(s.message(i)); err != nil {
			t.Fatal(err)
		}
	}
	want := observe(t, reference)
	for _, batch := range []int{1, 7, 100} {
		p := s.open(t, player.Config{Verbatim: true, Batch: batch, Window: 64})
		r := newReports()
		for i := range n {
			if err := p.Post(s.message(i), r.done); err != nil {
				t.Fatalf("batch %d: post %d: %v", batch, i, err)
			}
		}
		if err := p.Settle(); err != nil {
			t.Fatalf("batch %d: settle: %v", batch, err)
		}
		if err := r.all(n); err != nil {
			t.Errorf("batch %d: %v", batch, err)
		}
		if d := diff(want, observe(t, p)); d != "" {
			t.Errorf("batch %d: %s", batch, d)
		}
	}
}

// switches change what a style costs and nothing that it does. Styles without a switch
// ignore it.
var switches = map[string]player.Config{
	"untraced":        {},
	"traced":          {Trace: player.Tracing{On: true}},
	"eager":           {Trace: player.Tracing{On: true, Eager: true, Without: []string{"ap"}}},
	"persisted":       {Trace: player.Tracing{On: true, Sink: discard{}}},
	"per flow":        {Trace: player.Tracing{On: true, Sink: discard{}, PerFlow: true}},
	"queued":          {Dispatch: player.Queued, Trace: player.Tracing{On: true}},
	"1 000 rules":     {Rules: 1000},
	"pipe":            {Placement: player.Placement{Transport: "pipe"}, Batch: 10},
	"msgpack":         {Placement: player.Placement{Codec: "msgpack"}, Batch: 10},
	"protobuf":        {Placement: player.Placement{Codec: "protobuf"}, Batch: 10},
	"no codec":        {Placement: player.Placement{Codec: "none"}, Batch: 10},
	"outcomes shared": {Placement: player.Placement{Share: "outcomes"}},
	"all shared":      {Placement: player.Placement{Share: "all"}},
	"bare body":       {Placement: player.Placement{Envelope: "body"}},
	"flush each":      {Placement: player.Placement{Flush: "each"}},
	"awaited":         {Placement: player.Placement{Broadcast: "awaited", Flavor: "twice"}},
}

type discard struct{}

func (discard) Append([]player.TraceRow) error { return nil }

// everything plays the evening. Every style must answer each stimulus with the same code
// and leave the same lanes and store.
func (s Suite) everything(t *testing.T) {
	reference := subject{s, s.Styles[0]}.open(t, player.Config{Verbatim: true, Token: Token})
	wantCodes := s.play(t, reference)
	want := observe(t, reference)
	for _, style := range s.Styles {
		for name, config := range switches {
			config.Verbatim, config.Token = true, Token
			if config.Placement.Codec == "none" && slices.Contains(s.Refuses, style.Name) || (config.Placement.Share == "all" || config.Placement.Envelope == "body") && slices.Contains(s.Keeps, style.Name) {
				config.Store = s.Store(t)
				if _, err := style.Open(config); player.CodeOf(err) != player.Invalid {
					t.Errorf("%s, %s: %v, want code %q", style.Name, name, err, player.Invalid)
				}
				continue
			}
			p := subject{s, style}.open(t, config)
			codes := s.play(t, p)
			if !slices.Equal(codes, wantCodes) {
				t.Errorf("%s, %s, answers %q, want %q", style.Name, name, codes, wantCodes)
			}
			if d := diff(want, observe(t, p)); d != "" {
				t.Errorf("%s, %s, differs from %s: %s", style.Name, name, s.Styles[0].Name, d)
			}
		}
	}
	for _, lane := range want.Lanes {
		if lane.Count == 0 {
			t.Errorf("the evening leaves lane %s empty: nothing was compared", lane.Name)
		}
	}
	for _, code := range []player.Code{player.Unauthorised, player.Invalid, player.NotFound, ""} {
		if !slices.ContainsFunc(wantCodes, func(c string) bool { return c == fmt.Sprintf("%q", code) }) {
			t.Errorf("no stimulus of the evening was answered with code %q", code)
		}
	}
}

// play does each stimulus. The first buffer that becomes ready is that of the first
// queued passage, the next one that of the second.
func (s Suite) play(t *testing.T, p player.Player) (codes []string) {
	t.Helper()
	place := 0
	for _, stimulus := range s.evening() {
		if stimulus.Kind != player.BufferReady {
			place = 0
		} else if stimulus.Passage == 0 {
			queued := observe(t, p).Queue
			stimulus.Passage = queued[min(place, len(queued)-1)].Passage
			place++
		}
		codes = append(codes, fmt.Sprintf("%q", player.CodeOf(p.Do(stimulus))))
	}
	return codes
}
