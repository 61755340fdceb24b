package ci

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/results"
)

var update = flag.Bool("update", false, "write the golden files anew")

// queueBus and logDirect are places of cells in goodRun.
const (
	queueDirect = 0
	queueBus    = 1
	logDirect   = 2
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	over := results.Estimate{Median: 1.2, Lo: 1.11, Hi: 1.3}
	straddles := results.Estimate{Median: 1.09, Lo: 1.05, Hi: 1.2}
	for _, c := range []struct {
		name   string
		change func(*results.Run)
		want   int
		shows  string
	}{
		{"all within", func(r *results.Run) {}, ExitWithin, "gate: within (exit 0): 6 limits: 6 within"},
		{"the limit itself is within", func(r *results.Run) { r.Cells[queueBus].Ratio.Hi = 1.10 }, ExitWithin, "6 within"},
		{"over", func(r *results.Run) { r.Cells[queueBus].Ratio = &over }, ExitOver, "1.2 [1.11, 1.3] ×"},
		{"straddles", func(r *results.Run) { r.Cells[queueBus].Ratio = &straddles }, ExitInconclusive, "straddles"},
		{"over beats straddling", func(r *results.Run) {
			r.Cells[queueBus].Ratio, r.Cells[queueBus].OverheadNs = &straddles, ptr(around(11_000))
		}, ExitOver, "1 over, 1 inconclusive"},
		{"too slow for the floor", func(r *results.Run) { r.Cells[logDirect].NsOp = around(1.2e7) }, ExitOver, "ops_per_second ≥ 100"},
		{"about as slow as the floor", func(r *results.Run) { r.Cells[logDirect].NsOp = around(1e7) }, ExitInconclusive, "straddles"},
		{"slow tail", func(r *results.Run) { r.Cells[logDirect].Intervals["p99_ns"] = around(6e6) }, ExitOver, "p99 ≤ 5 ms"},
		{"tail that may be slow", func(r *results.Run) { r.Cells[logDirect].Intervals["p99_ns"] = around(5_000_001) }, ExitInconclusive, "straddles"},
		{"a figure without an interval is told", func(r *results.Run) {
			r.Cells[logDirect].P99Ns, r.Cells[logDirect].Intervals = 9e9, nil
		}, ExitWithin, "6 limits: 5 within, 1 told"},
		{"tail of too few latencies", func(r *results.Run) { r.Cells[logDirect].P99Ns = 0 }, ExitInconclusive, "no figure"},
		{"scenario not run", func(r *results.Run) { r.Scenarios, r.Cells = r.Scenarios[:1], r.Cells[:2] }, ExitInconclusive, "message-log any style: not measured in this run"},
		{"style not run", func(r *results.Run) { r.Cells = append(r.Cells[:1], r.Cells[2:3]...) }, ExitInconclusive, "queue-low bus passages=1000: not measured"},
		{"option not run", func(r *results.Run) { r.Cells[queueBus].Options = map[string]string{"passages": "50"} }, ExitInconclusive, "not measured"},
		{"nothing run", func(r *results.Run) { r.Cells, r.Scenarios = nil, nil }, ExitInconclusive, "not measured"},
		{"no baseline", func(r *results.Run) { r.Cells[queueBus].Ratio = nil }, ExitInconclusive, "the baseline has no figure"},
		{"other baseline", func(r *results.Run) { r.Baseline = "nats" }, ExitInconclusive, "compared with nats in this run, not with direct"},
		{"too few rounds", func(r *results.Run) {
			r.Cells[queueBus].Verdict, r.Cells[queueBus].Why = results.Inconclusive, "3 rounds"
		}, ExitInconclusive, "3 rounds"},
		{"invalid", func(r *results.Run) {
			r.Cells[queueBus].Verdict, r.Cells[queueBus].Why = results.Invalid, "2 rows missing"
		}, ExitInvalid, "invalid: queue-low bus passages=1000: invalid: 2 rows missing"},
		{"over beats invalid", func(r *results.Run) {
			r.Cells[queueBus].Verdict, r.Cells[logDirect].NsOp = results.Invalid, around(1e9)
		}, ExitOver, "2 invalid"},
		{"over beats incomplete", func(r *results.Run) {
			r.Incomplete, r.Cells[logDirect].NsOp = "killed", around(1e9)
		}, ExitOver, "the run ended early: killed"},
		{"an invalid cell without a budget does not count", func(r *results.Run) {
			extra := cell("startup", "bus", nil, 5)
			extra.Verdict = results.Invalid
			r.Cells = append(r.Cells, extra)
		}, ExitWithin, "6 within"},
		{"invalid baseline", func(r *results.Run) { r.Cells[queueDirect].Verdict = results.Invalid }, ExitInvalid, "direct, its baseline, is invalid"},
		{"effects missing", func(r *results.Run) { r.Cells[queueBus].Work.Effects-- }, ExitInvalid, "1 of 4000 effects are missing"},
		{"effects too many", func(r *results.Run) { r.Cells[queueBus].Work.Effects++ }, ExitInvalid, "1 effects more than the 4000 expected"},
		{"no work", func(r *results.Run) { r.Cells[queueBus].Work = results.Work{Digest: "d-queue-low"} }, ExitInvalid, "prove no work"},
		{"no time", func(r *results.Run) { r.Cells[queueBus].NsOp = results.Estimate{} }, ExitInvalid, "is no time"},
		{"other work", func(r *results.Run) { r.Cells[queueBus].Work.Digest = "other" }, ExitInvalid, "its transcript (other) differs from that of direct"},
		{"unknown verdict", func(r *results.Run) { r.Cells[queueBus].Verdict = "splendid" }, ExitInvalid, `"splendid" is not known`},
		{"no interval", func(r *results.Run) { r.Cells[queueBus].Ratio = &results.Estimate{Median: 1, Lo: 1.05, Hi: 1.06} }, ExitInvalid, "not an interval"},
		{"ended early", func(r *results.Run) { r.Incomplete = "interrupted" }, ExitIncomplete, "the run ended early: interrupted"},
		{"ended early before invalid", func(r *results.Run) {
			r.Incomplete, r.Cells[queueBus].Verdict = "killed", results.Invalid
		}, ExitIncomplete, "exit 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run := goodRun()
			c.change(run)
			code, stdout, stderr := gate(t, Gate{}, goodBudgets, run)
			if code != c.want || !strings.Contains(stdout, c.shows) || stderr != "" {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, c.want, c.shows, stdout, stderr)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	known := Gate{Scenarios: []string{"queue-low", "message-log", "storm"}, Styles: []string{"direct", "bus", "nats"}}
	for _, c := range []struct {
		name  string
		gate  Gate
		from  string // replaced in the budgets
		to    string
		shows string
	}{
		{"misspelt field", Gate{}, "limits: {ratio", "limit: {ratio", `b.yaml:8: budgets[0].limit: unknown field; nearest is "limits"`},
		{"misspelt quantity", Gate{}, "{ratio", "{ratoi", `b.yaml:8: budgets[0].limits.ratoi: unknown quantity; nearest is "ratio"`},
		{"misspelt scenario", Gate{}, "queue-low", "queue-lwo", `b.yaml:5: budgets[0].scenario: no scenario "queue-lwo"; nearest is "queue-low"; there are message-log, queue-low`},
		{"misspelt style", Gate{}, "style: bus", "style: buss", `b.yaml:6: budgets[0].style: no style "buss"; nearest is "bus"`},
		{"misspelt option", Gate{}, "passages", "pasages", `b.yaml:7: budgets[0].options: no option "pasages" in these scenarios; nearest is "passages"`},
		{"unknown scenario", known, "queue-low", "downloads", `b.yaml:5: budgets[0].scenario: no scenario "downloads"`},
		{"unknown style", known, "style: bus", "style: carrier-pigeon", `b.yaml:6: budgets[0].style: no style "carrier-pigeon"`},
		{"unknown baseline", known, "baseline: direct", "baseline: indirect", `b.yaml: baseline: no style "indirect"; nearest is "direct"`},
		{"empty", Gate{}, goodBudgets, "", "b.yaml:1: empty"},
		{"not YAML", Gate{}, "overhead_us: 10}", "overhead_us: 10", "b.yaml:9: not YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := gate(t, c.gate, strings.Replace(goodBudgets, c.from, c.to, 1), goodRun())
			if code != ExitUsage || stdout != "" || !strings.Contains(stderr, c.shows) {
				t.Errorf("exit %d, got %q%s; want 2 with %q", code, stderr, stdout, c.shows)
			}
		})
	}
}

// TestKnownButNotRun tells a scenario that was not asked for from a wrong name.
func TestKnownButNotRun(t *testing.T) {
	t.Parallel()
	known := Gate{Scenarios: []string{"queue-low", "message-log", "queue-lower"}, Styles: []string{"direct", "bus"}}
	code, stdout, stderr := gate(t, known, strings.Replace(goodBudgets, "queue-low", "queue-lower", 1), goodRun())
	if code != ExitInconclusive || !strings.Contains(stdout, "queue-lower bus passages=1000: not measured") {
		t.Errorf("exit %d, want 3\n%s%s", code, stdout, stderr)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, c := range []struct {
		name  string
		args  []string
		want  int
		shows string
	}{
		{"help", []string{"-h"}, ExitWithin, "overhead "},
		{"help, two dashes", []string{"--help"}, ExitWithin, " gate [flags] [DIR]\n"},
		{"unknown flag", []string{"-buget", "x"}, ExitUsage, `unknown flag "-buget": did you mean "-budgets"?`},
		{"two folders", []string{"-json", "a", "b"}, ExitUsage, "one folder, not 2: a b"},
		{"no budgets file", []string{"-budgets", filepath.Join(empty, "none.yaml")}, ExitUsage, "none.yaml: no such file"},
		{"budgets file is a folder", []string{"-budgets", empty}, ExitUsage, "read budgets"},
		{"no results", []string{empty, "-budgets", "budgets.yaml"}, ExitUsage, " run`, or name their folder: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := Gate{}.Main(c.args, &stdout, &stderr)
			got := stdout.String() + stderr.String()
			if code != c.want || !strings.Contains(got, c.shows) {
				t.Errorf("exit %d, got %q; want %d with %q", code, got, c.want, c.shows)
			}
			if quiet := map[bool]string{true: stderr.String(), false: stdout.String()}[code == ExitWithin]; quiet != "" {
				t.Errorf("also written to the other stream: %q", quiet)
			}
		})
	}
}

// TestTable compares what people read with a golden file.
func TestTable(t *testing.T) {
	t.Parallel()
	run := goodRun()
	run.Cells[queueBus].Ratio = &results.Estimate{Median: 1.09, Lo: 1.05, Hi: 1.2}
	run.Cells[logDirect].Work.Effects--
	run.Cells[3].NsOp = around(2e7)
	_, stdout, _ := gate(t, Gate{}, goodBudgets, run)
	golden := filepath.Join("testdata", "table.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(stdout), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if stdout != string(want) {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	run := goodRun()
	run.Cells[queueBus].Ratio = ptr(around(1.5))
	code, stdout, _ := gate(t, Gate{}, goodBudgets, run, "-json")
	var a Answer
	if err := json.Unmarshal([]byte(stdout), &a); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if code != ExitOver || a.Exit != code || a.Verdict != Over || len(a.Rows) != 6 {
		t.Errorf("exit %d, answer %+v", code, a)
	}
	if r := a.Rows[0]; r.Quantity != "ratio" || r.Verdict != Over || r.Measured == nil || r.Measured.Lo != .98*1.5 ||
		r.Line != 8 || filepath.Base(r.File) != "budgets.yaml" || a.Rows[3].Line != 14 {
		t.Errorf("first row %+v", r)
	}
}
