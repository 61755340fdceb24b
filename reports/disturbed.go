package reports

import (
	"fmt"
	"slices"
)

// tooDisturbed is the share of a contest's rounds that may be left out, as a divisor:
// beyond a third, what is left is no longer a sample of what was to be measured.
const tooDisturbed = 3

// arms are the run's cells and, after them, those of its proofs.
func (r *Run) arms() []*Cell {
	var all []*Cell
	for i := range r.Cells {
		all = append(all, &r.Cells[i])
	}
	for i := range r.Proofs {
		all = append(all, &r.Proofs[i].Twin, &r.Proofs[i].Plant)
	}
	for i := range r.Ledger {
		all = append(all, &r.Ledger[i].Arm)
	}
	return all
}

// contestOf names the cells that were measured side by side.
func (r *Run) contestOf(c *Cell) string {
	if base := baselineOf(r, *c); base != nil {
		return base.GroupKey()
	}
	return c.GroupKey()
}

// disturbances are, by contest and round, what befell one of its arms, and which: a
// round is a comparison, so that it is left out for all.
func (r *Run) disturbances(blocks []Block) map[string]map[int]string {
	told := map[string]map[int]string{}
	if !slices.ContainsFunc(blocks, func(b Block) bool { return b.Disturbed != "" }) {
		return told
	}
	cells := map[string]*Cell{}
	for _, c := range r.arms() {
		cells[c.Key()] = c
	}
	for _, b := range blocks {
		c := cells[b.Cell]
		if b.Disturbed == "" || c == nil {
			continue
		}
		contest := r.contestOf(c)
		if told[contest] == nil {
			told[contest] = map[int]string{}
		}
		if _, known := told[contest][b.Round]; !known {
			told[contest][b.Round] = fmt.Sprintf("round %d, %s: %s", b.Round, c.armLabel(), b.Disturbed)
		}
	}
	return told
}

// kept are the details without the rounds that are left out: what figures are of.
// Tables of all rounds still find them.
func (r *Run) kept(d Details) Details {
	out := r.disturbances(d.Blocks)
	if len(out) == 0 {
		return d
	}
	contests := map[string]string{}
	for _, c := range r.arms() {
		contests[c.Key()] = r.contestOf(c)
	}
	d.measured = d.Blocks
	d.Blocks = nil
	for _, b := range d.measured {
		if _, disturbed := out[contests[b.Cell]][b.Round]; !disturbed {
			d.Blocks = append(d.Blocks, b)
		}
	}
	return d
}

// everyBlock is also those of rounds that are left out.
func (d Details) everyBlock() []Block {
	if d.measured != nil {
		return d.measured
	}
	return d.Blocks
}

// leaveOut counts the cell's rounds that are left out and says why. Too many are the
// end of it.
func (c *Cell) leaveOut(rounds int, out map[int]string) {
	c.LeftOut = len(out)
	if len(out) == 0 || c.Verdict == Void {
		return
	}
	first := -1
	for round := range out {
		if first < 0 || round < first {
			first = round
		}
	}
	why := fmt.Sprintf("%d of %d rounds are left out, as something disturbed them (%s)", len(out), rounds, out[first])
	if len(out)*tooDisturbed > rounds {
		c.void(why + ": more than a third, run it again on a quieter machine")
		return
	}
	c.warn(why)
}

// armLabel is the cell's label, told from those of its twin and plant.
func (c *Cell) armLabel() string {
	if c.Role != "" {
		return c.Role + " of " + c.label()
	}
	return c.label()
}
