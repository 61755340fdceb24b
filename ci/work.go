package ci

import (
	"fmt"

	"rubato/reports"
)

// doubt says why no figure of the cell can stand, empty when none is known. It
// counts again what the run has already checked, so that a report edited by hand
// or written by a broken harness does not pass.
func doubt(run *reports.Run, c *reports.Cell) string {
	w := c.Work
	switch c.Verdict {
	case reports.Measured, reports.Inconclusive:
	case reports.Void:
		return "void: " + c.Why
	default:
		return fmt.Sprintf("verdict %q is not known to this rubato", c.Verdict)
	}
	switch {
	case w.Stimuli <= 0 || w.Expected <= 0:
		return fmt.Sprintf("%d stimuli with %d effects expected prove no work", w.Stimuli, w.Expected)
	case w.Effects != w.Expected:
		return fmt.Sprintf("%d effects of %d expected", w.Effects, w.Expected)
	case c.NsOp.Median <= 0 || c.NsOp.Bounded() && c.NsOp.Lo <= 0:
		return fmt.Sprintf("%g ns an operation is no time", c.NsOp.Median)
	}
	return differs(run, c)
}

// differs compares the cell's transcript with the baseline's.
func differs(run *reports.Run, c *reports.Cell) string {
	for i := range run.Cells {
		base := &run.Cells[i]
		if base.Style != run.Baseline || base.Scenario != c.Scenario || !sameWhereBoth(base.Options, c.Options) {
			continue
		}
		if base.Work.Digest != c.Work.Digest {
			return fmt.Sprintf("did other work than %s: digest %.8s, not %.8s", base.Style, c.Work.Digest, base.Work.Digest)
		}
		if base.Verdict == reports.Void {
			return fmt.Sprintf("%s, which it is compared with, is void: %s", base.Style, base.Why)
		}
	}
	return ""
}

// sameWhereBoth compares the options that both cells have; some belong to one
// style only.
func sameWhereBoth(a, b map[string]string) bool {
	for k, v := range a {
		if w, both := b[k]; both && w != v {
			return false
		}
	}
	return true
}
