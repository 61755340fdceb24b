package runner

// Long because each promise of a trial stands beside a style that breaks it.

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rubato/inference"
	"rubato/results"
)

// whole checks the trials of a run of one comparison whose arms are all valid, and counts
// them: they are numbered from 0, each has one block per arm, and all arms did the same
// work in the same turns.
func (r ran) whole(t *testing.T) (trials int) {
	t.Helper()
	byTrial := map[int]map[string]results.Block{}
	for _, b := range r.details.Blocks {
		if byTrial[b.Round] == nil {
			byTrial[b.Round] = map[string]results.Block{}
		}
		if _, twice := byTrial[b.Round][b.Cell]; twice {
			t.Errorf("trial %d has two blocks of %s", b.Round, b.Cell)
		}
		byTrial[b.Round][b.Cell] = b
	}
	for trial := range byTrial {
		base := byTrial[trial][r.run.Cells[0].Key()]
		places := map[int]bool{}
		for _, c := range r.run.Arms() {
			b, measured := byTrial[trial][c.Key()]
			if !measured || trial >= len(byTrial) {
				t.Fatalf("trial %d of %d: no block of %s\n%s", trial, len(byTrial), c.Key(), r.stderr)
			}
			places[b.Turn] = true
			if b.Digest != base.Digest && !c.Unverified() || b.Stimuli != base.Stimuli || len(b.Slices) != len(base.Slices) || b.SliceOps != base.SliceOps || b.Hot != base.Hot {
				t.Errorf("trial %d: %s did other work than the baseline:\n%+v\n%+v", trial, c.Key(), b, base)
			}
			checkTrialBlock(t, b)
		}
		if len(places) != len(byTrial[trial]) {
			t.Errorf("trial %d: arms share places: %v", trial, places)
		}
	}
	return len(byTrial)
}

// checkTrialBlock checks what must hold within each block of a trial of the journal, in
// which each operation has one effect.
func checkTrialBlock(t *testing.T, b results.Block) {
	t.Helper()
	var sum time.Duration
	for _, slice := range b.Slices {
		sum += slice
	}
	all := (len(b.Slices) + min(warmupTurns, max(1, len(b.Slices)/4))) * (b.Hot + b.SliceOps)
	if len(b.Slices) < fewestLong || b.Wall != sum || b.Ops != len(b.Slices)*b.SliceOps {
		t.Errorf("%s, trial %d: %d slices of %d operations, %d operations in %v", b.Cell, b.Round, len(b.Slices), b.SliceOps, b.Ops, b.Wall)
	}
	if b.Stimuli != int64(all) || b.Effects != b.Stimuli || b.Expected != b.Stimuli {
		t.Errorf("%s, trial %d: %d stimuli, %d of %d effects; want %d with the untimed ones", b.Cell, b.Round, b.Stimuli, b.Effects, b.Expected, all)
	}
	if b.Handover <= 0 || b.Start <= 0 || b.Waiting < 0 {
		t.Errorf("%s, trial %d: hand-over %v, start %v, waiting %v", b.Cell, b.Round, b.Handover, b.Start, b.Waiting)
	}
}

// All trials begin the script again in processes of their own: what a trial of a known
// length leaves is the same in all of them. The injected slowdown is there in every trial.
func TestTrials(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain", "-controls", "-slowdown", "3")
	trials := r.whole(t)
	digests := map[int64]string{}
	for _, b := range r.details.Blocks {
		if known := digests[b.Stimuli]; known != "" && known != b.Digest {
			t.Errorf("%d stimuli have the digests %s and %s", b.Stimuli, known, b.Digest)
		}
		digests[b.Stimuli] = b.Digest
	}
	slow, base := r.run.Controls[0].Slowdown.Key(), r.run.Cells[0].Key()
	typical := map[string][]float64{}
	for _, b := range r.details.Blocks {
		logs := make([]float64, len(b.Slices))
		for i, slice := range b.Slices {
			logs[i] = float64(slice) / float64(b.SliceOps)
		}
		typical[b.Cell] = append(typical[b.Cell], inference.Median(logs))
	}
	for trial := 1; trial < trials; trial++ { // in each an operation has steps for three times what one took before
		before := slices.Sorted(slices.Values(typical[base][:trial]))
		if least := 3 * before[trial/2] / 2; typical[slow][trial] < least { // half: a faster clock shortens them
			t.Errorf("trial %d: %v ns per operation with the slowdown, which has steps for %v", trial, typical[slow][trial], 2*least)
		}
	}
	if page := r.page(t); !strings.Contains(page, "each trial had new processes") {
		t.Errorf("the report does not say that each trial had new processes:\n%s", page)
	}
}

// page is the report.
func (r ran) page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a clock paces keeps its processes and has no turns. It has no A/A control: there is no
// ratio of it.
func TestPacedHasNoTrials(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "beat", "-controls")
	if r.code != exitPass || len(r.details.Blocks) != 3*tiny.Rounds || len(r.run.Controls) != 0 {
		t.Fatalf("exit %d, %d blocks, %d pairs of controls\n%s", r.code, len(r.details.Blocks), len(r.run.Controls), r.stderr)
	}
	for _, c := range r.run.Cells {
		if c.Trials != nil || c.MeanRatio != nil {
			t.Errorf("%s: trials %+v, ratio of means %v", c.Key(), c.Trials, c.MeanRatio)
		}
	}
	for _, b := range r.details.Blocks {
		if len(b.Slices) > 0 || b.Handover > 0 {
			t.Errorf("%s, round %d: %d slices, hand-over %v", b.Cell, b.Round, len(b.Slices), b.Handover)
		}
	}
}

// Operations that are not timed come before each slice if the caches shall be hot, and
// never if they shall be cold. Their stimuli and effects count in both arms alike.
func TestHotAndCold(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	for _, caches := range []string{cachesHot, cachesCold} {
		t.Run(caches, func(t *testing.T) {
			t.Parallel()
			r := runTiny(t, t.Context(), nil, "count", "-styles", "plain,other", "-set", "caches="+caches)
			r.passed(t)
			r.whole(t)
			hot := caches == cachesHot
			for _, c := range r.run.Cells {
				if c.Trials.Hot != hot {
					t.Errorf("%s: %+v", c.Key(), c.Trials)
				}
			}
			for _, b := range r.details.Blocks {
				want := 0
				if hot {
					want = (b.SliceOps + 1) / 2
				}
				if b.Hot != want {
					t.Errorf("%s, trial %d: %d untimed operations before slices of %d, want %d", b.Cell, b.Round, b.Hot, b.SliceOps, want)
				}
			}
		})
	}
}

// One operation in 100 that takes a hundred times as long moves the ratio of all
// operations together and not the typical one, and the cell says so.
func TestTail(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	// Slices are of one operation, so the tenth is a timed turn of every trial, however short.
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-set", "caches=cold", "-set", "fault=other/tail/10", "-precision", "0.01%", "-time", "10s")
	r.whole(t)
	c := r.cell(t, "other")
	if c.Trials.SliceOps != 1 {
		t.Errorf("slices of %d operations", c.Trials.SliceOps)
	}
	if c.Ratio == nil || c.MeanRatio == nil || !c.Ratio.Bounded() || !c.MeanRatio.Bounded() {
		t.Fatalf("ratios %v and %v\n%s", c.Ratio, c.MeanRatio, r.stderr)
	}
	if c.Ratio.Median < 0.9 || c.Ratio.Median > 1.1 {
		t.Errorf("typical ratio %+v", c.Ratio)
	}
	if c.MeanRatio.Lo < 1.5 || c.MeanRatio.Lo <= c.Ratio.Hi {
		t.Errorf("ratio of all operations together %+v, typical %+v", c.MeanRatio, c.Ratio)
	}
	if warnings := strings.Join(c.Warnings, "\n"); !strings.Contains(warnings, "its typical ratio is ") || !strings.Contains(warnings, "few operations take far longer") {
		t.Errorf("warnings %q", warnings)
	}
	if base := r.cell(t, "plain"); slices.ContainsFunc(base.Warnings, func(w string) bool { return strings.Contains(w, "typical") }) {
		t.Errorf("the baseline has the warning: %q", base.Warnings)
	}
}

// meet calls do once with the process id of a child that waits in the middle of a turn. The
// child goes on when goOn is called.
func meet(t *testing.T, left *leftovers, do func(pid int, goOn func())) {
	t.Helper()
	stop, done := context.WithCancel(context.Background())
	var met sync.WaitGroup
	met.Go(func() {
		for stop.Err() == nil {
			time.Sleep(2 * time.Millisecond)
			left.mu.Lock()
			found, _ := filepath.Glob(filepath.Join(left.folder.work, "*", "shared", waitingName))
			left.mu.Unlock()
			if len(found) == 0 {
				continue
			}
			text, err := os.ReadFile(found[0])
			pid, bad := strconv.Atoi(string(text))
			if err != nil || bad != nil {
				t.Errorf("%v, %v", err, bad)
				return
			}
			do(pid, func() { _ = os.Remove(found[0]) })
			return
		}
		t.Error("no child waited")
	})
	t.Cleanup(func() { done(); met.Wait() })
}

// signalTo sends a signal to a child.
func signalTo(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Error(err)
	}
}

// inTrialTwo has the style other wait in the middle of a turn of the second trial.
var inTrialTwo = []string{"journal", "-set", "ink=black", "-styles", "plain,other", "-set", "fault=other/wait/50/2"}

// A child that is killed in the middle of a turn drops its trial. The run goes on, and
// counts it.
func TestKilledInTurn(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	kill := func(p *program) {
		meet(t, p.left, func(pid int, goOn func()) { signalTo(t, pid, syscall.SIGKILL); goOn() })
	}
	r := runTiny(t, t.Context(), kill, inTrialTwo...)
	r.passed(t)
	trials := r.whole(t)
	for _, c := range r.run.Cells {
		if c.Verdict != results.Measured || c.Trials.Dropped != 1 || c.Rounds != trials {
			t.Errorf("%s: %s %s, %d rounds of %d trials, %+v", c.Key(), c.Verdict, c.Why, c.Rounds, trials, c.Trials)
		}
	}
	if want := "a trial broke off and is dropped: journal fault=other/wait/50/2 ink=black style other: its process ended during \"trial\" (signal: killed)"; !strings.Contains(r.stderr, want) {
		t.Errorf("stderr lacks %q:\n%s", want, r.stderr)
	}
	if !strings.Contains(r.stdout, " + 1 dropped") {
		t.Errorf("stdout does not say that a trial was dropped:\n%s", r.stdout)
	}
}

// A trial in which a child is stopped for a while is left out for all arms. The run goes
// on, and counts it.
func TestStoppedInTurn(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	pause := func(p *program) {
		meet(t, p.left, func(pid int, goOn func()) {
			signalTo(t, pid, syscall.SIGSTOP)
			time.Sleep(2 * time.Second)
			signalTo(t, pid, syscall.SIGCONT)
			goOn()
		})
	}
	r := runTiny(t, t.Context(), pause, append(slices.Clone(inTrialTwo), "-time", "5s")...)
	trials := r.whole(t)
	disturbed, of, code := map[int]bool{}, r.cell(t, "other"), exitPass
	if of.Rounds < inference.Fewest(inference.Confidence) { // so few are left on a slow machine
		code = exitInconclusive
	}
	if r.code != code || r.run.Incomplete != "" {
		t.Fatalf("exit %d after %d trials, incomplete %q\n%s", r.code, of.Rounds, r.run.Incomplete, r.stderr)
	}
	for _, b := range r.details.EveryBlock() {
		if b.Disturbed != "" {
			disturbed[b.Round] = true
		}
		if b.Cell == of.Key() && b.Round == 1 && !strings.HasPrefix(b.Disturbed, "the process stood still for ") {
			t.Errorf("the block of the stopped child: disturbed %q", b.Disturbed)
		}
	}
	for _, c := range r.run.Cells {
		if c.LeftOut != len(disturbed) || c.LeftOut < 1 || c.Rounds != trials-c.LeftOut || c.Trials.Dropped != 0 {
			t.Errorf("%s: %d rounds, %d left out of %d trials, disturbed %v, %+v", c.Key(), c.Rounds, c.LeftOut, trials, disturbed, c.Trials)
		}
	}
}

// Ctrl-C in the middle of a trial keeps all trials before it, and no part of this one.
func TestInterruptInTurn(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	interrupt := func(p *program) {
		meet(t, p.left, func(int, func()) { stop(errors.New("stopped by signal: interrupt")) })
	}
	args := slices.Clone(inTrialTwo)
	args[len(args)-1] = "fault=other/wait/50/4"
	r := runTiny(t, ctx, interrupt, args...)
	if r.code != exitFailed || r.run.Incomplete != "stopped by signal: interrupt" {
		t.Fatalf("exit %d, incomplete %q\n%s", r.code, r.run.Incomplete, r.stderr)
	}
	if trials := r.whole(t); trials != 3 || len(r.details.Blocks) != 6 {
		t.Errorf("%d trials with %d blocks are kept, want 3 with 6", trials, len(r.details.Blocks))
	}
	for _, c := range r.run.Cells {
		if c.Rounds != 3 || c.NsOp.Median <= 0 || (c.Ratio == nil) != (c.Style == "plain") {
			t.Errorf("%s: %+v", c.Key(), c)
		}
	}
}

// A style that fails before anything is measured is left out; later, its comparison ends. All else
// is measured, and the run still fails.
func TestOthersGoOn(t *testing.T) {
	t.Parallel()
	const early, late, sound = "other/error/0", "other/error/50/2", "none/error/0"
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-set", "fault="+early+","+late+","+sound)
	if r.code != exitFailed || !strings.Contains(r.run.Incomplete, early) || !strings.Contains(r.run.Incomplete, "the pen broke (and 1 failure more)") {
		t.Fatalf("exit %d, incomplete %q\n%s", r.code, r.run.Incomplete, r.stderr)
	}
	for _, c := range r.run.Cells {
		warned := strings.Contains(strings.Join(c.Warnings, " "), "ended early: ")
		switch fault := c.Options["fault"]; {
		case fault == early && c.Style == "other" && (c.Verdict != results.Invalid || !strings.Contains(c.Why, "it failed: ") || !strings.Contains(c.Why, "the pen broke")):
			t.Errorf("%s: %s %q", c.Key(), c.Verdict, c.Why)
		case fault == late && (c.Verdict == results.Invalid || !warned):
			t.Errorf("%s: %s %q, warnings %q", c.Key(), c.Verdict, c.Why, c.Warnings)
		case (fault == sound || fault == early && c.Style != "other") && (c.Verdict == results.Invalid || warned || c.Rounds == 0):
			t.Errorf("%s: %s %q after %d rounds, warnings %q", c.Key(), c.Verdict, c.Why, c.Rounds, c.Warnings)
		}
	}
	if len(r.run.Cells) != 6 {
		t.Errorf("%d cells", len(r.run.Cells))
	}
}

// What goes wrong in a trial: a process that is lost drops the trial, three in a row end
// the comparison but not the run; an error of a style ends its comparison, too; other work makes the
// cell invalid.
func TestFaultsInTrials(t *testing.T) {
	t.Parallel()
	const black, both = "ink=black", "ink=black,blue"
	type fault struct {
		fault, inks string
		code        int
		dropped     int    // trials of each comparison
		kept        int    // trials of each comparison that are kept; -1: as many as are measured
		why         string // the style other is invalid
		warning     string // of all cells
		failure     string // in Run.Incomplete
	}
	for _, test := range some(2, []fault{
		{fault: "other/crash/50/2", inks: black, code: exitPass, dropped: 1, kept: -1},
		{fault: "other/drops/50/2", inks: black, code: exitInvalid, kept: -1, why: "effects are missing"},
		{fault: "other/error/50/2", inks: black, code: exitFailed, kept: 1, failure: "the pen broke"},
		{fault: "other/hang/50/2", inks: black, code: exitPass, dropped: 1, kept: -1},
		{fault: "other/crash/50/1+", inks: both, code: exitInvalid, dropped: 3, kept: -1, why: "3 trials in a row broke off"},
		{fault: "other/crash/50/3+", inks: both, code: exitInconclusive, dropped: 3, kept: 2, warning: "ended after 2 trials: then 3 in a row broke off: "},
		{fault: "other/prepare/0/2", inks: black, code: exitFailed, kept: 1, failure: "there is no paper"},
		{fault: "other/lane/50/2", inks: black, code: exitInvalid, kept: -1, why: "it did other work"},
	}) {
		t.Run(strings.ReplaceAll(test.fault, "/", " "), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := runTiny(t, t.Context(), hurry(test.fault), "journal", "-set", test.inks, "-styles", "plain,other", "-set", "fault="+test.fault)
			if test.code == exitPass {
				r.passed(t)
			}
			if r.code != test.code || !strings.Contains(r.run.Incomplete, test.failure) || (r.run.Incomplete == "") != (test.failure == "") {
				t.Fatalf("exit %d, want %d; incomplete %q, want %q, after %v\n%s", r.code, test.code, r.run.Incomplete, test.failure, time.Since(began), r.stderr)
			}
			if len(r.run.Cells) != 2*(1+strings.Count(test.inks, ",")) {
				t.Errorf("%d cells", len(r.run.Cells))
			}
			for _, c := range r.run.Cells {
				kept := map[int]bool{}
				for _, b := range r.details.Blocks {
					kept[b.Round] = kept[b.Round] || b.Cell == c.Key()
				}
				if test.kept >= 0 && len(kept) != test.kept {
					t.Errorf("%s: trials %v are kept, want %d", c.Key(), kept, test.kept)
				}
				if test.failure == "" && test.why == "" && c.Trials.Dropped != test.dropped {
					t.Errorf("%s: %+v, want %d dropped", c.Key(), c.Trials, test.dropped)
				}
				if invalid := c.Verdict == results.Invalid; c.Style == "other" && (invalid != (test.why != "") || !strings.Contains(c.Why, test.why)) {
					t.Errorf("%s: %s %q, want %q", c.Key(), c.Verdict, c.Why, test.why)
				}
				if test.warning != "" && !strings.Contains(strings.Join(c.Warnings, "\n"), test.warning) {
					t.Errorf("%s: warnings %q, want %q", c.Key(), c.Warnings, test.warning)
				}
			}
			if n := strings.Count(r.stderr, "a trial broke off and is dropped"); n != test.dropped*len(r.run.Cells)/2 {
				t.Errorf("%d trials are said to be dropped\n%s", n, r.stderr)
			}
		})
	}
}

// A script of requests takes the place of a child's stdin.
type onRequest func(request)

func (f onRequest) Write(line []byte) (int, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return 0, err
	}
	f(r)
	return len(line), nil
}

func (f onRequest) Close() error { return nil }

// near makes an arm whose child is a goroutine of the test: it takes turns and then answers
// with a block, or with the error of its turns.
func near(t *testing.T, name string, serve func(h handover, turns int) error) *arm {
	t.Helper()
	pipes, child := newHandover(t)
	var served sync.WaitGroup
	p := &process{name: name, turns: pipes, replies: make(chan reply, 1), ended: make(chan struct{}), said: newExcerpt(name, io.Discard)}
	p.input = onRequest(func(r request) {
		served.Go(func() {
			answer := reply{Block: &results.Block{}}
			if err := serve(child, r.Slices.Turns); err != nil {
				answer = reply{Error: err.Error()}
			}
			p.replies <- answer
		})
	})
	t.Cleanup(func() { pipes.close(); served.Wait() })
	return &arm{armPlan: armPlan{style: name}, key: name, process: p, cell: &results.Cell{Style: name}}
}

func nearComparison(arms []*arm, wait time.Duration) *comparison {
	return &comparison{measurement: &measurement{progress: newProgress(io.Discard, 1), limits: limits{Block: wait}}, arms: arms, name: "near"}
}

// In a whole number of rounds of the balanced orders, every valid arm follows every other
// equally often, and stands at each place equally often. Each has all of the turns.
func TestOrderOfSlices(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arms, invalid int }{{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {5, 1}, {4, 2}} {
		var mu sync.Mutex
		var order []int
		var arms []*arm
		for i := range test.arms {
			arms = append(arms, near(t, strconv.Itoa(i), func(h handover, turns int) error {
				return h.serve(turns, func() { mu.Lock(); order = append(order, i); mu.Unlock() })
			}))
		}
		for i := range test.invalid { // their processes must not be asked
			arms[i].cell.Verdict, arms[i].process = results.Invalid, nil
		}
		n := test.arms - test.invalid
		turns := 3 * len(inference.Williams(n))
		c := nearComparison(arms, patienceOfTests)
		labels := c.labels(test.arms)
		answered := map[string]bool{}
		err := c.inSlices(t.Context(), slicing{Ops: 1, Turns: turns}, labels, func(place int, answer reply) error {
			answered[arms[labels[place]].style] = answer.Block.Handover > 0
			return nil
		})
		if err != nil || len(answered) != n || len(order) != n*turns {
			t.Fatalf("%+v: %d answers, %d slices in %d turns, %v", test, len(answered), len(order), turns, err)
		}
		follows, places := map[[2]int]int{}, map[[2]int]int{}
		for i, a := range order {
			if places[[2]int{a, i % n}]++; i%n > 0 {
				follows[[2]int{order[i-1], a}]++
			}
		}
		if len(places) != n*n || len(follows) != n*(n-1) {
			t.Errorf("%+v: places %v, followers %v", test, places, follows)
		}
		for at, times := range places {
			if times*n != turns {
				t.Errorf("%+v: arm %d stood %d times at place %d in %d turns", test, at[0], times, at[1], turns)
			}
		}
		for pair, times := range follows {
			if times*n != turns {
				t.Errorf("%+v: arm %d followed arm %d %d times in %d turns", test, pair[1], pair[0], times, turns)
			}
		}
		for style, measured := range answered {
			if !measured {
				t.Errorf("%+v: arm %s has no time of its hand-over", test, style)
			}
		}
	}
}

// Which arm stands for which number of the orders is drawn from the seed for each trial.
func TestLabels(t *testing.T) {
	t.Parallel()
	of := func(seed uint64, name string) (all [][]int) {
		c := nearComparison(make([]*arm, 4), 0)
		c.config.seed, c.name = seed, name
		for trial := range 50 {
			all = append(all, c.labels(trial))
		}
		return all
	}
	first := of(1, "journal")
	same := func(b [][]int) bool { return slices.EqualFunc(first, b, slices.Equal[[]int]) }
	if !same(of(1, "journal")) || same(of(2, "journal")) || same(of(1, "count")) {
		t.Error("labels are a function of seed, comparison and trial")
	}
	seen := map[[2]int]bool{}
	for _, labels := range first {
		for number, arm := range labels {
			seen[[2]int{number, arm}] = true
		}
	}
	if len(seen) != 16 {
		t.Errorf("in 50 trials an arm never had some number: %v", seen)
	}
}

// A child that hangs, or answers for another turn, drops the trial; what a style reports as
// an error does not.
func TestLostInSlices(t *testing.T) {
	t.Parallel()
	good := func(h handover, turns int) error { return h.serve(turns, func() {}) }
	for want, serve := range map[string]func(h handover, turns int) error{
		"it answered for another turn: 7, want 1": func(h handover, turns int) error {
			return errors.Join(h.answer(0, 0), h.read(make([]byte, results.AskBytes)), h.answer(7, 0))
		},
		"it answered for another turn: 3, want 0": func(h handover, turns int) error { return h.answer(3, 0) },
		`no answer to "trial" within 300ms`: func(h handover, turns int) error {
			return errors.Join(h.answer(0, 0), h.read(make([]byte, results.AskBytes)))
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c := nearComparison([]*arm{near(t, "good", good), near(t, "bad", serve)}, 300*time.Millisecond)
			err := c.inSlices(t.Context(), slicing{Ops: 1, Turns: 4}, []int{0, 1}, func(int, reply) error { return nil })
			if broken := (lost{}); !errors.As(err, &broken) || !strings.Contains(err.Error(), "bad: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
	failing := func(h handover, turns int) error { return errors.Join(good(h, turns), errors.New("the pen broke")) }
	c := nearComparison([]*arm{near(t, "good", good), near(t, "bad", failing)}, patienceOfTests)
	err := c.inSlices(t.Context(), slicing{Ops: 1, Turns: 4}, []int{0, 1}, func(int, reply) error { return nil })
	if broken := (lost{}); err == nil || errors.As(err, &broken) || !strings.Contains(err.Error(), "the pen broke") {
		t.Errorf("an error of a style: %v", err)
	}
}

// The plan of the next trial: from the calibration, from how long trials took so far, and
// from their variances when they are known.
func TestSlicing(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	log := func(trials int, start, turn time.Duration, within, between float64) *trialLog {
		l := &trialLog{logs: map[*arm]inference.Trials{}}
		for range trials {
			l.starts, l.turns = append(l.starts, start), append(l.turns, turn)
		}
		return l.with(within, between)
	}
	for name, test := range map[string]struct {
		ops   int
		perOp time.Duration // of each of two arms
		unit  int
		hot   bool
		time  time.Duration
		log   *trialLog
		want  slicing
	}{
		"first: 300 ms of turns of 2·(500 + 50) µs": {1, ms / 2, 1, false, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{1, 272 + 5, 5, 0, 0}},
		"hot: half a slice more":                    {1, ms / 2, 1, true, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{1, 142 + 5, 5, 1, 0}},
		"half a slice is rounded up":                {21, ms / 40, 1, true, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{21, 176 + 5, 5, 11, 0}},
		"half a slice in whole units":               {24, ms / 40, 8, true, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{24, 142 + 5, 5, 16, 0}},
		"no more than a twentieth of the time":      {1, ms / 2, 1, false, 1000 * ms, log(0, 0, 0, 0, 0), slicing{1, 45 + 5, 5, 0, 0}},
		"no fewer than 20":                          {1, ms / 2, 1, false, 12 * ms, log(0, 0, 0, 0, 0), slicing{1, 20 + 5, 5, 0, 0}},
		"twenty turns would last 36 s: fewer":       {1, 900 * ms, 1, false, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{1, 4 + 1, 1, 0, 0}},
		"no more than 1000":                         {1, 10 * time.Microsecond, 1, false, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{1, 1000 + 5, 5, 0, 0}},
		"as long as a trial takes to start":         {1, ms / 2, 1, false, 25 * time.Second, log(2, 500*ms, ms, 0, 0), slicing{1, 500 + 5, 5, 0, 0}},
		"a quarter of a start that eats the time":   {1, ms / 2, 1, false, 6 * time.Second, log(2, 800*ms, 2*ms, 0, 0), slicing{1, 100 + 5, 5, 0, 0}},
		"variances: √(400/1 · π/2 · 0.04/0.00505)":  {1, ms / 2, 1, false, 25 * time.Second, log(4, 400*ms, ms, 0.04, 0.01), slicing{1, 71 + 5, 5, 0, 0}},
		"trials that do not differ seem to: most":   {1, ms / 2, 1, false, 60 * time.Second, log(4, 400*ms, ms, 0.08, 0), slicing{1, 1000 + 5, 5, 0, 0}},
		"the same in little time":                   {1, ms / 2, 1, false, 6 * time.Second, log(4, 400*ms, ms, 0.04, 0), slicing{1, 100 + 5, 5, 0, 0}},
		"turns that do not differ: fewest":          {1, ms / 2, 1, false, 25 * time.Second, log(4, 400*ms, ms, 0, 0.01), slicing{1, 20 + 5, 5, 0, 0}},
		"each waits for 2 ms: 300 ms of 2·2550 µs":  {1, ms / 2, 1, false, 25 * time.Second, log(0, 0, 0, 0, 0), slicing{1, 58 + 5, 5, 0, 2 * ms}},
	} {
		caches := cachesCold
		if test.hot {
			caches = cachesHot
		}
		c := nearComparison(nil, 0)
		c.n, c.config.decide.time = test.ops, test.time
		c.plan = comparisonPlan{options: Options{cachesKey: caches}, scenario: Scenario{Unit: func(Options) int { return test.unit }, Pause: func(Options) time.Duration { return test.want.Pause }}}
		for i, style := range []string{"plain", "other"} {
			c.arms = append(c.arms, &arm{armPlan: armPlan{style: style}, cell: &results.Cell{Style: style}, perOp: float64(test.perOp)})
			if logs := test.log.logs[nil]; i > 0 && logs != nil {
				test.log.logs = map[*arm]inference.Trials{c.arms[i]: logs}
			}
		}
		got := c.slicing(test.log)
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
		if got.stimuli() != got.Turns*(got.Ops+got.Hot) || got.timed() != (got.Turns-got.Warmup)*got.Ops {
			t.Errorf("%s: %d stimuli, %d of them timed", name, got.stimuli(), got.timed())
		}
	}
}

// with adds log-ratios whose variance within and between trials is about known: that of a
// median absolute deviation.
func (l *trialLog) with(within, between float64) *trialLog {
	const turns, mad = 3, 1.4826
	w, b := math.Sqrt(within)/mad, math.Sqrt(between+math.Pi/2*within/turns)/mad
	if between == 0 {
		b = 0
	}
	for i := range l.turns {
		at := b * float64(2*(i%2)-1)
		l.logs[nil] = append(l.logs[nil], []float64{at - w, at, at + w})
	}
	return l
}

// The line about the progress says what the ratio is, how wide its interval is, and how wide it
// will be.
func TestRatiosSoFar(t *testing.T) {
	t.Parallel()
	plain, other := &arm{armPlan: armPlan{style: "plain"}}, &arm{armPlan: armPlan{style: "other"}}
	c := nearComparison([]*arm{plain, other}, 0)
	c.config.confidence = inference.Confidence
	log := (&trialLog{logs: map[*arm]inference.Trials{}, turns: make([]time.Duration, 8), slices: slicing{Ops: 1, Turns: 25, Warmup: 5}}).with(0.04, 0.0001)
	log.logs[other] = log.logs[nil]
	so := func(trials int, limit time.Duration) string {
		return standing{ratios: c.ratios(log, trials, 10*time.Second, limit)}.plain("")
	}
	said := so(8, 30*time.Second)
	found := regexp.MustCompile(`^: , other ×1 \[0\.907, 1\.1\], ±([0-9.]+) % at the end$`).FindStringSubmatch(said) // half of the trials at e^-0.098, half at e^0.098
	if found == nil {
		t.Fatalf("said %q", said)
	}
	then, _ := strconv.ParseFloat(found[1], 64)
	if soon := so(8, 10*time.Second); !strings.Contains(soon, "at the end") {
		t.Errorf("said %q", soon)
	} else if now, _ := strconv.ParseFloat(regexp.MustCompile(`±([0-9.]+)`).FindStringSubmatch(soon)[1], 64); now/then < 1.6 || now/then > 1.9 {
		t.Errorf("said %q, then %q: three times as many trials make it √3 times as narrow", soon, said) // √3
	}
	log.logs[other] = log.logs[nil][:2]
	if said := so(2, 10*time.Second); said != ": , other ×1" {
		t.Errorf("of two trials, which have no interval: %q", said)
	}
}
