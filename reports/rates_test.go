package reports

import (
	"flag"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"rubato/inference"
)

// simulations is how many runs of each kind are simulated. docs/measuring.md gives the
// figures of 500.
var simulations = flag.Int("simulations", 60, "simulated runs of each kind")

// most is the count that so rare an error stays under, three deviations off.
func most(rate float64) float64 {
	n := float64(*simulations)
	return n*rate + 3*math.Sqrt(n*rate*(1-rate))
}

// settled is a run that decides, of simulated rounds: it looks when it may and stops
// when nothing is open. The rounds are lognormal, and one in twenty is an outlier.
func settled(t *testing.T, seed uint64, bus float64, judged ...Judged) (Cell, int) {
	t.Helper()
	run, d, b := pairOf()
	run.Rule = &Rule{Looks: inference.DefaultLooks(), Rows: 1, Margin: DefaultMargin}
	run.Cells[0].Rule, run.Cells[1].Rule, run.Cells[1].Judged = Peeking, Peeking, judged
	random, details, n := rand.New(rand.NewPCG(seed, 77)), Details{}, 0
	noise := func() float64 {
		v := math.Exp(0.03 * random.NormFloat64())
		if random.IntN(20) == 0 {
			v *= 1.5
		}
		return v
	}
	for _, look := range run.Rule.Looks {
		for ; n < look; n++ {
			level := 1e6 * math.Exp(0.2*random.NormFloat64())
			details.Blocks = append(details.Blocks, block(d, n, int64(level*noise())), block(b, n, int64(level*bus*noise())))
		}
		if Summarize(run, details); run.Decided() {
			break
		}
	}
	return run.Cells[1], n
}

// TestErrorRates: of runs that stop when they know, few are wrong, though they looked
// up to 13 times.
func TestErrorRates(t *testing.T) {
	t.Parallel()
	runs := *simulations
	for name, c := range map[string]struct {
		bus   float64
		asked Judged
		right string
		open  float64 // share that may stay open
	}{
		"A/A against no change": {1, Judged{Quantity: "ratio", Margin: 0.02}, "equivalent", 0.03},
		"A/A against a limit":   {1, Judged{Quantity: "ratio", Limit: 1.1}, "within", 0},
		"+10 % of change":       {1.1, Judged{Quantity: "ratio", Margin: 0.02}, "over", 0},
		"+20 % of a limit":      {1.2, Judged{Quantity: "ratio", Limit: 1.1}, "over", 0},
		"at the limit":          {1.1, Judged{Quantity: "ratio", Limit: 1.1}, "inconclusive", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			right, wrong, rounds := 0, 0, 0
			for seed := range uint64(runs) {
				cell, n := settled(t, seed, c.bus, c.asked)
				switch cell.Judged[0].Verdict {
				case c.right:
					right++
				case "inconclusive":
				default:
					wrong++
				}
				rounds += n
			}
			t.Logf("%s: %d right, %d wrong of %d, %d rounds on average", name, right, wrong, runs, rounds/runs)
			if float64(runs-right-wrong) > most(c.open) || float64(wrong) > most(0.05) {
				t.Errorf("%d right and %d wrong of %d", right, wrong, runs)
			}
		})
	}
}

// TestFalseAlarms: a twin raises one in at most one of a hundred clean runs, and what
// is planted is found, also by as few rounds as a quick run has.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	runs := *simulations
	for _, rounds := range []int{10, 20} {
		alarms, blind := 0, 0
		for seed := range uint64(runs) {
			run, details := simulated(rounds, 0.03, seed, 1, 1, 1.1)
			Summarize(run, details)
			switch why := run.Proofs[0].Blind; {
			case strings.HasPrefix(why, "false alarm"):
				alarms++
			case why != "":
				blind++
			}
		}
		t.Logf("%d rounds: %d false alarms and %d plants missed of %d", rounds, alarms, blind, runs)
		if float64(alarms) > most(0.01) || float64(blind) > most(0.01) {
			t.Errorf("%d rounds: %d false alarms and %d plants missed of %d", rounds, alarms, blind, runs)
		}
	}
}
