package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// leaveRun writes the raw results of a run that did not happen: copy costs so much of
// direct's time.
func leaveRun(t *testing.T, dir string, cost float64, change func(*results.Run, *results.Block)) {
	t.Helper()
	run := &results.Run{Schema: results.Schema, Baseline: "direct", Seed: 7, Machine: results.Machine{CPU: "Synthetic", Cores: 2},
		Scenarios: []results.Scenario{{Name: "count", Op: "count"}}}
	var blocks []results.Block
	for round := range 10 {
		for style, of := range map[string]float64{"direct": 1, "copy": cost} {
			noise := 1 + 0.002*float64((round*31+len(style))%11-5)
			blocks = append(blocks, results.Block{Cell: "count/" + style, Round: round, Ops: 100, Wall: time.Duration(1e8 * of * noise),
				User: time.Duration(8e7 * of * noise), Stimuli: 100, Effects: 100, Expected: 100, Digest: "d"})
		}
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	for i := range blocks {
		change(run, &blocks[i])
	}
	if err := out.Encode(results.Line{Run: run}); err != nil {
		t.Fatal(err)
	}
	for i := range blocks {
		if err := out.Encode(results.Line{Block: &blocks[i]}); err != nil {
			t.Fatal(err)
		}
	}
	scenario, _, _ := strings.Cut(blocks[0].Cell, "/")
	run.Cells = []results.Cell{{Scenario: scenario, Style: "direct"}, {Scenario: scenario, Style: "copy"}}
	if err := out.Encode(results.Line{Run: run}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, rawName), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The command by its exit codes and what it says.
func TestCompareCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	as := func(*results.Run, *results.Block) {}
	at := func(name string) string { return filepath.Join(dir, name) }
	leaveRun(t, at("old"), 1.1, as)
	leaveRun(t, at("same"), 1.1, as)
	leaveRun(t, at("worse"), 1.3, as)
	leaveRun(t, at("lost"), 1.1, func(_ *results.Run, b *results.Block) {
		if b.Cell == "count/copy" {
			b.Effects--
		}
	})
	leaveRun(t, at("else"), 1.1, func(r *results.Run, _ *results.Block) { r.Machine.CPU = "Other" })
	leaveRun(t, at("apart"), 1.1, func(_ *results.Run, b *results.Block) {
		b.Cell = strings.Replace(b.Cell, "count", "sum", 1)
	})
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"the same":         {[]string{at("old"), at("same")}, 0, "compare: within by ratios", ""},
		"worse":            {[]string{at("old"), at("worse")}, 1, "over", ""},
		"worse, minded":    {[]string{at("old"), "-margin", "0.5", at("worse")}, 0, "equivalent", ""},
		"absolute":         {[]string{"-absolute", at("old"), at("worse")}, 1, "by ratios and absolute figures", ""},
		"lost work":        {[]string{at("old"), at("lost")}, 4, "Not compared: count/copy: invalid in NEW: round ", ""},
		"other machine":    {[]string{at("old"), at("else")}, 0, "CPU: Synthetic in OLD, Other in NEW", ""},
		"other, absolute":  {[]string{at("old"), at("else"), "-absolute"}, 2, "", "measure both on one"},
		"nothing shared":   {[]string{at("old"), at("apart")}, 3, "Only in OLD: count/direct, count/copy", ""},
		"JSON":             {[]string{"-json", at("old"), at("same")}, 0, `"verdict": "within"`, ""},
		"Markdown":         {[]string{"-md", at("out.md"), at("old"), at("same")}, 0, "compare: within", ""},
		"page":             {[]string{"-html", at("out.html"), at("old"), at("same")}, 0, "compare: within", ""},
		"page not written": {[]string{"-html", at("no/where.html"), at("old"), at("same")}, 2, "", "no/where.html"},
		"not written":      {[]string{"-md", at("no/where.md"), at("old"), at("same")}, 2, "", "no/where.md"},
		"no name":          {[]string{"-md", "", at("old"), at("same")}, 2, "", "-md is given without a file"},
		"one run":          {[]string{at("old")}, 2, "", "takes two runs, the old one first"},
		"misspelt":         {[]string{at("old"), at("sane")}, 2, "", "did you mean " + at("same")},
		"misspelt flag":    {[]string{"-maring", "1"}, 2, "", `did you mean "-margin"?`},
		"margin":           {[]string{"-margin", "2", at("old"), at("same")}, 2, "", "want a share from 0 to under 1"},
		"an empty folder":  {[]string{dir, at("old")}, 2, "", "give the folder of a run"},
		"help":             {[]string{"-h"}, 0, "compare out/before out/after", ""},
		"a file, not runs": {[]string{"compare.go", at("old")}, 2, "", "compare.go: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			p := program{name: "rubato", stdout: &stdout, stderr: &stderr}
			code := p.main(context.Background(), append([]string{"compare"}, c.args...))
			if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) || (c.stderr == "") != (stderr.Len() == 0) {
				t.Errorf("exit %d, want %d\n%s%s", code, c.code, stdout.String(), stderr.String())
			}
			for _, of := range []struct{ name, file, says string }{
				{"Markdown", "out.md", "# Comparison of two runs\n"}, {"page", "out.html", "<title>What has changed</title>"}, {"page", "out.html", "<svg"},
			} {
				if of.name != name {
					continue
				}
				if text, err := os.ReadFile(at(of.file)); err != nil || !strings.Contains(string(text), of.says) {
					t.Errorf("%v: %s", err, text)
				}
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestCompareCannotWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	leaveRun(t, dir, 1, func(*results.Run, *results.Block) {})
	var stderr bytes.Buffer
	p := program{name: "rubato", stdout: full{}, stderr: &stderr}
	if code := p.main(context.Background(), []string{"compare", dir, dir}); code != exitFailed || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
}
