package reports

import (
	"flag"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"rubato/inference"
	"rubato/results"
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
func settled(t *testing.T, seed uint64, bus float64, judged ...results.Judged) (results.Cell, int) {
	t.Helper()
	run, d, b := pairOf()
	run.Rule = &results.Rule{Looks: inference.DefaultLooks(), Rows: 1, Margin: results.DefaultMargin}
	run.Cells[0].Rule, run.Cells[1].Rule, run.Cells[1].Judged = results.Sequential, results.Sequential, judged
	random, details, n := rand.New(rand.NewPCG(seed, 77)), results.Details{}, 0
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
		if Summarize(run, details); Decided(run) {
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
		asked results.Judged
		right string
		open  float64 // share that may stay open
	}{
		"A/A against no change": {1, results.Judged{Quantity: "ratio", Margin: 0.02}, "equivalent", 0.03},
		"A/A against a limit":   {1, results.Judged{Quantity: "ratio", Limit: 1.1}, "within", 0},
		"+10 % of change":       {1.1, results.Judged{Quantity: "ratio", Margin: 0.02}, "over", 0},
		"+20 % of a limit":      {1.2, results.Judged{Quantity: "ratio", Limit: 1.1}, "over", 0},
		"at the limit":          {1.1, results.Judged{Quantity: "ratio", Limit: 1.1}, "inconclusive", 0},
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

// TestFalseAlarms: the A/A control raises a false alarm in at most one of a hundred clean
// runs, and the injected slowdown is found, even with the few rounds of a quick run.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	runs := *simulations
	for _, rounds := range []int{10, 20} {
		alarms, missed := 0, 0
		for seed := range uint64(runs) {
			run, details := simulated(rounds, 0.03, seed, 1, 1, 1.1)
			Summarize(run, details)
			switch why := run.Controls[0].Insensitive; {
			case strings.HasPrefix(why, "false alarm"):
				alarms++
			case why != "":
				missed++
			}
		}
		t.Logf("%d rounds: %d false alarms and %d injected slowdowns missed of %d", rounds, alarms, missed, runs)
		if float64(alarms) > most(0.01) || float64(missed) > most(0.01) {
			t.Errorf("%d rounds: %d false alarms and %d injected slowdowns missed of %d", rounds, alarms, missed, runs)
		}
	}
}
