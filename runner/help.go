package runner

import (
	"fmt"
	"io"
	"strings"
)

// helps are the texts of -h, by command; the empty one is that of the program. They
// teach by example: what is valid to name is what list prints.
var helps = map[string]string{
	"": `%[1]s measures styles of doing the same work, side by side, and proves that the
work was the same.

Commands:
  run      measure and write the results to a folder
  list     what there is to measure: scenarios, styles, -set keys; list NAME tells more
  report   render a folder's results again
  gate     hold a run against budgets
  compare  what changed from one run to another, by interval
  selfcheck does this machine measure well enough?
  version  versions of the program and of what it stands on; also --version
  help     this text; help COMMAND or COMMAND -h for one command
%[2]s
Try:
  %[1]s run -quick
  %[1]s list

Exit codes: 0 pass, 1 over budget, 2 usage or bad input, 3 inconclusive,
4 invalid (the work differed, or the run is insensitive), 5 the run failed or
was stopped.
`,
	"run": `Usage: %[1]s run [flags] [scenario…]

Measures the scenarios named, or all, in every style. Flags may follow names.

Times are compared in trials: each starts new processes, which take turns every
millisecond. Trials go on until every verdict is certain (changed by more than
-margin or not, within its budget or over), or until the time is up.

  -time 90s        longest time for the trials of a comparison (default 25s; -quick 5s,
                   -full 2m, -decide 2m, -precision 5m)
  -precision 1%%    go on until every ratio is known to within this share: 0.01 or 1%%
  -quick           short, with wide intervals: some 10 s for a scenario and set of
                   options, longer where a clock sets the pace
  -full            more trials, and profiles of everything: for publishing
  -out DIR         folder for the results (default out/<time>; out/latest points to
                   it). It must not hold a run
  -styles A,B      only these styles; the first in the list's order is the baseline
  -seed N          a whole number: repeat the same work and order (default: drawn, and
                   recorded)
  -set KEY=VALUE   a scenario's setting; several values, separated by commas, are
                   measured one by one; may be repeated. \, is a comma in a value
  -controls        add two arms to each comparison: an A/A control, which must not
                   differ, and an injected slowdown, which must be found. Otherwise
                   the run is insensitive (exit 4)
  -slowdown 10%%    -controls: size of the slowdown, as a share of the time per operation:
                   0.10 or 10%%
  -instruments     measure what measuring costs: arms without one of the usual
                   instruments, or with one more
  -decide          answer by the exit code, too: 1 if a budget is certainly exceeded, 3
                   if a verdict is open when the time is up
  -margin 2%%       a ratio that is certainly this near to 1 is no change: 0.02 or 2%%
  -budgets FILE    the budgets (default ci/budgets.yaml, if it exists)

Examples:
  %[1]s run                                everything
  %[1]s run -quick SCENARIO                one scenario, in a hurry
  %[1]s run SCENARIO -precision 1%%         as long as it takes, 5 minutes at most
  %[1]s run SCENARIO -set KEY=1,2 -seed 7  two cells a style, repeatable

Scenarios, styles and keys: %[1]s list; the values of one: %[1]s list NAME
Results go to stdout and the folder, progress to stderr.
`,
	"list": `Usage: %[1]s list [NAME…]

Names styles, scenarios, and the -set keys that several scenarios have. With a NAME it
tells all of that scenario, style or key: questions, measures, values and defaults.
Scenarios stand by what their figures mean: those that work as fast as they can are
compared by time, those that a clock paces by latency, CPU and their measures.
`,
	"report": `Usage: %[1]s report [-into FILE] DIR

Computes and renders the results in DIR again from its raw blocks. Works on a run
that was stopped, too: what was measured until then is shown and marked incomplete.

  -into FILE   also write the figures of the styles into FILE, between its lines
               <!-- figures --> and <!-- /figures -->: a README, say

Example:
  %[1]s report out/latest
`,
	"selfcheck": selfcheckHelp,
	"compare":   compareManual,
	"version": `Usage: %[1]s version

Prints the versions of the program, of Go, and of what the styles stand on.
`,
	"help": `Usage: %[1]s help [command]
`,
}

// commandNames are those that a user may type, in the order of the help text.
var commandNames = []string{"run", "list", "report", "gate", "compare", "selfcheck", "version", "help"}

// printHelp teaches one command, or all.
func (p program) printHelp(w io.Writer, command string) {
	if command != "" {
		fmt.Fprintf(w, helps[command], p.name)
		return
	}
	var more strings.Builder
	for _, c := range p.suite.Commands {
		fmt.Fprintf(&more, "  %-8s %s\n", c.Name, c.Doc)
	}
	fmt.Fprintf(w, helps[""], p.name, more.String())
}
