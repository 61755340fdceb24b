package reports

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rubato/results"
)

// recordedRun unpacks a run that a rubato of schema 1 left, and the benchmark lines that it
// wrote, without the files named.
func recordedRun(t *testing.T, without ...string) (dir, bench string) {
	t.Helper()
	from, dir := filepath.Join("..", "results", "testdata", "schema1"), t.TempDir()
	for _, name := range []string{results.SummaryFile, results.RawFile} {
		packed, err := os.Open(filepath.Join(from, name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer packed.Close()
		unpack, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(unpack)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(without, name) {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(from, "bench.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(data)
}

// oldFigures are rows of the report that the old rubato wrote.
var oldFigures = []string{
	"| ×0.951 (−4.88 %) (0.705 … 1.541) | ×1.108 (+10.8 %) (1.028 … 1.181; ", // A/A control and injected slowdown
	"| director | +54.2 % |",
	"| queue-low bus | ×1.010 (+1.04 %) (0.877 … 1.224) | +13.5 µs (−230 … +255 µs) | no change (2.00 %) | 10 rounds | 1.000 | inconclusive |",
	"| direct | 1.18 ms (1.14 … 1.57 ms) | baseline | baseline | p50 998 µs (p95 2.91 ms; p99 5.01 ms) | 1.16 ms (user 1.14 ms; system 170 µs) | 24.3 (3762 B) | 5.87 | 30.2 MiB | 68.6 % active (0.378 % idle) | 1600 of 1600 (from 200 stimuli) | measured |",
	"| waited for a CPU | 472 µs | 459 µs (−13.1 µs) |",
	"| RSS, peak | 30.2 MiB | 33.3 MiB (+3.16 MiB) |",
	"| direct | always | ×1.028 (+2.77 %) (0.952 … 1.139) | ×0.997 (−0.296 %) (0.852 … 1.124) | inconclusive, the limit is +2.00 % |",
	"| direct | always | ×1.007 (+0.693 %) (0.312 … 1.132) | ×0.982 (−1.77 %) (0.722 … 1.075) |", // of the equivalence check
	"| bus | in this style | ×1.010 (+1.03 %) (0.801 … 1.347) | ×1.019 (+1.89 %) (0.819 … 1.064) |",
	"multiplied: ×0.947 (−5.32 %)",
	"queue-low +0.693 % (−68.8 % … +13.2 %)",
	"| queue-low bus | 21367e18ff844209 | 10 | 0 | 0 B | 944 430 rows read |",
	"No energy: this machine has no RAPL counters",
}

// A run of schema 1 is reported with the figures that it had then.
func TestSchema1(t *testing.T) {
	t.Parallel()
	dir, bench := recordedRun(t)
	run, details, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	Summarize(run, details)
	if err := Write(dir, run, details); err != nil {
		t.Fatal(err)
	}
	report := read(t, dir, "report.md")
	for _, figure := range oldFigures {
		if !strings.Contains(strings.ReplaceAll(report, noBreak, " "), strings.ReplaceAll(figure, noBreak, " ")) {
			t.Errorf("the report does not say %q", figure)
		}
	}
	if got := read(t, dir, "bench.txt"); got != bench {
		t.Errorf("benchmark lines differ: %s", firstDifference(got, bench))
	}
	summary := read(t, dir, results.SummaryFile)
	for _, old := range []string{`"twin"`, `"plant"`, `"certificate"`, `"peeking"`, `"proofs"`, `"ledger"`, `"untold"`, `"witnessed"`, `"schema": 1`} {
		if strings.Contains(summary, old) {
			t.Errorf("the new summary still says %s", old)
		}
	}
	for _, newer := range []string{"On the wire", "messages_op", "messages/op"} {
		if strings.Contains(summary+report, newer) {
			t.Errorf("the report says %q of a run that did not count it", newer)
		}
	}
	again, _, err := results.Load(dir) // the summary is of schema 2 now, the raw results still of 1
	if err != nil || len(again.Controls) != 1 || again.Controls[0].AA.Ratio.Median != run.Controls[0].AA.Ratio.Median {
		t.Errorf("read again: %v", err)
	}
}

// The raw results alone, and the summary alone, are read as well.
func TestSchema1InParts(t *testing.T) {
	t.Parallel()
	for _, without := range []string{results.SummaryFile, results.RawFile} {
		dir, _ := recordedRun(t, without)
		run, details, err := results.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		Summarize(run, details)
		if c := run.Controls[0]; c.AA.Role != results.RoleAA || c.Slowdown.Role != results.RoleSlowdown || ratioEstimate(c.AA.Ratio)[:7] != "×0.951" {
			t.Errorf("without %s: %+v", without, c)
		}
		if i := run.Instruments[3]; i.Name != results.EquivalenceInstrument || i.Cost == nil || i.Cost.Median < 1.0069 || i.Cost.Median > 1.00694 {
			t.Errorf("without %s: %+v", without, i)
		}
	}
}

// Two runs are compared whatever their schemas.
func TestSchema1IsCompared(t *testing.T) {
	t.Parallel()
	dir, _ := recordedRun(t)
	run, details, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	Summarize(run, details)
	other := t.TempDir()
	if err := Write(other, run, details); err != nil {
		t.Fatal(err)
	}
	old, err := LoadRecorded(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, err := LoadRecorded(other)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(old, after, Question{Margin: 0.05})
	if err != nil || len(c.Ratios) != 1 || c.Ratios[0].Change.Median != 1 {
		t.Errorf("%+v, %v", c.Ratios, err)
	}
	var text bytes.Buffer
	if err := c.Text(&text); err != nil || strings.Contains(text.String(), "witnessed") {
		t.Errorf("%v: %s", err, text.String())
	}
}
