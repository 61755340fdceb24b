package runner

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"rubato/ci"
	"rubato/command"
	"rubato/inference"
	"rubato/reports"
	"rubato/results"
)

// A comparing is the arguments of rubato compare.
type comparing struct {
	question reports.Question
	asJSON   bool
	markdown string
	page     string // HTML
	runs     []string
}

func parseCompare(args []string) (comparing, error) {
	var ask comparing
	flags := command.Flags("compare")
	command.ShareVar(flags, &ask.question.Margin, "margin", results.DefaultMargin, marginWanted)
	flags.BoolVar(&ask.question.Absolute, "absolute", false, "")
	flags.BoolVar(&ask.asJSON, "json", false, "")
	flags.StringVar(&ask.markdown, "md", "", "a file, such as changes.md")
	flags.StringVar(&ask.page, "html", "", "a file, such as changes.html")
	var err error
	if ask.runs, err = parseAnywhere(flags, args); err != nil {
		return comparing{}, err
	}
	if !(ask.question.Margin >= 0 && ask.question.Margin < 1) {
		return comparing{}, usage(command.Wrong(flags, "margin"))
	}
	if len(ask.runs) != 2 {
		return comparing{}, usagef("compare takes two runs, the old one first, as in: rubato compare out/OLD out/latest")
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "md" || f.Name == "html" {
			err = errors.Join(err, toWrite(f.Name, f.Value.String()))
		}
	})
	return ask, err
}

// toWrite refuses the file of a flag that cannot be written, before any work.
func toWrite(flag, path string) error {
	if path == "" {
		return usagef("-%s is given without a file: leave it out for none", flag)
	}
	if at, err := os.Stat(path); err == nil && at.IsDir() {
		return usagef("-%s %s is a folder: name a file in it", flag, path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return usagef("-%s %s cannot be written: %w", flag, path, err)
	}
	return nil
}

// into writes to a file, if there is to be one.
func into(path string, write func(string) error) error {
	if path == "" {
		return nil
	}
	return write(path)
}

// compare holds one run against another.
func (p program) compare(args []string) int {
	ask, err := parseCompare(args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "compare")
		return exitPass
	}
	if err != nil {
		return p.fail(err)
	}
	var sides [2]reports.Recorded
	for i, path := range ask.runs {
		if sides[i], err = reports.LoadRecorded(path); err != nil {
			return p.fail(usagef("%w%s", err, neighbour(path)))
		}
	}
	answer, err := reports.Compare(sides[0], sides[1], ask.question)
	if err != nil {
		return p.fail(usageError{err})
	}
	write := answer.Text
	if ask.asJSON {
		write = answer.JSON
	}
	if err := write(p.stdout); err != nil {
		return p.fail(fmt.Errorf("writing the comparison: %w", err))
	}
	if err := errors.Join(into(ask.markdown, answer.WriteMarkdown), into(ask.page, answer.WriteHTML)); err != nil {
		return p.fail(err)
	}
	return compareCode(answer.Verdict)
}

// compareCode is the exit code of a comparison.
func compareCode(v inference.Verdict) int {
	switch v {
	case inference.Within:
		return exitPass
	case inference.Over:
		return ci.ExitOver
	case inference.Inconclusive:
		return exitInconclusive
	}
	return exitInvalid
}

// neighbour suggests an existing path for one that does not exist.
func neighbour(path string) string {
	if _, err := os.Lstat(path); err == nil {
		return ""
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) == 0 {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	if near := command.Nearest(filepath.Base(path), names); near != "" {
		return fmt.Sprintf("; did you mean %s?", filepath.Join(filepath.Dir(path), near))
	}
	return ""
}

const compareManual = `Usage: %[1]s compare [flags] OLD NEW

Says what changed from one run to another, cell by cell, each change with its 95 %%
interval. OLD and NEW are folders of runs, or the results.json of one.

Ratios to the baseline are compared whatever the machines are. Absolute figures are
compared only if both runs are of one machine, and decide nothing unless asked to:
a machine is not in the same state in two runs.

  -margin 2%%     a change that counts as none: 0.02 or 2%% (the default)
  -absolute      let absolute figures decide, too; refused for different machines
  -json          the comparison as JSON instead of tables
  -md FILE       also write it as Markdown into FILE
  -html FILE     also write it as a page with drawings into FILE

Verdicts: over is worse by more than the margin; within is not worse by more than the
margin; equivalent is within it both ways; else inconclusive. The whole interval must
be beyond the margin, with an error rate shared by all rows (Holm).

Examples:
  %[1]s run -out out/before -seed 7    with the old program
  %[1]s run -out out/after -seed 7     with the new one
  %[1]s compare out/before out/after

Exit codes: 0 no regression, 1 regressed, 2 usage or bad input, 3 inconclusive,
4 invalid (some work differed, or a cell is invalid), 5 it could not be written.
`
