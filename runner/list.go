package runner

import (
	"fmt"
	"io"
	"strings"
)

// list prints everything that run takes a name of.
func list(w io.Writer, suite Suite) {
	fmt.Fprintln(w, "Styles (the first is the baseline):")
	for _, style := range suite.Styles {
		fmt.Fprintf(w, "  %-12s %s\n", style.Name, style.Doc)
	}
	for _, k := range kinds {
		first := true
		for _, scenario := range suite.Scenarios {
			if !k.holds(scenario) {
				continue
			}
			if first {
				fmt.Fprintf(w, "\nScenarios %s, and their -set keys:\n", k.doc)
			} else {
				fmt.Fprintln(w)
			}
			first = false
			listScenario(w, scenario)
		}
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

func listScenario(w io.Writer, scenario Scenario) {
	fmt.Fprintf(w, "  %s\n      %s (operation: %s)\n", scenario.Name, scenario.Answers, scenario.Op)
	if scenario.Together {
		fmt.Fprintln(w, "      all styles work at the same time")
	}
	if scenario.Bare && !scenario.apart() {
		fmt.Fprintln(w, "      CPU is that of its blocks: no idle window, no profile")
	}
	for _, m := range scenario.Measures {
		fmt.Fprintf(w, "      measures %s: %s\n", m.Name, m.Doc)
	}
	for _, key := range scenario.Keys {
		fmt.Fprintf(w, "      -set %s\n", key.summary())
	}
	for j, arm := range scenario.Arms {
		if j == 0 {
			fmt.Fprintf(w, "      -set %s=A,B (default: all of these; %s, which ratios are to, always is measured)\n", scenario.ArmKey, arm.Name)
		}
		fmt.Fprintf(w, "          %-22s %s\n", arm.Name, arm.Doc)
	}
}

// summary is one line: mode=a|b, default a,b: what it does (styles: x).
func (k Key) summary() string {
	values := "VALUE"
	if len(k.Values) > 0 {
		values = strings.Join(k.Values, "|")
	}
	line := fmt.Sprintf("%s=%s (default %s): %s", k.Name, values, k.Default, k.Doc)
	if len(k.Styles) > 0 {
		line += " (only " + strings.Join(k.Styles, ", ") + ")"
	}
	return line
}
