package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// aRun was made on a day of 2026 and found a ratio.
func aRun(day int, ratio float64) *results.Run {
	e := func(v float64) results.Estimate { return results.Estimate{Median: v, Lo: .99 * v, Hi: 1.01 * v} }
	r := e(ratio)
	return &results.Run{Schema: results.Schema, Started: time.Date(2026, 1, day, 12, 0, 0, 0, time.UTC), Effort: "quick", Baseline: "direct",
		Machine: results.Machine{CPU: "Ryzen", Cores: 8, GOMAXPROCS: 8, GOGC: "100", OS: "linux", Arch: "amd64", Kernel: "6.8.0-31-generic",
			Memory: 16_500_000_000, Go: "go1.26.0", Commit: fmt.Sprintf("%040d", day)},
		Scenarios: []results.Scenario{{Name: "queue-low"}},
		Cells: []results.Cell{
			{Scenario: "queue-low", Style: "direct", Named: []string{}, Verdict: results.Measured, NsOp: e(700_000)},
			{Scenario: "queue-low", Style: "bus", Options: map[string]string{"passages": "1000"}, Named: []string{"passages"}, Verdict: results.Measured, NsOp: e(700_000 * ratio), Ratio: &r},
		}}
}

// folder writes a run as `rubato run` does.
func folder(t *testing.T, run *results.Run) string {
	t.Helper()
	dir := t.TempDir()
	if err := results.WriteJSON(filepath.Join(dir, results.SummaryFile), run); err != nil {
		t.Fatal(err)
	}
	return dir
}

func baseline(args ...string) (code int, stdout, stderr string) {
	var out, diagnostics bytes.Buffer
	code = Main(args, &out, &diagnostics)
	return code, out.String(), diagnostics.String()
}

func save(t *testing.T, dir string, run *results.Run) {
	t.Helper()
	if code, _, stderr := baseline("save", "-dir", dir, folder(t, run)); code != exitPass {
		t.Fatalf("exit %d: %s", code, stderr)
	}
}

func TestSaveListShow(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	save(t, dir, aRun(1, 1.02))
	save(t, dir, aRun(2, 1.03))
	now := folder(t, aRun(3, 1.20))
	code, stdout, stderr := baseline("show", "-dir", dir, now)
	if code != exitPass || !strings.Contains(stdout, "1.03 [1.02, 1.04] ×") || !strings.Contains(stdout, "1.2 [1.188, 1.212] ×") || !strings.Contains(stdout, "2026-01-02") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = baseline("show", "-dir", dir, "-commit", fmt.Sprintf("%040d", 1), now)
	if code != exitPass || !strings.Contains(stdout, "1.02 [1.01, 1.03] ×") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	if code, _, stderr = baseline("show", "-dir", dir, "-commit", "fff", now); code != exitUsage || !strings.Contains(stderr, "no run of commit fff") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if code, stdout, _ = baseline("save", "-dir", dir, folder(t, aRun(2, 1.03))); code != exitPass || !strings.Contains(stdout, "already") {
		t.Errorf("exit %d, %s", code, stdout)
	}
	if code, stdout, _ = baseline("list", "-dir", dir); code != exitPass || !strings.Contains(stdout, "Ryzen") || !strings.Contains(stdout, "quick") || strings.Count(stdout, "\n") != 3 {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

// A run of another machine, schema, effort or baseline is refused with what differs, and what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Entry){
		`another machine: cores 4, here 8`:                                 func(e *Entry) { e.Machine.Cores = 4 },
		`another machine: cpu "Xeon", here "Ryzen"`:                        func(e *Entry) { e.Machine.CPU = "Xeon" },
		`another machine: kernel "5.15", here "6.8"`:                       func(e *Entry) { e.Machine.Kernel = "5.15" },
		`another machine: memory_gib 7.5, here 15.5`:                       func(e *Entry) { e.Machine.MemoryGiB = 7.5 },
		`another machine: gomaxprocs 2, here 8; go "go1", here "go1.26.0"`: func(e *Entry) { e.Machine.GOMAXPROCS, e.Machine.Go = 2, "go1" },
		`results of schema 1, here 2`:                                      func(e *Entry) { e.Results = 1 },
		`effort "full", here "quick"`:                                      func(e *Entry) { e.Effort = "full" },
		`ratios to "bus", here to "direct"`:                                func(e *Entry) { e.Baseline = "bus" },
		`holds no run that can be read`:                                    func(e *Entry) { e.Schema = Schema + 1 },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e, err := EntryOf(aRun(1, 1))
			if err != nil {
				t.Fatal(err)
			}
			change(&e)
			if err := Append(dir, e); err != nil {
				t.Fatal(err)
			}
			for _, verb := range []string{"show", "trend"} {
				code, stdout, stderr := baseline(verb, "-dir", dir, folder(t, aRun(2, 1)))
				if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) || !strings.Contains(stderr, "baseline save") {
					t.Errorf("%s: exit %d, %s%s", verb, code, stdout, stderr)
				}
			}
		})
	}
}

// Another kernel of the family and some bytes of memory are the same machine.
func TestSameMachine(t *testing.T) {
	t.Parallel()
	a, b := aRun(1, 1), aRun(2, 1)
	b.Machine.Kernel, b.Machine.Memory, b.Machine.Load, b.Machine.Commit = "6.8.0-45-generic", a.Machine.Memory-4_000_000, [3]float64{3}, "other"
	if x, y := MachineOf(a.Machine), MachineOf(b.Machine); x != y || x.ID() != y.ID() {
		t.Errorf("%v", x.Differences(y))
	}
}

// Lines that a killed program, another schema or an editor left are named and skipped; the others count.
func TestDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, dir, aRun(1, 1))
	file := filepath.Join(dir, File)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(append(append([]byte("not JSON\n{}\n"), bytes.Replace(whole, []byte(`"schema":1`), []byte(`"schema":9`), 1)...), whole[:len(whole)/2]...))
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	save(t, dir, aRun(2, 1.5)) // after half a line
	h, err := Read(dir)
	if err != nil || len(h.Entries) != 2 || len(h.Damaged) != 4 {
		t.Fatalf("%d entries, damaged %q, %v", len(h.Entries), h.Damaged, err)
	}
	for i, want := range []string{":2: skipped: invalid", ":3: skipped: schema 0", ":4: skipped: schema 9; this rubato reads 1", ":5: skipped: unexpected end"} {
		if !strings.Contains(h.Damaged[i], want) {
			t.Errorf("%q, want %q", h.Damaged[i], want)
		}
	}
	if code, stdout, stderr := baseline("list", "-dir", dir); code != exitPass || !strings.Contains(stderr, File+":5: skipped") || !strings.Contains(stdout, "2") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestNotSaved(t *testing.T) {
	t.Parallel()
	stopped, invalid := aRun(1, 1), aRun(1, 1)
	stopped.Incomplete = "stopped by signal"
	for i := range invalid.Cells {
		invalid.Cells[i].Verdict = results.Invalid
	}
	for want, run := range map[string]*results.Run{"the run ended early (stopped by signal)": stopped, "no valid cell": invalid} {
		dir := t.TempDir()
		code, _, stderr := baseline("save", "-dir", dir, folder(t, run))
		if _, err := os.Stat(filepath.Join(dir, File)); code != exitUsage || !strings.Contains(stderr, want) || err == nil {
			t.Errorf("exit %d, %s", code, stderr)
		}
	}
	if code, _, stderr := baseline("save", "-dir", filepath.Join(folder(t, aRun(1, 1)), results.SummaryFile), folder(t, aRun(2, 1))); code != exitUsage && code != exitFailed || stderr == "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// A step in a history is told with its day, commit and levels, and drawn. A run of an insensitive
// comparison and one of another machine are not part of it.
func TestTrend(t *testing.T) {
	t.Parallel()
	dir, random := t.TempDir(), rand.New(rand.NewPCG(5, 6))
	for day := 1; day <= 24; day++ {
		ratio := 1.02 * math.Exp(0.004*random.NormFloat64())
		if day > 14 {
			ratio *= 1.05
		}
		save(t, dir, aRun(day, ratio))
	}
	other := aRun(25, 9)
	other.Machine.Cores = 2
	save(t, dir, other)
	doubted := aRun(26, 9)
	aa := doubted.Cells[0]
	aa.Role = results.RoleAA
	doubted.Controls = []results.Controls{{AA: aa, Slowdown: aa, Insensitive: "the A/A control differs"}}
	save(t, dir, doubted)
	plots := filepath.Join(dir, "plots")
	code, stdout, stderr := baseline("trend", "-dir", dir, "-plots", plots, folder(t, aRun(27, 1)))
	if code != exitPass || !strings.Contains(stdout, "from 2026-01-15, commit 000000000000") || strings.Count(stdout, "→") != 1 || !strings.Contains(stdout, " 24 ") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	svg, err := os.ReadFile(filepath.Join(plots, "001-queue-low-bus-passages-1000-ratio.svg"))
	if err != nil || !bytes.Contains(svg, []byte("queue-low bus passages=1000")) {
		t.Errorf("%v", err)
	}
}

// Of 200 clean trends of two ratios each, at most the promised share shows a change.
func TestTrendFalseAlarms(t *testing.T) {
	t.Parallel()
	random, alarms := rand.New(rand.NewPCG(7, 8)), 0
	for range 200 {
		var h History
		var newest Entry
		for day := 1; day <= 25; day++ {
			run := aRun(day, math.Exp(0.02*random.NormFloat64()))
			cpu := results.Unbounded(math.Exp(0.02 * random.NormFloat64()))
			run.Cells[1].CPURatio = &cpu
			e, err := EntryOf(run)
			if err != nil {
				t.Fatal(err)
			}
			h.Entries, newest = append(h.Entries, e), e
		}
		all, err := h.Trend(newest)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d series, %v", len(all), err)
		}
		if len(all[0].Changes)+len(all[1].Changes) > 0 {
			alarms++
		}
	}
	if alarms > 18 { // 10 are promised; more than 18 come by chance once in 100 times
		t.Errorf("%d of 200 clean trends show a change", alarms)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, c := range []struct {
		args  []string
		want  int
		shows string
	}{
		{[]string{"-h"}, exitPass, " baseline save|list|show|trend [flags] [RUN]"},
		{nil, exitUsage, "want save, list, show, trend"},
		{[]string{"sav"}, exitUsage, `did you mean "save"?`},
		{[]string{"list", "-dir", empty}, exitUsage, "holds no run"},
		{[]string{"list", "x"}, exitUsage, "list takes no run"},
		{[]string{"save", "a", "b"}, exitUsage, "one run, not 2: a b"},
		{[]string{"save", empty}, exitUsage, "make results with `run`"},
		{[]string{"save", "-plots", "x"}, exitUsage, "-plots is for trend"},
		{[]string{"trend", "-commit", "x"}, exitUsage, "-commit is for show"},
		{[]string{"list", "-dir", ""}, exitUsage, "-dir has no value"},
	} {
		code, stdout, stderr := baseline(c.args...)
		if code != c.want || !strings.Contains(stdout+stderr, c.shows) || (code == exitPass) != (stderr == "") {
			t.Errorf("%q: exit %d, %s%s; want %q", c.args, code, stdout, stderr, c.shows)
		}
	}
}

// Whatever a history holds, reading it names each line that is no entry, and what is read can be followed.
func FuzzParse(f *testing.F) {
	e, err := EntryOf(aRun(1, 1.1))
	if err != nil {
		f.Fatal(err)
	}
	line, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte("{}\n\n" + string(line) + "\n" + string(line[:40])))
	f.Add(bytes.Replace(line, []byte("1.1"), []byte("-1e308"), 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := Parse("h", data)
		lines := 0
		for _, l := range bytes.Split(data, []byte("\n")) {
			if len(bytes.TrimSpace(l)) > 0 {
				lines++
			}
		}
		if len(h.Entries)+len(h.Damaged) != lines {
			t.Fatalf("%d entries and %d damaged of %d lines", len(h.Entries), len(h.Damaged), lines)
		}
		if len(h.Entries) > 0 && len(h.Entries) < 20 {
			if _, err := h.Trend(h.Entries[0]); err != nil {
				t.Fatal(err)
			}
		}
	})
}
