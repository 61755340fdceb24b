package reports

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"rubato/inference"
	"rubato/results"
)

// judgeCell decides the question from the cell's intervals.
func judgeCell(j *results.Judged, c *results.Cell) {
	m, _ := results.MetricNamed(j.Quantity)
	e, known := m.Of(c)
	switch {
	case !known:
		j.Verdict = string(inference.Inconclusive)
	case j.Limit > 0:
		j.Verdict = string(inference.AgainstLimit(estimateInterval(e), j.Limit))
	default:
		j.Verdict = string(inference.AgainstNone(estimateInterval(e), 1, j.Margin))
	}
}

func estimateInterval(e results.Estimate) inference.Interval {
	return inference.Interval{Median: e.Median, Lo: e.Lo, Hi: e.Hi}
}

// An estimator is a median with its interval.
type estimator func(values []float64) (results.Estimate, error)

// A ruling is how the figures of a cell are estimated.
type ruling struct {
	own    estimator       // for the cell's own figures, at 95 %
	paired estimator       // for figures that compare the cell with the baseline
	used   func(n int) int // the number of rounds, of n, that the figures use

	smallest func(aa []float64, power float64, seed uint64) (float64, error) // the minimum detectable shift
}

// fixedRuling uses all rounds. fixedTrials uses all trials.
var (
	fixedRuling = ruling{own: estimate, paired: estimate, used: func(int) int { return 0 }, smallest: inference.MinimumDetectable}
	fixedTrials = ruling{own: estimate, paired: estimatePaired, used: fixedRuling.used, smallest: inference.MinimumDetectablePaired}
)

// maxLook limits what a results file may ask for: computing a rule takes quadratic time.
const maxLook = 4096

// ruleRuling is the ruling for cells that were decided by sequential looks, the last of
// which is at the last trial if the time was up. A rule that cannot be followed is an error.
func ruleRuling(r *results.Rule, trials, timeUp bool) (ruling, error) {
	if r == nil {
		return ruling{}, errors.New("it was decided by sequential looks, but the run has no rule")
	}
	for _, look := range r.Looks {
		if look > maxLook {
			return ruling{}, fmt.Errorf("the rule of the run looks at %d rounds: at most %d can be computed", look, maxLook)
		}
	}
	own, err := inference.NewSequential(r.Looks, inference.Confidence)
	if err != nil {
		return ruling{}, fmt.Errorf("the rule of the run: %w", err)
	}
	plan := inference.NewSequential
	if trials {
		plan = inference.NewSequentialPaired
	}
	paired, err := plan(r.Looks, 1-(1-inference.Confidence)/float64(max(r.Rows, 1)))
	if err != nil {
		return ruling{}, fmt.Errorf("the rule of the run: %w", err)
	}
	smallest := own.MinimumDetectable
	if trials {
		smallest = paired.MinimumDetectable
	}
	if timeUp {
		smallest = func(aa []float64, power float64, seed uint64) (float64, error) {
			return paired.EndingAt(len(aa)).MinimumDetectable(aa, power, seed)
		}
	}
	return ruling{own: sequential(own, timeUp), paired: sequential(paired, timeUp), smallest: smallest, used: func(n int) (used int) {
		if timeUp {
			return n
		}
		for _, look := range r.Looks {
			if look <= n {
				used = look
			}
		}
		return used
	}}, nil
}

func sequential(p *inference.Sequential, timeUp bool) estimator {
	return func(values []float64) (results.Estimate, error) {
		if timeUp && len(values) > 0 {
			return estimateOf(p.EndingAt(len(values)).Interval(values))
		}
		return estimateOf(p.Interval(values))
	}
}

// estimateOf converts an interval to an estimate, which has both ends or none.
func estimateOf(i inference.Interval, err error) (results.Estimate, error) {
	if err != nil {
		return results.Estimate{}, err
	}
	if !i.Bounded() {
		return results.Estimate{Median: i.Median, Lo: math.Inf(-1), Hi: math.Inf(1)}, nil
	}
	return results.Estimate{Median: i.Median, Lo: i.Lo, Hi: i.Hi}, nil
}

// twoSided is the p-value of a two-sided sign test of no change.
func twoSided(logs []float64) float64 {
	below, above := inference.SignP(logs, 0)
	return min(1, 2*min(below, above))
}

// Decided reports whether the run has answered all its questions: no verdict on a cell or a change
// is inconclusive, every injected slowdown is found, and every A/A control has an interval.
// Invalid cells do not count, because more rounds do not make them valid.
func Decided(r *results.Run) bool {
	for i := range r.Cells {
		c := &r.Cells[i]
		for _, j := range c.Judged {
			if c.Verdict != results.Invalid && j.Verdict == string(inference.Inconclusive) {
				return false
			}
		}
	}
	for _, c := range r.Changes {
		for _, j := range c.Judged {
			if c.Ratio != nil && j.Verdict == string(inference.Inconclusive) {
				return false
			}
		}
	}
	for i := range r.Controls {
		slowdown, aa := &r.Controls[i].Slowdown, &r.Controls[i].AA
		if object, _ := objection(&r.Controls[i], r.Margin()); object == blurred {
			return false
		}
		if slowdown.Verdict != results.Invalid && (slowdown.Ratio == nil || !slowdown.Ratio.Bounded() || slowdown.Ratio.Lo <= 1) {
			return false
		}
		if aa.Verdict != results.Invalid && (aa.Ratio == nil || !aa.Ratio.Bounded()) {
			return false
		}
	}
	return true
}

// Precise reports whether the ratio of every style, change and control is known to within this share.
func Precise(r *results.Run, share float64) bool {
	known := func(e *results.Estimate) bool {
		return e != nil && e.Bounded() && (e.Hi-e.Lo)/2 <= share*e.Median
	}
	for _, c := range r.Arms() {
		if c.Verdict != results.Invalid && c.Role != results.RoleBefore && results.BaselineOf(r, *c) != c && !known(c.Ratio) {
			return false
		}
	}
	for _, c := range r.Changes {
		if c.Before.Verdict != results.Invalid && !known(c.Ratio) {
			return false
		}
	}
	return true
}

// estimate is the median of the values with its 95 % interval. The number of values must
// have been fixed beforehand. Each tail is at most 2.5 %, because a budget is decided by
// one end alone, and so that A against B mirrors B against A. An empty list is an error,
// and so is a value that is not a number.
func estimate(values []float64) (results.Estimate, error) {
	return estimateOf(inference.Fixed(values, inference.Confidence))
}

// estimatePaired is that of values that compare two arms.
func estimatePaired(values []float64) (results.Estimate, error) {
	return estimateOf(inference.Paired(values, inference.Confidence))
}

// roundsForInterval is the smallest number of values that gives an interval.
func roundsForInterval() int {
	for n := 1; ; n++ {
		if e, err := estimate(make([]float64, n)); err == nil && e.Bounded() {
			return n
		}
	}
}

// The smallest number of latencies for each percentile. With fewer, the percentile would
// just be the largest value.
const (
	latenciesForP95  = 20
	latenciesForP99  = 100
	latenciesForP999 = 1000
)

// percentile is the q-th percentile of h in ns, or 0 if h has too few values.
func percentile(h *hdr.Histogram, q float64) float64 {
	need := int64(1)
	switch {
	case q > 99:
		need = latenciesForP999
	case q > 95:
		need = latenciesForP99
	case q > 90:
		need = latenciesForP95
	}
	if h == nil || h.TotalCount() < need {
		return 0
	}
	return float64(h.ValueAtPercentile(q))
}

// percentileEstimate is the q-th percentile with its 95 % interval from order statistics
// (normal approximation of the binomial). It assumes independent latencies. Latencies
// close in time are not independent, so the true interval is wider.
func percentileEstimate(h *hdr.Histogram, q float64) results.Estimate {
	p := percentile(h, q)
	if p == 0 {
		return results.Estimate{}
	}
	n := float64(h.TotalCount())
	spread := 1.96 * math.Sqrt(n*q/100*(1-q/100))
	lo, hi := n*q/100-spread, n*q/100+spread
	if lo < 1 || hi+1 > n {
		return results.Unbounded(p)
	}
	at := func(rank float64) float64 { return float64(h.ValueAtPercentile(100 * rank / n)) }
	return results.Estimate{Median: p, Lo: at(lo), Hi: at(math.Ceil(hi))}
}

// warnNoLatency warns about blocks with invalid latencies and gives the first reason.
func warnNoLatency(c *results.Cell, blocks []results.Block) {
	n, first := 0, ""
	for _, b := range blocks {
		if b.NoLatency != "" {
			n, first = n+1, cmp.Or(first, b.NoLatency)
		}
	}
	if n > 0 {
		c.Warn(fmt.Sprintf("the latency of %d of %d rounds is invalid (%s)", n, len(blocks), first))
	}
}
