package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/inference"
	"rubato/reports"
)

// seen are figures of no machine.
func seen() *errorFigures {
	f := &findings{Rounds: 20, EffectRounds: 20, BlockOps: 20, Seed: 7, Seconds: 1830, enough: 100, Advice: []string{"rest"},
		Machine: reports.Machine{CPU: "Abacus", Cores: 2, GOMAXPROCS: 2, GOGC: "100", OS: "linux", Arch: "amd64", Kernel: "1.2", Go: "go1", Load: [3]float64{0.1}},
		started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for i, w := range weathers {
		r := inference.Rates{TypeI: inference.Rate{Hits: 4 + i, N: 100}, Over: inference.Rate{N: 100}, Coverage: inference.Rate{Hits: 95, N: 100},
			Found: inference.Rate{Hits: 99, N: 100}, InTurn: inference.Rate{Hits: 20, N: 100}}
		f.Conditions = append(f.Conditions, condition{Name: w.name, Doc: w.doc, Trials: 100, Lives: 100, rates: r, smallest: []float64{0.02, 0.03, 0.04}})
	}
	f.Duty = []duty{newDuty(DutyReading{Wanted: 50, Given: 49.9, Gopsutil: 50.3, Rusage: 50.2, Pprof: 48.1}),
		newDuty(DutyReading{Wanted: 90, Given: 80, Gopsutil: 82.5, Rusage: 80.5, Pprof: 79})}
	f.sum()
	f.judge()
	e := &errorFigures{findings: f, Simulated: []simulatedRow{{Name: "normal", Doc: "as it should be", Rounds: 12,
		Rates: f.All.rates, Wrong: inference.Rate{Hits: 40, N: 1000}, Found: inference.Rate{Hits: 1000, N: 1000}}}}
	quick := &decided{Name: "quiet", found: inference.Rate{Hits: 20, N: 20}, over: inference.Rate{Hits: 20, N: 20}, wrong: inference.Rate{Hits: 1, N: 20},
		FoundIn: []time.Duration{4 * time.Second, 5 * time.Second}, OverIn: []time.Duration{6 * time.Second}}
	slow := &decided{Name: "cpu hog", found: inference.Rate{Hits: 15, N: 20}, over: inference.Rate{Hits: 12, N: 20}, wrong: inference.Rate{N: 20},
		FoundIn: []time.Duration{decidedIn}, OverIn: []time.Duration{30 * time.Second, 40 * time.Second}}
	e.Runs = []*decided{quick.and(&decided{}), slow.and(&decided{}), quick.and(slow)}
	e.AA = condition{Name: "quiet and cpu hog", Trials: 200, rates: f.Conditions[0].rates.And(f.Conditions[1].rates)}
	e.AA.sum()
	return e
}

// What is written of a check, and of the error rates.
func TestSelfcheckTexts(t *testing.T) {
	t.Parallel()
	e := seen()
	for file, got := range map[string]string{"selfcheck.txt": e.text(), "error-rates.md": e.page("rubato")} {
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

// A goal that is missed is said, and none is reached by having measured nothing.
func TestGoals(t *testing.T) {
	t.Parallel()
	e := seen()
	if e.reached() || !strings.Contains(e.page("rubato"), "**not reached**") {
		t.Error("35 of 40 runs found +10 %, and no goal is missed")
	}
	for _, g := range (&errorFigures{findings: &findings{}}).goals() {
		if g.reached {
			t.Errorf("nothing was measured, yet reached: %s", g.what)
		}
	}
}

// Runs that stop when they know: what they came to.
func TestDecidedRuns(t *testing.T) {
	t.Parallel()
	looks, err := inference.NewPeeking([]int{8, 16}, inference.Confidence)
	if err != nil {
		t.Fatal(err)
	}
	s := &series{arms: map[string][]float64{}}
	for i := range 16 {
		noise := 0.01 * float64(i%3-1)
		s.arms[kernelArm] = append(s.arms[kernelArm], noise)
		s.arms[kernelTwin] = append(s.arms[kernelTwin], 0.01*float64(i%5-2))
		s.arms[kernelSlow] = append(s.arms[kernelSlow], 0.1-noise)
		s.arms[kernelSlower] = append(s.arms[kernelSlower], 0.05)
		s.took = append(s.took, time.Duration(i+1)*time.Second)
	}
	d := &decided{}
	if err := d.judge(s, looks); err != nil {
		t.Fatal(err)
	}
	if d.found != (inference.Rate{Hits: 1, N: 1}) || d.FoundIn[0] != 8*time.Second {
		t.Errorf("+10 %% was found in %v, %v", d.FoundIn, d.found)
	}
	if d.over != (inference.Rate{N: 1}) || d.OverIn[0] != decidedIn || d.wrong != (inference.Rate{N: 1}) {
		t.Errorf("+5 %% was called over +10 %% in %v, %v; the twin different: %v", d.OverIn, d.over, d.wrong)
	}
}
