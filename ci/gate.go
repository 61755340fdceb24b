// Package ci says by exit code whether a run kept its budgets, for build servers.
// budgets.yaml holds the budgets, each with its source. github-actions.yml and gitlab-ci.yml
// show the gate in a pipeline. house_test.go holds the laws of docs/design.md.
//
// It measures nothing. An interval that contains its limit is inconclusive, never a pass. It
// reads results through package reports and knows neither runner nor player.
package ci

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"rubato/command"
	"rubato/reports"
	"rubato/results"
)

// Exit codes of the gate.
const (
	ExitWithin       = 0 // every budget is kept
	ExitOver         = 1 // some budget is exceeded
	ExitUsage        = 2 // the command, the budgets or the results cannot be read
	ExitInconclusive = 3 // some interval straddles its limit, or a cell was not measured
	ExitInvalid      = 4 // some budgeted cell is invalid, the styles did different work, or a row is insensitive or suspect
	ExitIncomplete   = 5 // the run ended early, or the answer cannot be written
)

// A Gate knows the names that budgets may use. A zero Gate takes those of the run. Then it
// cannot distinguish a misspelt name from a scenario that was not run, unless the name is
// near to one that was.
type Gate struct {
	Scenarios []string
	Styles    []string
	// Can says why no run has a cell of this scenario, style (empty: any) and options. nil: not known.
	Can func(scenario, style string, options map[string]string) error
	Env func(string) string // of the build server; nil: none
}

// Main runs `rubato gate`; the result is the exit code.
func (g Gate) Main(args []string, stdout, stderr io.Writer) int {
	flags := command.Flags("gate")
	budgetsFile := flags.String("budgets", "ci/budgets.yaml", "a file, such as ci/budgets.yaml")
	machine := flags.String("machine", "", "a kind of machine that the file names, such as ci")
	against := flags.Bool("require-against", false, "")
	out := outputFlags(flags)
	dir, err := folder(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, command.Named(manual), quantityManual(), saving, "ns or %", "what it takes less than in the field to, at least", "    "+strings.ReplaceAll(text.WrapSoft(strings.Join(reports.Parts(), " · "), 84), "\n", "\n    "))
		return ExitWithin
	case err != nil:
		return usage(stderr, err)
	}
	budgets, err := ReadBudgets(*budgetsFile, *machine)
	if err != nil {
		return usage(stderr, err)
	}
	budgets.RequireAgainst = *against
	if err := out.check(flags); err != nil {
		return usage(stderr, err)
	}
	run, details, err := results.Load(dir)
	if err != nil {
		return usage(stderr, fmt.Errorf("%w\nmake results with `%[2]s run`, or name their folder: %[2]s gate DIR", err, command.Program()))
	}
	if why := reports.Restated(run, details); why != "" {
		return usage(stderr, fmt.Errorf("%s: %s\nrender it again with `%s report %s`", dir, why, command.Program(), dir))
	}
	answer, err := g.judge(budgets, run, dir, details)
	if err != nil {
		return usage(stderr, err)
	}
	shown := explain(out.weigh(answer), budgets.File, dir, run, details)
	if err := out.write(stdout, stderr, shown, g.Env); err != nil {
		usage(stderr, fmt.Errorf("write the answer: %w", err))
		return ExitIncomplete
	}
	return shown.Exit
}

// folder reads the flags, which may come before and after the folder.
func folder(flags *flag.FlagSet, args []string) (string, error) {
	dirs, err := command.Parse(flags, args)
	if err != nil {
		return "", err
	}
	switch len(dirs) {
	case 0:
		return "out/latest", nil
	case 1:
		return dirs[0], nil
	}
	return "", fmt.Errorf("one folder, not %d: %s", len(dirs), strings.Join(dirs, " "))
}

func usage(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s gate: %s\n", command.Program(), results.Reason(err))
	return ExitUsage
}

const manual = `Usage: rubato gate [flags] [DIR]

Reads budgets (ci/budgets.yaml) and the results of a run (out/latest), and answers
by exit code, of which the first that applies in the order 1, 5, 4, 3, 0 is taken. A limit
is kept only when the whole interval clears it. A figure without an interval is told, and
neither passes nor fails; a count is judged as it is, and 0 is a limit. Where several cells
keep one, the table shows the tightest; -json shows all.

  0  within        every budget is kept
  1  over          some budget is exceeded, whatever else the run could not see or finish
  2  bad input     command, budgets or results cannot be read; the message names file, line and field
  3  inconclusive  an interval straddles its limit, or a budgeted cell was not measured:
                   run again with more effort (rubato run -full)
  4  invalid       a budgeted cell is invalid, or the styles did different work
     suspect       the A/A control of the row's comparison differs from the baseline
     insensitive   the injected slowdown was not found, and the limit is less than twice as
                   far from the figure as the end of its interval; or a control shows what
                   cannot be; or there are no controls and the budgets need them: measure
                   again with more effort, with -controls, or on a quieter machine
  5  incomplete    the run ended early, or the answer cannot be written

  -budgets FILE        the promises to hold the run to
  -machine KIND        the kind of machine that the run was made on: its limits hold
                       (default workstation; a file without machines is for all)
  -require-against     limits of change are for runs with -against: in any other they are
                       inconclusive. Without it they are told
  -inconclusive warn   let exit 3 pass as 0; every output still says inconclusive (default fail)
  -json                the answer as JSON instead of a table
  -junit FILE          JUnit XML: a suite a budget, a case a limit
  -comment FILE        Markdown under 60 kB for a comment on a change; its first line, a hidden
                       marker, is how the next run finds the comment
  -metrics FILE        GitLab's metrics report
  -codequality FILE    GitLab's code quality report, at the lines of the budgets

On GitHub Actions it also marks the lines of the budgets in the change and writes the page
of the job ($GITHUB_STEP_SUMMARY). All say which stage moved, if the run has profiles, and
what it could have found. rubato's docs/ci.md shows them in a pipeline.

A budgets file, of a program that measures a music player:

  schema: 2
  baseline: direct               # what ratio and overhead are to
  require_controls: true         # only runs made with rubato run -controls can pass
  machines:                      # kinds of machine that budgets tell apart
    workstation: a desktop core
    ci: a shared runner
  budgets:
    - name: the bus adds at most a tenth to a selection
      scenario: queue-low          # or a list
      style: [bus]                 # or one, or others: all but the baseline; without it, every style
      options: {passages: 1000}    # the cells that have these; without it, all
      machine: [workstation, ci]   # without it, on every kind
      severity: warn               # shown, and never fails; without it, fail
      limits:
        ratio: 1.10
        overhead: {workstation: 10µs, ci: 50µs}
      source: the document and section that the promise is from
    - name: a change costs nothing
      scenario: queue-low
      change: {cpu_ratio: 1.05, allocs: 0}   # to REV, measured with rubato run -against REV
      source: ours
    - name: the trace costs little
      scenario: queue-low
      style: bus
      options: {trace: on}
      to: {trace: off}             # or an arm: limits compare with it, not with the baseline
      limits: {ratio: 1.05}
      source: ours
    - name: the codec stays small
      scenario: message-log
      style: nats
      component: {codec: 20µs}     # of an operation, as the report's balance shows them
      share: {codec: 10%%}
      source: ours
    - name: nothing is lost
      scenario: restart
      figure: lost                 # a measure of the scenario; limits are max and min
      limits: {max: 0}
      source: the document and section that the promise is from

  limits may name:

%s
    %-19s %-8s %s

Values have their unit: ns, µs (or us), ms, s; B, kB, MB, GB, KiB, MiB, GiB; %%.
change takes ratio, mean_ratio, cpu_ratio and overhead, to REV; any other name but the rate
is how much more than in REV the figure may be (p99: 1ms), and with _ratio at its end how
many times as much (p99_ratio: 1.2). A change of a count is judged to the nearest whole
number an operation. component and share take these parts:

%s

With a figure, limits are max and min, in the unit of the measure or with one. A count, and
what has too few rounds for an interval, keeps a limit when every round does.

Example:

  rubato run -quick -controls && rubato gate || echo "exit code $?"
`

// gridOf has one line per limit: the cell nearest to it if all cells keep it, and every
// cell that does not. Each reason is below the table once.
func gridOf(a Answer) reports.Grid {
	g := reports.Grid{Head: []string{"budget", "cell", "limit", "measured [95 %]", "verdict"}, Text: []int{0, 1, 2, 3, 4}, Wrap: 40}
	budget := ""
	for _, r := range tightestRows(a.Rows) {
		name := r.Budget
		if name == budget {
			name = "" // shown once
		}
		budget = r.Budget
		g.Add(r.Verdict, name, r.Cell, r.limit(), r.measured(), r.verdict())
	}
	for _, verdict := range verdicts {
		var why reports.Notes
		for _, r := range a.Rows {
			switch line := verdict + ": " + r.Why; {
			case r.Verdict != verdict || r.Why == "":
			case verdict == Insensitive || verdict == Suspect: // of the whole comparison, which it names
				g.Notes = results.AddOnce(g.Notes, line)
			default:
				why.Add(r.Why, r.Cell)
			}
		}
		for _, line := range why.Lines() {
			g.Notes = append(g.Notes, verdict+": "+line)
		}
	}
	for _, w := range a.Warnings {
		g.Notes = append(g.Notes, "warning: "+w)
	}
	return g
}

func summary(a Answer) string {
	count := make(map[string]int)
	for _, r := range a.Rows {
		count[r.Verdict]++
	}
	var parts []string
	for _, v := range verdicts {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	line := fmt.Sprintf("gate: %s (exit %d): %d limits: %s", a.Verdict, a.Exit, len(a.Rows), strings.Join(parts, ", "))
	if a.Incomplete != "" {
		line += "; the run ended early: " + a.Incomplete
	}
	return line
}

// verdict is the verdict in text; one that cannot fail the gate says so.
func (r Row) verdict() string {
	if r.Warn && r.Verdict != Within {
		return r.Verdict + " (warning)"
	}
	return r.Verdict
}

func (r Row) limit() string {
	sign := "≤"
	if r.AtLeast {
		sign = "≥"
	}
	per, unit := scaled(r.Unit, r.Limit)
	if r.Unit != "ns" && r.Unit != "B" && r.Unit != "%" {
		unit = ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.shown(), sign, reports.Compact(r.Limit/per), unit))
}

func (r Row) measured() string {
	m := r.Measured
	if m == nil {
		return "–"
	}
	per, name := scaled(r.Unit, max(math.Abs(m.Median), math.Abs(m.Lo), math.Abs(m.Hi)))
	show := func(v float64) string { return reports.Compact(v / per) }
	switch {
	case m.Point:
		return unit(show(m.Median), name)
	case m.Rounds == 1:
		return unit(show(m.Median), name) + " in 1 round"
	case m.Rounds > 1:
		return fmt.Sprintf("%s, %s in %d rounds", show(m.Median), unit(show(m.Lo)+" to "+show(m.Hi), name), m.Rounds)
	}
	return unit(fmt.Sprintf("%s [%s, %s]", show(m.Median), show(m.Lo), show(m.Hi)), name)
}

// unit puts a unit after a figure; a count has none.
func unit(figure, of string) string { return strings.TrimSpace(figure + " " + of) }

// title names a cell: scenario, style and named options.
func title(scenario, style string, options map[string]string) string {
	c := results.Cell{Style: cmp.Or(style, "any style"), Options: options, Named: slices.Sorted(maps.Keys(options))}
	return scenario + " " + c.Label()
}
