package runner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// tiny is an effort for tests: everything a run does, and no more of it than needed.
var tiny = effort{Name: "tiny", Rounds: 6, Time: 300 * time.Millisecond, Block: time.Millisecond / 5, Warmup: 1,
	Active: 60 * time.Millisecond, Idle: 60 * time.Millisecond, Profile: 50 * time.Millisecond}

// some returns the cases; with -short only the first n, because each is a run of its own.
func some[T any](n int, cases []T) []T {
	if testing.Short() {
		return cases[:n]
	}
	return cases
}

// ran is what came of a run in a folder of the test's own.
type ran struct {
	code           int
	dir            string
	stdout, stderr string
	run            *results.Run
	details        results.Details
}

// runTiny measures the test suite with real child processes.
func runTiny(t *testing.T, ctx context.Context, change func(*program), args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{suite: journals().complete(), name: "rubato", stdout: &stdout, stderr: &stderr, limits: patience, left: &leftovers{}}
	if change != nil {
		change(&p)
	}
	dir := filepath.Join(t.TempDir(), "out")
	ask, err := parseRun(append([]string{"-out", dir, "-seed", "7"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	ask.effort = tiny
	plan, err := newPlan(p.suite, ask)
	if err != nil {
		t.Fatal(err)
	}
	if ask.against != "" {
		if err := p.beside(ctx, ask.against, &plan); err != nil {
			t.Fatal(err)
		}
	}
	r := ran{dir: dir}
	r.code = p.measure(ctx, ask, plan, args)
	r.stdout, r.stderr = stdout.String(), stderr.String()
	if r.run, r.details, err = results.Load(dir); err != nil {
		t.Fatalf("results cannot be read: %v\n%s", err, r.stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, workName)); !os.IsNotExist(err) {
		t.Errorf("the work folder is still there: %v", err)
	}
	return r
}

// passed ends the test unless the run passed.
func (r ran) passed(t *testing.T) {
	t.Helper()
	if r.code != exitPass || r.run.Incomplete != "" {
		t.Fatalf("exit %d, incomplete %q\n%s%s", r.code, r.run.Incomplete, r.stdout, r.stderr)
	}
}

func (r ran) cell(t *testing.T, style string) results.Cell {
	t.Helper()
	for _, c := range r.run.Cells {
		if c.Style == style {
			return c
		}
	}
	t.Fatalf("no cell of style %s\n%s", style, r.stderr)
	return results.Cell{}
}

func TestRunMeasuresAllStyles(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black")
	r.passed(t)
	if len(r.run.Cells) != 3 || r.run.Incomplete != "" || r.run.Baseline != "plain" || r.run.Seed != 7 {
		t.Fatalf("%d cells, incomplete %q, baseline %s, seed %d", len(r.run.Cells), r.run.Incomplete, r.run.Baseline, r.run.Seed)
	}
	trials := r.whole(t)
	digest := r.run.Cells[0].Work.Digest
	for _, c := range r.run.Cells {
		if c.Verdict != results.Measured || c.Rounds != trials || c.BlockOps < 2 || c.BlockOps != c.Trials.SliceOps {
			t.Errorf("%s: %s %s, %d trials of %d, slices of %d, %+v", c.Key(), c.Verdict, c.Why, c.Rounds, trials, c.BlockOps, c.Trials)
		}
		var stimuli int64
		for _, b := range r.details.Blocks {
			if b.Cell == c.Key() {
				stimuli += b.Stimuli
			}
		}
		if w := c.Work; w.Digest == "" || w.Digest != digest || w.Stimuli != stimuli || w.Effects != w.Stimuli || w.Expected != w.Stimuli {
			t.Errorf("%s: work %+v of %d stimuli", c.Key(), w, stimuli)
		}
		if c.NsOp.Median <= 0 || c.NsOp.Lo > c.NsOp.Median || c.NsOp.Hi < c.NsOp.Median || c.CPUNsOp.Median <= 0 || c.P99Ns <= 0 || c.RSSPeak <= 0 || c.AllocsOp <= 0 || c.ActiveCPU <= 0 {
			t.Errorf("%s: a figure is missing: %+v", c.Key(), c)
		}
		if strings.Join(c.Named, " ") != "ink" {
			t.Errorf("%s: named %q", c.Key(), c.Named)
		}
	}
	if slow := r.cell(t, "slow"); slow.Ratio == nil || slow.OverheadNs == nil || slow.MeanRatio == nil || slow.MeanOverheadNs == nil || slow.TypicalNsOp == nil {
		t.Error("no ratio to the baseline")
	}
	if base := r.cell(t, "plain"); base.Ratio != nil {
		t.Error("the baseline has a ratio to itself")
	}
	if len(r.details.Profiles) != 6 || len(r.details.Samples) == 0 {
		t.Errorf("%d profiles, %d samples", len(r.details.Profiles), len(r.details.Samples))
	}
	for _, p := range r.details.Profiles {
		if info, err := os.Stat(filepath.Join(r.dir, p.Path)); err != nil || info.Size() == 0 {
			t.Errorf("profile %s: %v", p.Path, err)
		}
	}
	if !strings.Contains(r.stdout, "\nslow: one line takes ") || !strings.Contains(r.stdout, "report.html") {
		t.Errorf("stdout:\n%s", r.stdout)
	}
}

// Keys of one style make more arms of that style, each against the one baseline.
func TestRunPairsArmsOfOneStyle(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=red", "-set", "pen=quill,ball", "-styles", "plain,other")
	r.passed(t)
	if r.whole(t); len(r.run.Cells) != 3 {
		t.Fatalf("%d cells\n%s", len(r.run.Cells), r.stderr)
	}
	for _, c := range r.run.Cells[1:] {
		if c.Style != "other" || c.Ratio == nil || c.Options["pen"] == "" {
			t.Errorf("%s: ratio %v", c.Key(), c.Ratio)
		}
	}
}

// The same seed gives the same transcript and the same order of arms in each trial,
// whatever the machine makes of the times.
func TestSeedRepeats(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	var digests [2]string
	var orders [2][]string
	for i := range 2 {
		r := runTiny(t, t.Context(), nil, "count")
		for _, c := range r.run.Cells {
			digests[i] += c.Work.Digest + " "
		}
		orders[i] = make([]string, r.whole(t))
		for _, b := range r.details.Blocks {
			orders[i][b.Round] += fmt.Sprintf("%s at %d, ", b.Cell, b.Turn)
		}
	}
	both := min(len(orders[0]), len(orders[1]))
	if digests[0] != digests[1] || !slices.Equal(orders[0][:both], orders[1][:both]) {
		t.Errorf("digests %q\norders %q", digests, orders)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(orders[0])))) == 1 {
		t.Errorf("all trials have the same order: %q", orders[0])
	}
}

// hurry shortens the waits for a fault that hangs. Other faults need none, and a busy machine
// may take seconds for a block.
func hurry(fault string) func(*program) {
	return func(p *program) {
		if strings.Contains(fault, "hang") {
			p.limits.Block, p.limits.Script, p.limits.Close = 5*time.Second, 5*time.Second, time.Second
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	type fault struct {
		fault   string
		code    int
		style   string // that is invalid
		why     []string
		failure string // in Run.Incomplete
	}
	for _, test := range some(2, []fault{
		{fault: "other/lane/3", code: exitInvalid, style: "other",
			why: []string{"script", "style other", "lane journal", "line 4", "want", "got", "or so"}},
		{fault: "other/drops/50", code: exitInvalid, style: "other", why: []string{"effects are missing"}},
		{fault: "plain/drops/50", code: exitInvalid, style: "other", why: []string{"baseline plain is invalid"}},
		{fault: "other/error/50", code: exitFailed, failure: "the pen broke"},
		{fault: "other/drops/19", code: exitInvalid, style: "other", why: []string{"lane journal", "line 20", "got no line"}},
		{fault: "other/lane/50", code: exitInvalid, style: "other", why: []string{"digest", "other work"}},
		{fault: "plain/drops/2", code: exitInvalid, style: "plain", why: []string{"18 of 20 effects are missing"}},
		{fault: "other/crash/50", code: exitFailed, failure: "panic: out of ink"},
		{fault: "other/hang/50", code: exitFailed, failure: "no answer to \"block\""},
		{fault: "other/hang/0", code: exitFailed, failure: "no answer to \"script\""},
		{fault: "other/chatter/0", code: exitInvalid, style: "other", why: []string{"prints to stdout", "a stray line on stdout"}},
		{fault: "other/chatter/50", code: exitInvalid, style: "other", why: []string{"prints to stdout"}},
		{fault: "other/leak/30", code: exitInvalid, style: "other", why: []string{"Close left 1 goroutines behind"}},
		{fault: "other/crash/0/1+", code: exitInvalid, style: "other", why: []string{"panic: out of ink", "3 trials in a row"}},
	}) {
		t.Run(strings.ReplaceAll(test.fault, "/", " "), func(t *testing.T) {
			t.Parallel()
			r := runTiny(t, t.Context(), hurry(test.fault), "journal", "-set", "ink=black", "-styles", "plain,other", "-set", "fault="+test.fault)
			if r.code != test.code {
				t.Fatalf("exit %d, want %d\n%s", r.code, test.code, r.stderr)
			}
			if test.style != "" {
				c := r.cell(t, test.style)
				if c.Verdict != results.Invalid {
					t.Fatalf("%s is %s", test.style, c.Verdict)
				}
				for _, part := range test.why {
					if !strings.Contains(c.Why, part) {
						t.Errorf("why %q lacks %q", c.Why, part)
					}
				}
			}
			if !strings.Contains(r.run.Incomplete, test.failure) || (test.failure == "") != (r.run.Incomplete == "") {
				t.Errorf("incomplete: %q, want %q", r.run.Incomplete, test.failure)
			}
			if test.failure != "" && !strings.Contains(r.run.Incomplete, "journal") {
				t.Errorf("incomplete: %q names no scenario", r.run.Incomplete)
			}
		})
	}
}
