package ci

import "fmt"

// tellingRows keeps of the rows within a limit only the tightest, and says of how
// many.
func tellingRows(rows []Row) []Row {
	type limit struct {
		budget, quantity string
		floor            bool
	}
	kept := make(map[limit]int) // rows within
	tightest := make(map[limit]Row)
	for _, r := range rows {
		at := limit{r.Budget, r.Quantity, r.AtLeast}
		if r.Verdict != Within {
			continue
		}
		if kept[at]++; kept[at] == 1 || r.tightness() > tightest[at].tightness() {
			tightest[at] = r
		}
	}
	var out []Row
	for _, r := range rows {
		at := limit{r.Budget, r.Quantity, r.AtLeast}
		if r.Verdict != Within {
			out = append(out, r)
			continue
		}
		if kept[at] == 0 {
			continue
		}
		t := tightest[at]
		if kept[at] > 1 {
			t.Cell = fmt.Sprintf("%s (tightest of %d)", t.Cell, kept[at])
		}
		out, kept[at] = append(out, t), 0
	}
	return out
}

// tightness is the share of the limit that the interval reaches, 1 at the limit.
func (r Row) tightness() float64 {
	if r.Limit == 0 {
		return 1 // what keeps such a limit is at it, or far beyond
	}
	if r.AtLeast {
		return r.Limit / r.Measured.Lo
	}
	return r.Measured.Hi / r.Limit
}
