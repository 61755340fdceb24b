package runner

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/results"
	"rubato/runner/host"
)

// A child that is stopped in the middle of a block says so of that block and of no
// other.
func TestStoppedChild(t *testing.T) {
	t.Parallel()
	p, err := start(nil, nil, "a child to stop", t.TempDir(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end(patienceOfTests)
	dir := t.TempDir()
	ask := func(r request) reply {
		answer, err := p.ask(t.Context(), r, patienceOfTests)
		if err != nil {
			t.Error(err)
		}
		return answer
	}
	ask(request{Do: doOpen, Scenario: "count", Setup: &Setup{Style: "plain", Dir: dir, Shared: t.TempDir()}})
	const n = 300_000 // some tenths of a second, most of it after the first line
	answers := make(chan reply, 1)
	go func() { answers <- ask(request{Do: doBlock, N: n}) }()
	await(t, "the block to be under way", func() bool {
		info, err := os.Stat(filepath.Join(dir, "journal"))
		return err == nil && info.Size() > 0
	})
	pid := p.command.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if b := (<-answers).Block; b == nil || !strings.HasPrefix(b.Disturbed, "the process stood still for ") || b.Wall < 1900*time.Millisecond {
		t.Errorf("the stopped block: %+v", b)
	}
	if b := ask(request{Do: doBlock, First: n, N: 1000}).Block; b == nil || strings.Contains(b.Disturbed, "clock") {
		t.Errorf("the block after: %+v", b)
	}
}

// readied counts what is done between two makings ready.
type readied struct {
	hog
	done []string
}

func (r *readied) BeforeSlice() error {
	r.done = append(r.done, "ready")
	return nil
}

func (r *readied) Run(int, func(time.Duration)) error {
	r.done = append(r.done, "run")
	return nil
}

func (r *readied) AfterSlice() error {
	r.done = append(r.done, "looked at")
	return nil
}

// TestReadier: before each slice, its untimed operations included, the workload makes ready, also
// where the slowdown is injected.
func TestReadier(t *testing.T) {
	t.Parallel()
	load := &readied{}
	timing := begin(&slowed{load, &Slowdown{}}, newLatencies(), instruments{}, slicing{Ops: 1, Turns: 2, Warmup: 1, Hot: 1})
	timing.next()
	timing.next()
	if _, err := timing.end(); err != nil {
		t.Fatal(err)
	}
	if got, turn := strings.Join(load.done, ", "), "ready, run, run, looked at"; got != turn+", "+turn {
		t.Error(got)
	}
}

// TestPauseIsNotTimed: an arm waits before each slice, outside the clock.
func TestPauseIsNotTimed(t *testing.T) {
	t.Parallel()
	const pause = 300 * time.Millisecond
	timing := begin(&hog{}, newLatencies(), instruments{}, slicing{Ops: 1, Turns: 2, Pause: pause})
	start := time.Now()
	timing.next()
	timing.next()
	took := time.Since(start)
	b, err := timing.end()
	if err != nil || took < 2*pause || b.Wall > took-2*pause {
		t.Errorf("%v, of which %v is timed, %v", took, b.Wall, err)
	}
}

// A workload that waits is no stopped process: a style's own stall counts.
func TestWaitingIsNotStandingStill(t *testing.T) {
	t.Parallel()
	w := startWatch()
	<-time.After(3 * stillAfter)
	if longest := w.end(); longest >= 2*stillAfter { // it looks every 100 ms, on any machine that is not stopped
		t.Errorf("it stood still for %v of %v", longest, 3*stillAfter)
	}
}

func TestDisturbance(t *testing.T) {
	t.Parallel()
	at := host.Clocks{Steady: time.Hour, Boot: 2 * time.Hour, Wall: 3 * time.Hour}
	after := func(steady, boot, wall time.Duration) host.Clocks {
		return host.Clocks{Steady: at.Steady + steady, Boot: at.Boot + boot, Wall: at.Wall + wall}
	}
	const s, ms = time.Second, time.Millisecond
	for name, c := range map[string]struct {
		still time.Duration
		after host.Clocks
		want  string
	}{
		"nothing":        {100 * ms, after(s, s, s), ""},
		"slewed":         {0, after(s, s, s+500*time.Microsecond), ""},
		"asleep":         {0, after(s, 31*s, 31*s), "the machine slept for 30s"},
		"set ahead":      {0, after(s, s, 3601*s), "the clock was set by 1h0m0s"},
		"set back":       {0, after(s, s, -59*s), "the clock was set by -1m0s"},
		"still":          {2 * s, after(3*s, 3*s, 3*s), "the process stood still for 2s"},
		"still and busy": {stillAfter, after(s, s, s), ""},
	} {
		if got := disturbance(c.still, at, c.after, c.after.Steady-at.Steady); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if now := host.ClocksNow(); now.Steady <= 0 || now.Boot < now.Steady || now.Wall < 365*24*time.Hour {
		t.Errorf("clocks %+v", now)
	}
}

// A counted workload notes how its operations were asked for, and fails at one of them.
type counted struct {
	runs   []int
	done   int
	failAt int // 0: never
	sealed int // operations done when it was sealed
}

func (c *counted) Prepare(int, int) error { return nil }

func (c *counted) Run(n int, latency func(time.Duration)) error {
	c.runs = append(c.runs, n)
	for range n {
		if c.done++; c.done == c.failAt {
			return errors.New("the pen broke")
		}
		latency(time.Microsecond)
	}
	return nil
}

func (c *counted) Work() (Work, error) { return Work{}, nil }
func (c *counted) Close() error        { return nil }
func (c *counted) Seal() error         { c.sealed = c.done; return nil }

// turnsOf measures the workload in the turns of a trial.
func turnsOf(load Workload, s slicing) (results.Block, error) {
	t := begin(load, newLatencies(), usual, s)
	for range s.Turns {
		t.next()
	}
	return t.end()
}

// Each turn does its untimed operations first, then its timed ones. Only the timed ones of
// the turns after the warm-up are in the block, with their latencies.
func TestTurnsOfATrial(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		slice slicing
		runs  []int
		ops   int
	}{
		{slicing{Ops: 4, Turns: 5, Warmup: 2, Hot: 3}, []int{3, 4, 3, 4, 3, 4, 3, 4, 3, 4}, 12},
		{slicing{Ops: 4, Turns: 5, Warmup: 2}, []int{4, 4, 4, 4, 4}, 12},
		{slicing{Ops: 4, Turns: 2}, []int{4, 4}, 8},
		{slicing{Ops: 7, Turns: 1}, []int{7}, 7}, // a block
	} {
		load := &counted{}
		b, err := turnsOf(load, test.slice)
		if err != nil || !slices.Equal(load.runs, test.runs) || b.Ops != test.ops || load.sealed != test.slice.stimuli() {
			t.Errorf("%+v: runs %v, want %v; %d timed operations, sealed after %d, %v", test.slice, load.runs, test.runs, b.Ops, load.sealed, err)
		}
		recorded, err := hdrhistogram.Decode([]byte(b.Latency))
		if err != nil || recorded.TotalCount() != int64(test.ops) {
			t.Errorf("%+v: latencies %v, %v", test.slice, recorded, err)
		}
		if block := test.slice.Turns == 1; block != (b.SliceOps == 0) || block != (len(b.Slices) == 0) || b.Hot != test.slice.Hot {
			t.Errorf("%+v: slices %v of %d, %d untimed before each", test.slice, b.Slices, b.SliceOps, b.Hot)
		}
		if n := len(b.Slices); n > 0 && (n*b.SliceOps != test.ops || n != test.slice.Turns-test.slice.Warmup) {
			t.Errorf("%+v: %d slices of %d", test.slice, n, b.SliceOps)
		}
	}
}

// An operation that fails ends the trial with its error, be it timed or not, and no other
// is done after it.
func TestErrorInATurn(t *testing.T) {
	t.Parallel()
	for _, failAt := range []int{1, 3, 4, 7, 8, 35} {
		load := &counted{failAt: failAt}
		_, err := turnsOf(load, slicing{Ops: 4, Turns: 5, Warmup: 2, Hot: 3})
		if err == nil || !strings.Contains(err.Error(), "running 35 stimuli: the pen broke") || load.done != failAt {
			t.Errorf("failed at operation %d of 35: %d were done, %v", failAt, load.done, err)
		}
	}
}

// A telling workload collects garbage in one operation, has a checkpoint in three, and is slow in one.
type telling struct {
	counted
	gc, slow    int
	checkpoints []int // operations; another comes between the slices
	happened    int64
}

func (w *telling) Run(n int, latency func(time.Duration)) error {
	return w.counted.Run(n, func(d time.Duration) {
		if slices.Contains(w.checkpoints, w.done) {
			w.happened++
		}
		if w.done == w.gc {
			runtime.GC()
		}
		if w.done == w.slow {
			d = time.Second
		}
		latency(d)
	})
}

func (w *telling) AfterSlice() error { w.happened++; return nil }

func (w *telling) Happened(tell func(string, int64)) error {
	tell(results.MarkCheckpoint, w.happened)
	return nil
}

// What happens in a timed slice is noted with its turn; what happens in untimed operations, or
// between slices, is not.
func TestMarks(t *testing.T) {
	t.Parallel()
	// Turns of 3 untimed operations and 4 timed ones; the first two are the warm-up. Operation 18 is
	// the first timed one of the first timed turn, 16 is untimed, 27 and 28 are of one slice.
	load := &telling{gc: 26, slow: 34, checkpoints: []int{2, 5, 16, 18, 27, 28}}
	b, err := turnsOf(load, slicing{Ops: 4, Turns: 5, Warmup: 2, Hot: 3})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1}; !slices.Equal(b.Marks[results.MarkCheckpoint], want) {
		t.Errorf("checkpoints in turns %v, want %v", b.Marks[results.MarkCheckpoint], want)
	}
	if !slices.Contains(b.Marks[results.MarkGC], 1) { // other tests of this process cause some, too
		t.Errorf("garbage was collected in turns %v, want 1", b.Marks[results.MarkGC])
	}
	if want := []time.Duration{time.Microsecond, time.Microsecond, time.Second}; !slices.Equal(b.Slowest, want) {
		t.Errorf("slowest %v, want %v", b.Slowest, want)
	}
	if b, err := turnsOf(&counted{}, slicing{Ops: 4, Turns: 2}); err != nil || b.Marks == nil || b.Marks[results.MarkCheckpoint] != nil {
		t.Errorf("of a workload that does not tell: %v, %v", b.Marks, err)
	}
}

// A cycle of garbage collection that is under way is in every slice until it ends.
func TestMarksOfALongCycle(t *testing.T) {
	t.Parallel()
	e := newEvents(&counted{}, 4)
	var turns []int
	for turn, pauses := range []int64{1, 1, 2, 2} { // it begins in turn 0 and ends in turn 2
		e.turn = turn
		e.noteGC(pauses)
		turns = e.marks[results.MarkGC]
	}
	if want := []int{0, 1, 2}; !slices.Equal(turns, want) {
		t.Errorf("turns %v, want %v", turns, want)
	}
}
