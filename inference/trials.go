package inference

import (
	"math"
	"slices"
	"time"
)

// Trials are the log-ratios of an arm to the baseline: one row a trial, one value a
// turn. Turns of a trial share its processes and so their memory layout; trials share
// nothing. The unit of analysis is therefore the trial (Kalibera and Jones, "Rigorous
// benchmarking in reasonable time", ISMM 2013).
type Trials [][]float64

// Typical is one value a trial: the median over its turns. A pause of the garbage
// collector or a checkpoint in one turn of a hundred does not move it. Trials without
// turns are left out.
func (t Trials) Typical() []float64 {
	var medians []float64
	for _, turns := range t {
		if len(turns) > 0 {
			s := slices.Clone(turns)
			slices.Sort(s)
			medians = append(medians, middle(s))
		}
	}
	return medians
}

// Median is the middle of the values, 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Clone(values)
	slices.Sort(s)
	return middle(s)
}

// Fewest is the smallest number of values of which an interval of this confidence exists.
func Fewest(confidence float64) int {
	n := 1
	for signedRanks.rank(n, (1-confidence)/2) == 0 {
		n++
	}
	return n
}

// Components are the two sources of spread of a log-ratio, as variances.
type Components struct {
	Within  float64 // of one turn, between the turns of a trial
	Between float64 // of a trial's true value, between trials
}

// normalMAD scales a median absolute deviation to the standard deviation of a normal
// distribution.
const normalMAD = 1.4826

// medianVariance is the variance of a median of n values, as a multiple of the variance
// of one value divided by n; that of a normal distribution.
const medianVariance = math.Pi / 2

// rankVariance is that of the median of their Walsh averages.
const rankVariance = math.Pi / 3

// Components splits the spread. Both parts are robust: one trial that met a neighbour
// does not decide how long all others take. With fewer than two trials there is no
// Between.
func (t Trials) Components() Components {
	var within []float64
	turns := 0
	for _, trial := range t {
		if len(trial) > 1 {
			within = append(within, square(spread68(trial)))
			turns += len(trial)
		}
	}
	if len(within) == 0 {
		return Components{}
	}
	slices.Sort(within)
	c := Components{Within: middle(within)}
	if medians := t.Typical(); len(medians) > 1 {
		perTrial := float64(turns) / float64(len(within))
		c.Between = max(0, square(spread68(medians))-medianVariance*c.Within/perTrial)
	}
	return c
}

// Two processes of one program differ by about this much, as a log-ratio, because their memory
// is laid out differently. For a plan that counts as much as what so many trials show.
const (
	usualLayout  = 0.01
	layoutTrials = 4
)

// Expected are the components for the plan of more trials. A few trials say little about how
// much trials differ, and often that they do not at all. So Between starts from what is usual.
func (t Trials) Expected() Components {
	c, n := t.Components(), float64(len(t))
	c.Between = (layoutTrials*square(usualLayout) + n*c.Between) / (layoutTrials + n)
	return c
}

func square(x float64) float64 { return x * x }

// spread68 estimates a standard deviation by the median absolute deviation.
func spread68(values []float64) float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	m := middle(s)
	for i, v := range s {
		s[i] = math.Abs(v - m)
	}
	slices.Sort(s)
	return normalMAD * middle(s)
}

// Turns is how many turns a trial should have, so that the interval is as narrow as the
// time allows: √(start/turn × within/between), the optimum of Kalibera and Jones for
// two levels. start is what a trial costs before its first turn, turn what one turn of
// all arms costs. The result lies between least and most.
func (c Components) Turns(start, turn time.Duration, least, most int) int {
	if turn <= 0 || c.Within <= 0 {
		return least
	}
	if c.Between <= 0 {
		return most
	}
	n := math.Sqrt(float64(start) / float64(turn) * medianVariance * c.Within / c.Between)
	return max(least, min(most, int(math.Ceil(n))))
}

// HalfWidth is the half-width to expect of an interval over so many trials of so many
// turns each, at this confidence, as a log-ratio: about the share by which the ratio is
// uncertain. It takes the normal approximation and is for planning and for
// progress lines, never for a verdict. It is +Inf where no interval is possible.
func (c Components) HalfWidth(trials, turns int, confidence float64) float64 {
	if trials < 1 || turns < 1 || signedRanks.rank(trials, (1-confidence)/2) == 0 {
		return math.Inf(1)
	}
	one := c.Between + medianVariance*c.Within/float64(turns)
	z := normalQuantile(1 - (1-confidence)/2)
	return z * math.Sqrt(rankVariance*one/float64(trials))
}
