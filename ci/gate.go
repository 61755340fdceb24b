// Package ci answers whether a run kept its budgets, by exit code, so that a build
// server can stand on it. budgets.yaml holds the promises, each with its source;
// github-actions.yml and gitlab-ci.yml show the gate in a pipeline; house_test.go
// holds the laws of this house.
//
// It measures nothing and decides nothing that the run left open: an interval that
// straddles its limit is inconclusive, never rounded to a pass. It reads results
// through package reports and knows neither runner nor player.
package ci

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"rubato/reports"
)

// Exit codes of the gate.
const (
	ExitWithin       = 0 // every budget is kept
	ExitOver         = 1 // some budget is exceeded
	ExitUsage        = 2 // the command, the budgets or the results cannot be read
	ExitInconclusive = 3 // some interval straddles its limit, or a cell was not measured
	ExitInvalid      = 4 // some budgeted cell is void, the styles did different work, or the run is blind
	ExitIncomplete   = 5 // the run ended early
)

// A Gate knows the names that budgets may use. A zero Gate takes those of the run,
// and then cannot tell a misspelt name from a scenario that was not asked for,
// unless they are within two edits of each other.
type Gate struct {
	Scenarios []string
	Styles    []string
}

// Main runs `rubato gate` with the names of the run; the result is the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	return Gate{}.Main(args, stdout, stderr)
}

// Main runs `rubato gate`; the result is the exit code.
func (g Gate) Main(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("gate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	budgetsFile := flags.String("budgets", "ci/budgets.yaml", "")
	asJSON := flags.Bool("json", false, "")
	dir, err := folder(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, manual, quantityManual())
		return ExitWithin
	case err != nil:
		return usage(stderr, err)
	}
	budgets, err := ReadBudgets(*budgetsFile)
	if err != nil {
		return usage(stderr, err)
	}
	run, _, err := reports.Load(dir)
	if err != nil {
		return usage(stderr, fmt.Errorf("%w\nmake results with `rubato run`, or name their folder: rubato gate DIR", err))
	}
	answer, err := g.Judge(budgets, run)
	if err != nil {
		return usage(stderr, err)
	}
	if err := write(stdout, answer, *asJSON); err != nil {
		return usage(stderr, fmt.Errorf("write the answer: %w", err))
	}
	return answer.Exit
}

// folder reads the flags, which may stand before and after the folder.
func folder(flags *flag.FlagSet, args []string) (string, error) {
	var dirs []string
	for {
		if err := flags.Parse(args); err != nil {
			return "", flagError(err)
		}
		if flags.NArg() == 0 {
			break
		}
		dirs = append(dirs, flags.Arg(0))
		args = flags.Args()[1:]
	}
	switch len(dirs) {
	case 0:
		return "out/latest", nil
	case 1:
		return dirs[0], nil
	}
	return "", fmt.Errorf("one folder, not %d: %s", len(dirs), strings.Join(dirs, " "))
}

func flagError(err error) error {
	name, found := strings.CutPrefix(err.Error(), "flag provided but not defined: ")
	if !found {
		return err
	}
	return fmt.Errorf("unknown flag %s: %s (rubato gate -h)", name, suggest(name, []string{"-budgets", "-json", "-h"}))
}

func usage(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "rubato gate: %v\n", err)
	return ExitUsage
}

const manual = `Usage: rubato gate [-budgets FILE] [-json] [DIR]

Reads budgets (ci/budgets.yaml) and the results of a run (out/latest), and answers
by exit code. A limit is kept only when the whole interval clears it. Where several
cells keep one, the table shows the tightest; -json shows all.

  0  within        every budget is kept
  1  over          some budget is exceeded
  2  bad input     command, budgets or results cannot be read; file, line, field told
  3  inconclusive  an interval straddles its limit, or a budgeted cell was not measured:
                   run again with more effort (rubato run -full)
  4  invalid       a budgeted cell is void, or the styles did different work
     blind         the run found a difference between the baseline and its own twin, or
                   missed the slowdown planted in it; or carries no proof, and has to:
                   measure again with more effort, with -proof, or on a quieter machine
  5  incomplete    the run ended early

  -budgets FILE    the promises to hold the run to
  -json            the answer as JSON instead of a table

A budgets file:

  schema: 1
  baseline: direct               # what ratio and overhead_us are to
  require_proof: true            # only runs made with rubato run -proof can pass
  budgets:
    - name: the bus adds at most a tenth to a selection
      scenario: queue-low          # or a list
      style: [bus]                 # or one; without it, every style
      options: {passages: 1000}    # the cells that have these; without it, all
      limits:
        ratio: 1.10
        overhead_us: 10
      source: the document and section that the promise is from
    - name: nothing is lost
      scenario: restart
      figure: lost                 # a measure of the scenario; limits are max and min
      limits: {max: 0}
      source: the document and section that the promise is from

  limits may name:

%s
With a figure, limits are max and min, in the unit of the measure. A count, and what
has too few rounds for an interval, keeps a limit when every round does.

Example:

  rubato run -quick -proof && rubato gate || echo "exit code $?"
`
