package runner

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/inference"
)

// shortTrials is a self-check's machinery with blocks of one operation.
func shortTrials(t *testing.T) (*trials, program) {
	t.Helper()
	p := program{name: "rubato", stdout: io.Discard, stderr: io.Discard, limits: patience, left: &leftovers{}}
	made, err := p.trials(11)
	if err != nil {
		t.Fatal(err)
	}
	made.ops = 1
	t.Cleanup(func() {
		p.clear()
		if _, err := os.Stat(made.folder.path); err == nil {
			t.Errorf("%s is left behind", made.folder.path)
		}
	})
	return made, p
}

// In every weather the trial is what it says, and the plant is what was planted.
func TestTrialInEveryWeather(t *testing.T) {
	t.Parallel()
	made, p := shortTrials(t)
	arms := []string{kernelArm, kernelTwin, kernelSlow, kernelSlower}
	for _, w := range weathers {
		s, err := made.hold(t.Context(), w, arms, func(s *series) bool { return len(s.took) == 3 })
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		for _, style := range arms {
			if len(s.arms[style]) != 3 {
				t.Errorf("%s: %s, %d rounds", w.name, style, len(s.arms[style]))
			}
		}
		trial := s.cut(0, 3)
		if len(trial.Arm) != 3 || len(trial.Twin) != 3 || len(trial.Slow) != 3 || trial.Shift <= 0 {
			t.Errorf("%s: %+v", w.name, trial)
		}
		if n := len(p.left.processes); n != 0 {
			t.Errorf("%s: %d processes are left", w.name, n)
		}
	}
}

// The plant is so many steps more, and the work stays what it is.
func TestPlant(t *testing.T) {
	t.Parallel()
	digests := map[string]bool{}
	for style, steps := range map[string]int{kernelArm: 1000, kernelTwin: 1000, kernelSlow: 1100, kernelSlower: 1200} {
		k, made := newKernel(Setup{Style: style}), 0
		if err := k.Prepare(7, 3); err != nil {
			t.Fatal(err)
		}
		if err := k.Run(func(time.Duration) {}); err != nil {
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

// A check that is stopped in the middle of a trial leaves nothing and tells what it
// has.
func TestStoppedSelfcheck(t *testing.T) {
	t.Parallel()
	made, p := shortTrials(t)
	ctx, stop := context.WithCancel(t.Context())
	seen := 0
	s, err := made.hold(ctx, weathers[1], []string{kernelArm, kernelTwin, kernelSlow}, func(s *series) bool {
		if seen = len(s.took); seen == 2 {
			stop()
		}
		return false
	})
	if err == nil || s == nil || len(s.took) != seen || seen != 2 {
		t.Fatalf("%d rounds, then %v", seen, err)
	}
	if n := len(p.left.processes); n != 0 {
		t.Errorf("%d processes are left", n)
	}
}

// The whole command, short: exit code, JSON, progress.
func TestShortSelfcheck(t *testing.T) {
	t.Parallel()
	made, p := shortTrials(t)
	length := checkLength{rounds: 2, cuts: 2, time: 4 * time.Second, atLeast: 1000}
	f := newFindings(journals(), 11, length)
	if err := f.measure(t.Context(), made, length, func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	f.conclude(nil)
	var out strings.Builder
	p.stdout = &out
	if code := p.tell(f, true, nil); code != exitInconclusive && code != exitNotFit {
		t.Errorf("exit %d of %d trials that were to be 1000", code, f.All.Trials)
	}
	var told map[string]any
	if err := json.Unmarshal([]byte(out.String()), &told); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"type_i", "coverage", "smallest_effect"} {
		if _, number := told[key].(float64); !number {
			t.Errorf("%s is %v", key, told[key])
		}
	}
	if fit, is := told["fit"].(bool); !is || fit || f.All.Trials == 0 {
		t.Errorf("fit is %v after %d trials", told["fit"], f.All.Trials)
	}
}

// The verdict, from what was counted.
func TestVerdictOfSelfcheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typeI, missed, over int // of 100
		effect              float64
		trials              int
		want                string
		exit                int
		says                string
	}{
		"good":             {4, 5, 0, 0.03, 100, "fit", exitPass, ""},
		"one bad luck":     {9, 9, 1, 0.03, 100, "fit", exitPass, ""},
		"false alarms":     {20, 5, 0, 0.03, 100, "not fit", exitNotFit, "twins are called different"},
		"refused twins":    {5, 5, 6, 0.03, 100, "not fit", exitNotFit, "refused by a gate"},
		"missed truth":     {5, 20, 0, 0.03, 100, "not fit", exitNotFit, "hold the truth"},
		"sees too little":  {5, 5, 0, 0.15, 100, "not fit", exitNotFit, "would be missed"},
		"sees nothing":     {5, 5, 0, blindEffect, 100, "not fit", exitNotFit, "more than +700 %"},
		"too few":          {1, 1, 0, 0.03, 20, "inconclusive", exitInconclusive, "too few"},
		"known too little": {4, 0, 0, 0.03, 30, "inconclusive", exitInconclusive, "known too little"},
		"none":             {0, 0, 0, 0, 0, "inconclusive", exitInconclusive, "too few"},
	} {
		f := newFindings(Suite{}, 1, checkLength{rounds: 20, cuts: 1, atLeast: 30})
		f.Conditions[0] = condition{Name: "quiet", Trials: c.trials, Lives: c.trials, smallest: []float64{c.effect}, rates: inference.Rates{
			TypeI: inference.Rate{Hits: c.typeI, N: c.trials}, Over: inference.Rate{Hits: c.over, N: c.trials},
			Coverage: inference.Rate{Hits: c.trials - c.missed, N: c.trials}}}
		f.conclude(nil)
		if f.Verdict != c.want || f.exit != c.exit || f.Fit != (c.want == "fit") || !strings.Contains(strings.Join(f.Why, "\n"), c.says) {
			t.Errorf("%s: %s, exit %d, fit %v, because %q", name, f.Verdict, f.exit, f.Fit, f.Why)
		}
	}
}

// The storm blows in some blocks and not in others, and ends.
func TestStorm(t *testing.T) {
	t.Parallel()
	k := newKernel(Setup{Style: kernelArm, Options: Options{weatherKey: weatherStorm}})
	const blocks = 40
	for i := range blocks {
		if err := k.Prepare(i, 1); err != nil {
			t.Fatal(err)
		}
		if err := k.Run(func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
	}
	if n := k.storm.blown.Load(); n == 0 || n == blocks {
		t.Errorf("blown in %d of %d blocks", n, blocks)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestSelfcheckArguments(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"name", "-quick -rates", "-into x", "-quik"} {
		if _, err := parseSelfcheck(strings.Fields(args)); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	ask, err := parseSelfcheck([]string{"-rates", "--seed", "7"})
	if err != nil || ask.seed != 7 || ask.into != filepath.Join("docs", "error-rates.md") {
		t.Errorf("%+v, %v", ask, err)
	}
}
