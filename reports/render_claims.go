package reports

import (
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// Answers to a claim. Unless the whole interval lies on one side, the answer is
// inconclusive.
const (
	claimWithin       = "within"
	claimOver         = "over"
	claimUnder        = "under"
	claimInconclusive = "inconclusive"
	claimMachine      = "over, by the machine alone" // without the machine's own share, within
	claimNotMeasured  = "not measured"
	claimInsensitive  = "insensitive"
)

// claimTable compares every claim of the scenario with what was measured.
func claimTable(run *results.Run, s results.Scenario, details results.Details) Grid {
	g := Grid{
		Head: []string{"claim", "source", "kind", "quantity", "claimed", "cell", "measured", "answer"},
		Text: []int{0, 1, 2, 3, 5, 7},
	}
	for _, claim := range s.Claims {
		found := false
		for i := range run.Cells {
			c := &run.Cells[i]
			if !about(claim, run, s, c) {
				continue
			}
			found = true
			g.Rows = append(g.Rows, claimRow(claim, run, s, c, details))
		}
		if !found {
			r := opening(claim, s)
			g.Rows = append(g.Rows, notMeasured(r, noFigure, noFigure))
		}
	}
	return g
}

// about reports whether the cell can answer the claim. The baseline has neither ratio nor
// overhead.
func about(claim results.Claim, run *results.Run, s results.Scenario, c *results.Cell) bool {
	m, _ := results.MetricNamed(claim.Quantity)
	return c.Scenario == s.Name && (claim.Style == "" || claim.Style == c.Style) && results.Within(claim.Options, c.Options) &&
		!(m.Relative && claim.Less == "" && c.Style == run.BaselineIn(s.Name))
}

// claimQuantity is the metric of the claim. Differences between pieces vary by orders of
// magnitude, so each is shown in the unit that suits it.
func claimQuantity(claim results.Claim, s results.Scenario) (m results.Metric, show func(float64) string, known bool) {
	m, known = s.Metric(claim.Quantity)
	show = showUnit(m.Unit)
	switch {
	case known && claim.Less != "" && claim.Quantity == "overhead_ns":
		m.Title, show = "difference", signedTime
	case known && claim.Less != "" && claim.Quantity == "ratio":
		m.Title = "ratio to " + claim.Less
	}
	return m, show, known
}

// measured reads a metric. The interval of a percentile comes from the histogram. If the
// histogram has an error, the cell is already invalid.
func measured(m results.Metric, c *results.Cell, blocks []results.Block) (results.Estimate, bool) {
	if m.Quantile == 0 {
		return m.Of(c)
	}
	h, err := results.MergeLatency(blocks)
	if err != nil {
		return results.Estimate{}, false
	}
	e := percentileEstimate(h, m.Quantile)
	return e, e.Median > 0
}

// claimEstimate is what a claim is compared with in a cell that can answer it.
func claimEstimate(claim results.Claim, run *results.Run, s results.Scenario, c *results.Cell, details results.Details) (e results.Estimate, is bool) {
	if c.Verdict == results.Invalid {
		return e, false
	}
	if claim.Less != "" {
		if c, is = without(run, c, claim.Less, details); !is {
			return e, false
		}
	}
	m, _, known := claimQuantity(claim, s)
	e, is = measured(m, c, roundsOf(c, details.Blocks))
	return e, is && known
}

// notMeasured is a row without an answer. The texts fill the columns before it.
func notMeasured(cells []string, texts ...string) Row {
	return Row{append(append(cells, texts...), claimNotMeasured), claimNotMeasured}
}

func opening(claim results.Claim, s results.Scenario) []string {
	name := claim.Quantity
	if m, _, ok := claimQuantity(claim, s); ok {
		name = m.Title
	}
	return []string{claim.Text, claim.Source, claim.Kind, name, claimed(claim, s)}
}

func claimRow(claim results.Claim, run *results.Run, s results.Scenario, c *results.Cell, details results.Details) Row {
	cells := append(opening(claim, s), c.Label())
	if c.Verdict == results.Invalid {
		return notMeasured(cells, "invalid: "+c.Why)
	}
	if claim.Less != "" {
		joined := " less "
		if claim.Quantity == "ratio" {
			joined = " to "
		}
		cells[len(cells)-1] += joined + claim.Less
		less, ok := without(run, c, claim.Less, details)
		if !ok {
			return notMeasured(cells, noFigure)
		}
		c = less
	}
	m, show, known := claimQuantity(claim, s)
	e, ok := measured(m, c, roundsOf(c, details.Blocks))
	if !known || !ok {
		return notMeasured(cells, noFigure)
	}
	if m.IsMeasure() {
		of, _ := s.Measure(m.Title)
		return figureRow(claim, cells, c, of)
	}
	if claim.Kind == results.CountedElsewhere {
		return Row{append(cells, show(e.Median), countedAgainst(run, c, m, show)), ""}
	}
	answer := answer(claim, e)
	return Row{append(cells, show(e.Median)+secondary+interval(e, 1, "", show), answer), answer}
}

// countedAgainst compares a count with the baseline's.
func countedAgainst(run *results.Run, c *results.Cell, m results.Metric, show func(float64) string) string {
	base := results.BaselineOf(run, *c)
	if base == nil || base == c {
		return claimNotMeasured
	}
	own, _ := m.Of(c)
	of, known := m.Of(base)
	than := " " + base.Style + ", which has " + show(of.Median)
	switch {
	case !known:
		return claimNotMeasured
	case own.Median > of.Median:
		return "more than" + than
	case own.Median < of.Median:
		return "less than" + than
	}
	return "as many as" + than
}

// figureRow says whether the rounds are judged one by one. If they are too few for an
// interval, the answer has no colour, because another round could differ by any amount.
func figureRow(claim results.Claim, cells []string, c *results.Cell, m results.Measure) Row {
	e, s := c.Figures[m.Name], c.Spans[m.Name]
	judged, byRound := MeasureJudged(m, e, s)
	answer := answer(claim, judged)
	if answer == claimOver && claim.Beyond != "" {
		answer = beyond(claim, c)
	}
	r := Row{append(cells, measureEstimate(m, e, s, c.Rounds)), answer}
	switch {
	case byRound && c.Rounds == 1:
		answer += " in its 1 round"
	case byRound && answer != claimInconclusive && answer != claimMachine:
		answer += " in each of " + plural(c.Rounds, "round")
	}
	if r.Cells = append(r.Cells, answer); !e.Bounded() {
		r.Mark = ""
	}
	return r
}

// aloneText explains that answer where a claim can have it.
func aloneText(s results.Scenario) string {
	if !slices.ContainsFunc(s.Claims, func(c results.Claim) bool { return c.Beyond != "" }) {
		return ""
	}
	return " An arm is over by the machine alone if a control beside it, without its work, was over as well in every round."
}

// beyond is the answer for an arm that is over: is it so without the machine's own share?
// Some rounds on either side of the limit do not tell.
func beyond(claim results.Claim, c *results.Cell) string {
	name := strings.TrimPrefix(claim.Beyond, "figure:")
	e, ok := c.Figures[name]
	if !ok {
		return claimOver
	}
	judged, _ := MeasureJudged(results.Measure{}, e, c.Spans[name])
	switch answer(results.Claim{Hi: claim.Hi + claim.Slack}, judged) {
	case claimOver:
		return claimOver
	case claimWithin:
		return claimMachine
	}
	return claimInconclusive
}

// bounds are the limits of the claim. A budget has only an upper one. A throughput may
// have only a lower one.
func bounds(claim results.Claim) (lo, hi float64) {
	lo, hi = claim.Lo, claim.Hi
	if lo == 0 {
		lo = math.Inf(-1)
	}
	if hi == 0 && claim.Lo > 0 {
		hi = math.Inf(1)
	}
	return lo, hi
}

func answer(claim results.Claim, e results.Estimate) string {
	lo, hi := bounds(claim)
	switch {
	case !e.Bounded():
		return claimInconclusive
	case e.Lo >= lo && e.Hi <= hi:
		return claimWithin
	case e.Lo > hi:
		return claimOver
	case e.Hi < lo:
		return claimUnder
	}
	return claimInconclusive
}

func claimed(claim results.Claim, s results.Scenario) string {
	show := figure
	if _, of, ok := claimQuantity(claim, s); ok {
		show = of
	}
	lo, hi := bounds(claim)
	switch {
	case claim.Kind == results.CountedElsewhere:
		return "no figure"
	case math.IsInf(hi, 1):
		return "at least " + show(lo)
	case math.IsInf(lo, -1):
		return "at most " + show(hi)
	case lo == hi:
		return show(lo)
	}
	return show(lo) + " … " + show(hi)
}

// Answers to whether a switch saves time.
const (
	switchSaves = "saves"
	switchCosts = "costs"
	switchTied  = "no difference found"
)

// ablationTable shows what each switch saves. Two arms of the same rounds differ only by
// the switch. Saved is the time without it minus the time with it.
func ablationTable(run *results.Run, s results.Scenario, details results.Details) Grid {
	g := Grid{
		Head: []string{"switch", "one operation", "without", "with", "time/op without", "time/op with", "saved/op", "of the time without", "answer"},
		Text: []int{0, 1, 2, 3, 8},
	}
	for _, p := range s.Pairs {
		g.Rows = append(g.Rows, pairRow(p, run, s, details))
	}
	return g
}

func pairRow(p results.Pair, run *results.Run, s results.Scenario, details results.Details) Row {
	cells := []string{p.Switch, p.Note, p.Without, p.With}
	without, with := run.Arm(s.Name, p.Without, nil), run.Arm(s.Name, p.With, nil)
	if without == nil || with == nil {
		return notMeasured(cells, noFigure, noFigure, noFigure, noFigure)
	}
	cells = append(cells, timeEstimate(without.NsOp), timeEstimate(with.NsOp))
	ratio, saved, rounds := against(roundsOf(without, details.Blocks), roundsOf(with, details.Blocks), estimate, pair)
	if rounds == 0 {
		return notMeasured(cells, noFigure, noFigure)
	}
	answer := saving(saved)
	return Row{append(cells, unitEstimate(saved, signed), shareEstimate(ratio), answer), answer}
}

// saving is the answer that the whole interval supports.
func saving(e results.Estimate) string {
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

// shareEstimate converts the ratio without/with to the share of time saved: a ratio of 2
// saves half.
func shareEstimate(ratio results.Estimate) string {
	share := ratio.Mapped(func(r float64) float64 { return 100 * (1 - 1/r) })
	return signed(share.Median) + noBreak + "%" + secondary + interval(share, 1, "%", signed)
}

// without returns c with its ratio and overhead relative to another arm than the baseline.
// Only scenarios of pieces use it: their arms are not the styles of the run and do not do
// the same work.
func without(r *results.Run, c *results.Cell, less string, details results.Details) (*results.Cell, bool) {
	other := r.Arm(c.Scenario, less, c.Options)
	if other == nil {
		return nil, false
	}
	return Versus(r, c, other, details)
}

// pieceTable lists every arm of a scenario of pieces.
func pieceTable(run *results.Run, s results.Scenario, gs []group) Grid {
	t := Grid{
		Head: []string{s.ArmKey, "one operation", "time/op", "to " + run.BaselineIn(s.Name), "CPU/op", "allocs/op", "work done", "verdict"},
		Text: []int{0, 1, 7},
	}
	warned := Notes{Whole: true}
	for _, g := range gs {
		for _, c := range g.cells {
			t.Add(c.Verdict, pieceRow(run, s, c)...)
			warned.addWarnings(c, c.Label())
		}
	}
	for _, w := range warned.Lines() {
		t.Notes = append(t.Notes, "Warning: "+w)
	}
	return t
}

func pieceRow(run *results.Run, s results.Scenario, c *results.Cell) []string {
	head := []string{c.Label(), s.DocOf(c.Style)}
	work := count(c.Work.Effects) + " of " + count(c.Work.Expected)
	if c.Verdict == results.Invalid {
		return slices.Concat(head, slices.Repeat([]string{noFigure}, 4), []string{work, results.Invalid + secondary + c.Why})
	}
	against := timesEstimate(c.Ratio)
	if c.Style == run.BaselineIn(s.Name) {
		against = "1"
	}
	verdict := c.Verdict
	if n := len(c.Warnings); n > 0 {
		verdict += ", " + plural(n, "warning")
	}
	return append(head, timeEstimate(c.NsOp), against, nanoseconds(c.CPUNsOp.Median),
		figure(rounded(c.AllocsOp))+secondary+figure(rounded(c.BytesOp))+noBreak+"B", work, verdict)
}

// rounded removes the few allocations per block that the harness itself makes.
func rounded(perOp float64) float64 { return math.Round(perOp*100) / 100 }

// timesEstimate is a ratio between unlike things, for which a percentage has no meaning.
func timesEstimate(e *results.Estimate) string {
	if e == nil {
		return noFigure
	}
	return "×" + figure(e.Median) + secondary + interval(*e, 1, "", figure)
}
