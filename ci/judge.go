package ci

import (
	"fmt"
	"slices"

	"rubato/reports"
	"rubato/results"
)

// Verdicts on a limit.
const (
	Within       = "within"
	Over         = "over"
	Inconclusive = "inconclusive"      // the interval straddles the limit, or there is none
	Told         = "told"              // a figure without an interval, or what the run was not asked: neither kept nor exceeded
	Insensitive  = reports.Insensitive // within, but the run may have missed what lies up to the limit
	Suspect      = reports.Suspect     // the A/A control of its comparison differs
	Invalid      = "invalid"
)

// verdicts are all of them, in the order of the summary.
var verdicts = []string{Within, Over, Told, Inconclusive, Insensitive, Suspect, Invalid}

// Rank is the exit code for verdicts, and the one that decides it. What was found over its
// limit stands, whatever was not seen, not finished or not valid elsewhere. A figure that is
// only told neither passes nor fails.
func Rank(incomplete bool, of ...string) (int, string) {
	switch has := func(verdict string) bool { return slices.Contains(of, verdict) }; {
	case has(Over):
		return ExitOver, Over
	case incomplete:
		return ExitIncomplete, "incomplete"
	case has(Invalid):
		return ExitInvalid, Invalid
	case has(Suspect):
		return ExitInvalid, Suspect
	case has(Insensitive):
		return ExitInvalid, Insensitive
	case has(Inconclusive) || !has(Within):
		return ExitInconclusive, Inconclusive
	}
	return ExitWithin, Within
}

// A Row is one limit of one budget against one cell.
type Row struct {
	Budget   string   `json:"budget"`
	Source   string   `json:"source"`
	File     string   `json:"file,omitempty"` // where the limit is written
	Line     int      `json:"line,omitempty"` // from 1
	Cell     string   `json:"cell"`           // scenario, style and the named options
	Quantity string   `json:"quantity"`
	To       string   `json:"to,omitempty"` // what it compares the cell with: an arm, options or a revision
	Limit    float64  `json:"limit"`
	Unit     string   `json:"unit"`
	Warn     bool     `json:"warn,omitempty"`     // over or inconclusive, it does not fail the gate
	AtLeast  bool     `json:"at_least,omitempty"` // the limit is the smallest allowed value
	Measured *Measure `json:"measured,omitempty"` // nil: there is no figure
	Verdict  string   `json:"verdict"`
	Why      string   `json:"why,omitempty"` // for a verdict other than within and over

	cell *results.Cell // nil: not measured
	of   results.Metric
}

// An Answer is the result of a gate for a run.
type Answer struct {
	Verdict    string `json:"verdict"` // the verdict of the exit code
	Exit       int    `json:"exit"`
	Machine    string `json:"machine,omitempty"`    // the kind of machine whose budgets were held; empty: the file tells none apart
	Incomplete string `json:"incomplete,omitempty"` // why the run ended early
	Rows       []Row  `json:"rows"`
	// Insensitive says why the verdicts of suspect and insensitive rows do not count. Warnings
	// weaken the others.
	Insensitive []string `json:"insensitive,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
}

// Judge compares a run with budgets. The error is bad input: a budget names something that
// does not exist.
func (g Gate) Judge(budgets Budgets, run *results.Run) (Answer, error) {
	return g.judge(budgets, run, "", results.Details{})
}

// judge also reads what is in the folder of the run besides its summary.
func (g Gate) judge(budgets Budgets, run *results.Run, dir string, details results.Details) (Answer, error) {
	if faults := g.names(budgets, run); len(faults) > 0 {
		return Answer{}, faults
	}
	e := &evidence{Run: run, baseline: budgets.Baseline, strict: budgets.RequireAgainst, details: details}
	if budgets.ofParts() {
		var err error
		if e.parts, err = reports.PartsOf(dir, run, details); err != nil {
			return Answer{}, err
		}
	}
	answer := Answer{Incomplete: run.Incomplete, Machine: budgets.Machine, Rows: []Row{}}
	for _, b := range budgets.List {
		answer.Rows = append(answer.Rows, b.rows(e)...)
	}
	for i := range answer.Rows {
		answer.Rows[i].File = budgets.File
	}
	answer.checkControls(budgets, run)
	var seen []string
	for _, r := range answer.Rows {
		if r.Warn && r.Verdict != Invalid {
			r.Verdict = Within // it cannot fail
		}
		seen = append(seen, r.Verdict)
	}
	answer.Exit, answer.Verdict = Rank(answer.Incomplete != "", seen...)
	return answer, nil
}

// A PairedLimit is a limit on a figure that is compared with the baseline in each round. A
// run that decides measures until it is certain about these.
type PairedLimit struct {
	Budget   string
	Quantity string  // as in results: "ratio", "mean_ratio", "cpu_ratio" or "overhead_ns"
	Limit    float64 // in the unit of the quantity
	Change   bool    // it compares with another revision instead
}

// Paired are the limits that the budgets set for a cell. No run waits for those that only warn.
func (b Budgets) Paired(scenario, style string, options map[string]string) []PairedLimit {
	var all []PairedLimit
	for _, budget := range b.List {
		if budget.Warn || budget.Figure != "" || budget.To != nil || !slices.Contains(budget.Scenarios, scenario) || !results.Within(budget.Options, options) || !budget.names(style, b.Baseline) {
			continue
		}
		for _, l := range budget.Limits {
			q, _ := inPart(l.Part, l.Quantity)
			switch q.Name {
			case "ratio", "overhead_ns", "mean_ratio", "cpu_ratio":
				all = append(all, PairedLimit{budget.Name, q.Name, l.Value, l.Part == inChange})
			}
		}
	}
	return all
}

// A Measure is the measured value of one quantity, in the unit of the limit. Lo and Hi are
// the ends of its interval. A Point is a figure of all rounds together, without an interval:
// Lo and Hi are then the figure itself. For a count, and for a figure with too few rounds
// for an interval, they are the smallest and the largest round, or the median if these are
// not known.
type Measure struct {
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	Point  bool    `json:"point,omitempty"`
	Rounds int     `json:"rounds,omitempty"` // set if it has no interval and Lo and Hi are single rounds
}

// readMetric is the metric in the unit of the gate, nil if the cell has none. A metric that
// was not measured is never zero, because zero would keep every limit.
func readMetric(m results.Metric, c *results.Cell) *Measure {
	e, known := m.Of(c)
	interval, bounded := m.Interval(c)
	if bounded {
		e = interval
	}
	switch median := e.Median; {
	case !known:
		return nil
	case m.Point && !bounded:
		return &Measure{Median: median, Lo: median, Hi: median, Point: true}
	case !e.Bounded():
		return &Measure{Median: median, Lo: median, Hi: median, Rounds: max(c.Rounds, 1)}
	}
	return &Measure{Median: e.Median, Lo: e.Lo, Hi: e.Hi}
}

// doubt says why the cell's figures do not count. It is empty if there is no reason. It
// repeats the checks of the run, so that a report that was edited by hand or written by a
// broken program does not pass.
func doubt(run *results.Run, c *results.Cell) string {
	w := c.Work
	switch c.Verdict {
	case results.Measured, results.Inconclusive:
	case results.Invalid:
		return "invalid: " + c.Why
	default:
		return fmt.Sprintf("verdict %q is not known to this rubato", c.Verdict)
	}
	switch {
	case w.Stimuli <= 0 || w.Expected <= 0 && !run.Scenario(c.Scenario).Paced: // waiting has no effects
		return fmt.Sprintf("%d stimuli with %d effects expected prove no work", w.Stimuli, w.Expected)
	case w.Fault() != "":
		return w.Fault()
	case run.Counted: // it has no times
	case c.NsOp.Median <= 0 || c.NsOp.Bounded() && c.NsOp.Lo <= 0:
		return fmt.Sprintf("%g ns an operation is no time", c.NsOp.Median)
	}
	return differs(run, c)
}

// differs compares the cell's transcript with the baseline's.
func differs(run *results.Run, c *results.Cell) string {
	for i := range run.Cells {
		base := &run.Cells[i]
		if base.Style != run.Baseline || base.Scenario != c.Scenario || !results.Agree(base.Options, c.Options) {
			continue
		}
		if difference := c.Work.Difference(base.Work, base.Style); difference != "" {
			return difference
		}
		if base.Verdict == results.Invalid {
			return fmt.Sprintf("%s, its baseline, is invalid: %s", base.Style, base.Why)
		}
	}
	return ""
}
