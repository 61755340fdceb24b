package runner

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// beats are two scenarios that a clock paces: "beat" in turn and with windows, "choir"
// with all arms at once, in one block whose size the effort gives.
func beats() []Scenario {
	measures := []Measure{
		{Name: "late", Doc: "the latest beat", Unit: "ns", Better: "less"},
		{Name: "missed", Doc: "beats that were left out"},
		{Name: "memory", Doc: "what is held", Unit: "bytes"},
	}
	told := func(s Setup) error {
		if s.Effort == "" {
			return errors.New("the effort is not given")
		}
		return nil
	}
	open := func(s Setup) (Workload, error) { return &drum{setup: s}, told(s) }
	fault := Key{Name: "tells", Doc: "style/what it tells wrongly", Default: "nothing"}
	return []Scenario{
		{Name: "beat", Answers: "Is every beat on time?", Op: "beat", Script: 3, Paced: true, Measures: measures, Prepare: told, Keys: []Key{fault},
			Size: func(string, Options) Size { return Size{Ops: 3, Rounds: 7, Warmup: -1} }, Open: open,
			Claims: []Claim{{Text: "none is missed", Source: "hearsay", Kind: "budget", Quantity: "figure:missed"}}},
		{Name: "choir", Answers: "Do all sing on?", Op: "beat", Script: 3, Paced: true, Together: true, Bare: true,
			Measures: measures, Keys: []Key{fault}, Open: open,
			Size: func(effort string, o Options) Size {
				return Size{Ops: 10 * len(effort), Rounds: 1, Warmup: -1, Limit: time.Minute}
			}},
	}
}

const beat = 2 * time.Millisecond

// A drum is the workload.
type drum struct {
	setup Setup
	n     int
	began time.Time
	late  time.Duration
}

func (d *drum) Prepare(_, n int) error { d.n = n; return nil }

func (d *drum) Run(_ int, latency func(time.Duration)) error {
	if d.setup.Options["tells"] == "all/meet" && !d.setup.Verbatim {
		if err := d.meet(); err != nil {
			return err
		}
	}
	if fault, own := strings.CutPrefix(d.setup.Options["tells"], d.setup.Style+"/"); own && !d.setup.Verbatim {
		if err := failInProfile(fault, d.setup.Shared); err != nil {
			return err
		}
	}
	d.began, d.late = time.Now(), 0
	clock := time.NewTicker(beat)
	defer clock.Stop()
	for i := range d.n {
		if d.setup.Options["tells"] == d.setup.Style+"/error" && !d.setup.Verbatim {
			return errors.New("the stick broke")
		}
		if d.setup.Options["tells"] == d.setup.Style+"/hang" && !d.setup.Verbatim {
			<-context.Background().Done()
		}
		<-clock.C
		late := max(time.Since(d.began.Add(time.Duration(i+1)*beat)), 1)
		latency(late)
		d.late = max(d.late, late)
	}
	return nil
}

// meet returns when all three arms are in their blocks, which they never are unless
// the blocks run together.
func (d *drum) meet() error {
	if err := os.WriteFile(filepath.Join(d.setup.Shared, "in-"+d.setup.Style), nil, 0o644); err != nil {
		return err
	}
	look, late := time.NewTicker(beat), time.NewTimer(30*time.Second)
	defer look.Stop()
	defer late.Stop()
	for {
		if in, err := filepath.Glob(filepath.Join(d.setup.Shared, "in-*")); err != nil || len(in) == 3 {
			return err
		}
		select {
		case <-look.C:
		case <-late.C:
			return errors.New("the others did not come")
		}
	}
}

func (d *drum) Work() (Work, error) {
	work := Work{Stimuli: int64(d.n), Effects: int64(d.n), Expected: int64(d.n),
		Lanes:   map[string][]string{"effort": {d.setup.Effort}},
		Figures: map[string]float64{"late": float64(d.late), "missed": 0},
		Series:  map[string][]Point{"memory": {{At: 0, Value: 1}, {At: beat, Value: 2}}}}
	if style, what, _ := strings.Cut(d.setup.Options["tells"], "/"); style == d.setup.Style && !d.setup.Verbatim {
		switch what {
		case "undeclared":
			work.Figures["tempo"] = 120
		case "nan":
			work.Figures["late"] = math.NaN()
		case "infinite":
			work.Series["memory"][0].Value = math.Inf(1)
		case "odd":
			work.Series["tempo"] = nil
		case "long":
			work.Series["memory"] = make([]Point, MaxPoints+1)
		case "less":
			work.Effects--
		}
	}
	return work, nil
}

func (d *drum) Close() error { return nil }

func TestPacedRun(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "beat")
	if r.code != exitPass {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	for _, c := range r.run.Cells {
		if c.Verdict != results.Measured || c.Rounds != tiny.Rounds || c.BlockOps != 3 || c.Ratio != nil || c.OverheadNs != nil || (c.CPURatio == nil) != (c.Style == "plain") {
			t.Errorf("%s: %s %s, %d rounds of %d, %v", c.Key(), c.Verdict, c.Why, c.Rounds, c.BlockOps, c.CPURatio)
		}
		if e := c.Figures["late"]; e.Median <= 0 || !e.Bounded() || c.Figures["missed"] != (results.Estimate{}) || c.P50Ns <= 0 {
			t.Errorf("%s: %v, p50 %v", c.Key(), c.Figures, c.P50Ns)
		}
	}
	if len(r.details.Blocks) != 3*tiny.Rounds || len(r.details.Profiles) != 6 || len(r.details.Samples) == 0 {
		t.Errorf("%d blocks, %d profiles, %d samples", len(r.details.Blocks), len(r.details.Profiles), len(r.details.Samples))
	}
	if s := r.details.Blocks[0].Series["memory"]; !slices.Equal(s, []Point{{At: 0, Value: 1}, {At: beat, Value: 2}}) {
		t.Errorf("series %v", s)
	}
	for _, want := range []string{"paced", "CPU", `missed +0 `} {
		if !regexp.MustCompile(want).MatchString(r.stdout) {
			t.Errorf("stdout lacks %q:\n%s", want, r.stdout)
		}
	}
}

// All arms of choir work at the same time, in one round that is no lack; no window and
// no profile is taken, and CPU is that of the blocks.
func TestTogether(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "choir", "-set", "tells=all/meet")
	if r.code != exitPass || len(r.details.Blocks) != 3 || len(r.details.Samples) > 0 || len(r.details.Profiles) > 0 {
		t.Fatalf("exit %d, %d blocks, %d samples, %d profiles\n%s", r.code, len(r.details.Blocks), len(r.details.Samples), len(r.details.Profiles), r.stderr)
	}
	for _, c := range r.run.Cells {
		if c.Verdict != results.Measured || c.Rounds != 1 || c.BlockOps != 10*len(tiny.Name) || c.Figures["late"].Bounded() || c.ActiveCPU <= 0 || c.IdleCPU != 0 {
			t.Errorf("%s: %s %s, %d rounds of %d, %v, CPU %v and %v", c.Key(), c.Verdict, c.Why, c.Rounds, c.BlockOps, c.Figures, c.ActiveCPU, c.IdleCPU)
		}
	}
	if !strings.Contains(r.stderr, "up to 1 round of 40 operations, all arms at the same time") {
		t.Errorf("stderr:\n%s", r.stderr)
	}
}

// What no report could show ends the run and names the cell.
func TestPacedFaults(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"undeclared": `figure "tempo" is not among`,
		"nan":        `figure "late" is NaN`,
		"infinite":   `series "memory": +Inf`,
		"odd":        `series "tempo" is not among`,
		"long":       `series "memory" has 1001 points`,
		"error":      "the stick broke",
		"less":       "",
		"hang":       "no answer",
	} {
		for _, scenario := range some(1, []string{"beat", "choir"}) {
			t.Run(scenario+" "+what, func(t *testing.T) {
				t.Parallel()
				limit := time.Minute
				if what == "hang" {
					limit = 3 * time.Second
				}
				hurry := func(p *program) {
					p.limits.Block, p.limits.Close = limit, min(limit, patience.Close)
					p.suite.Scenarios[3].Size = func(string, Options) Size { return Size{Ops: 40, Rounds: 1, Limit: limit} }
				}
				r := runTiny(t, t.Context(), hurry, scenario, "-set", "tells=other/"+what)
				if want == "" {
					if c := r.cell(t, "other"); r.code != exitInvalid || c.Verdict != results.Invalid || !strings.Contains(c.Why, "effects are missing") {
						t.Errorf("exit %d, %s %s", r.code, c.Verdict, c.Why)
					}
					return
				}
				if r.code != exitFailed || !strings.Contains(r.run.Incomplete, want) || !strings.Contains(r.run.Incomplete, scenario+" tells=other/"+what+" style other") {
					t.Errorf("exit %d, incomplete %q", r.code, r.run.Incomplete)
				}
			})
		}
	}
}

func TestScenarioSound(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Scenario{
		"":                                   beats()[1],
		"Together is for Paced":              {Together: true},
		"Together is for Paced scenarios of": {Together: true, Paced: true, Arms: []Style{{Name: "a"}}},
		"is declared twice":                  {Measures: []Measure{{Name: "a"}, {Name: "a"}}},
		"want a name":                        {Measures: []Measure{{}}},
		`no measure "b"`:                     {Measures: []Measure{{Name: "a"}}, Claims: []Claim{{Quantity: "figure:b"}}},
	} {
		if err := s.sound(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	sized := func(s Size) Scenario { return Scenario{Size: func(string, Options) Size { return s }} }
	for i, test := range []struct {
		s    Scenario
		want string
	}{
		{Scenario{}, ""}, {sized(Size{Ops: 5, Rounds: 1, Warmup: -1}), ""},
		{sized(Size{Ops: -1}), "below zero"}, {sized(Size{Rounds: -1}), "below zero"}, {sized(Size{Limit: -1}), "below zero"},
		{Scenario{Size: sized(Size{Ops: 5}).Size, Arms: []Style{{Name: "a"}}}, "arms are apart"},
	} {
		if _, err := test.s.size(quickEffort, nil); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d: %v, want %q", i, err, test.want)
		}
	}
	for asked, want := range map[int]int{0: 20, 5: 5, 500: 20} {
		if got := (comparisonPlan{scenario: Scenario{Paced: true}, size: Size{Rounds: asked}}).stopping(config{effort: defaultEffort}).rounds; got != want {
			t.Errorf("%d rounds asked: %d, want %d", asked, got, want)
		}
	}
	for name, test := range map[string]struct {
		size  int
		paced bool
		want  int
	}{"the effort's": {0, false, 3}, "a clock's": {0, true, 1}, "own": {7, true, 7}, "none": {-1, false, 0}} {
		c := comparison{measurement: &measurement{config: config{effort: quickEffort}}, plan: comparisonPlan{size: Size{Warmup: test.size}, scenario: Scenario{Paced: test.paced}}}
		if got := c.warmups(); got != test.want {
			t.Errorf("%s: %d warm-ups, want %d", name, got, test.want)
		}
	}
}
