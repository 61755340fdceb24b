package inference

import (
	"fmt"
	"math"
	"math/rand/v2"

	"golang.org/x/perf/benchmath"
)

// A Noise is a kind of disturbance, for sessions that would take too long on a real machine.
// It does not model a machine: each kind breaks a method that relies on its absence.
type Noise struct {
	Name string
	Doc  string
	// slices returns a function that gives the logarithm of the next slice's time, of any arm.
	slices func(*rand.Rand) func() float64
}

// Noises are the kinds of noise for simulated sessions.
func Noises() []Noise {
	return []Noise{
		{"normal", "independent, normal, 2 %", func(r *rand.Rand) func() float64 {
			return func() float64 { return 0.02 * r.NormFloat64() }
		}},
		{"heavy tails", "independent, Student's t with 2 degrees, which has no variance", heavy},
		{"autocorrelated", "each slice remembers 99.9 % of the one before", autocorrelated},
		{"on/off hog", "a neighbour that takes half of the CPU for 100 slices in the mean, and then none", onOff},
		{"drift", "each slice 0.01 % slower than the one before, and 2 % of normal noise", drift},
		{"stalls", "2 % of slices take up to 50 times as long", stalls},
	}
}

func heavy(r *rand.Rand) func() float64 {
	return func() float64 { return 0.02 * r.NormFloat64() / math.Sqrt(r.ExpFloat64()) }
}

func autocorrelated(r *rand.Rand) func() float64 {
	const memory, deviation = 0.999, 0.05
	now := deviation * r.NormFloat64()
	return func() float64 {
		now = memory*now + math.Sqrt(1-memory*memory)*deviation*r.NormFloat64()
		return now
	}
}

func onOff(r *rand.Rand) func() float64 {
	on := r.IntN(2) == 0
	return func() float64 {
		if r.IntN(100) == 0 {
			on = !on
		}
		if on {
			return math.Log(2) + 0.1*r.NormFloat64()
		}
		return 0.02 * r.NormFloat64()
	}
}

func drift(r *rand.Rand) func() float64 {
	now := 0.0
	return func() float64 {
		now += 0.0001
		return now + 0.02*r.NormFloat64()
	}
}

func stalls(r *rand.Rand) func() float64 {
	return func() float64 {
		noise := 0.02 * r.NormFloat64()
		if r.IntN(50) == 0 {
			noise += r.Float64() * math.Log(50)
		}
		return noise
	}
}

const (
	// SimulatedTurns is how many turns a simulated trial has.
	SimulatedTurns = 20
	// SimulatedLayout is by how much a process of a simulated trial differs from another of
	// the same program, as the standard deviation of a log-ratio.
	SimulatedLayout = 0.005
)

// Session draws a session. In each turn of its trials, three arms run one slice each; the
// third is slowed down by shift. The noise goes on from trial to trial.
func (n Noise) Session(r *rand.Rand, trials int, shift float64) Session {
	s := Session{Shift: shift}
	next, orders := n.slices(r), Williams(3)
	var slices [3][SimulatedTurns]float64
	for range trials {
		labels, layout := r.Perm(len(slices)), [3]float64{}
		for arm := range layout {
			layout[arm] = SimulatedLayout * r.NormFloat64()
		}
		for turn := range SimulatedTurns {
			for _, place := range orders[turn%len(orders)] {
				arm := labels[place]
				slices[arm][turn] = next() + layout[arm]
			}
		}
		base := slices[0][:]
		arm := Median(base)
		s.Arm = append(s.Arm, arm)
		s.AA = append(s.AA, arm+Median(Ratios(slices[1][:], base)))
		s.Slow = append(s.Slow, arm+Median(Ratios(slices[2][:], base))+shift)
	}
	return s
}

// Simulate draws sessions from a seed and judges them.
func Simulate(n Noise, seed uint64, sessions, trials int, shift, limit float64) (Rates, error) {
	r, rates := rand.New(rand.NewPCG(seed, uint64(trials))), Rates{}
	for range sessions {
		if err := rates.Add(n.Session(r, trials, shift), limit); err != nil {
			return rates, err
		}
	}
	return rates, nil
}

// SimulateDecided judges runs that stop when they are certain. wrong is how often an A/A
// control is called slower or faster at any look. found is how often a slowed arm is found,
// and trials are how many trials each run needed for it.
func SimulateDecided(n Noise, seed uint64, runs int, p *Sequential, shift float64) (wrong, found Rate, trials []int, err error) {
	r := rand.New(rand.NewPCG(seed, 2))
	changed := func(i Interval) Verdict { return AgainstNone(i, 0, 0) }
	for range runs {
		s := n.Session(r, p.Last(), shift)
		verdict, _, err := p.Decide(Ratios(s.AA, s.Arm), changed)
		if err != nil {
			return wrong, found, trials, err
		}
		wrong.Count(verdict != Inconclusive)
		verdict, seen, err := p.Decide(Ratios(s.Slow, s.Arm), changed)
		if err != nil {
			return wrong, found, trials, err
		}
		found.Count(verdict == Over)
		trials = append(trials, seen)
	}
	return wrong, found, trials, nil
}

// A Rate is how often something happened in a number of sessions.
type Rate struct{ Hits, N int }

// Count adds a session.
func (r *Rate) Count(hit bool) {
	r.N++
	if hit {
		r.Hits++
	}
}

// And is the rate of both sets of sessions together.
func (r Rate) And(more Rate) Rate { return Rate{Hits: r.Hits + more.Hits, N: r.N + more.N} }

// Share is the observed rate, 0 without sessions.
func (r Rate) Share() float64 {
	if r.N == 0 {
		return 0
	}
	return float64(r.Hits) / float64(r.N)
}

// Between is the exact interval of the true rate at Confidence, which is never too narrow
// (Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of
// the binomial", 1934). Without sessions it is 0 to 1.
func (r Rate) Between() (lo, hi float64) {
	const tail = (1 - Confidence) / 2
	lo, hi = 0, 1
	if r.Hits > 0 {
		lo = betaQuantile(float64(r.Hits), float64(r.N-r.Hits+1), tail)
	}
	if r.Hits < r.N {
		hi = betaQuantile(float64(r.Hits+1), float64(r.N-r.Hits), 1-tail)
	}
	return lo, hi
}

// MarshalJSON writes the counts, the rate and its interval.
func (r Rate) MarshalJSON() ([]byte, error) {
	lo, hi := r.Between()
	return fmt.Appendf(nil, `{"hits": %d, "n": %d, "share": %v, "lo": %v, "hi": %v}`, r.Hits, r.N, r.Share(), lo, hi), nil
}

// String is the rate in percent, with its interval and what it stands on.
func (r Rate) String() string {
	if r.N == 0 {
		return "not seen"
	}
	lo, hi := r.Between()
	return fmt.Sprintf("%.1f %% [%.1f, %.1f] (%d of %d)", 100*r.Share(), 100*lo, 100*hi, r.Hits, r.N)
}

// A Session is a short run with a known answer: an arm, its A/A control, and the arm slowed
// down by a known amount. Values are logarithms of the typical time per operation, one per
// trial: those of AA and Slow lie above that of Arm by the typical log-ratio.
type Session struct {
	Arm, AA, Slow []float64
	Shift         float64 // log-ratio of Slow to Arm that was injected
}

// Ratios are the log-ratios of one series to another in each turn or trial.
func Ratios(of, to []float64) []float64 {
	out := make([]float64, min(len(of), len(to)))
	for i := range out {
		out[i] = of[i] - to[i]
	}
	return out
}

// Rates are how often sessions ended in which way. With Paired at Confidence the first
// should be at most 5 %, Coverage at least 95 %.
type Rates struct {
	TypeI    Rate `json:"type_i"`   // the interval of the A/A control leaves out no difference
	Over     Rate `json:"over"`     // the A/A control is judged over the limit
	Coverage Rate `json:"coverage"` // the slowed arm's interval holds the shift
	Found    Rate `json:"found"`    // the slowed arm's interval lies above no difference
	InTurn   Rate `json:"in_turn"`  // the same trials as if one arm had been measured after the other: a difference is found
}

// Add judges a session; limit is what the A/A control must not exceed, as a log-ratio.
func (r *Rates) Add(s Session, limit float64) error {
	if len(s.Arm) != len(s.AA) || len(s.Arm) != len(s.Slow) {
		return fmt.Errorf("trials of arm, A/A control and slowed arm are %d, %d and %d: want equal numbers", len(s.Arm), len(s.AA), len(s.Slow))
	}
	aa, err := Paired(Ratios(s.AA, s.Arm), Confidence)
	if err != nil {
		return err
	}
	slow, err := Paired(Ratios(s.Slow, s.Arm), Confidence)
	if err != nil {
		return err
	}
	r.TypeI.Count(aa.Lo > 0 || aa.Hi < 0)
	r.Over.Count(AgainstLimit(aa, limit) == Over)
	r.Coverage.Count(slow.Lo <= s.Shift && s.Shift <= slow.Hi)
	r.Found.Count(slow.Lo > 0)
	r.InTurn.Count(s.differInTurn())
	return nil
}

// And are the rates of both sets of sessions together.
func (r Rates) And(more Rates) Rates {
	return Rates{TypeI: r.TypeI.And(more.TypeI), Over: r.Over.And(more.Over), Coverage: r.Coverage.And(more.Coverage),
		Found: r.Found.And(more.Found), InTurn: r.InTurn.And(more.InTurn)}
}

// differInTurn compares as many benchmarks do: it takes the arm from the first half of the
// trials and its A/A control from the second, unpaired (Mann and Whitney). Only the order
// differs from how the session was measured.
func (s Session) differInTurn() bool {
	half := len(s.Arm) / 2
	first := benchmath.NewSample(append([]float64{}, s.Arm[:half]...), &benchmath.DefaultThresholds)
	second := benchmath.NewSample(append([]float64{}, s.AA[len(s.AA)-half:]...), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Compare(first, second).P < 1-Confidence
}

// Decide goes through the looks as a run does, up to the first at which judge is certain. It
// returns that verdict and the number of values at that look, or Inconclusive and the number
// of all values if no look is certain.
func (p *Sequential) Decide(values []float64, judge func(Interval) Verdict) (Verdict, int, error) {
	for _, look := range p.Looks {
		if look > len(values) {
			break
		}
		i, err := p.Interval(values[:look])
		if err != nil {
			return Inconclusive, look, err
		}
		if v := judge(i); v != Inconclusive {
			return v, look, nil
		}
	}
	return Inconclusive, len(values), nil
}
