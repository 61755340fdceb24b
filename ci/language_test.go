package ci

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/reports"
	"rubato/results"
)

// newBudgets is a file of schema 2 with a blank for a budget's fields.
const newBudgets = "schema: 2\nbaseline: direct\nmachines: {workstation: a, ci: b}\nbudgets:\n- name: n\n  scenario: queue-low\n  source: x\n  "

// TestValues reads values with their units, and names of both schemas.
func TestValues(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string]string{
		"limits: {p99: 5ms}":                           "limits p99 5e+06",
		"limits: {p99_ns: 5_000_000}":                  "limits p99_ns 5e+06",
		"limits: {time: 1.5 s}":                        "limits time 1.5e+09",
		"limits: {p50: '250us', p999: 0.5 µs}":         "limits p50 250000; limits p999 500",
		"limits: {p999: 2μs}":                          "limits p999 2000", // the other µ
		"limits: {rss: 150MB}":                         "limits rss 1.5e+08",
		"limits: {rss_mb: 150}":                        "limits rss_mb 1.5e+08",
		"limits: {rss: 1MiB}":                          "limits rss 1.048576e+06",
		"limits: {bytes: 4kB, allocs: 0}":              "limits bytes 4000; limits allocs 0",
		"limits: {idle_cpu: 1%, active_cpu_pct: 70}":   "limits idle_cpu 1; limits active_cpu_pct 70",
		"change: {instructions_ratio: 1.01, calls: 0}": "change instructions_ratio 1.01; change calls 0",
		"limits: {idle_cpu: 0}":                        "limits idle_cpu 0",
		"change: {overhead: 0, cpu_ratio: 1.05}":       "change overhead 0; change cpu_ratio 1.05",
		"change: {p99: 1ms, p99_ratio: 1.2}":           "change p99 1e+06; change p99_ratio 1.2",
		"component: {codec: 20µs}\n  share: {codec: 10%, rules and trace: 0.1}": "component codec 20000; share codec 10; share rules and trace 10",
		"limits: {rss: {workstation: 150MB, ci: 1GB}}":                          "limits rss 1.5e+08 workstation; limits rss 1e+09 ci",
		"to: {trace: off}\n  limits: {saving: 10%}":                             "limits saving 10",
		"to: walk\n  limits: {saving: 2µs}":                                     "limits saving 2000",
		"figure: lost\n  limits: {max: 5ms, min: 1}":                            "limits max 5e+06; limits min 1",
	} {
		b, err := ParseBudgets("f", []byte(newBudgets+limits+"\n"))
		if err != nil {
			t.Errorf("%s: %v", limits, err)
			continue
		}
		var got []string
		for _, l := range b.List[0].Limits {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %g %s", l.Part, l.Quantity, l.Value, l.Machine)))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %s, want %s", limits, strings.Join(got, "; "), want)
		}
	}
}

// TestLanguageFaults: each says the line, and what to write.
func TestLanguageFaults(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string]string{
		"limits: {p99: 5}":                      `f:8: budgets[0].limits.p99: "5" of what? it must be a time such as 250µs or 5ms`,
		"limits: {p99: 5 parsecs}":              `f:8: budgets[0].limits.p99: unknown unit "parsecs"; must be a time`,
		"limits: {p99: 5MB}":                    `f:8: budgets[0].limits.p99: must be a time such as 250µs or 5ms, not "5MB"`,
		"limits: {rss: 100ms}":                  `must be a size such as 4kB or 150MB, not "100ms"`,
		"limits: {allocs: -1}":                  `must be a number from 0: "-1" is negative`,
		"limits: {p99: -5ms}":                   `"-5ms" is negative`,
		"limits: {allocs: 3ms}":                 `must be a number from 0, not "3ms"`,
		"change: {ratio: 0}":                    "budgets[0].change.ratio: must be a ratio such as 1.10, and over 0",
		"change: {ops_per_second_min: 3}":       "unknown quantity",
		"change: {ratio_ratio: 3}":              `unknown quantity; nearest is "`,
		"change: {}":                            "budgets[0].change: no limit gates nothing",
		"limits: {p99: 5ms, p99_ns: 6}":         "f:8: budgets[0].limits.p99_ns: is p99, which has a limit already",
		"limits: {p99: {pi: 5ms}}":              `f:8: budgets[0].limits.p99: no machine "pi" in the field ` + "`machines`",
		"limits: {p99: {}}":                     "or one for each machine",
		"limits: {p99: {ci: 5ms, ci: 6ms}}":     `mapping key "ci" already defined`,
		"machine: pi\n  limits: {p99: 5ms}":     `f:8: budgets[0].machine: no machine "pi"`,
		"severity: fatal\n  limits: {p99: 5ms}": `f:8: budgets[0].severity: no severity "fatal"; nearest is "fail"; there are fail, warn`,
		"component: {codex: 5ms}":               `f:8: budgets[0].component.codex: unknown quantity; nearest is "codec"`,
		"share: {codec: 5ms}":                   `must be a percentage such as 1%, not "5ms"`,
		"limits: {saving: 5ms}":                 "f:8: budgets[0].limits.saving: compared with what?",
		"to: walk\n  limits: {saving: 5}":       "must be a time such as 5µs or a percentage such as 10%",
		"to: walk\n  limits: {p99: 5ms}":        "f:9: budgets[0].limits.p99: compares nothing with what `to` names",
		"to: {}\n  limits: {ratio: 2}":          "f:8: budgets[0].to: must be an arm, or options",
		"style: direct\n  limits: {ratio: 2}":   "compares direct with itself; take time",
		"figure: x\n  limits: {max: 3, min: 4}": "f:9: budgets[0].limits.min: contradicts line 9: min is over max",
		"figure: x\n  limits: {max: 5ms}\n- {name: m, scenario: [a, queue-low], style: bus, source: x, figure: x, limits: {min: 1s}}": "f:10: budgets[1].limits.min: contradicts line 9",
	} {
		_, err := ParseBudgets("f", []byte(newBudgets+limits+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v\nwant %s", limits, err, want)
		}
	}
}

// TestNoContradiction: limits on different cells or machines do not contradict each other.
func TestNoContradiction(t *testing.T) {
	t.Parallel()
	for _, second := range []string{"scenario: a, style: bus", "scenario: queue-low, machine: ci", "scenario: queue-low, options: {x: b}", "scenario: queue-low, style: direct"} {
		text := newBudgets + "style: others\n  options: {x: a}\n  machine: workstation\n  figure: x\n  limits: {max: 5}\n- {name: m, source: x, figure: x, limits: {min: 6}, " + second + "}\n"
		if _, err := ParseBudgets("f", []byte(text)); err != nil {
			t.Errorf("%s: %v", second, err)
		}
	}
}

// changedRun is goodRun beside another revision, in which the bus took half of the allocations.
func changedRun() *results.Run {
	run := goodRun()
	run.Against = &results.Revision{Asked: "HEAD~1"}
	for i := range run.Cells {
		c := &run.Cells[i]
		c.AllocsOp, c.BytesOp = 78, 16081
		before := *c
		before.Role = results.RoleBefore
		before.AllocsOp, before.NsOp = 78.3, around(c.NsOp.Median)
		run.Changes = append(run.Changes, results.Change{Of: c.Key(), Before: before,
			Ratio: ptr(around(1)), MeanRatio: ptr(around(1)), CPURatio: ptr(around(1)), OverheadNs: ptr(around(100))})
	}
	return run
}

// TestChangeBudgets: ratios come from the change, other figures are what is more than before.
func TestChangeBudgets(t *testing.T) {
	t.Parallel()
	budgets := newBudgets + "change: {ratio: 1.10, cpu_ratio: 1.05, mean_ratio: 1.10, overhead: 1µs, allocs: 0, bytes: 0, time: 100µs, p99_ratio: 1.2, allocs_ratio: 1.5}\n"
	for name, c := range map[string]struct {
		change func(*results.Run)
		want   int
		shows  string
	}{
		"nothing changed":      {func(*results.Run) {}, ExitWithin, "18 within"},
		"the baseline changed": {func(r *results.Run) { r.Changes[queueDirect].CPURatio = ptr(around(1.1)) }, ExitOver, "cpu_ratio to HEAD~1 ≤ 1.05    1.1 [1.078, 1.122] ×  over"},
		"twenty allocations":   {func(r *results.Run) { r.Changes[queueBus].Before.AllocsOp = 58 }, ExitOver, "allocs over HEAD~1 ≤ 0"},
		"twenty in few rounds": {func(r *results.Run) {
			r.Cells[queueBus].Verdict, r.Cells[queueBus].Why, r.Changes[queueBus].Before.AllocsOp = results.Inconclusive, "3 rounds", 58
		}, ExitOver, "allocs over HEAD~1 ≤ 0"},
		"half an allocation":    {func(r *results.Run) { r.Changes[queueBus].Before.AllocsOp = 77.51 }, ExitWithin, "18 within"},
		"an allocation":         {func(r *results.Run) { r.Changes[queueBus].Before.AllocsOp = 77.1 }, ExitOver, "1 over"},
		"longer by an interval": {func(r *results.Run) { r.Changes[queueBus].Before.NsOp = around(500_000) }, ExitOver, "205 [180.9, 229.1] µs"},
		"perhaps longer":        {func(r *results.Run) { r.Changes[queueBus].Before.NsOp = around(610_000) }, ExitInconclusive, "time over HEAD~1 ≤ 100 µs"},
		"a longer tail": {func(r *results.Run) {
			r.Changes[queueBus].Before.Intervals = map[string]results.Estimate{"p99_ns": around(705_000)}
		}, ExitOver, "p99_ratio to HEAD~1 ≤ 1.2"},
		"no tail": {func(r *results.Run) { r.Changes[queueBus].Before.P99Ns = 0 }, ExitInconclusive, "no figure"},
		"the work changed": {func(r *results.Run) {
			r.Changes[queueBus].Before.Invalidate("2 rows less")
		}, ExitInconclusive, "the work changed since HEAD~1: 2 rows less"},
		"not measured":      {func(r *results.Run) { r.Changes, r.Against = nil, nil }, ExitInconclusive, "18 told"},
		"one not measured":  {func(r *results.Run) { r.Changes = r.Changes[1:] }, ExitInconclusive, "queue-low direct passages=1000: not measured in HEAD~1"},
		"no ratio":          {func(r *results.Run) { r.Changes[queueBus].Ratio = nil }, ExitInconclusive, "17 within, 1 inconclusive"},
		"other baseline":    {func(r *results.Run) { r.Baseline = "bus" }, ExitWithin, "18 within"},
		"not itself before": {func(r *results.Run) { r.Cells[queueBus].Work.Effects-- }, ExitInvalid, "1 of 4000 effects are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := changedRun()
			c.change(run)
			code, stdout, stderr := gate(t, Gate{}, budgets, run)
			if code != c.want || !strings.Contains(stdout, c.shows) || stderr != "" {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, c.want, c.shows, stdout, stderr)
			}
		})
	}
}

// TestRequireAgainst: a run without another revision tells limits of changes, unless they are required.
func TestRequireAgainst(t *testing.T) {
	t.Parallel()
	budgets := newBudgets + "style: bus\n  limits: {ratio: 10}\n  change: {allocs: 0}\n"
	run := goodRun()
	run.Changes, run.Against = nil, nil
	for flag, want := range map[string]int{"-require-against=false": ExitWithin, "-require-against": ExitInconclusive} {
		if code, stdout, _ := gate(t, Gate{}, budgets, run, flag); code != want || !strings.Contains(stdout, "not measured in this run: add -against") {
			t.Errorf("%s: exit %d\n%s", flag, code, stdout)
		}
	}
	if code, stdout, _ := gate(t, Gate{}, budgets, changedRun(), "-require-against", "-json"); code == ExitInconclusive {
		t.Errorf("measured, and still inconclusive\n%s", stdout)
	}
}

// TestPairedChange: a run that decides is told the limits on changes, too.
func TestPairedChange(t *testing.T) {
	t.Parallel()
	b, err := ParseBudgets("f", []byte(newBudgets+"style: others\n  limits: {cpu_ratio: 2}\n  change: {cpu_ratio: 1.05, allocs: 0, overhead: 1µs}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []PairedLimit{{"n", "cpu_ratio", 2, false}, {"n", "cpu_ratio", 1.05, true}, {"n", "overhead_ns", 1000, true}}
	if got := b.Paired("queue-low", "bus", nil); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	b.List[0].Warn = true
	if got := b.Paired("queue-low", "bus", nil); len(got) != 0 {
		t.Errorf("what only warns: %+v", got)
	}
	b.List[0].Warn = false
	if got := b.Paired("queue-low", "direct", nil); len(got) != 0 {
		t.Errorf("others are not the baseline: %+v", got)
	}
}

// TestMachines: -machine chooses limits; the usual machine is the workstation.
func TestMachines(t *testing.T) {
	t.Parallel()
	budgets := newBudgets + "limits: {time: {workstation: 1ms, ci: 1µs}}\n- {name: m, scenario: queue-low, source: x, machine: ci, limits: {allocs: 0}}\n"
	for _, c := range []struct {
		flags []string
		want  int
		shows string
	}{
		{nil, ExitWithin, "2 limits: 2 within"},
		{[]string{"-machine", "workstation"}, ExitWithin, "2 limits: 2 within"},
		{[]string{"-machine", "ci"}, ExitOver, "4 limits: 2 within, 2 over"},
		{[]string{"-machine", "c1"}, ExitUsage, `b.yaml: machines: no machine "c1"; choose one with -machine; nearest is "ci"; there are ci, workstation`},
	} {
		if code, stdout, stderr := gate(t, Gate{}, budgets, goodRun(), c.flags...); code != c.want || !strings.Contains(stdout+stderr, c.shows) {
			t.Errorf("%v: exit %d, %s%s", c.flags, code, stdout, stderr)
		}
	}
	only := strings.Replace(budgets, "time: {workstation: 1ms, ci: 1µs}", "time: {ci: 1µs}", 1)
	if code, _, stderr := gate(t, Gate{}, only, goodRun()); code != ExitUsage || !strings.Contains(stderr, "none is for the machine workstation") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestSeverity: what only warns is shown and does not fail, but its work must be the same.
func TestSeverity(t *testing.T) {
	t.Parallel()
	budgets := newBudgets + "severity: warn\n  limits: {time: 1µs}\n- {name: m, scenario: queue-low, style: others, source: x, limits: {ratio: 1.1}}\n"
	code, stdout, _ := gate(t, Gate{}, budgets, goodRun())
	if code != ExitWithin || !strings.Contains(stdout, "over (warning)") || !strings.Contains(stdout, "3 limits: 1 within, 2 over") {
		t.Errorf("exit %d: %s", code, stdout)
	}
	run := goodRun()
	run.Cells[queueBus].Work.Effects--
	if code, stdout, _ = gate(t, Gate{}, budgets, run); code != ExitInvalid {
		t.Errorf("exit %d: %s", code, stdout)
	}
	if code, stdout, _ = gate(t, Gate{}, strings.Replace(budgets, "warn", "fail", 1), goodRun()); code != ExitOver {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// piecesRun has pieces of 500 and 200 ns beside a floor of 10 ns, and rounds that drift. The trace
// of the bus costs a tenth, in cells that share no round.
func piecesRun() (*results.Run, results.Details) {
	run, d := goodRun(), results.Details{}
	run.Scenarios = append(run.Scenarios, results.Scenario{Name: "components", ArmKey: "piece", Baseline: "floor", Pairs: []results.Pair{{Switch: "speed", Without: "slow", With: "fast"}}})
	for name, ns := range map[string]float64{"floor": 10, "slow": 500, "fast": 200} {
		c := cell("components", name, nil, ns)
		c.Ratio = ptr(around(ns / 10))
		for round := range 12 {
			took := time.Duration(1000 * ns * (1 + float64(round)/10))
			d.Blocks = append(d.Blocks, results.Block{Cell: c.Key(), Round: round, Ops: 1000, Wall: took, User: took})
		}
		run.Cells = append(run.Cells, c)
	}
	run.Cells = append(run.Cells, cell("message-log", "bus", map[string]string{"mode": "closed", "trace": "on"}, 110), cell("message-log", "bus", map[string]string{"mode": "closed", "trace": "off"}, 100))
	run.Cells = append(run.Cells, cell("message-log", "direct", map[string]string{"mode": "closed", "trace": "on"}, 90), cell("message-log", "direct", map[string]string{"mode": "closed", "trace": "off"}, 90))
	return run, d
}

// TestTo compares with another piece, paired by round, or with the same cell of other options.
func TestTo(t *testing.T) {
	t.Parallel()
	components := strings.Replace(newBudgets, "queue-low", "components", 1)
	log := strings.Replace(newBudgets, "queue-low", "message-log", 1) + "style: bus\n  options: {trace: on}\n  to: {trace: off}\n  "
	for text, want := range map[string]string{
		components + "style: fast\n  to: slow\n  limits: {ratio: 0.5, saving: 50%}": "ratio slow 0.4 [0.4, 0.4] within; saving slow 60 [60, 60] within",
		components + "style: fast\n  to: slow\n  limits: {saving: 1µs}":             "saving slow 465 [360, 570] over",
		components + "style: fast\n  to: none\n  limits: {ratio: 1}":                "ratio none - inconclusive none was not measured in this run",
		components + "style: fast\n  limits: {ratio: 10}":                           "ratio floor 20 [19.6, 20.4] over",
		components + "style: others\n  limits: {ratio: 51}":                         "ratio floor 20 [19.6, 20.4] within; ratio floor 50 [49, 51] within",
		log + "limits: {ratio: 1.2, overhead: 20ns, cpu_ratio: 1}":                  "ratio trace=off 1.1 [1.057, 1.145] within; overhead trace=off 10 [5.8, 14.2] within; cpu_ratio trace=off 1.1 [1.057, 1.145] over",
	} {
		b, err := ParseBudgets("f", []byte(text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		run, d := piecesRun()
		answer, err := Gate{}.judge(b, run, "", d)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range answer.Rows {
			m := "-"
			if r.Measured != nil {
				m = fmt.Sprintf("%.4g [%.4g, %.4g]", r.Measured.Median, r.Measured.Lo, r.Measured.Hi)
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.Quantity, r.To, m, r.Verdict, r.Why)))
		}
		slices.Sort(got)
		wanted := strings.Split(want, "; ")
		if slices.Sort(wanted); !slices.Equal(got, wanted) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, wanted)
		}
	}
}

// TestParts judges the parts of an operation, which only a profile shows.
func TestParts(t *testing.T) {
	t.Parallel()
	b, err := ParseBudgets("f", []byte(newBudgets+"style: bus\n  component: {codec: 20µs}\n  share: {codec: 10%}\n"))
	if err != nil {
		t.Fatal(err)
	}
	run := goodRun()
	e := &evidence{Run: run, parts: map[string]map[string]reports.Part{run.Cells[queueBus].Key(): {
		"codec": {Time: results.Estimate{Median: 15e3, Lo: 12e3, Hi: 18e3}, Share: results.Estimate{Median: 12, Lo: 11, Hi: 13}}}}}
	rows := b.List[0].rows(e)
	if len(rows) != 2 || rows[0].Verdict != Within || rows[0].Quantity != "component.codec" || rows[1].Verdict != Over || rows[1].limit() != "share of codec ≤ 10 %" {
		t.Errorf("%+v", rows)
	}
	if code, stdout, stderr := gate(t, Gate{}, newBudgets+"style: bus\n  component: {codec: 20µs}\n", run); code != ExitInconclusive || !strings.Contains(stdout, "no profile shows its parts") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// TestIdle: waiting has no effects and can have a budget; other work cannot do without.
func TestIdle(t *testing.T) {
	t.Parallel()
	run := figureRun()
	for i := range run.Cells {
		run.Cells[i].Work.Effects, run.Cells[i].Work.Expected = 0, 0
	}
	if code, stdout, stderr := gate(t, Gate{}, figureBudgets, run); code != ExitWithin {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	run.Scenarios[0].Paced = false
	if code, stdout, stderr := gate(t, Gate{}, figureBudgets, run); code != ExitInvalid {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// TestMatchesNothing: a budget of cells that no run can have is bad input.
func TestMatchesNothing(t *testing.T) {
	t.Parallel()
	known := Gate{Scenarios: []string{"queue-low", "message-log"}, Styles: []string{"direct", "bus"},
		Can: func(scenario, style string, options map[string]string) error {
			if options["passages"] == "7" {
				return fmt.Errorf("%s of %q: no such value", scenario, style)
			}
			return nil
		}}
	code, _, stderr := gate(t, known, newBudgets+"options: {passages: 7}\n  limits: {time: 1s}\n", goodRun())
	if want := `b.yaml:6: budgets[0].scenario: matches no cell of any run: queue-low of "": no such value`; code != ExitUsage || !strings.Contains(stderr, want) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	figure := strings.NewReplacer("{max: 0}", "{max: 5ms}").Replace(figureBudgets)
	if code, _, stderr = gate(t, Gate{}, figure, figureRun()); code != ExitUsage || !strings.Contains(stderr, "b.yaml:6: budgets[0].limits.max: lost is a count: write a number from 0") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
