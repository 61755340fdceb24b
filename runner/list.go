package runner

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"rubato/results"
)

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
	first := true
	for _, use := range suite.keys() {
		if len(use.scenarios) < 2 {
			continue
		}
		if first {
			fmt.Fprintln(w, "\nKeys of several scenarios, as in -set KEY=VALUE:")
		}
		first = false
		fmt.Fprintf(w, "  %-18s %s\n", use.Name, use.brief())
	}
}

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
