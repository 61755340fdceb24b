package scenarios

import (
	"slices"

	"rubato/runner"
)

// observed are the scenarios with the instruments that -ledger can switch: lanes are
// witnessed wherever a style is opened by config, which is all but the pieces; and the
// instruments of the styles that keys switch.
func observed(scenarios []runner.Scenario) []runner.Scenario {
	for i := range scenarios {
		s := &scenarios[i]
		s.Witnessed = s.Arms == nil
		at := slices.IndexFunc(s.Keys, func(k runner.Key) bool { return k.Name == traceKey.Name })
		if at < 0 {
			continue
		}
		for _, style := range s.Keys[at].Styles {
			s.Observers = append(s.Observers, runner.Observer{Name: "trace", Style: style, Without: runner.Options{traceKey.Name: "off"},
				Doc: "actions, flows and edges, kept as -set trace says"})
		}
	}
	return scenarios
}
