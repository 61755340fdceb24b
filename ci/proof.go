package ci

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rubato/reports"
)

// Blind is the verdict on a run that would not have seen what its budgets forbid: it
// found something where nothing was, or missed what was planted.
const Blind = "blind"

// noProof is said of a run that carried neither twin nor plant.
const noProof = "carries no proof, so nothing shows that a slowdown would have been seen; measure with `rubato run -proof`"

// proven holds the contests that budgets compare styles in to what they prove about
// themselves. Where none does, a contest that sees nothing is only told of: how large
// a process is, or whether it sleeps, is no comparison.
func (a *Answer) proven(b Budgets, run *reports.Run) {
	var without []string
	for _, c := range b.comparedCells(run) {
		if c.Verdict == reports.Void || !run.Provable(c) {
			continue
		}
		proof := run.ProofOf(c)
		if proof == nil {
			without = addOnce(without, c.Scenario)
		} else if why := blindness(run, proof); why != "" {
			a.Blind = addOnce(a.Blind, why)
		}
	}
	for i := range run.Proofs {
		if why := blindness(run, &run.Proofs[i]); why != "" && !slices.Contains(a.Blind, why) {
			a.Warnings = append(a.Warnings, "blind where no budget compares: "+why)
		}
	}
	switch text := strings.Join(without, ", ") + ": " + noProof; {
	case len(without) == 0:
	case b.RequireProof:
		a.Blind = append(a.Blind, text)
	default:
		a.Warnings = append(a.Warnings, text)
	}
}

// blindness takes the run at its figures, not at its word.
func blindness(run *reports.Run, p *reports.Proof) string {
	if why := cmp.Or(p.Blindness(run.Margin()), p.Blind); why != "" {
		return p.Contest() + ": " + why
	}
	return ""
}

func addOnce(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// proofNotes are what is said below the table.
func proofNotes(a Answer) (text string) {
	for _, b := range a.Blind {
		text += fmt.Sprintf("%s: %s\n", Blind, b)
	}
	for _, w := range a.Warnings {
		text += fmt.Sprintf("warning: %s\n", w)
	}
	return text
}

// comparedCells are the cells that some budget compares with the baseline in time.
func (b Budgets) comparedCells(run *reports.Run) []*reports.Cell {
	var all []*reports.Cell
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Style != run.Baseline && len(b.Paired(c.Scenario, c.Style, c.Options)) > 0 {
			all = append(all, c)
		}
	}
	return all
}
