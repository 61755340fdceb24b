package ci

import "slices"

// A PairedLimit is a limit on what is compared with the baseline round by round: what
// a run can go on measuring for until it knows.
type PairedLimit struct {
	Budget   string
	Quantity string  // as results have it: "ratio" or "overhead_ns"
	Limit    float64 // in the unit of that
}

// Paired are the limits that the budgets set for such a cell.
func (b Budgets) Paired(scenario, style string, options map[string]string) []PairedLimit {
	var all []PairedLimit
	for _, budget := range b.List {
		if !slices.Contains(budget.Scenarios, scenario) || !agrees(budget.Options, options) ||
			len(budget.Styles) > 0 && !slices.Contains(budget.Styles, style) || budget.Figure != "" {
			continue
		}
		for _, l := range budget.Limits {
			switch l.Quantity {
			case "ratio":
				all = append(all, PairedLimit{budget.Name, "ratio", l.Value})
			case "overhead_us":
				all = append(all, PairedLimit{budget.Name, "overhead_ns", 1000 * l.Value})
			}
		}
	}
	return all
}
