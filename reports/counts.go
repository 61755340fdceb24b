package reports

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// This file turns what rubato count found into figures and a report. Its rounds are repeats.

// executed computes the figures of a cell.
func executed(c *results.Cell, blocks []results.Block) {
	c.Rounds, c.Executed = len(blocks), nil
	c.Work = results.Work{Digest: c.Work.Digest}
	for _, b := range blocks {
		c.Work.Stimuli, c.Work.Effects, c.Work.Expected = c.Work.Stimuli+b.Stimuli, c.Work.Effects+b.Effects, c.Work.Expected+b.Expected
	}
	why := cmp.Or(c.Work.Fault(), executedFault(blocks))
	if c.Verdict == results.Invalid {
		why = c.Why
	}
	if why != "" {
		c.Invalidate(why)
		return
	}
	c.BlockOps, c.Verdict, c.Why = blocks[0].Ops, results.Measured, ""
	kept := steady(blocks)
	c.Executed = &results.ExecutedOp{
		Instructions: repeated(blocks, func(x *results.Executed) int64 { return x.Instructions }),
		Calls:        repeated(kept, func(x *results.Executed) int64 { return x.Calls }),
		HouseCalls:   repeated(kept, houseCalls),
		LeftOut:      len(blocks) - len(kept),
	}
}

func houseCalls(x *results.Executed) int64 { return x.HouseCalls }

// Callgrind follows calls on the stack of a thread. When the kernel takes the CPU away at the wrong moment
// it loses its place: beside other programs 3 of 48 repeats had own calls that were off by 4 to 24 %,
// with the same instructions, where all others lay within 0.01 %.
const (
	callsDiffer  = 0.01 // of the middle
	fewestSteady = 5    // repeats, to tell which are off
)

// AnotherRepeat reports whether one is wanted: own calls of the repeats differ by more than the program's
// can, and these are too few to tell which are off.
func AnotherRepeat(own []int64) bool {
	return len(own) > 1 && len(own) < fewestSteady && float64(slices.Max(own)-slices.Min(own)) > callsDiffer*float64(slices.Min(own))
}

// steady are the repeats whose own calls are those of most. Where too few agree, it is all of them.
func steady(blocks []results.Block) []results.Block {
	if len(blocks) < fewestSteady {
		return blocks
	}
	middle := repeated(blocks, houseCalls).Median
	kept := slices.DeleteFunc(slices.Clone(blocks), func(b results.Block) bool {
		return math.Abs(float64(b.Executed.HouseCalls)/float64(b.Ops)-middle) > callsDiffer*middle
	})
	if 2*len(kept) <= len(blocks) {
		return blocks
	}
	return kept
}

// executedFault says why repeats give no figures.
func executedFault(blocks []results.Block) string {
	for i, b := range blocks {
		switch x := b.Executed; {
		case b.Ops <= 0 || x == nil || x.Instructions <= 0:
			return fmt.Sprintf("repeat %d: %d operations, in which nothing was counted", b.Round, b.Ops)
		case slices.ContainsFunc(blocks[:i], func(o results.Block) bool { return o.Round == b.Round }):
			return fmt.Sprintf("repeat %d is in the results twice", b.Round)
		case b.Ops != blocks[0].Ops:
			return fmt.Sprintf("repeat %d: %d operations, and not %d", b.Round, b.Ops, blocks[0].Ops)
		}
	}
	if len(blocks) == 0 {
		return "nothing was counted"
	}
	return ""
}

// repeated is a count per operation: the median, the least and the most of the repeats.
func repeated(blocks []results.Block, of func(*results.Executed) int64) results.Estimate {
	var all []float64
	for _, b := range blocks {
		all = append(all, float64(of(b.Executed))/float64(b.Ops))
	}
	slices.Sort(all)
	return results.Estimate{Median: (all[(len(all)-1)/2] + all[len(all)/2]) / 2, Lo: all[0], Hi: all[len(all)-1]}
}

// compareExecuted compares each cell with the baseline's and with what it was in another program.
func compareExecuted(run *results.Run, blocks map[string][]results.Block) {
	for i := range run.Cells {
		c := &run.Cells[i]
		base := results.BaselineOf(run, *c)
		if c.Executed == nil || base == nil || base == c || base.Executed == nil {
			continue
		}
		c.Executed.InstructionsRatio = executedRatio(c.Executed.Instructions, base.Executed.Instructions)
		c.Executed.CallsRatio = executedRatio(c.Executed.Calls, base.Executed.Calls)
	}
	for i := range run.Changes {
		change := &run.Changes[i]
		change.Executed = nil
		at := slices.IndexFunc(run.Cells, func(c results.Cell) bool { return c.Key() == change.Of })
		if at < 0 || run.Cells[at].Executed == nil || change.Before.Executed == nil {
			continue
		}
		now, before := run.Cells[at].Executed, change.Before.Executed
		instructions, calls := executedRatio(now.Instructions, before.Instructions), executedRatio(now.Calls, before.Calls)
		if instructions == nil || calls == nil {
			continue
		}
		change.Executed = &results.ExecutedChange{
			InstructionsRatio: *instructions, CallsRatio: *calls,
			Instructions: executedMore(now.Instructions, before.Instructions),
			Calls:        executedMore(now.Calls, before.Calls),
			HouseCalls:   executedMore(now.HouseCalls, before.HouseCalls),
			Moved:        moved(steady(blocks[change.Of]), steady(blocks[change.Before.Key()])),
		}
	}
}

// executedRatio has the farthest ends that the repeats allow; nil: there is nothing to compare with.
func executedRatio(own, base results.Estimate) *results.Estimate {
	if base.Lo <= 0 {
		return nil
	}
	return &results.Estimate{Median: own.Median / base.Median, Lo: own.Lo / base.Hi, Hi: own.Hi / base.Lo}
}

func executedMore(own, base results.Estimate) results.Estimate {
	return results.Estimate{Median: own.Median - base.Median, Lo: own.Lo - base.Hi, Hi: own.Hi - base.Lo}
}

// mostMoved is how many functions a change names.
const mostMoved = 10

// moved are the functions whose calls changed most.
func moved(now, before []results.Block) (all []results.MovedCalls) {
	own, old := functionCalls(now), functionCalls(before)
	names := maps.Clone(own)
	maps.Copy(names, old)
	for name := range names {
		if own[name] != old[name] {
			all = append(all, results.MovedCalls{Function: name, Before: old[name], Now: own[name]})
		}
	}
	slices.SortFunc(all, func(a, b results.MovedCalls) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Now-b.Before), math.Abs(a.Now-a.Before)), cmp.Compare(a.Function, b.Function))
	})
	return all[:min(len(all), mostMoved)]
}

// functionCalls are calls per operation, the mean of the repeats.
func functionCalls(blocks []results.Block) map[string]float64 {
	all := map[string]float64{}
	for _, b := range blocks {
		for name, calls := range b.Executed.Functions {
			all[name] += float64(calls) / float64(b.Ops*len(blocks))
		}
	}
	return all
}

// countedText says what counts are.
const countedText = "Counted under valgrind, not timed: instructions and calls of functions per operation, as half of the difference between 2N operations and N. The range is that of the repeats. Waiting, the disk, caches and idleness execute nothing, so none of this is time. Calls are of functions that the compiler did not inline; own calls are those of this program's functions, without libraries and the Go runtime. Whatever a style runs in its process counts, a NATS server in it, too."

// countedGrids are the tables of a run that counted: what is executed, and what another program
// executed.
func countedGrids(run *results.Run, scenario string) []Grid {
	all := Grid{Head: []string{"scenario", "style", "N", "instructions/op", "ratio", "calls/op", "ratio", "own calls/op", "spread"}, Text: []int{0, 1}}
	for i := range run.Cells {
		c := &run.Cells[i]
		x := c.Executed
		if c.Scenario != scenario || x == nil {
			continue
		}
		all.Add("", c.ComparisonLabel(), c.Style, count(int64(c.BlockOps)), executedCount(x.Instructions), executedTimes(x.InstructionsRatio),
			executedCount(x.Calls), executedTimes(x.CallsRatio), executedCount(x.HouseCalls), executedSpread(c))
	}
	grids := []Grid{all}
	changes := Grid{Title: "Changed, against " + asked(run), Text: []int{0, 1},
		Head: []string{"scenario", "style", "instructions", "more/op", "calls", "more/op", "own calls, more/op"}}
	for i := range run.Changes {
		of, b := &run.Changes[i], &run.Changes[i].Before
		switch x := of.Executed; {
		case b.Scenario != scenario:
		case b.Verdict == results.Invalid:
			changes.Notes = append(changes.Notes, fmt.Sprintf("%s: not compared, the work changed: %s", b.Label(), b.Why))
		case x != nil:
			changes.Add("", b.ComparisonLabel(), b.Style, executedTimes(&x.InstructionsRatio), executedMoreText(x.Instructions),
				executedTimes(&x.CallsRatio), executedMoreText(x.Calls), executedMoreText(x.HouseCalls))
			for _, m := range x.Moved {
				changes.Notes = append(changes.Notes, fmt.Sprintf("%s: %s: %s calls/op, before %s", b.Label(), m.Function, figure(m.Now), figure(m.Before)))
			}
		}
	}
	if len(changes.Rows)+len(changes.Notes) > 0 {
		grids = append(grids, changes)
	}
	return grids
}

func asked(run *results.Run) string {
	if run.Against == nil {
		return "another program"
	}
	return run.Against.Asked
}

// executedCount is a count per operation: whole where it is large.
func executedCount(e results.Estimate) string {
	if e.Median >= 1000 {
		return grouped(e.Median, 0)
	}
	return grouped(e.Median, 2)
}

func executedTimes(e *results.Estimate) string {
	if e == nil {
		return noFigure
	}
	return "×" + grouped(e.Median, 4) + secondary + grouped(e.Lo, 4) + " … " + grouped(e.Hi, 4)
}

func executedMoreText(e results.Estimate) string {
	return signedCount(e.Median) + secondary + signedCount(e.Lo) + " … " + signedCount(e.Hi)
}

func signedCount(x float64) string { return plus(func(x float64) string { return grouped(x, 2) })(x) }

// executedSpread is how far the instructions of the repeats lie apart.
func executedSpread(c *results.Cell) string {
	if c.Rounds < 2 {
		return "1 repeat"
	}
	e := c.Executed.Instructions
	text := percent(100*(e.Hi-e.Lo)/e.Median) + " of " + plural(c.Rounds, "repeat")
	if n := c.Executed.LeftOut; n > 0 {
		text += fmt.Sprintf(", calls of %d", c.Rounds-n)
	}
	return text
}

// countedPage is the report of a run that counted.
func countedPage(run *results.Run) *page {
	p := &page{Title: "What the coupling executes", Banners: banners(run), Lead: lead(run)[:1], Machine: machineTable(run.Machine), Palette: paletteOf(run)}
	p.Scope = []string{countedText}
	for _, c := range run.Cells {
		p.Styles = results.AddOnce(p.Styles, c.Style)
	}
	for _, name := range scenarioNames(run) {
		s := run.Scenario(name)
		own := section{ID: slug(name), Scenario: name, Title: name, Text: []string{question(run, s)}, Grids: countedGrids(run, name)}
		if claims := countedClaims(run, s); len(claims.Rows) > 0 {
			own.Grids = append(own.Grids, claims)
		}
		p.Sections = append(p.Sections, own)
	}
	p.nameSections()
	return p
}

// countedClaims are what was published about counts, and the answers.
func countedClaims(run *results.Run, s results.Scenario) Grid {
	s.Claims = slices.DeleteFunc(slices.Clone(s.Claims), func(c results.Claim) bool {
		m, known := s.Metric(c.Quantity)
		return !known || !m.Counted()
	})
	g := claimTable(run, s, results.Details{})
	g.Title = "Published"
	return g
}

// countedTerminal is the report in a terminal.
func countedTerminal(run *results.Run, coloured bool) string {
	var shown []string
	p := countedPage(run)
	for _, s := range p.Sections {
		for _, g := range s.Grids {
			if coloured {
				g.colours = p.Palette
			}
			if len(g.Rows)+len(g.Notes) > 0 {
				shown = append(shown, g.Terminal())
			}
		}
	}
	for _, b := range p.Banners {
		if b.Kind != "incomplete" {
			shown = append(shown, b.Kind+": "+b.Text+"\n")
		}
	}
	return strings.Join(append(shown, oneLine(countedText)+"\n"), "\n")
}
