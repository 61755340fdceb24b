package runner

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"time"

	"rubato/inference"
	"rubato/reports"
)

// A checkLength is how long a self-check goes on, and how long its trials are.
type checkLength struct {
	rounds  int           // of a trial, as many as a run of that effort has
	cuts    int           // trials that are cut from one life of the processes
	time    time.Duration // for all trials
	atLeast int           // trials that have to be seen for a verdict
}

// life is how many rounds the processes live for.
func (l checkLength) life() int { return l.rounds * l.cuts }

// Nine rounds are those of a quick run less one: their interval errs in 3.9 % where
// that of ten would in 2.1 %, and so tells more about a nominal 5 %.
var (
	quickCheck = checkLength{rounds: 9, cuts: 2, time: 46 * time.Second, atLeast: 30}
	wholeCheck = checkLength{rounds: Default.Rounds, cuts: 1, time: 5 * time.Minute, atLeast: 60}
)

// findings are what a self-check saw.
type findings struct {
	TypeI          float64         `json:"type_i"`          // of all trials
	Coverage       float64         `json:"coverage"`        // of all trials
	SmallestEffect float64         `json:"smallest_effect"` // of the quiet ones
	Fit            bool            `json:"fit"`
	Verdict        string          `json:"verdict"` // fit, not fit or inconclusive
	Why            []string        `json:"why"`
	Advice         []string        `json:"advice"`
	Rounds         int             `json:"rounds"`        // of a trial
	EffectRounds   int             `json:"effect_rounds"` // of a run that would find the smallest effect
	BlockOps       int             `json:"block_ops"`     // each takes some 1 ms
	All            condition       `json:"all"`
	Conditions     []condition     `json:"conditions"`
	Duty           []duty          `json:"duty,omitempty"`
	Seed           uint64          `json:"seed"`
	Seconds        float64         `json:"seconds"`
	Incomplete     string          `json:"incomplete,omitempty"`
	Machine        reports.Machine `json:"machine"`

	exit    int
	enough  int // trials
	started time.Time
	times   machineTimes
}

// A condition is what was seen in one weather.
type condition struct {
	Name           string  `json:"name"`
	Doc            string  `json:"doc,omitempty"`
	Trials         int     `json:"trials"`
	Lives          int     `json:"lives"` // of processes: trials of one life share what lasts as long as that
	TypeI          share   `json:"type_i"`
	Coverage       share   `json:"coverage"`
	Found          share   `json:"found"` // of the planted +10 %
	Over           share   `json:"over"`
	InTurn         share   `json:"in_turn"`
	SmallestEffect float64 `json:"smallest_effect"` // median of the lives
	rates          inference.Rates
	smallest       []float64
}

// A share is a rate with its interval.
type share struct {
	inference.Rate
	Share float64 `json:"share"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

func shareOf(r inference.Rate) share {
	s := share{Rate: r, Share: r.Share()}
	s.Lo, s.Hi = r.Between()
	return s
}

// gateLimit is what an arm may be slower at most, for a gate that the trials stand in
// for.
var gateLimit = math.Log(1.05)

// blindEffect stands for more than inference.SmallestEffect looks for: a factor of 8.
const blindEffect = 7

// add judges the trials of a life: those that are whole.
func (c *condition) add(s *series, length checkLength, seed uint64) error {
	for from := 0; from+length.rounds <= len(s.took); from += length.rounds {
		if err := c.rates.Add(s.cut(from, length.rounds), gateLimit); err != nil {
			return err
		}
		c.Trials++
	}
	if len(s.took) < length.life() {
		return nil
	}
	whole := s.cut(0, length.life())
	smallest, err := inference.SmallestEffect(inference.Ratios(whole.Twin, whole.Arm), 0.9, seed)
	if err != nil {
		return err
	}
	c.Lives++
	c.smallest = append(c.smallest, min(math.Expm1(smallest), blindEffect))
	return nil
}

// sum fills what is read from what was counted.
func (c *condition) sum() {
	c.TypeI, c.Coverage, c.Found = shareOf(c.rates.TypeI), shareOf(c.rates.Coverage), shareOf(c.rates.Found)
	c.Over, c.InTurn = shareOf(c.rates.Over), shareOf(c.rates.InTurn)
	c.SmallestEffect = blindEffect
	if n := len(c.smallest); n > 0 {
		c.SmallestEffect = slices.Sorted(slices.Values(c.smallest))[n/2]
	}
}

func newFindings(suite Suite, seed uint64, length checkLength) *findings {
	f := &findings{Rounds: length.rounds, EffectRounds: length.life(), enough: length.atLeast, Seed: seed, Why: []string{}, Advice: []string{},
		All: condition{Name: "all"}, started: time.Now()}
	f.Machine = readMachine(os.DirFS("/"), suite.Versions)
	f.times = machineTimes(readTimes())
	for _, w := range weathers {
		f.Conditions = append(f.Conditions, condition{Name: w.name, Doc: w.doc})
	}
	return f
}

// measure reads known loads, and then makes trials until the time is up, every second
// one in quiet.
func (f *findings) measure(ctx context.Context, t *trials, length checkLength, say func(string, ...any)) error {
	if err := f.duties(ctx, t, say); err != nil {
		return err
	}
	until, longest, said := time.Now().Add(length.time), time.Second, time.Now()
	for turn := 0; time.Until(until) > longest; turn++ {
		i := 0
		if turn%2 == 1 {
			i = 1 + turn/2%(len(weathers)-1)
		}
		began := time.Now()
		if err := f.life(ctx, t, i, length, until); err != nil {
			return err
		}
		longest = max(longest, time.Since(began))
		if time.Since(said) > longRound {
			said = time.Now()
			say("%d trials, %v to go", f.trials(), time.Until(until).Round(time.Second))
		}
	}
	return nil
}

// life makes the trials of one life of the processes, which ends early when it is
// late. Whole trials count even then.
func (f *findings) life(ctx context.Context, t *trials, weather int, length checkLength, late time.Time) error {
	s, err := t.hold(ctx, weathers[weather], []string{kernelArm, kernelTwin, kernelSlow},
		func(s *series) bool { return len(s.took) >= length.life() || !late.IsZero() && time.Now().After(late) })
	if s == nil {
		return err
	}
	t.ops, f.BlockOps = s.ops, s.ops
	return errors.Join(err, f.Conditions[weather].add(s, length, f.Seed))
}

func (f *findings) trials() (n int) {
	for _, c := range f.Conditions {
		n += c.Trials
	}
	return n
}
