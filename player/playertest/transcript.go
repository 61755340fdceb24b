package playertest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"rubato/player"
)

var update = flag.Bool("update", false, "rewrite golden files")

// transcript replays a script stimulus by stimulus on every style. The first has
// to leave the golden transcript, the others what the first left.
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
			s.golden(t, got)
		} else if d := diff(want, got); d != "" {
			t.Errorf("%s differs from %s: %s", style.Name, s.Styles[0].Name, d)
		}
	}
}

func (s Suite) golden(t *testing.T, seen player.Observation) {
	t.Helper()
	golden(t, s.Golden, format(seen))
}

// golden holds text to a file.
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
		t.Errorf("not what %s says: %s; run with -update and review the difference", path,
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

func joinLines(lines []string) string { return strings.Join(lines, "\n") + "\n" }

func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i+1, got[min(i, len(got)):min(i+1, len(got))], want[min(i, len(want)):min(i+1, len(want))])
		}
	}
	return "no difference"
}

// posted posts the same messages with and without shared commits, a number that
// fills no batch. Every one must be reported once and be stored, and the lanes
// must be those of the reference style, one at a time.
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
