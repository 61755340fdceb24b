package reports

import (
	"rubato/inference"
)

// Bare is the role of the arm that has no instrument at work.
const Bare = "bare"

// CertificateInstrument is what shows that the work was the same, as far as it stands
// within the clock.
const CertificateInstrument = "certificate"

// LedgerLimit is the ratio that the usual instruments together may cost.
const LedgerLimit = 1.02

// An Observed is what an instrument costs: an arm that differs from a cell by nothing
// but that instrument, measured in the same rounds.
type Observed struct {
	Instrument string `json:"instrument"`
	Doc        string `json:"doc,omitempty"` // what it does
	Base       string `json:"base"`          // Cell.Key of the cell that Arm differs from
	Arm        Cell   `json:"arm"`
	Added      bool   `json:"added"` // Arm has the instrument, and its base has not; else the other way round
	Usual      bool   `json:"usual"` // at work in every timed block of a run
	// Cost is the ratio of time per operation with the instrument to that without it.
	Cost    *Estimate `json:"cost,omitempty"`
	CPU     *Estimate `json:"cpu,omitempty"`     // the same of CPU time; the sampler's own is the runner's, and not in it
	Verdict string    `json:"verdict,omitempty"` // of the usual instruments together: of package inference
}

// WithoutRole is the role of an arm that has all instruments but one.
func WithoutRole(instrument string) string { return "without " + instrument }

// unwitnessed tells whether the cell is there to show what a certificate costs: its
// blocks have no digest to compare.
func (c *Cell) unwitnessed() bool {
	return c.Role == Bare || c.Role == WithoutRole(CertificateInstrument)
}

// observe fills the costs of what was observed with.
func (s summary) observe(o *Observed) {
	o.Cost, o.CPU, o.Verdict = nil, nil, ""
	i := s.cellOf(o.Base)
	if i < 0 || o.Arm.Verdict == Void || s.run.Cells[i].Verdict == Void {
		return
	}
	arm, base := s.kept[o.Arm.Key()], s.kept[o.Base]
	if !o.Added {
		arm, base = base, arm
	}
	cost, _, rounds := against(arm, base, estimate)
	if rounds == 0 {
		return
	}
	o.Cost, o.CPU = &cost, cpuRatio(arm, base, estimate)
	if o.Arm.Role == Bare {
		o.Verdict = string(inference.AgainstLimit(cost.interval(), LedgerLimit))
	}
}

func (s summary) cellOf(key string) int {
	for i := range s.run.Cells {
		if s.run.Cells[i].Key() == key {
			return i
		}
	}
	return -1
}

// ledgers are the run's, by the contest that they were measured in.
func ledgers(run *Run) (all [][]Observed) {
	at := map[string]int{}
	for _, o := range run.Ledger {
		contest := o.Arm.Scenario
		if base := baselineOf(run, o.Arm); base != nil {
			contest = base.GroupKey()
		}
		i, seen := at[contest]
		if !seen {
			i = len(all)
			at[contest] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], o)
	}
	return all
}

// sum is what the usual instruments cost by themselves, one multiplied by the other:
// what they cost together should not be far from it.
func sum(of []Observed) (product float64, told bool) {
	product = 1
	for _, o := range of {
		if !o.Usual || o.Arm.Role == Bare {
			continue
		}
		if o.Cost == nil {
			return 0, false
		}
		product, told = product*o.Cost.Median, true
	}
	return product, told
}
