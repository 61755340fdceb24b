package runner

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"rubato/inference"
	"rubato/reports"
	"rubato/results"
	"rubato/runner/host"
)

// findings are what a self-check measured, and what follows from it.
type findings struct {
	Headline          string          `json:"headline"`                  // this machine finds +1 % in 20 s
	TypeI             float64         `json:"type_i"`                    // of all sessions
	Coverage          float64         `json:"coverage"`                  // of all sessions
	MinimumDetectable float64         `json:"minimum_detectable_effect"` // of the quiet trials
	EffectSeconds     float64         `json:"effect_seconds"`            // of a run that finds it
	Fit               bool            `json:"fit"`
	Verdict           string          `json:"verdict"` // fit, not fit or inconclusive
	Why               []string        `json:"why"`
	Advice            []string        `json:"advice"`
	Trials            int             `json:"trials"`         // of a session
	Turns             int             `json:"turns"`          // of a trial, the median; each is one operation of some 1 ms
	Dropped           int             `json:"dropped_trials"` // because a process ended or hung
	All               condition       `json:"all"`
	Conditions        []condition     `json:"conditions"`
	Duty              []dutyReading   `json:"duty,omitempty"`
	AA                condition       `json:"aa"`                  // quiet and CPU hog together, without the effect
	Runs              []decided       `json:"decided,omitempty"`   // -rates: quiet and CPU hog
	Simulated         []simulatedRow  `json:"simulated,omitempty"` // -rates
	Seed              uint64          `json:"seed"`
	Seconds           float64         `json:"seconds"`
	Incomplete        string          `json:"incomplete,omitempty"`
	Machine           results.Machine `json:"machine"`

	exit    int
	length  checkLength
	started time.Time
	after   func() // reads what happened to the machine during the check
}

// A condition is what disturbs sessions, and what these sessions found.
type condition struct {
	Name              string  `json:"name"`
	Doc               string  `json:"doc,omitempty"`
	Sessions          int     `json:"sessions"`
	inference.Rates           // Found is of the injected slowdown
	Effects           int     `json:"effects"`                   // of the time effectTime each
	MinimumDetectable float64 `json:"minimum_detectable_effect"` // median of the effects

	measured series // all trials
	effects  []float64

	hog   string // kind of hog; empty: none
	storm bool   // garbage collection inside the processes
	stops bool   // processes are stopped and resumed
}

// conditions are what the self-check measures under. The first has no disturbance, the
// second is the CPU hog.
var conditions = []condition{
	{Name: "quiet", Doc: "the machine as it is"},
	{Name: "cpu hog", Doc: "another process keeps each core busy half of the time, in phases", hog: hogCPU},
	{Name: "memory hog", Doc: "the same, copying memory", hog: hogMemory},
	{Name: "gc storm", Doc: "half of the slices make garbage beside their work", storm: true},
	{Name: "stopped", Doc: "processes are stopped for 10 to 80 ms and resumed", stops: true},
}

// power is how often the minimum detectable effect is found.
const power = 0.9

// gateShare is the slowdown that the gate of the sessions allows.
const gateShare = 0.02

// insensitiveEffect stands for an effect beyond what inference.MinimumDetectable searches: a
// factor of 8.
const insensitiveEffect = 7

// add judges the sessions that are complete with these trials.
func (c *condition) add(s *series) error {
	c.measured.and(s)
	for ; (c.Sessions+1)*sessionTrials <= len(c.measured.turns); c.Sessions++ {
		if err := c.Rates.Add(c.measured.session(c.Sessions), math.Log1p(gateShare)); err != nil {
			return err
		}
	}
	return nil
}

// addEffect adds the minimum detectable effect of a long series: what a run finds with this
// power at its deadline, by the rule of rubato run.
func (c *condition) addEffect(s *series, seed uint64) error {
	looks, err := inference.NewSequentialPaired(inference.DefaultLooks(), inference.Confidence)
	if err != nil {
		return err
	}
	aa := s.against(kernelAA)
	effect, err := looks.EndingAt(len(aa)).MinimumDetectable(aa, power, seed)
	c.effects = append(c.effects, min(math.Expm1(effect), insensitiveEffect))
	return err
}

// and adds the sessions of another condition.
func (c condition) and(more condition) condition {
	c.Sessions, c.Rates = c.Sessions+more.Sessions, c.Rates.And(more.Rates)
	c.effects = slices.Concat(c.effects, more.effects)
	c.Effects, c.MinimumDetectable = len(c.effects), medianOf(c.effects, insensitiveEffect)
	return c
}

// medianOf is the median, the larger of two values, or none if there are no values.
func medianOf[T cmp.Ordered](values []T, none T) T {
	if len(values) == 0 {
		return none
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func newFindings(suite Suite, seed uint64, length checkLength) *findings {
	f := &findings{Trials: sessionTrials, EffectSeconds: effectTime.Seconds(), length: length, Seed: seed, Why: []string{}, Advice: []string{},
		Conditions: slices.Clone(conditions), started: time.Now()}
	f.after = host.ReadMachine(&f.Machine, suite.Versions)
	return f
}

// measure reads known loads, runs the long series, and then short ones until the time is
// up. Every second one is quiet.
func (f *findings) measure(ctx context.Context, t *trials) error {
	if err := f.duties(ctx, t); err != nil {
		return err
	}
	until, longest, said := time.Now().Add(f.length.time), f.length.series, time.Now()
	if err := f.long(ctx, t); err != nil {
		return err
	}
	for turn := 0; time.Until(until) > longest; turn++ {
		began, number := time.Now(), turn%2*(1+turn/2%(len(conditions)-1)) // 0, 1, 0, 2, 0, 3 …
		if err := f.series(ctx, t, number, math.MaxInt, false); err != nil {
			return err
		}
		longest = max(longest, time.Since(began))
		if time.Since(said) > sayEvery {
			said = time.Now()
			t.say("%d series of trials measured, %v to go", turn+1, time.Until(until).Round(time.Second))
		}
	}
	return nil
}

// long runs the long series. Their sessions count, too.
func (f *findings) long(ctx context.Context, t *trials) error {
	for number := range f.Conditions {
		n := f.length.effects
		if number > 0 {
			n = f.length.others
		}
		for i := range n {
			if err := f.series(ctx, t, number, math.MaxInt, true); err != nil {
				return err
			}
			t.say("%s: %d of %d series of %v", f.Conditions[number].Name, i+1, n, effectTime)
		}
	}
	return nil
}

// series runs trials under a condition until the time of a series is up, or the condition
// has so many sessions. Trials count even if a later one fails.
func (f *findings) series(ctx context.Context, t *trials, number, sessions int, long bool) error {
	c, limit := &f.Conditions[number], f.length.series
	if t.plan = sessionTime; long {
		limit, t.plan = effectTime, effectTime
	}
	s, err := t.run(ctx, *c, []string{kernelArm, kernelAA, kernelSlow}, limit, func(s *series) bool {
		return (len(c.measured.turns)+len(s.turns))/sessionTrials >= sessions
	})
	if s == nil {
		return err
	}
	if err = errors.Join(err, c.add(s)); err == nil && long {
		err = c.addEffect(s, f.Seed)
	}
	return err
}

// duties reads loads of a known share of a core. It reads a load up to three times while
// no core is free for it: the routes differ about a process that waits for a core.
func (f *findings) duties(ctx context.Context, t *trials) error {
	for _, share := range []float64{0.20, 0.50, 0.90} {
		var r dutyReading
		for try := 0; try == 0 || try < 3 && math.Abs(r.Given-r.Wanted) > dutyMost; try++ {
			var err error
			if r, err = dutyCycle(ctx, share, 2*time.Second); err != nil {
				return err
			}
		}
		f.Duty = append(f.Duty, r)
		t.say("%s", r)
	}
	return nil
}

// What makes a machine fit for gates. A limit is broken if the whole interval of a rate is
// beyond it. A rate is unknown if its interval reaches further than doubt.
const (
	typeILeast    = 0.02 // for -rates
	typeIMost     = 0.07
	coverageLeast = 0.92
	coverageMost  = 0.98 // for -rates
	overMost      = 0.01
	effectMost    = 0.03
	doubt         = 0.20
)

// exitNotFit is the exit code of a gate whose budget is exceeded.
const exitNotFit = 1

// conclude sums up and judges; failure is why the check ended early, if it did.
func (f *findings) conclude(failure error) {
	f.sum()
	f.Seconds = time.Since(f.started).Seconds()
	if failure != nil {
		f.Incomplete = failure.Error()
	}
	f.after()
	f.judge()
	f.advise()
	if f.length.hog > 0 { // the answer of -rates is whether it reaches the goals
		f.exit = exitPass
		if slices.ContainsFunc(f.Goals(), func(g goal) bool { return !g.Reached }) {
			f.exit = exitNotFit
		}
	}
}

// sum adds up all conditions.
func (f *findings) sum() {
	f.All, f.AA = condition{Name: "all"}, condition{Name: "quiet and cpu hog"}
	var turns []int
	for i, c := range f.Conditions {
		f.Conditions[i], f.All = c.and(condition{}), f.All.and(c)
		if i < 2 {
			f.AA = f.AA.and(condition{Sessions: c.Sessions, Rates: c.Rates})
		}
		turns, f.Dropped = append(turns, c.measured.turns...), f.Dropped+c.measured.dropped
	}
	quiet := f.Conditions[0]
	f.TypeI, f.Coverage, f.MinimumDetectable, f.Turns = f.All.TypeI.Share(), f.All.Coverage.Share(), quiet.MinimumDetectable, medianOf(turns, 0)
	f.Headline = fmt.Sprintf("this machine finds %s in %s", quiet.Effect(), inSeconds(effectTime))
	if quiet.Effects == 0 {
		f.Headline = fmt.Sprintf("it is not known what this machine finds in %s", inSeconds(effectTime))
	}
}

// judge sets the verdict. A broken limit counts more than an unknown rate.
func (f *findings) judge() {
	all, quiet := f.All, f.Conditions[0]
	typeILo, typeIHi := all.TypeI.Between()
	coverageLo, coverageHi := all.Coverage.Between()
	overLo, _ := all.Over.Between()
	known := quiet.Effects >= f.length.effects
	few := all.Sessions < f.length.atLeast || !known

	f.Why = appendIf(f.Why, typeILo > typeIMost, "A/A controls are called different in %v of sessions, more than %.0f %%", all.TypeI, 100*typeIMost)
	f.Why = appendIf(f.Why, overLo > overMost, "a gate at %s would refuse A/A controls in %v of sessions, more than %.0f %%", plus(gateShare), all.Over, 100*overMost)
	f.Why = appendIf(f.Why, coverageHi < coverageLeast, "intervals contain the true value in %v of sessions, fewer than %.0f %%", all.Coverage, 100*coverageLeast)
	f.Why = appendIf(f.Why, known && quiet.MinimumDetectable > effectMost, "a run of %s would miss a difference of less than %s: a gate would let %s pass",
		inSeconds(effectTime), quiet.Effect(), plus(effectMost))
	broken := len(f.Why) > 0
	f.Why = appendIf(f.Why, few, "%d sessions, %d of them quiet, are too few for a verdict: it needs %d, and %v of quiet trials", all.Sessions, quiet.Sessions,
		f.length.atLeast, time.Duration(f.length.effects)*effectTime)
	f.Why = appendIf(f.Why, !few && (typeIHi > doubt || coverageLo < 1-doubt), "the intervals of the rates are too wide: type I %v, coverage %v", all.TypeI, all.Coverage)
	switch {
	case broken:
		f.Verdict, f.exit = "not fit", exitNotFit
	case len(f.Why) > 0:
		f.Verdict, f.exit = "inconclusive", exitInconclusive
	default:
		f.Verdict, f.exit, f.Fit = "fit", exitPass, true
	}
}

func appendIf(to []string, is bool, format string, args ...any) []string {
	if !is {
		return to
	}
	return append(to, fmt.Sprintf(format, args...))
}

// advise says what would make the machine measure better.
func (f *findings) advise() {
	for _, w := range f.Machine.Warnings {
		f.Advice = appendIf(f.Advice, !strings.HasPrefix(w, "built from commit"), "%s", w) // the commit is no property of the machine
	}
	quiet := f.Conditions[0]
	inTurnLo, _ := f.All.InTurn.Between()
	f.Advice = appendIf(f.Advice, f.Machine.Governor == "" && f.Machine.OS == "linux",
		"the CPU's governor cannot be read, as on most virtual machines: its clock may change unseen")
	f.Advice = appendIf(f.Advice, quiet.Effects > 0 && quiet.MinimumDetectable > effectMost/2,
		"a run of %s finds %s at best: measure for longer, or end other programs", inSeconds(effectTime), quiet.Effect())
	f.Advice = appendIf(f.Advice, inTurnLo > 1-0.95, "do not compare runs made one after the other here: the same code differs in %v of them", f.All.InTurn)
	f.Advice = appendIf(f.Advice, f.Verdict == "inconclusive", "leave -quick out, or end other programs and repeat the self-check")
}

// Effect is the minimum detectable effect with a sign: +3.1 %.
func (c condition) Effect() string {
	switch {
	case c.Effects == 0:
		return "-"
	case c.MinimumDetectable >= insensitiveEffect:
		return "more than +700 %"
	}
	return fmt.Sprintf("+%.1f %%", 100*c.MinimumDetectable)
}

// Table has a row for each condition, for a terminal.
func (f *findings) Table() string {
	g := reports.Grid{Text: []int{0}, Head: []string{"condition", "sessions", "type I", "coverage", plus(slowdownShares[kernelSlow]) + " found", "over " + plus(gateShare), "in turn", "min. detectable"}}
	for _, c := range append(slices.Clone(f.Conditions), f.All) {
		cells := []string{c.Name, strconv.Itoa(c.Sessions)}
		for _, r := range []inference.Rate{c.TypeI, c.Coverage, c.Found, c.Over, c.InTurn} {
			cell, _, _ := strings.Cut(r.String(), " (")
			cells = append(cells, cell)
		}
		g.Add("", append(cells, c.Effect())...)
	}
	return g.Terminal()
}

//go:embed selfcheck.tmpl
var selfcheckTexts string

var selfcheckTemplates = template.Must(template.New("").Funcs(template.FuncMap{"times": times}).Parse(selfcheckTexts))

// render gives the answer for a terminal, "text", or docs/error-rates.md, "page".
func (f *findings) render(name, program string) (string, error) {
	var out strings.Builder
	err := selfcheckTemplates.ExecuteTemplate(&out, name, map[string]any{
		"Program": program, "Headline": strings.ToUpper(f.Headline[:1]) + f.Headline[1:], "Date": f.started.UTC().Format("2 January 2006"), "Minutes": f.Seconds / 60, "F": f,
		"Slow": plus(slowdownShares[kernelSlow]), "Slower": plus(slowdownShares[kernelSlower]), "Gate": plus(gateShare), "Budget": plus(decidedBudget),
		"EffectIn": inSeconds(effectTime), "DecidedIn": inSeconds(decidedIn), "Sessions": simulatedSessions, "Runs": simulatedRuns,
		"Turns": inference.SimulatedTurns, "Layout": 100 * inference.SimulatedLayout,
	})
	return out.String(), err
}
