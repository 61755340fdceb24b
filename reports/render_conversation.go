package reports

import (
	"fmt"
	"slices"

	"rubato/results"
)

// conversationLines splits what each style adds to an operation: the conversation alone,
// measured without the work, and what is left over. There is one line per style and pair
// of scenarios that the run has both of.
func conversationLines(run *results.Run) Grid {
	t := Grid{Title: "Where the overhead comes from", Text: []int{0, 1, 5},
		Head: []string{"operation", "style", "added to the whole operation", "by the conversation alone", "left over", "published estimate of the conversation"}}
	for _, s := range run.Scenarios {
		if s.Alone == "" {
			continue
		}
		for i := range run.Cells {
			alone := &run.Cells[i]
			if alone.Scenario != s.Name || !known(alone.OverheadNs) {
				continue
			}
			for j := range run.Cells {
				whole := &run.Cells[j]
				if whole.Scenario == s.Alone && whole.Style == alone.Style && known(whole.OverheadNs) {
					left := leftOver(*whole.OverheadNs, *alone.OverheadNs)
					t.Add("", whole.ComparisonLabel(), whole.Style, bracketed(whole.OverheadNs, nanoseconds),
						bracketed(alone.OverheadNs, nanoseconds), bracketed(&left, nanoseconds), estimateText(s, alone))
				}
			}
		}
	}
	if len(t.Rows) > 0 {
		t.Notes = []string{"Left over is the difference of the two: colder caches, scheduling, and garbage collection that the conversation causes in the work. Its interval takes the worst case of both, so it is wider than it must be."}
	}
	return t
}

// aloneOf is what a style adds to the conversation of a cell's operation, without the work; nil: the run
// has not measured it.
func aloneOf(run *results.Run, c *results.Cell) *results.Estimate {
	for _, s := range run.Scenarios {
		for i := range run.Cells {
			if alone := &run.Cells[i]; s.Alone == c.Scenario && alone.Scenario == s.Name && alone.Style == c.Style {
				return alone.OverheadNs
			}
		}
	}
	return nil
}

func known(e *results.Estimate) bool { return e != nil && e.Bounded() }

// leftOver is the difference of two estimates that were not measured together.
func leftOver(whole, alone results.Estimate) results.Estimate {
	return results.Estimate{Median: whole.Median - alone.Median, Lo: whole.Lo - alone.Hi, Hi: whole.Hi - alone.Lo}
}

// estimateText answers the published estimates of a style's overhead.
func estimateText(s results.Scenario, c *results.Cell) string {
	var texts []string
	for _, claim := range s.Claims {
		if claim.Kind != "estimate" || claim.Style != c.Style || claim.Quantity != "overhead_ns" {
			continue
		}
		verdict := "it may be right"
		switch e := c.OverheadNs; {
		case e.Hi < claim.Lo:
			verdict = "it is less"
		case e.Lo > claim.Hi:
			verdict = "it is more"
		case e.Lo >= claim.Lo && e.Hi <= claim.Hi:
			verdict = "it is right"
		}
		texts = append(texts, fmt.Sprintf("%s: %s", ranged(results.Estimate{Median: (claim.Lo + claim.Hi) / 2, Lo: claim.Lo, Hi: claim.Hi}, nanoseconds), verdict))
	}
	if len(texts) == 0 {
		return noFigure
	}
	return slices.Compact(texts)[0]
}
