package reports

import (
	"fmt"
	"slices"
	"time"

	"rubato/inference"
)

// DefaultMargin is the change that nobody minds, as a share: it counts as none.
const DefaultMargin = 0.02

// Invalid is the verdict of a Comparison in which some work differed. Its others, and
// those of a Change, are inference's.
const Invalid inference.Verdict = "invalid"

// NotJudged is the verdict of a Change that is shown for the eye.
const NotJudged inference.Verdict = "not judged"

// A Recorded is a run that has been left, with its raw results and where it lies.
type Recorded struct {
	Path    string
	Run     *Run
	Details Details
}

// A Comparison is what changed from one run to another.
//
// Ratios to the baseline are compared on any machines: in each round, baseline and
// style met the same machine in the same state. Absolute figures are compared only
// where both runs are of one machine, and even then the machine of yesterday is not
// that of today; so they do not decide the verdict, unless that is asked.
type Comparison struct {
	Schema    int               `json:"schema"`
	Old       Origin            `json:"old"`
	New       Origin            `json:"new"`
	Margin    float64           `json:"margin"`    // the share that counts as no change
	Otherwise []string          `json:"otherwise"` // in what the machines differ; empty: one machine
	Warnings  []string          `json:"warnings"`
	Ratios    []Change          `json:"ratios"`
	Absolute  []Change          `json:"absolute"` // empty where the machines differ
	Voids     []Voided          `json:"voids"`
	OnlyOld   []string          `json:"only_old"` // keys of cells
	OnlyNew   []string          `json:"only_new"`
	Decides   string            `json:"decides"` // "ratios", or "ratios and absolute figures"
	Verdict   inference.Verdict `json:"verdict"` // within, over, inconclusive or invalid
	Why       string            `json:"why,omitempty"`
}

// What decides a Comparison.
const (
	decideRatios = "ratios"
	decideAll    = "ratios and absolute figures"
)

// An Origin says which run a side of a Comparison is.
type Origin struct {
	Path    string    `json:"path"`
	Started time.Time `json:"started"`
	Commit  string    `json:"commit"`
	Dirty   bool      `json:"dirty"`
	Effort  string    `json:"effort"`
	Seed    uint64    `json:"seed"`
	Machine string    `json:"machine"`
	Go      string    `json:"go"`
}

// A Voided is a cell that is in both runs and cannot be compared.
type Voided struct {
	Cell string `json:"cell"`
	Why  string `json:"why"`
}

// A Change is one figure of one cell in both runs. As is "factor", where Change is
// new/old and 1 is none, or "difference", in Unit, where 0 is none.
type Change struct {
	Cell     string            `json:"cell"` // its key in the new run
	Scenario string            `json:"scenario"`
	Style    string            `json:"style"`
	Named    string            `json:"named,omitempty"` // options that belong in its name
	Quantity string            `json:"quantity"`        // as a Claim's: "ratio", "ns_op", "figure:NAME"
	Unit     string            `json:"unit"`            // of Units, or "x" of a ratio
	Old      Estimate          `json:"old"`
	New      Estimate          `json:"new"`
	Rounds   [2]int            `json:"rounds"` // old, new; 0: no rounds were kept
	As       string            `json:"as"`
	Change   Estimate          `json:"change"`
	P        float64           `json:"p"` // that it is worse by more than the margin: Holm-adjusted, one-sided
	Verdict  inference.Verdict `json:"verdict"`
	Why      string            `json:"why,omitempty"`
	Warnings []string          `json:"warnings"`

	worse float64 // p of being worse by more than the margin, of this row alone
}

// A Question is what Compare is asked.
type Question struct {
	Margin   float64 // share that counts as no change, from 0 to under 1
	Absolute bool    // absolute figures decide, too; refused where the machines differ
}

// Compare holds the new run against the old one, cell by cell. Both are Summarized.
func Compare(before, after Recorded, ask Question) (Comparison, error) {
	if !(ask.Margin >= 0 && ask.Margin < 1) {
		return Comparison{}, fmt.Errorf("margin %v: want a share from 0 to under 1, such as 0.02", ask.Margin)
	}
	c := Comparison{Schema: Schema, Old: before.origin(), New: after.origin(), Margin: ask.Margin, Decides: decideRatios,
		Otherwise: otherMachine(before.Run.Machine, after.Run.Machine), Warnings: settings(before.Run, after.Run),
		Ratios: []Change{}, Absolute: []Change{}, Voids: []Voided{}}
	if ask.Absolute {
		c.Decides = decideAll
		if len(c.Otherwise) > 0 {
			return Comparison{}, fmt.Errorf("absolute figures of different machines cannot be compared (%s): leave -absolute out, or measure both on one", c.Otherwise[0])
		}
	}
	matches, onlyOld, onlyNew := match(before.Run, after.Run)
	c.OnlyOld, c.OnlyNew = orEmpty(onlyOld), orEmpty(onlyNew)
	blocks := [2]map[string][]Block{before.blocks(), after.blocks()}
	for _, m := range matches {
		m.blocks, m.runs = blocks, [2]*Run{before.Run, after.Run}
		c.add(m)
	}
	if ask.Absolute {
		adjust(c.Ratios, c.Absolute)
	} else {
		adjust(c.Ratios)
		adjust(c.Absolute)
	}
	c.conclude(ask.Absolute)
	return c, nil
}

// blocks are the run's, by cell, without those of rounds that are left out.
func (r Recorded) blocks() map[string][]Block {
	of := map[string][]Block{}
	for _, b := range r.Run.kept(r.Details).Blocks {
		of[b.Cell] = append(of[b.Cell], b)
	}
	return of
}

// add compares one cell.
func (c *Comparison) add(m matched) {
	if why := m.void(); why != "" {
		c.Voids = append(c.Voids, Voided{m.new.Key(), why})
		return
	}
	for _, p := range m.ratios() {
		c.Ratios = append(c.Ratios, m.change(p, c.Margin))
	}
	if len(c.Otherwise) > 0 {
		return
	}
	for _, p := range m.absolutes() {
		c.Absolute = append(c.Absolute, m.change(p, c.Margin))
	}
}

// conclude picks the gravest verdict of what decides.
func (c *Comparison) conclude(absolute bool) {
	rows := c.Ratios
	if absolute {
		rows = slices.Concat(c.Ratios, c.Absolute)
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Change) bool { return r.Verdict == NotJudged })
	seen := map[inference.Verdict]bool{}
	for _, r := range rows {
		seen[r.Verdict] = true
	}
	switch {
	case len(c.Voids) > 0:
		c.Verdict, c.Why = Invalid, "some work differed: no pass and no fault can be read from the rest"
	case seen[inference.Over]:
		c.Verdict = inference.Over
	case len(rows) == 0 && len(c.Absolute) > 0:
		c.Verdict, c.Why = inference.Inconclusive, "no ratio in both runs can be judged: -absolute lets absolute figures decide"
	case len(rows) == 0:
		c.Verdict, c.Why = inference.Inconclusive, "nothing in both runs can be judged: run the same scenarios and styles, with more rounds"
	case seen[inference.Inconclusive]:
		c.Verdict, c.Why = inference.Inconclusive, "more rounds narrow the intervals (rubato run -full)"
	default:
		c.Verdict = inference.Within
	}
}

func (r Recorded) origin() Origin {
	m := r.Run.Machine
	return Origin{Path: r.Path, Started: r.Run.Started, Commit: m.Commit, Dirty: m.Dirty, Effort: r.Run.Effort,
		Seed: r.Run.Seed, Machine: fmt.Sprintf("%s, %d cores, %s/%s", m.CPU, m.Cores, m.OS, m.Arch), Go: m.Go}
}
