package runner

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"rubato/results"
)

// helps are the texts of -h, by command; the empty one is that of the program. They
// teach by example: what is valid to name is what list prints.
var helps = map[string]string{
	"": `%[1]s measures styles of doing the same work, side by side, and proves that the
work was the same.

Commands:
  run       measure and write the results to a folder
  count     count instructions and calls under valgrind instead of timing
  list      what there is to measure: scenarios, styles, -set keys; list NAME tells more
  report    render a folder's results again
  verify    is a folder what its raw results say?
  gate      hold a run against budgets
  compare   what changed from one run to another, by interval
  selfcheck does this machine measure well enough?
  version   versions of the program and of what it stands on; also --version
  completion a script that has a shell complete what you type
  help      this text; help COMMAND or COMMAND -h for one command
%[2]s
Try:
  %[1]s run -quick
  %[1]s list

Exit codes: 0 pass, 1 over budget or regressed, 2 usage or bad input,
3 inconclusive, 4 invalid (the work differed, or the run is insensitive), 5 the
run failed or was stopped.
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
  -profile 10s     CPU time of the profile of each style (default 3.15s; -quick 0.3s,
                   -full 10.5s): the longer, the narrower are the parts of a difference
  -out DIR         folder for the results (default out/<time>; out/latest points to
                   it). It must not hold a run
  -styles A,B      only these styles; the first in the list's order is the baseline
  -seed N          a whole number: repeat the same work and order (default: drawn, and
                   recorded)
  -set KEY=VALUE   a scenario's setting; several values, separated by commas, are
                   measured one by one; may be repeated. \, is a comma in a value
  -against REV     beside each style, the same style of another revision, in the same turns:
                   a commit, tag, branch or HEAD~1, which is built from this checkout
                   and kept; merge-base, where this branch left the main one; or the
                   file of another build. The report says what changed in each style
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
  -budgets FILE    the budgets (default ci/budgets.yaml, if it exists). The report also says
                   which targets in targets.yaml beside it are missed
  -machine KIND    hold its limits for this kind of machine (default workstation)

Examples:
  %[1]s run                                everything
  %[1]s run -quick SCENARIO                one scenario, in a hurry
  %[1]s run SCENARIO -precision 1%%         as long as it takes, 5 minutes at most
  %[1]s run SCENARIO -set KEY=1,2 -seed 7  two cells a style, repeatable
  %[1]s run SCENARIO -against HEAD~1        what did the last commit change?

Scenarios, styles and keys: %[1]s list; the values of one: %[1]s list NAME
Results go to stdout and the folder, progress to stderr: what is measured, the ratios
so far with their intervals, and how long it still takes. On a terminal that is one line
that changes; elsewhere, and with NO_COLOR, a line every five seconds.
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
Of results that are not whole (cut off, two runs in one file, lost profiles) it shows
what can be read and names what is missing. It overwrites no summary that tells more.

  -into FILE   also write the figures of the styles into FILE, between its lines
               <!-- figures --> and <!-- /figures -->: a README, say

Example:
  %[1]s report out/latest
`,
	"verify":    verifyHelp,
	"selfcheck": selfcheckHelp,
	"compare":   compareManual,
	"count":     countHelp,
	"version": `Usage: %[1]s version

Prints the versions of the program, of Go, and of what the styles stand on.
`,
	"completion": completionHelp,
	"man":        manHelp,
	"help": `Usage: %[1]s help [command]
`,
}

// commandNames are those that a user may type, in the order of the help text.
var commandNames = []string{"run", "count", "list", "report", "verify", "gate", "compare", "selfcheck", "version", "completion", "help"}

// printHelp teaches one command, or all.
func (p program) printHelp(w io.Writer, command string) {
	if command != "" {
		fmt.Fprintf(w, helps[command], p.name)
		return
	}
	var more strings.Builder
	for _, c := range p.suite.Commands {
		fmt.Fprintf(&more, "  %-9s %s\n", c.Name, c.Doc)
	}
	fmt.Fprintf(w, helps[""], p.name, more.String())
}

// list prints what there is to measure on one screen or, with names, all of these.
func (p program) list(names []string) error {
	if len(names) == 0 {
		listAll(p.stdout, p.suite)
		fmt.Fprintf(p.stdout, "\n%s list NAME tells all of a scenario, a style or a key.\n", p.name)
		return nil
	}
	for i, name := range names {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if !p.suite.describe(p.stdout, name) {
			return unknown("scenario, style or key", name, p.suite.names())
		}
	}
	return nil
}

// listAll has one line for each style, scenario, and key of several scenarios.
func listAll(w io.Writer, suite Suite) {
	fmt.Fprintln(w, "Styles (the first is the baseline):")
	for _, style := range suite.Styles {
		fmt.Fprintf(w, "  %-18s %s\n", style.Name, style.Doc)
	}
	for _, k := range kinds {
		first := true
		for _, scenario := range suite.Scenarios {
			if !k.holds(scenario) {
				continue
			}
			if first {
				fmt.Fprintf(w, "\nScenarios %s:\n", k.doc)
			}
			first = false
			fmt.Fprintf(w, "  %-18s %s\n", scenario.Name, scenario.Answers)
		}
	}
	listKeys(w, suite)
}

// listKeys has one line for each key of several scenarios, and one for many of one style alone.
func listKeys(w io.Writer, suite Suite) {
	var shared []keyUse
	own := map[string][]string{} // keys of one style alone
	for _, use := range suite.keys() {
		if len(use.scenarios) < 2 {
			continue
		}
		if shared = append(shared, use); len(use.Styles) == 1 {
			own[use.Styles[0]] = append(own[use.Styles[0]], use.Name)
		}
	}
	if len(shared) > 0 {
		fmt.Fprintln(w, "\nKeys of several scenarios, as in -set KEY=VALUE:")
	}
	for _, use := range shared {
		if len(use.Styles) != 1 || len(own[use.Styles[0]]) < manyKeys {
			fmt.Fprintf(w, "  %-18s %s\n", use.Name, use.brief())
		}
	}
	for _, style := range suite.Styles {
		if keys := own[style.Name]; len(keys) >= manyKeys {
			fmt.Fprintf(w, "  only %-13s %s\n", style.Name, strings.Join(keys, ", "))
		}
	}
}

// manyKeys of one style alone are listed by name, so that all fits on a screen.
const manyKeys = 5

// kinds are how scenarios are grouped: by what their figures mean.
var kinds = []struct {
	doc   string
	holds func(Scenario) bool
}{
	{"in which each style works as fast as it can", func(s Scenario) bool { return !s.Paced && !s.apart() }},
	{"that a clock paces (compared by latency, CPU and measures)", func(s Scenario) bool { return s.Paced && !s.apart() }},
	{"of pieces, which do not do the same work", Scenario.apart},
}

// A keyUse is a key and the scenarios that have it with the same meaning.
type keyUse struct {
	Key
	scenarios, defaults []string // side by side
}

// keys are all keys in order of first use, each once.
func (s Suite) keys() (uses []keyUse) {
	for _, scenario := range s.Scenarios {
		for _, key := range scenario.Keys {
			i := slices.IndexFunc(uses, func(u keyUse) bool { return u.Name == key.Name && u.Doc == key.Doc })
			if i < 0 {
				i, uses = len(uses), append(uses, keyUse{Key: key})
			}
			uses[i].scenarios = append(uses[i].scenarios, scenario.Name)
			uses[i].defaults = append(uses[i].defaults, key.Default)
		}
	}
	return uses
}

// brief is the key's values, default and styles, without what they mean.
func (u keyUse) brief() string {
	line := u.valueList()
	byDefault := u.defaults[0]
	if slices.ContainsFunc(u.defaults, func(other string) bool { return other != byDefault }) {
		byDefault = "by scenario"
	}
	line += ", default " + byDefault
	if len(u.Styles) > 0 {
		line += ", only " + strings.Join(u.Styles, " and ")
	}
	return line
}

// names are what list takes.
func (s Suite) names() (names []string) {
	for _, scenario := range s.Scenarios {
		names = append(names, scenario.Name)
	}
	for _, style := range s.Styles {
		names = append(names, style.Name)
	}
	for _, use := range s.keys() {
		names = results.AddOnce(names, use.Name)
	}
	return names
}

// describe prints all of whatever has this name, and reports whether anything has.
func (s Suite) describe(w io.Writer, name string) (found bool) {
	for _, scenario := range s.Scenarios {
		if scenario.Name == name {
			listScenario(w, scenario)
			found = true
		}
	}
	for _, style := range s.Styles {
		if style.Name == name {
			s.listStyle(w, style)
			found = true
		}
	}
	for _, use := range s.keys() {
		if use.Name == name {
			use.print(w)
			found = true
		}
	}
	return found
}

// listStyle prints a style, the keys that not all styles have, and the scenarios that are
// not for all.
func (s Suite) listStyle(w io.Writer, style Style) {
	fmt.Fprintf(w, "%s: %s\n", style.Name, style.Doc)
	for _, use := range s.keys() {
		if slices.Contains(use.Styles, style.Name) {
			entry(w, "-set %s", use.summary())
		}
	}
	for _, scenario := range s.Scenarios {
		if len(scenario.Styles) > 0 && !slices.Contains(scenario.Styles, style.Name) {
			fmt.Fprintf(w, "  not in %s\n", scenario.Name)
		}
	}
}

// print prints a key, and the scenarios that have it, by default.
func (u keyUse) print(w io.Writer) {
	fmt.Fprintf(w, "%s: a key of these scenarios, as in -set %[1]s=%s\n", u.Name, u.valueList())
	entry(w, "%s", u.Doc)
	if len(u.Styles) > 0 {
		entry(w, "only %s", strings.Join(u.Styles, ", "))
	}
	by := map[string][]string{}
	var order []string
	for i, value := range u.defaults {
		order = results.AddOnce(order, value)
		by[value] = append(by[value], u.scenarios[i])
	}
	for _, value := range order {
		entry(w, "default %s: %s", value, strings.Join(by[value], ", "))
	}
}

func listScenario(w io.Writer, scenario Scenario) {
	fmt.Fprintf(w, "%s: %s\n  operation: %s\n", scenario.Name, scenario.Answers, scenario.Op)
	if len(scenario.Styles) > 0 {
		entry(w, "only %s", strings.Join(scenario.Styles, ", "))
	}
	if scenario.Together {
		fmt.Fprintln(w, "  all styles work at the same time")
	}
	if scenario.Bare && !scenario.apart() {
		fmt.Fprintln(w, "  CPU is that of its blocks: no idle window, no profile")
	}
	for _, m := range scenario.Measures {
		entry(w, "measures %s: %s", m.Name, m.Doc)
	}
	for _, key := range scenario.Keys {
		entry(w, "-set %s", key.summary())
	}
	if len(scenario.Grid) > 0 {
		entry(w, "default: %d comparisons in which %s vary together; with one of them set: all combinations", len(scenario.Grid),
			strings.Join(slices.Sorted(maps.Keys(scenario.Grid[0])), ", "))
	}
	if scenario.Cold != "" {
		entry(w, "caches are cold by default: %s", scenario.Cold)
	}
	for j, arm := range scenario.Arms {
		if j == 0 {
			entry(w, "-set %s=A,B (default: all of these; %s, which ratios are to, always is measured)", scenario.ArmKey, arm.Name)
		}
		fmt.Fprintf(w, "      %-22s %s\n", arm.Name, arm.Doc)
	}
}

// valueList is what the key takes: a|b, or VALUE.
func (k Key) valueList() string {
	if len(k.Values) == 0 {
		return "VALUE"
	}
	return strings.Join(k.Values, "|")
}

// summary is one line: mode=a|b (default a,b): what it does (only x).
func (k Key) summary() string {
	line := fmt.Sprintf("%s=%s (default %s): %s", k.Name, k.valueList(), k.Default, k.Doc)
	if len(k.Styles) > 0 {
		line += " (only " + strings.Join(k.Styles, ", ") + ")"
	}
	return line
}

// listWidth is the longest line that names make list print, in characters.
const listWidth = 96

// entry prints an entry below a title; lines after its first stand further in.
func entry(w io.Writer, format string, args ...any) {
	indent := "  "
	for line := range strings.Lines(text.WrapSoft(fmt.Sprintf(format, args...), listWidth-6)) {
		fmt.Fprintln(w, indent+strings.TrimRight(line, " \n"))
		indent = "      "
	}
}
