package runner

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/inference"
	"rubato/results"
)

// shortTrials is a self-check's machinery with trials of the fewest turns.
func shortTrials(t *testing.T) (*trials, program) {
	t.Helper()
	p := program{name: "rubato", stdout: io.Discard, stderr: io.Discard, limits: patience, left: &leftovers{}}
	made, err := p.trials(11)
	if err != nil {
		t.Fatal(err)
	}
	made.plan = 1
	t.Cleanup(func() {
		p.clear()
		if _, err := os.Stat(made.folder.path); err == nil {
			t.Errorf("%s is left behind", made.folder.path)
		}
	})
	return made, p
}

// Under every condition a series has its arms, trials and turns, and leaves no process: one for a whole session.
func TestSelfcheckSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	made, p := shortTrials(t)
	arms := []string{kernelArm, kernelAA, kernelSlow, kernelSlower}
	for i, c := range conditions {
		n := []int{sessionTrials, 3}[min(i, 1)]
		s, err := made.run(t.Context(), c, arms, time.Hour, func(s *series) bool { return len(s.took) == n })
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for _, style := range arms {
			if len(s.arms[style]) != n {
				t.Errorf("%s: %s, %d trials", c.Name, style, len(s.arms[style]))
			}
		}
		if len(s.turns) != n || slices.Min(s.turns) < fewestLong || !slices.IsSorted(s.took) || s.dropped != 0 || s.timeUp { // turns are long beside other programs
			t.Errorf("%s: turns %v until %v, %d dropped, time up %v", c.Name, s.turns, s.took, s.dropped, s.timeUp)
		}
		if left := len(p.left.processes); left != 0 {
			t.Errorf("%s: %d processes are left", c.Name, left)
		}
		if i > 0 {
			continue
		}
		if whole := s.session(0); len(whole.Arm) != n || len(whole.AA) != n || len(whole.Slow) != n || whole.Shift <= 0 {
			t.Errorf("%s: %+v", c.Name, whole)
		}
	}
}

// The injected slowdown is more steps, and the result of the work stays the same.
func TestKernelSlowdown(t *testing.T) {
	t.Parallel()
	digests := map[string]bool{}
	for style, steps := range map[string]int{kernelArm: 1000, kernelAA: 1000, kernelSlow: 1010, kernelSlower: 1030} {
		k, made := newKernel(Setup{Style: style}), 0
		if err := k.Prepare(7, 3); err != nil {
			t.Fatal(err)
		}
		if err := k.Run(3, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		for _, n := range k.counts {
			made += n
		}
		work, err := k.Work()
		if digests[work.Digest] = true; err != nil || made != 3*steps || work.Effects != 3 {
			t.Errorf("%s: %d steps, want %d; %+v, %v", style, made, 3*steps, work, err)
		}
	}
	if len(digests) != 1 {
		t.Errorf("digests %v, want one", digests)
	}
}

// A check that is stopped in the middle of a series leaves nothing and keeps what it
// has.
func TestStoppedSelfcheck(t *testing.T) {
	t.Parallel()
	made, p := shortTrials(t)
	ctx, stop := context.WithCancel(t.Context())
	seen := 0
	s, err := made.run(ctx, conditions[1], []string{kernelArm, kernelAA, kernelSlow}, time.Hour, func(s *series) bool {
		if seen = len(s.took); seen == 2 {
			stop()
		}
		return false
	})
	if err == nil || s == nil || len(s.took) != seen || seen != 2 {
		t.Fatalf("%d trials, then %v", seen, err)
	}
	if n := len(p.left.processes); n != 0 {
		t.Errorf("%d processes are left", n)
	}
}

// The whole command, short: exit code, JSON, progress.
func TestShortSelfcheck(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	made, p := shortTrials(t)
	f := newFindings(journals(), 11, checkLength{series: 3 * time.Second, time: 7 * time.Second, atLeast: 1000})
	var out strings.Builder
	p.stdout = &out
	if code := p.check(t.Context(), made, f, selfcheckFlags{asJSON: true}); code != exitInconclusive && code != exitNotFit {
		t.Errorf("exit %d of %d sessions when 1000 are needed", code, f.All.Sessions)
	}
	var shown map[string]any
	if err := json.Unmarshal([]byte(out.String()), &shown); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"type_i", "coverage", "minimum_detectable_effect"} {
		if _, number := shown[key].(float64); !number {
			t.Errorf("%s is %v", key, shown[key])
		}
	}
	if headline, is := shown["headline"].(string); !is || !strings.Contains(headline, "in 20 s") {
		t.Errorf("headline is %v", shown["headline"])
	}
	if fit, is := shown["fit"].(bool); !is || fit || len(f.Conditions[0].measured.turns) == 0 {
		t.Errorf("fit is %v after %d quiet trials", shown["fit"], len(f.Conditions[0].measured.turns))
	}
}

// The verdict, from what was counted.
func TestVerdictOfSelfcheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typeI, missed, over int // of 100
		effect              float64
		sessions            int
		want                string
		exit                int
		says                string
	}{
		"good":             {4, 5, 0, 0.01, 100, "fit", exitPass, ""},
		"one bad luck":     {9, 9, 1, 0.03, 100, "fit", exitPass, ""},
		"false alarms":     {20, 5, 0, 0.03, 100, "not fit", exitNotFit, "A/A controls are called different"},
		"refused controls": {5, 5, 6, 0.03, 100, "not fit", exitNotFit, "would refuse"},
		"missed value":     {5, 20, 0, 0.03, 100, "not fit", exitNotFit, "contain the true value"},
		"sees too little":  {5, 5, 0, 0.05, 100, "not fit", exitNotFit, "would miss"},
		"sees nothing":     {5, 5, 0, insensitiveEffect, 100, "not fit", exitNotFit, "more than +700 %"},
		"too few":          {1, 1, 0, 0.03, 20, "inconclusive", exitInconclusive, "too few"},
		"wide intervals":   {4, 0, 0, 0.03, 30, "inconclusive", exitInconclusive, "too wide"},
		"none":             {0, 0, 0, 0, 0, "inconclusive", exitInconclusive, "too few"},
	} {
		f := newFindings(Suite{}, 1, checkLength{effects: 5, atLeast: 30})
		f.Conditions[0] = condition{Name: "quiet", Sessions: c.sessions, effects: slices.Repeat([]float64{c.effect}, c.sessions), Rates: inference.Rates{
			TypeI: inference.Rate{Hits: c.typeI, N: c.sessions}, Over: inference.Rate{Hits: c.over, N: c.sessions},
			Coverage: inference.Rate{Hits: c.sessions - c.missed, N: c.sessions}}}
		f.conclude(nil)
		if f.Verdict != c.want || f.exit != c.exit || f.Fit != (c.want == "fit") || !strings.Contains(strings.Join(f.Why, "\n"), c.says) {
			t.Errorf("%s: %s, exit %d, fit %v, because %q", name, f.Verdict, f.exit, f.Fit, f.Why)
		}
	}
}

// The storm of garbage collection is in some slices and not in others, and ends.
func TestStorm(t *testing.T) {
	t.Parallel()
	k := newKernel(Setup{Style: kernelArm, Options: Options{disturbanceKey: disturbanceStorm}})
	const slices = 40
	for i := range slices {
		if err := k.Prepare(i, 1); err != nil {
			t.Fatal(err)
		}
		if err := k.Run(1, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
	}
	if n := k.storm.blown.Load(); n == 0 || n == slices {
		t.Errorf("blown in %d of %d slices", n, slices)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestSelfcheckArguments(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"name", "-quick -rates", "-into x", "-sessions 20", "-rates -sessions 5", "-rates -trials 20", "-quik"} {
		if _, err := parseSelfcheck(strings.Fields(args)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	ask, err := parseSelfcheck([]string{"-rates", "--seed", "7"})
	if err != nil || ask.seed != 7 || ask.length.hog != 100 || ask.length.atLeast != 200 || ask.into != filepath.Join("docs", "error-rates.md") {
		t.Errorf("%+v, %v", ask, err)
	}
}

// fictional are the findings of no machine.
func fictional() *findings {
	f := &findings{Trials: sessionTrials, EffectSeconds: effectTime.Seconds(), Seed: 7, Seconds: 1130, length: checkLength{atLeast: 100, effects: 5}, Advice: []string{"rest"},
		Machine: results.Machine{CPU: "Abacus", Cores: 2, GOMAXPROCS: 2, GOGC: "100", OS: "linux", Arch: "amd64", Kernel: "1.2", Go: "go1", Load: [3]float64{0.1}},
		started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Conditions: slices.Clone(conditions)}
	of := func(hits, n int) inference.Rate { return inference.Rate{Hits: hits, N: n} }
	for i := range f.Conditions {
		c := &f.Conditions[i]
		c.Sessions, c.effects = 100, slices.Repeat([]float64{0.012, 0.006, 0.009}, 3)
		c.measured = series{turns: []int{28, 33, 31}, dropped: i % 2}
		c.Rates = inference.Rates{TypeI: of(4+i, 100), Over: of(0, 100), Coverage: of(95, 100), Found: of(99, 100), InTurn: of(20, 100)}
	}
	f.Duty = []dutyReading{{Wanted: 50, Given: 49.9, Gopsutil: 50.3, Rusage: 50.2, Pprof: 48.1, Right: true},
		{Wanted: 90, Given: 80, Gopsutil: 82.5, Rusage: 80.5, Pprof: 79}}
	f.sum()
	f.judge()
	f.Simulated = []simulatedRow{{Name: "normal", Doc: "as it should be", Trials: 12, Rates: f.All.Rates, Wrong: of(40, 1000), Found: of(1000, 1000)}}
	f.Runs = newDecided()
	quiet, hog := &f.Runs[0], &f.Runs[1]
	quiet.Found, quiet.Decided, quiet.Wrong = of(10, 10), of(7, 10), of(1, 10)
	quiet.FoundIn, quiet.OverIn = []time.Duration{4 * time.Second, 5 * time.Second}, []time.Duration{6 * time.Second, 30 * time.Second, 40 * time.Second}
	hog.Found, hog.Wrong, hog.FoundIn = of(8, 10), of(0, 10), []time.Duration{decidedIn}
	return f
}

// The answer for a terminal and the page of error rates.
func TestSelfcheckTexts(t *testing.T) {
	t.Parallel()
	f := fictional()
	for file, name := range map[string]string{"selfcheck.txt": "text", "error-rates.md": "page"} {
		got, err := f.render(name, "rubato")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not as it was (-update rewrites it):\n%s", file, got)
		}
	}
}

// The page shows each goal that is missed. No goal is reached without a measurement.
func TestGoals(t *testing.T) {
	t.Parallel()
	f, missed := fictional(), 0
	f.after, f.length.hog = func() {}, 100
	if f.conclude(nil); f.exit != exitNotFit {
		t.Errorf("exit %d", f.exit)
	}
	for _, g := range f.Goals() {
		if !g.Reached {
			missed++
		}
	}
	if page, err := f.render("page", "rubato"); missed != 3 || strings.Count(page, "**not reached**") != 3 || err != nil {
		t.Errorf("%d goals are missed, want 3: found beside the hog, decided and a load; %v\n%s", missed, err, page)
	}
	for _, g := range (&findings{}).Goals() {
		if g.Reached {
			t.Errorf("nothing was measured, yet reached: %s", g.What)
		}
	}
}

// Runs that stop when they are certain: what is found, and when. When the time is up, they
// are looked at a last time.
func TestDecidedRuns(t *testing.T) {
	t.Parallel()
	s := &series{arms: map[string][]float64{}}
	for i := range 16 {
		noise := 0.001 * float64(i%3-1)
		s.arms[kernelArm] = append(s.arms[kernelArm], noise)
		s.arms[kernelAA] = append(s.arms[kernelAA], 0.001*float64(i%5-2))
		s.arms[kernelSlow] = append(s.arms[kernelSlow], 0.01-noise)
		s.arms[kernelSlower] = append(s.arms[kernelSlower], 0.005)
		s.took = append(s.took, time.Duration(i+1)*time.Second)
	}
	judge := func(looks ...int) decided {
		plan, err := inference.NewSequentialPaired(looks, inference.Confidence)
		if err != nil {
			t.Fatal(err)
		}
		d := newDecided()[0]
		if err := d.add(s, plan); err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := judge(8, 16)
	if d.Found != (inference.Rate{Hits: 1, N: 1}) || d.FoundIn[0] != 8*time.Second {
		t.Errorf("%s was found in %v, %v", d.Show(), d.FoundIn, d.Found)
	}
	if d.Decided != (inference.Rate{N: 1}) || d.OverIn[0] != decidedIn || d.Wrong != (inference.Rate{N: 1}) {
		t.Errorf("+0.5 %% was called over +1 %% in %v, %v; the A/A control different: %v", d.OverIn, d.Decided, d.Wrong)
	}
	if d = judge(32); d.Found != (inference.Rate{N: 1}) {
		t.Errorf("found before the first look, in %v", d.FoundIn)
	}
	s.timeUp = true
	if d = judge(32); d.Found != (inference.Rate{Hits: 1, N: 1}) || d.FoundIn[0] != 16*time.Second {
		t.Errorf("at the end of the time %s was found in %v, %v", d.Show(), d.FoundIn, d.Found)
	}
}

// Sessions are cut from all trials of a condition.
func TestConditionAdds(t *testing.T) {
	t.Parallel()
	c := condition{}
	for i, want := range []int{0, 1, 2, 3} {
		s := &series{arms: map[string][]float64{}}
		for range sessionTrials - 2 {
			for n, style := range []string{kernelArm, kernelAA, kernelSlow} {
				s.arms[style] = append(s.arms[style], 0.01*float64(n/2)+0.001*float64(len(s.turns)%(n+2)))
			}
			s.turns = append(s.turns, 20)
		}
		if err := errors.Join(c.add(s), c.addEffect(s, 1)); err != nil {
			t.Fatal(err)
		}
		if c.Sessions != want || c.TypeI.N != want || len(c.effects) != i+1 {
			t.Errorf("after series %d: %d sessions, %d judged, effects %v", i+1, c.Sessions, c.TypeI.N, c.effects)
		}
	}
	if e := c.effects[0]; e <= 0 || e > 0.01 {
		t.Errorf("minimum detectable effect %v", e)
	}
}

// Processes are stopped only while turns are taken. All run again after that.
func TestStops(t *testing.T) {
	t.Parallel()
	made, _ := shortTrials(t)
	p, err := made.start(nil, "stopped")
	if err != nil {
		t.Fatal(err)
	}
	s := &stops{}
	s.stopOne(t.Context(), 0, time.Hour) // between trials: it stops nothing and does not wait
	calm := s.during([]*arm{{process: p}})
	ctx, end := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.stopOne(ctx, 3, time.Hour)
	}()
	for s.mu.TryLock() { // until it is stopped
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	end()
	<-stopped
	if calm(); len(s.groups) != 0 {
		t.Errorf("processes %v are stopped between trials", s.groups)
	}
	if _, err := p.ask(t.Context(), request{Do: doUsage}, time.Minute); err != nil {
		t.Error(err)
	}
	p.end(time.Minute)
}

// A trial that breaks off is dropped as a whole, and the series goes on.
func TestSelfcheckDropsTrial(t *testing.T) {
	t.Parallel()
	made, p := shortTrials(t)
	arms := []string{kernelArm, kernelAA, kernelSlow}
	s, err := made.run(t.Context(), conditions[4], arms, time.Hour, func(s *series) bool {
		if len(s.took) == 1 && s.dropped == 0 {
			for child := range p.left.processes {
				child.kill()
				break
			}
		}
		return len(s.took) == 2
	})
	if err != nil || s.dropped != 1 || len(s.took) != 2 || len(s.against(kernelSlow)) != 2 {
		t.Errorf("%v, %d trials dropped, %d kept", err, s.dropped, len(s.took))
	}
}
