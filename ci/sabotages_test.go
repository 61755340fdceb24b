package ci

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// A sabotage breaks a detector, with what it draws, and says how.
type sabotage func(d *detector, random *rand.Rand) (how string)

// sabotages are those of the measurement, then those of the summary, then those of the budgets.
var sabotages = []sabotage{
	func(d *detector, random *rand.Rand) string {
		pairs := [][2]int{{armDirect, armSlowdown}, {armAA, armSlowdown}, {armBus, armSlowdown}}
		p := pairs[random.IntN(len(pairs))]
		d.exchange(p[0], p[1])
		return fmt.Sprintf("the trials of %s and %s are exchanged", armNames[p[0]], armNames[p[1]])
	},
	func(d *detector, random *rand.Rand) string {
		d.scale(armSlowdown, 1/1.1)
		share := 0.3 * random.Float64()
		d.run.Controls[0].Share = share
		return fmt.Sprintf("a slowdown of %.4f was said, and none was injected", share)
	},
	func(d *detector, random *rand.Rand) string {
		from, to := random.IntN(arms), random.IntN(arms)
		if from == to || from == armSlowdown {
			from, to = armDirect, armSlowdown
		}
		d.repeat(from, to)
		return fmt.Sprintf("the times of %s are those of %s", armNames[to], armNames[from])
	},
	func(d *detector, random *rand.Rand) string {
		one := time.Duration(detectorOp + random.IntN(100_000))
		for arm, factor := range [arms]float64{1, 1.01, 1, 1.1} {
			for _, b := range d.blocks(arm) {
				retime(b, func(int, time.Duration) time.Duration { return time.Duration(factor * float64(one)) })
			}
		}
		return fmt.Sprintf("no variance: an operation of direct always takes %v", one)
	},
	func(d *detector, random *rand.Rand) string {
		arm := armBus + random.IntN(arms-armBus)
		factor := [arms]float64{1, 1.01, 1, 1.1}[arm]
		base := d.blocks(armDirect)
		for i, b := range d.blocks(arm) {
			retime(b, func(turn int, _ time.Duration) time.Duration {
				return time.Duration(factor * float64(base[i].Slices[turn]))
			})
		}
		return fmt.Sprintf("no variance between trials: each time of %s is %.2f of that of direct", armNames[arm], factor)
	},
	func(d *detector, random *rand.Rand) string {
		left := 1 + random.IntN(4)
		d.drop(func(trial, _ int) bool { return trial >= left })
		return fmt.Sprintf("%d trials are left", left)
	},
	func(d *detector, random *rand.Rand) string {
		arm, left := random.IntN(arms), 1+random.IntN(detectorTrials-2)
		d.drop(func(trial, of int) bool { return of == arm && trial >= left })
		return fmt.Sprintf("%d trials of %s are left", left, armNames[arm])
	},
	func(d *detector, random *rand.Rand) string {
		arm := random.IntN(arms)
		d.drop(func(_, of int) bool { return of == arm })
		return armNames[arm] + " was not measured"
	},
	func(d *detector, random *rand.Rand) string {
		arm, factor := []int{armDirect, armAA}[random.IntN(2)], 0.5+0.4*random.Float64()
		if random.IntN(2) == 0 {
			factor = 1 / factor
		}
		d.scale(arm, factor)
		return fmt.Sprintf("the clock of %s runs %.4f times as fast", armNames[arm], 1/factor)
	},
	func(d *detector, random *rand.Rand) string {
		power := 0.05 + 0.2*random.Float64()
		base := d.blocks(armDirect)
		for _, arm := range []int{armBus, armSlowdown} {
			for i, b := range d.blocks(arm) {
				retime(b, func(turn int, slice time.Duration) time.Duration {
					of := float64(base[i].Slices[turn])
					return time.Duration(of + power*(float64(slice)-of))
				})
			}
		}
		return fmt.Sprintf("%.4f of each difference to direct is left", power)
	},
	func(d *detector, random *rand.Rand) string {
		trial, arm, turn := random.IntN(detectorTrials), random.IntN(arms), random.IntN(detectorTurns)
		d.blocks(arm)[trial].Slices[turn] *= -1
		return fmt.Sprintf("turn %d in trial %d of %s takes less than no time", turn, trial, armNames[arm])
	},
	func(d *detector, random *rand.Rand) string {
		arm := random.IntN(arms)
		for _, b := range d.blocks(arm) {
			retime(b, func(int, time.Duration) time.Duration { return 0 })
		}
		return "no operation of " + armNames[arm] + " takes time"
	},
	func(d *detector, random *rand.Rand) string {
		trial, arm := random.IntN(detectorTrials), random.IntN(arms)
		d.blocks(arm)[trial].Effects--
		return fmt.Sprintf("in trial %d an effect of %s is missing", trial, armNames[arm])
	},
	func(d *detector, random *rand.Rand) string {
		trial, arm := random.IntN(detectorTrials), random.IntN(arms)
		d.blocks(arm)[trial].Digest = "other effects"
		return fmt.Sprintf("in trial %d the effects of %s are others", trial, armNames[arm])
	},
	func(d *detector, random *rand.Rand) string {
		lines := 2 + random.IntN(arms*detectorTrials-2)
		d.summary = func([]byte) []byte { return nil }
		d.written = func(raw []byte) []byte { return bytes.Join(bytes.SplitAfter(raw, []byte("\n"))[:lines], nil) }
		return fmt.Sprintf("results.jsonl ends after %d lines, and there is no results.json", lines)
	},
	func(d *detector, random *rand.Rand) string {
		share := 0.1 + 0.8*random.Float64()
		d.written = func(raw []byte) []byte { return raw[:int(share*float64(len(raw)))] }
		return fmt.Sprintf("results.jsonl ends after %.4f of its bytes", share)
	},
	func(d *detector, random *rand.Rand) string {
		share := 0.1 + 0.8*random.Float64()
		d.summary = func(json []byte) []byte { return json[:int(share*float64(len(json)))] }
		return fmt.Sprintf("results.json ends after %.4f of its bytes", share)
	},
	func(d *detector, random *rand.Rand) string {
		name := []string{"bus", "nats", "dircet", ""}[random.IntN(4)]
		d.shown = func(r *results.Run) { r.Baseline = name }
		return fmt.Sprintf("the baseline is called %q", name)
	},
	func(d *detector, random *rand.Rand) string {
		factor := 0.3 + 0.6*random.Float64()
		d.shown = func(r *results.Run) {
			*r.Cells[1].Ratio = results.Estimate{Median: factor * r.Cells[1].Ratio.Median, Lo: factor * r.Cells[1].Ratio.Lo, Hi: factor * r.Cells[1].Ratio.Hi}
		}
		return fmt.Sprintf("the ratio in results.json is %.4f of that of the trials", factor)
	},
	func(d *detector, random *rand.Rand) string {
		v := []float64{-1, 0, -0.5, 1e-3}[random.IntN(4)]
		d.shown = func(r *results.Run) { *r.Cells[1].Ratio = results.Estimate{Median: v, Lo: v - 0.01, Hi: v + 0.01} }
		d.written = func([]byte) []byte { return nil }
		return fmt.Sprintf("the ratio is %g, and there is no results.jsonl", v)
	},
	func(d *detector, random *rand.Rand) string {
		d.shown = func(r *results.Run) { e := r.Cells[1].Ratio; e.Lo, e.Hi = e.Hi, e.Lo }
		return "the interval is turned round"
	},
	func(d *detector, random *rand.Rand) string {
		word := []string{"NaN", "null", `"1.01"`, "-", "1e999"}[random.IntN(5)]
		d.summary = func(json []byte) []byte {
			at := bytes.Index(json, []byte(`"ratio":{"median":`)) + len(`"ratio":{"median":`)
			end := at + bytes.IndexByte(json[at:], ',')
			return append(append(append([]byte{}, json[:at]...), word...), json[end:]...)
		}
		return "the ratio is the text " + word
	},
	func(d *detector, random *rand.Rand) string {
		which := random.IntN(4)
		d.shown = func(r *results.Run) {
			c := &r.Controls[0]
			switch which {
			case 0:
				r.Controls = nil
			case 1:
				c.AA.Ratio = nil
			case 2:
				c.Slowdown.Ratio = nil
			default:
				c.AA.Scenario, c.Slowdown.Scenario = "message-log", "message-log"
			}
		}
		return []string{"there are no controls", "the A/A control has no ratio", "the slowdown has no ratio", "the controls are of another scenario"}[which]
	},
	func(d *detector, random *rand.Rand) string {
		margin := 0.5 + random.Float64()
		d.scale(armAA, 1.25)
		d.run.Rule = &results.Rule{Looks: []int{8, 12, 16}, Rows: 1, Margin: margin}
		return fmt.Sprintf("the A/A control differs by a quarter, and a difference of %.4f is called none", margin)
	},
	func(d *detector, random *rand.Rand) string {
		word := []string{"ratoi", "scenarioo", "buss", "queue-lwo", "passages: 1001"}[random.IntN(5)]
		for from, to := range map[string]string{"ratoi": "ratio", "scenarioo": "scenario", "buss": "bus", "queue-lwo": "queue-low", "passages: 1001": "passages: 1000"} {
			if from == word {
				d.budgets = strings.Replace(d.budgets, ": "+to, ": "+from, 1)
				d.budgets = strings.Replace(d.budgets, " {"+to, " {"+from, 1)
				d.budgets = strings.Replace(d.budgets, "    "+to+":", "    "+from+":", 1)
			}
		}
		return "a budget names " + word
	},
	func(d *detector, random *rand.Rand) string {
		which := random.IntN(5)
		d.budgets = []string{"", "schema: 1\nbaseline: direct\nbudgets: []\n", strings.Replace(d.budgets, "1.10", "-1.10", 1),
			strings.Replace(d.budgets, "queue-low", "message-log", 1), strings.Replace(d.budgets, "style: bus", "style: nats", 1)}[which]
		return []string{"the budgets are empty", "there is no budget", "the limit is below zero", "the only budget is about another scenario", "the only budget is about another style"}[which]
	},
}

// TestSabotaged: no sabotaged detector gives a green answer, nor a false alarm.
func TestSabotaged(t *testing.T) {
	t.Parallel()
	if code, said := newDetector(rand.New(rand.NewPCG(0, 0))).judge(t); code != ExitWithin {
		t.Fatalf("exit %d, want 0: a whole detector is not green, so the others show nothing\n%s", code, said)
	}
	const wanted = 100
	seen := map[string]bool{}
	for seed := uint64(1); len(seen) < wanted; seed++ {
		if seed > 10*wanted {
			t.Fatalf("only %d different detectors", len(seen))
		}
		random := rand.New(rand.NewPCG(seed, 0))
		d := newDetector(random)
		how := sabotages[int(seed)%len(sabotages)](d, random)
		if seen[how] {
			continue
		}
		seen[how] = true
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			switch code, said := d.judge(t); code {
			case ExitUsage, ExitInconclusive, ExitInvalid, ExitIncomplete:
			default:
				t.Errorf("exit %d\n%s", code, said)
			}
		})
	}
}

// TestCutOff: the gate says of a run that was cut off that it ended early, and an excess that it
// had found by then stands.
func TestCutOff(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]int{"1.10": ExitIncomplete, "0.90": ExitOver} {
		d := newDetector(rand.New(rand.NewPCG(1, 2)))
		d.budgets = strings.Replace(d.budgets, "1.10", limit, 1)
		d.summary = func([]byte) []byte { return nil }
		d.written = func(raw []byte) []byte { return raw[:len(raw)*9/10] }
		if code, said := d.judge(t); code != want || !strings.Contains(said, "the run ended early") {
			t.Errorf("a limit of %s: exit %d, want %d\n%s", limit, code, want, said)
		}
	}
}
