package runner

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/inference"
)

// decidedIn is how long a run may look for an answer.
const decidedIn = 120 * time.Second

// decidedLimit is the budget that +20 % is decided against: that of the gates here.
var decidedLimit = math.Log(1.10)

// A decided is what runs came to that stop when they know.
type decided struct {
	Name    string          `json:"name"`
	Found   share           `json:"found"`   // +10 % found within the time
	Decided share           `json:"decided"` // +20 % called over a budget of +10 % within the time
	Wrong   share           `json:"wrong"`   // the twin called different at any look
	FoundIn []time.Duration `json:"found_in"`
	OverIn  []time.Duration `json:"over_in"` // those that were not count as all of the time
	found   inference.Rate
	over    inference.Rate
	wrong   inference.Rate
}

func anyChange(i inference.Interval) inference.Verdict { return inference.AgainstNone(i, 0, 0) }

func overBudget(i inference.Interval) inference.Verdict {
	return inference.AgainstLimit(i, decidedLimit)
}

// hold makes one such run in this weather.
func (d *decided) hold(ctx context.Context, t *trials, w weather, looks *inference.Peeking) error {
	arms := []string{kernelArm, kernelTwin, kernelSlow, kernelSlower}
	s, err := t.hold(ctx, w, arms, func(s *series) bool {
		n := len(s.took)
		late := s.took[n-1] >= decidedIn || n >= looks.Last()
		return late || looks.Due(n) && s.over(looks) && s.found(looks)
	})
	if s == nil || err != nil && len(s.took) == 0 {
		return err
	}
	if err != nil {
		return err // stopped before its time: it would count as not found
	}
	t.ops = s.ops
	return d.judge(s, looks)
}

// judge adds what a run came to.
func (d *decided) judge(s *series, looks *inference.Peeking) error {
	for _, of := range []struct {
		style string
		judge func(inference.Interval) inference.Verdict
		rate  *inference.Rate
		in    *[]time.Duration
	}{{kernelSlow, anyChange, &d.found, &d.FoundIn}, {kernelSlower, overBudget, &d.over, &d.OverIn}} {
		verdict, n, err := looks.Decide(s.against(of.style), of.judge)
		if err != nil {
			return err
		}
		spent := s.took[n-1]
		right := verdict == inference.Over && spent <= decidedIn
		of.rate.Count(right)
		if !right {
			spent = decidedIn
		}
		*of.in = append(*of.in, spent)
	}
	verdict, _, err := looks.Decide(s.against(kernelTwin), anyChange)
	if err == nil {
		d.wrong.Count(verdict != inference.Inconclusive)
		d.Found, d.Decided, d.Wrong = shareOf(d.found), shareOf(d.over), shareOf(d.wrong)
	}
	return err
}

// against is an arm's log-ratios.
func (s *series) against(style string) []float64 {
	return inference.Ratios(s.arms[style], s.arms[kernelArm])
}

func (s *series) found(looks *inference.Peeking) bool {
	verdict, _, err := looks.Decide(s.against(kernelSlow), anyChange)
	return err == nil && verdict != inference.Inconclusive
}

func (s *series) over(looks *inference.Peeking) bool {
	verdict, _, err := looks.Decide(s.against(kernelSlower), overBudget)
	return err == nil && verdict != inference.Inconclusive
}

// and is both together.
func (d *decided) and(more *decided) *decided {
	all := &decided{Name: "all", found: d.found.And(more.found), over: d.over.And(more.over), wrong: d.wrong.And(more.wrong),
		FoundIn: slices.Concat(d.FoundIn, more.FoundIn), OverIn: slices.Concat(d.OverIn, more.OverIn)}
	all.Found, all.Decided, all.Wrong = shareOf(all.found), shareOf(all.over), shareOf(all.wrong)
	return all
}

// times are the median and the longest of some times.
func times(of []time.Duration) string {
	if len(of) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(of))
	return fmt.Sprintf("%.1f s, longest %.1f s", middleOf(sorted).Seconds(), sorted[len(sorted)-1].Seconds())
}

// middleOf is the median of sorted times, the later of two.
func middleOf(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return decidedIn
	}
	return sorted[len(sorted)/2]
}
