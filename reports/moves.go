package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// A Move says by how much an arm differs from the baseline or from another revision of itself, and
// where that goes: the rows of their books that differ beyond noise.
type Move struct {
	Cell     string            `json:"cell"`    // Cell.Key
	Arm      string            `json:"arm"`     // scenario, style and options, for people
	Against  string            `json:"against"` // the baseline, or a revision as it was asked for
	Ratio    *results.Estimate `json:"ratio,omitempty"`
	CPURatio *results.Estimate `json:"cpu_ratio,omitempty"`
	GapNs    *results.Estimate `json:"gap_ns,omitempty"` // mean time per operation; nil: no profiles
	Stages   []Stage           `json:"stages"`           // the largest first; the others may be noise
	Samples  int               `json:"samples"`          // of the smaller profile
	Changed  bool              `json:"changed"`          // against another revision, and beyond noise
}

// A Stage is a part of the time per operation, and by how much it differs.
type Stage struct {
	Name string           `json:"name"`
	Ns   results.Estimate `json:"ns"`
}

// Moves are those of all arms that have profiles, and of all changes against another revision. The run
// must be Summarized; profiles are read from dir.
func Moves(dir string, run *results.Run, details results.Details) (all []Move, err error) {
	details = runKept(run, details)
	details.Profiles = looked(dir, details.Profiles)
	lostProfiles(&details)
	books, err := booksOf(dir, run, details)
	if err != nil {
		return nil, fmt.Errorf("read the profiles: %w", err)
	}
	for _, of := range run.Changes {
		if c := now(run, of); c != nil && run.Against != nil {
			b := balance{cell: c, own: books[of.Of], base: books[of.Before.Key()]}
			m := b.move(revisionName(run.Against), of.Ratio, of.CPURatio)
			m.Changed = differs(of.Ratio) || differs(of.CPURatio)
			all = append(all, m)
		}
	}
	for _, g := range groups(run) {
		balances, _ := balancesOf(run, g, books)
		for _, b := range balances {
			all = append(all, b.move("the baseline", b.cell.Ratio, b.cell.CPURatio))
		}
	}
	return all, nil
}

// differs reports whether the interval of a ratio leaves 1 out.
func differs(e *results.Estimate) bool { return e != nil && (e.Lo > 1 || e.Hi < 1) }

// move has no stages if one of the books is missing.
func (b balance) move(against string, ratio, cpu *results.Estimate) Move {
	m := Move{Cell: b.cell.Key(), Arm: b.cell.Scenario + " " + b.cell.Label(), Against: against, Ratio: ratio, CPURatio: cpu, Stages: []Stage{}}
	if b.base == nil || b.own == nil {
		return m
	}
	gap := b.whole()
	m.GapNs, m.Samples = &gap, int(min(b.base.samples, b.own.samples))
	for _, part := range parts {
		if d := b.difference(part); d.Median != 0 && noise(d) == "" {
			m.Stages = append(m.Stages, Stage{part, d})
		}
	}
	slices.SortStableFunc(m.Stages, func(x, y Stage) int {
		return cmp.Compare(math.Abs(y.Ns.Median), math.Abs(x.Ns.Median))
	})
	return m
}

// mostStages are named of a Move.
const mostStages = 3

// Text is the Move in a sentence.
func (m Move) Text() string {
	text := m.Arm + " against " + m.Against
	if m.Ratio != nil {
		text += ": time " + timesRange(m.Ratio)
	}
	if m.CPURatio != nil {
		text += ", CPU " + timesRange(m.CPURatio)
	}
	switch {
	case m.GapNs == nil:
		return oneLine(text) + "; no profiles say in which stage."
	case len(m.Stages) == 0:
		return oneLine(text) + "; no stage differs beyond noise."
	}
	var said []string
	for _, s := range m.Stages[:min(mostStages, len(m.Stages))] {
		said = append(said, s.Name+" "+inline(microseconds(s.Ns)))
	}
	if n := len(m.Stages) - mostStages; n > 0 {
		said = append(said, plural(n, "smaller one"))
	}
	return oneLine(fmt.Sprintf("%s; of %s an operation: %s.", text, inline(microseconds(*m.GapNs)), strings.Join(said, ", ")))
}

// Beginning is that of a report.md, which is the answer: up to its first section, and at most
// as long as an answer may be.
func Beginning(markdown []byte) []byte {
	answer := markdown[:min(len(markdown), answerRoom)]
	if section := bytes.Index(answer, []byte("\n## ")); section >= 0 {
		return answer[:section+1]
	}
	if len(answer) < len(markdown) { // not half a line
		answer = answer[:bytes.LastIndexByte(answer, '\n')+1]
	}
	return answer
}

// Mark escapes text that Markdown or HTML would read as markup, and puts it on one line.
func Mark(s string) string { return mark(s) }
