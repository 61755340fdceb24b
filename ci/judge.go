package ci

import (
	"fmt"

	"rubato/reports"
)

// Verdicts on a limit.
const (
	Within       = "within"
	Over         = "over"
	Inconclusive = "inconclusive"
	Invalid      = "invalid"
)

// A Row is one limit of one budget against one cell.
type Row struct {
	Budget   string   `json:"budget"`
	Source   string   `json:"source"`
	Cell     string   `json:"cell"` // scenario, style and the options that tell it apart
	Quantity string   `json:"quantity"`
	Limit    float64  `json:"limit"`
	Unit     string   `json:"unit"`
	AtLeast  bool     `json:"at_least,omitempty"` // the limit is a floor
	Measured *Measure `json:"measured,omitempty"` // nil: there is no figure
	Verdict  string   `json:"verdict"`
	Why      string   `json:"why,omitempty"` // of a verdict other than within and over
}

// An Answer is what a gate says of a run.
type Answer struct {
	Verdict    string `json:"verdict"` // that of the exit code
	Exit       int    `json:"exit"`
	Incomplete string `json:"incomplete,omitempty"` // why the run ended early
	Rows       []Row  `json:"rows"`
	// Blind is why the run's verdicts mean nothing, Warnings what weakens them.
	Blind    []string `json:"blind,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Judge holds a run to budgets. The error is bad input: a budget that names what
// is not there.
func (g Gate) Judge(budgets Budgets, run *reports.Run) (Answer, error) {
	if faults := g.names(budgets, run); len(faults) > 0 {
		return Answer{}, faults
	}
	answer := Answer{Incomplete: run.Incomplete, Rows: []Row{}}
	for _, b := range budgets.List {
		answer.Rows = append(answer.Rows, b.rows(run)...)
	}
	answer.proven(budgets, run)
	otherBaseline(answer.Rows, budgets.Baseline, run.Baseline)
	answer.Exit, answer.Verdict = weigh(answer)
	return answer, nil
}

// weigh picks the gravest: a run that ended early says nothing at all, void work
// makes its neighbours doubtful, blind eyes see neither what is over nor what is
// within, and what is over is over whatever else is open.
func weigh(a Answer) (int, string) {
	seen := make(map[string]bool)
	for _, r := range a.Rows {
		seen[r.Verdict] = true
	}
	switch {
	case a.Incomplete != "":
		return ExitIncomplete, "incomplete"
	case seen[Invalid]:
		return ExitInvalid, Invalid
	case len(a.Blind) > 0:
		return ExitInvalid, Blind
	case seen[Over]:
		return ExitOver, Over
	case seen[Inconclusive] || len(a.Rows) == 0:
		return ExitInconclusive, Inconclusive
	}
	return ExitWithin, Within
}

// otherBaseline opens again what was compared with another style than the budgets
// mean, as in a run of some styles only.
func otherBaseline(rows []Row, want, have string) {
	for i := range rows {
		r := &rows[i]
		if relative[r.Quantity] && want != have && (r.Verdict == Within || r.Verdict == Over) {
			r.Verdict, r.Why = Inconclusive, fmt.Sprintf("compared with %s in this run, not with %s", have, want)
		}
	}
}
