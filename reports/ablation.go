package reports

// Answers to whether a switch pays.
const (
	switchSaves = "saves"
	switchCosts = "costs"
	switchTied  = "not told apart"
)

// ablationTable is what each switch saves: two arms of the same rounds that differ
// by it alone, the time without it less the time with it.
func ablationTable(run *Run, s Scenario, details Details) grid {
	g := grid{
		Head: []string{"switch", "one operation", "without", "with", "time/op without", "time/op with", "saved/op", "of the time without", "answer"},
		Text: []int{0, 1, 2, 3, 8},
	}
	for _, p := range s.Pairs {
		g.Rows = append(g.Rows, p.row(run, s, details))
	}
	return g
}

func (p Pair) row(run *Run, s Scenario, details Details) row {
	cells := []string{p.Switch, p.Note, p.Without, p.With}
	without, with := run.arm(s.Name, p.Without, nil), run.arm(s.Name, p.With, nil)
	if without == nil || with == nil {
		return row{append(cells, noFigure, noFigure, noFigure, noFigure, claimNotMeasured), claimNotMeasured}
	}
	cells = append(cells, timeEstimate(without.NsOp), timeEstimate(with.NsOp))
	ratio, saved, rounds := against(roundsOf(without, details.Blocks), roundsOf(with, details.Blocks), estimate)
	if rounds == 0 {
		return row{append(cells, noFigure, noFigure, claimNotMeasured), claimNotMeasured}
	}
	answer := saving(saved)
	return row{append(cells, savedEstimate(saved), shareEstimate(ratio), answer), answer}
}

// saving is what the whole interval allows to say.
func saving(e Estimate) string {
	switch {
	case !e.Bounded():
		return claimInconclusive
	case e.Lo > 0:
		return switchSaves
	case e.Hi < 0:
		return switchCosts
	}
	return switchTied
}

func savedEstimate(e Estimate) string {
	scale, unit := timeUnit(e.Median)
	return signed(e.Median/scale) + noBreak + unit + secondary + interval(e, 1/scale, unit, signed)
}

// shareEstimate turns the ratio without/with into the share of the time that is
// saved: a ratio of 2 is a half.
func shareEstimate(ratio Estimate) string {
	share := ratio.mapped(func(r float64) float64 { return 100 * (1 - 1/r) })
	return signed(share.Median) + noBreak + "%" + secondary + interval(share, 1, "%", signed)
}
