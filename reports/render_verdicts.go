package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/results"
)

// Against is the judged question in words.
func Against(j results.Judged) string {
	switch {
	case j.Limit == 0:
		return fmt.Sprintf("no change (%s)", percent(100*j.Margin))
	case j.Quantity == "overhead_ns":
		return "overhead ≤ " + nanoseconds(j.Limit)
	}
	of := map[string]string{"mean_ratio": "all-in ratio", "cpu_ratio": "CPU ratio"}[j.Quantity]
	return cmp.Or(of, "ratio") + " ≤ " + figure(j.Limit)
}

// roundsText is the number of trials, or rounds, that a cell's verdict took.
func roundsText(c results.Cell) string {
	word := "round"
	if c.Trials != nil {
		word = "trial"
	}
	text := plural(c.Rounds, word)
	if c.Rule == results.Sequential {
		text = fmt.Sprintf("no look in %s", text)
		if c.Looked > 0 {
			text = fmt.Sprintf("after %s", plural(c.Looked, word))
		}
		open := slices.ContainsFunc(c.Judged, func(j results.Judged) bool { return j.Verdict == results.Inconclusive })
		if c.Looked > 0 && !open {
			text = "decided " + text
		}
	}
	if c.LeftOut > 0 {
		text += fmt.Sprintf(", %d left out", c.LeftOut)
	}
	return text
}

// sensitivity says whether the comparison is sensitive.
func sensitivity(p *results.Controls) string {
	if p.Insensitive != "" {
		return "insensitive"
	}
	return "sensitive"
}

// minimumDetectableText is the minimum detectable effect of the comparison.
func minimumDetectableText(p *results.Controls) string {
	if p.MinimumDetectable == nil {
		return "none"
	}
	return "+" + figure(100*(*p.MinimumDetectable-1)) + noBreak + "%"
}

// verdictSection lists every judged ratio of the run.
func verdictSection(run *results.Run) []section {
	g := Grid{Head: []string{"cell", "ratio", "overhead/op", "against", "took", "p (Holm)", "verdict"}, Text: []int{0, 3, 4, 6}}
	for i := range run.Cells {
		c := &run.Cells[i]
		for n, j := range c.Judged {
			if c.Ratio == nil || c.OverheadNs == nil || c.Verdict == results.Invalid {
				continue
			}
			cells := []string{c.Scenario + " " + c.Label(), ratioEstimate(c.Ratio), overheadEstimate(c.OverheadNs), Against(j), roundsText(*c), pText(c), verdict(j, c)}
			if n > 0 {
				cells[1], cells[2], cells[4] = "", "", "" // shown once per cell
			}
			g.Add(judgedMark(j), cells...)
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return []section{{ID: "verdicts", Title: "Verdicts, all rows together", Grids: []Grid{g}, Text: []string{verdictLead(run)}}}
}

func verdictLead(run *results.Run) string {
	text := "Over and within mean that the whole interval lies on one side of the limit. Equivalent means that all of it lies within the margin around no change. Everything else is inconclusive. The column against names the budget or no change."
	if run.Rule == nil {
		return text + " p is from a sign test of no change, adjusted by Holm for the number of rows. If nothing changed, a row has p ≤ 0.05 in at most one run of twenty."
	}
	return text + fmt.Sprintf(" Trials, or rounds, continued until no verdict was open, or for %v per comparison. Looks were after %s rounds, and when the time was up. The intervals of ratio and overhead hold for all looks and for all %d of them together, so that one is wrong in at most one run of twenty. There is no p-value, because it would not account for the looks.",
		run.Rule.Time, strings.Trim(fmt.Sprint(run.Rule.Looks), "[]"), run.Rule.Rows)
}

// verdict is the verdict in words. Without a limit, over is slower and within is faster.
func verdict(j results.Judged, c *results.Cell) string {
	v := j.Verdict
	if j.Limit > 0 {
		return v + secondary + j.Budget
	}
	switch j.Verdict {
	case "over":
		v = "slower"
	case "within":
		v = "faster"
	}
	if c.PAdjusted != nil && *c.PAdjusted > 0.05 && (v == "slower" || v == "faster") {
		v += secondary + "not after adjustment for all rows"
	}
	return v
}

// judgedMark gives a colour to the verdict on a budget. A mere change has no colour.
func judgedMark(j results.Judged) string {
	if j.Limit > 0 || j.Verdict == results.Inconclusive {
		return j.Verdict
	}
	return ""
}

func pText(c *results.Cell) string {
	switch {
	case c.PAdjusted == nil:
		return noFigure
	case *c.PAdjusted < 0.001:
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", *c.PAdjusted)
}

// controlsSection shows what the run could detect. It is nil if the run has no controls.
func controlsSection(run *results.Run) []section {
	if len(run.Controls) == 0 {
		return nil
	}
	g := Grid{Head: []string{"comparison", "A/A control", "injected slowdown", "stage", "minimum detectable effect", "verdict"}, Text: []int{0, 3, 5}}
	for i := range run.Controls {
		p := &run.Controls[i]
		verdict, mark := sensitivity(p), ""
		if p.Insensitive != "" {
			verdict, mark = verdict+secondary+p.Insensitive, results.Invalid
		}
		g.Add(mark, p.Comparison(), ratioEstimate(p.AA.Ratio), ratioEstimate(p.Slowdown.Ratio)+secondary+"injected "+percent(100*p.Share),
			p.Stage, minimumDetectableText(p), verdict)
	}
	return []section{{ID: "controls", Title: "Controls: what this run can detect", Grids: []Grid{g}, Text: []string{
		"Two more arms of the baseline's style ran in each comparison. The A/A control repeats the baseline: its interval must include 1 or lie within the margin around 1. In trials their intervals share the error rate of all rows of the run; in blocks all A/A controls together raise a false alarm in one clean run of a hundred. The injected slowdown delays a named stage: its interval must lie above 1, and the minimum detectable effect be at most three times it (else it was found by luck). Otherwise the comparison is insensitive: what is over a limit stands, unless the A/A control differs; what is within stands if the limit is far away. Minimum detectable effect: the smallest slowdown or gain that this run finds 9 times out of 10."}}}
}

// sumEquivalence adds the totals of the timed blocks to the equivalence check.
func sumEquivalence(c *results.Cell, blocks []results.Block) {
	if c.Equivalence == nil {
		return
	}
	sum := *c.Equivalence
	sum.Blocks, sum.Payload, sum.Counts, sum.Own, sum.Keys = len(blocks), 0, nil, nil, len(blocks) > 0
	for _, b := range blocks {
		sum.Payload += b.Payload
		sum.Counts.Add(b.Counts)
		sum.Own.Add(b.Own)
		sum.Keys = sum.Keys && b.Keys != ""
	}
	c.Equivalence = &sum
}

// equivalenceSection shows that the work was the same. There is none without checks.
func equivalenceSection(run *results.Run) []section {
	t := Grid{Text: []int{0, 1, 5, 6, 7},
		Head: []string{"cell", "transcript", "blocks", "witnessed", "payload", "done", "order per key", "of its own"}}
	shared := map[string][]string{}
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Equivalence == nil || run.Scenario(c.Scenario).Pieces() {
			continue
		}
		t.Rows = append(t.Rows, equivalenceRow(c))
		for _, s := range c.Equivalence.Settings {
			if !s.Own {
				shared[s.Name] = results.AddOnce(shared[s.Name], s.Value)
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	text := []string{"The check compares the transcripts of the styles in a comparison. In every block, it compares effects and stored data and, if the scenario reports them, payload, commits, statements, rows read and order per key; all are read when the clock stops. Witnessed: stimuli after a timed part, unknown to the style, each of which was looked at. It also compares each style's settings with the requested ones, and between its blocks."}
	if len(shared) > 0 {
		text = append(text, "Settings that all styles of a comparison share: "+sharedText(shared))
	}
	text = append(text, equivalenceCost(run))
	return []section{{ID: "same-work", Title: "Same work", Aside: asideDetail, Text: text, Grids: []Grid{t}, Folded: "Equivalence checks and settings"}}
}

// equivalenceCost says what the check costs, if the run has measured it.
func equivalenceCost(run *results.Run) string {
	var costs []string
	for _, o := range run.Instruments {
		if o.Name == results.EquivalenceInstrument && o.Cost != nil {
			costs = append(costs, o.Arm.ComparisonLabel()+" "+percentEstimate(*o.Cost))
		}
	}
	text := "The digests are computed while the clock runs, in all styles alike. This can only make a ratio smaller. "
	if len(costs) == 0 {
		return text + "This run did not measure the cost; -instruments does."
	}
	return text + "The cost relative to the baseline's time: " + strings.Join(costs, "; ") + "."
}

// sharedText lists settings by name, each with its values in the run.
func sharedText(shared map[string][]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(shared)) {
		list = append(list, name+" "+strings.Join(slices.Sorted(slices.Values(shared[name])), " or "))
	}
	return strings.Join(list, "; ") + "."
}

func equivalenceRow(c *results.Cell) Row {
	check, order := c.Equivalence, "not reported"
	if check.Keys {
		order = "compared"
	}
	var own []string
	for _, s := range check.Settings {
		if s.Own {
			own = append(own, s.Name+" "+s.Value)
		}
	}
	if check.Floor != nil {
		own = append(own, fmt.Sprintf("CPU ×%.2f [%.2f, %.2f] of the same work without a style", check.Floor.Median, check.Floor.Lo, check.Floor.Hi))
	}
	return Row{Cells: []string{c.Scenario + " " + c.Label(), check.Transcript, fmt.Sprint(check.Blocks),
		count(int64(check.Witnessed)), count(check.Payload) + noBreak + "B", strings.Join(counted(check.Counts), ", "), order,
		strings.Join(append(own, counted(withoutWire(check.Own))...), "; ")}}
}

// counted lists counts by name.
func counted(c results.Counts) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(c)) {
		list = append(list, count(c[name])+noBreak+name)
	}
	return list
}

// instrumentsSection shows what measuring costs. There is none unless it was requested.
func instrumentsSection(run *results.Run) []section {
	if len(run.Instruments) == 0 {
		return nil
	}
	out := section{ID: "instruments", Title: "What measuring costs", Text: []string{
		"Each row is an arm of the comparison that differs from another arm by one instrument, measured in the same rounds. Cost is the ratio of the time per operation with it to the time without it, paired by round, with its 95 % interval. The usual instruments are active in every timed block. The sampler and the profile are active only in separate, untimed passes. The cost of an instrument that belongs to a style is part of all ratios of that style. Reading the clock inside a style's own loop cannot be switched off; it costs the same in all styles.",
		"A cost below 1 means that the work was faster with the instrument, by chance or because of the memory layout."}}
	for _, l := range together(run.Instruments, func(o *results.Instrument) string { return run.ComparisonOf(&o.Arm) }) {
		out.Grids = append(out.Grids, instrumentTable(l))
	}
	return []section{out}
}

func instrumentTable(of []*results.Instrument) Grid {
	t := Grid{Title: of[0].Arm.ComparisonLabel(), Text: []int{0, 1, 2, 5},
		Head: []string{"instrument", "style", "active", "cost in time", "cost in CPU time", "answer"}}
	for _, o := range of {
		t.Add(o.Verdict, instrumentCells(o)...)
	}
	if product, known := productOfUsual(of); known {
		t.Notes = append(t.Notes, "The usual instruments one by one, multiplied: ×"+ratio(product)+" ("+percentMore(product)+"). Together they may cost at most "+percentMore(InstrumentsLimit)+".")
	}
	return t
}

func instrumentCells(o *results.Instrument) []string {
	work := "when requested"
	switch {
	case o.Usual:
		work = "always"
	case !o.Added:
		work = "in this style"
	}
	return []string{o.Name + secondary + o.Doc, o.Arm.Style, work, ratioEstimate(o.Cost), ratioEstimate(o.CPU), instrumentAnswer(o)}
}

// instrumentAnswer is what the interval supports.
func instrumentAnswer(o *results.Instrument) string {
	switch {
	case o.Arm.Verdict == results.Invalid:
		return "invalid: " + o.Arm.Why
	case o.Cost == nil:
		return "not measured"
	case o.Verdict != "":
		return o.Verdict + ", the limit is " + percentMore(InstrumentsLimit)
	case !o.Cost.Bounded():
		return "too few rounds"
	case o.Cost.Lo > 1:
		return "costs"
	case o.Cost.Hi < 1:
		return "saves"
	}
	return "no cost found"
}
