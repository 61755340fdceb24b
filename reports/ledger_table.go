package reports

import "strings"

// ledgerSection is what measuring costs; none unless the run asked.
func ledgerSection(run *Run) []section {
	if len(run.Ledger) == 0 {
		return nil
	}
	out := section{ID: "ledger", Title: "What measuring costs", Text: []string{
		"Each row is an arm of the contest that differs from another by one instrument alone, measured in the same rounds; cost is the ratio of the time per operation with it to that without, paired by round, with its 95 % interval. The usual ones are at work in every timed block. Sampler and profile are only in passes of their own, where no time is taken. What belongs to a style stands in all of its ratios. What the reading of clocks costs inside a style's own loop cannot be switched off, and is the same in all styles.",
		"Below 1 an instrument seems to make the work faster: chance, or how memory came to lie."}}
	for _, l := range ledgers(run) {
		out.Grids = append(out.Grids, ledgerTable(l))
	}
	return []section{out}
}

func ledgerTable(of []Observed) grid {
	t := grid{Title: strings.TrimSpace(of[0].Arm.Scenario + " " + of[0].Arm.optionsLabel()), Text: []int{0, 1, 2, 5},
		Head: []string{"instrument", "style", "at work", "cost in time", "cost in CPU time", "answer"}}
	for _, o := range of {
		t.Rows = append(t.Rows, row{o.cells(), o.Verdict})
	}
	if product, told := sum(of); told {
		t.Notes = append(t.Notes, "The usual instruments one by one, multiplied: ×"+ratio(product)+" ("+percentMore(product)+"). Together they may cost at most "+percentMore(LedgerLimit)+".")
	}
	return t
}

func (o Observed) cells() []string {
	cost, work := noFigure, "when asked for"
	if o.Cost != nil {
		cost = ratioEstimate(o.Cost)
	}
	switch {
	case o.Usual:
		work = "always"
	case !o.Added:
		work = "in this style"
	}
	cpu := noFigure
	if o.CPU != nil {
		cpu = ratioEstimate(o.CPU)
	}
	return []string{o.Instrument + secondary + o.Doc, o.Arm.Style, work, cost, cpu, o.Answer()}
}

// Answer is what the interval allows to say.
func (o Observed) Answer() string {
	switch {
	case o.Arm.Verdict == Void:
		return "void: " + o.Arm.Why
	case o.Cost == nil:
		return "not measured"
	case o.Verdict != "":
		return o.Verdict + ", the limit is " + percentMore(LedgerLimit)
	case !o.Cost.Bounded():
		return "too few rounds"
	case o.Cost.Lo > 1:
		return "costs"
	case o.Cost.Hi < 1:
		return "saves"
	}
	return "not told apart from nothing"
}
