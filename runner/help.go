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
  list     what there is to measure: scenarios, styles, -set keys
  report   render a folder's results again
  gate     hold a run against budgets
  compare  what changed from one run to another, by interval
  selfcheck does this machine measure well enough?
  version  versions of the program and of what it stands on
  help     this text; help COMMAND or COMMAND -h for one command
%[2]s
Try:
  %[1]s run -quick
  %[1]s list

Exit codes: 0 pass, 1 over budget, 2 usage or bad input, 3 inconclusive,
4 invalid (the work differed, or the run is blind), 5 the run failed or was
stopped.
`,
	"run": `Usage: %[1]s run [flags] [scenario…]

Measures the scenarios named, or all, in every style. Flags may follow names.

  -quick           fewer and shorter blocks, wide intervals: some 5 s a scenario
                   and set of options, longer where a clock paces it
  -full            more rounds and profiles of everything: for publishing
  -out DIR         folder for the results (default out/<time>, and out/latest
                   points to it); it must not hold a run already
  -styles A,B      only these styles; the first in the list's order is the baseline
  -seed N          the same work and order again (default: drawn, and recorded)
  -set KEY=VALUE   a scenario's setting; several values by comma measure each;
                   may be repeated
  -proof           each contest also measures the baseline's twin, which must not
                   differ, and a plant: the baseline with a known slowdown, which
                   must be found. If not, the run is blind (exit 4)
  -ledger          each contest also measures what measuring costs: arms without one
                   of the usual instruments, or with one more; with -fresh
  -fresh           start new processes for every round, where times are compared: the
                   intervals then hold what differs from process to process, too
  -plant 0.10      how large that slowdown is, as a share of the time per operation
  -decide          go on until every ratio and overhead is surely within its budgets
                   or over; without a budget, until it is changed or not. Looking on
                   the way costs no error: it is reckoned in
  -time 120s       -decide: at most so long a contest; what is open then is inconclusive
  -margin 0.02     -decide: a ratio that is surely so near to 1 is no change
  -budgets FILE    -decide: the budgets (default ci/budgets.yaml, if it is there)

Examples:
  %[1]s run                                everything
  %[1]s run -quick SCENARIO                one scenario, in a hurry
  %[1]s run SCENARIO -set KEY=1,2 -seed 7  two cells a style, repeatable

Scenarios, styles, keys and their values: %[1]s list
Results go to stdout and the folder, progress to stderr.
`,
	"list": `Usage: %[1]s list

Names scenarios, styles, and every -set key with its values and default. Scenarios
stand by what their figures mean: those that work as fast as they can are compared by
time, those that a clock paces by latency, CPU and what they measure beside.
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
