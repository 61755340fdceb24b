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
	fmt.Fprintln(w, "\nScenarios, and their -set keys:")
	for i, scenario := range suite.Scenarios {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "  %s\n      %s (operation: %s)\n", scenario.Name, scenario.Answers, scenario.Op)
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
