package ci

import (
	"slices"
	"strings"
	"testing"

	"rubato/results"
)

// between is an estimate with this interval.
func between(median, lo, hi float64) *results.Estimate {
	return &results.Estimate{Median: median, Lo: lo, Hi: hi}
}

// TestSensitivityWhereItMatters: what each row may say under controls that see, that may have
// missed something, that contradict what was injected, and that differ. The limit must be twice
// as far from the figure as an end of the interval: of a ratio as a factor (1.05 in [1.03, 1.08]
// reaches 1.0286, twice that is 1.058, and 1.10 is 1.0476 away), of an overhead as a distance.
func TestSensitivityWhereItMatters(t *testing.T) {
	t.Parallel()
	type controls struct{ aa, slowdown *results.Estimate } // 10 % are injected
	var (
		sees        = controls{between(1, .99, 1.01), between(1.1, 1.08, 1.12)}
		blurred     = controls{between(1, .95, 1.05), between(1.05, .98, 1.12)} // 1 and 1.1 lie in it
		contradicts = controls{between(1, .99, 1.01), between(1, .97, 1.04)}    // not half of it was there
		other       = controls{between(1, .99, 1.01), between(6.5, 6.3, 6.7)}   // another arm's figure
		still       = controls{between(1, 1, 1), between(1.1, 1.08, 1.12)}      // a clock that stands
		swapped     = controls{between(1.1, 1.08, 1.12), between(1, .99, 1.01)}
	)
	for _, c := range []struct {
		ratio *results.Estimate
		limit float64
		want  [6]string // under sees, blurred, contradicts, other, still, swapped
	}{
		{between(1, .98, 1.02), 1.10, [6]string{Within, Within, Insensitive, Insensitive, Insensitive, Suspect}},
		{between(1.04, 1.02, 1.06), 1.10, [6]string{Within, Within, Insensitive, Insensitive, Insensitive, Suspect}},
		{between(1.05, 1.03, 1.08), 1.10, [6]string{Within, Insensitive, Insensitive, Insensitive, Insensitive, Suspect}},
		{between(1.05, .95, 1.06), 1.10, [6]string{Within, Insensitive, Insensitive, Insensitive, Insensitive, Suspect}},
		{between(.98, .6, 1.6), 10, [6]string{Within, Within, Insensitive, Insensitive, Insensitive, Suspect}},
		{between(1, 1, 1), 10, [6]string{Insensitive, Insensitive, Insensitive, Insensitive, Insensitive, Suspect}},
		{between(1.2, 1.11, 1.3), 1.10, [6]string{Over, Over, Over, Over, Over, Suspect}},
		{between(1.09, 1.05, 1.2), 1.10, [6]string{Inconclusive, Inconclusive, Inconclusive, Inconclusive, Inconclusive, Inconclusive}},
	} {
		for i, of := range []controls{sees, blurred, contradicts, other, still, swapped} {
			run := controlledRun()
			run.Controls[0].AA.Ratio, run.Controls[0].Slowdown.Ratio, run.Cells[queueBus].Ratio = of.aa, of.slowdown, c.ratio
			row, elsewhere := judgedRow(t, run, "ratio", c.limit)
			if row.Verdict != c.want[i] || elsewhere.Verdict != Within {
				t.Errorf("%v against %v under %v and %v: %s (%s), want %s; of another comparison %s", *c.ratio, c.limit, *of.aa, *of.slowdown, row.Verdict, row.Why, c.want[i], elsewhere.Verdict)
			}
		}
	}
	for _, c := range []struct {
		overhead *results.Estimate // in ns; the limit is 10 µs
		want     string
	}{
		{between(5000, 4000, 6000), Within}, // 5 µs away, the interval ends at 1
		{between(6000, 3000, 8000), Insensitive},
		{between(-3000, -9000, 2000), Within},
		{between(-3000, -10000, 2000), Insensitive},
	} {
		run := controlledRun()
		run.Controls[0].AA.Ratio, run.Controls[0].Slowdown.Ratio, run.Cells[queueBus].OverheadNs = blurred.aa, blurred.slowdown, c.overhead
		if row, _ := judgedRow(t, run, "overhead", 10_000); row.Verdict != c.want {
			t.Errorf("%v: %s, want %s", *c.overhead, row.Verdict, c.want)
		}
	}
}

// judgedRow is the only row of the bus's refill, and that of its message.
func judgedRow(t *testing.T, run *results.Run, quantity string, limit float64) (row, elsewhere Row) {
	t.Helper()
	budget := func(name, scenario string, l Limit) Budget {
		return Budget{Name: name, Scenarios: []string{scenario}, Styles: []string{"bus"}, Limits: []Limit{l}}
	}
	a, err := Gate{}.Judge(Budgets{Baseline: "direct", List: []Budget{budget("a", "queue-low", Limit{Part: inLimits, Quantity: quantity, Value: limit}), budget("b", "message-log", Limit{Part: inLimits, Quantity: "ratio", Value: 1.10})}}, run)
	if err != nil || len(a.Rows) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	return a.Rows[0], a.Rows[1]
}

func TestRank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdicts   string
		incomplete bool
		exit       int
		verdict    string
	}{
		{"within", false, 0, Within},
		{"within told", false, 0, Within},
		{"told", false, 3, Inconclusive},
		{"", false, 3, Inconclusive},
		{"within inconclusive", false, 3, Inconclusive},
		{"within inconclusive insensitive", false, 4, Insensitive},
		{"within insensitive suspect", false, 4, Suspect},
		{"within suspect invalid", false, 4, Invalid},
		{"within invalid", true, 5, "incomplete"},
		{"over within told inconclusive insensitive suspect invalid", true, 1, Over},
		{"over", true, 1, Over},
	} {
		of := strings.Fields(c.verdicts)
		for range 2 {
			if exit, verdict := Rank(c.incomplete, of...); exit != c.exit || verdict != c.verdict {
				t.Errorf("%v, incomplete %v: %d %s, want %d %s", of, c.incomplete, exit, verdict, c.exit, c.verdict)
			}
			slices.Reverse(of)
		}
	}
}
