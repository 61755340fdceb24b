package reports

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rubato/results"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	add := func(n *Notes) []string {
		n.Add("2 of 400 effects are missing", "a")
		n.Add("3 of 1,400.5 effects are missing", "b")
		n.Add(`want "x", got "y"`, "a")
		n.Add(`want "z", got ""`, "a")
		n.Add("no paper", "c")
		for _, name := range []string{"d", "e", "c", "f", "g"} {
			n.Add("no paper", name)
		}
		return n.Lines()
	}
	alike := []string{"a, b: 2 of 400 effects are missing (figures of the first)", `a: want "x", got "y" (figures of the first)`, "c, d, e and 2 more: no paper"}
	whole := []string{"a: 2 of 400 effects are missing", "b: 3 of 1,400.5 effects are missing", `a: want "x", got "y"`, `a: want "z", got ""`, "c, d, e, f, g: no paper"}
	if got := add(&Notes{}); !slices.Equal(got, alike) {
		t.Errorf("%q", got)
	}
	if got := add(&Notes{Whole: true}); !slices.Equal(got, whole) {
		t.Errorf("%q", got)
	}
}

// noisy is a run in which every cell has warnings of its own, and half are invalid.
func noisy() *results.Run {
	run := &results.Run{Baseline: "direct", Scenarios: []results.Scenario{{Name: "s"}}, Machine: results.Machine{Warnings: []string{"the load was high"}}}
	for i := range 40 {
		c := results.Cell{Scenario: "s", Style: fmt.Sprint("style", i), Verdict: results.Measured,
			Warnings: []string{fmt.Sprintf("block %d was late", i), fmt.Sprintf("the %dth ratio is %d.%d", i, i, i), "dusty", "rusty", "musty"}}
		if i%2 == 1 {
			c.Invalidate(fmt.Sprintf("%d effects are missing: %s", i, strings.Repeat("lane ", 100)))
		}
		run.Cells = append(run.Cells, c)
	}
	return run
}

// Before, a run with 20 invalid cells and 100 warnings began with over 100 lines about them.
// Now it begins with the answer, and then has a line for each cause, at most three of a kind.
func TestAnswerComesFirst(t *testing.T) {
	t.Parallel()
	page, err := newPage(t.TempDir(), noisy(), results.Details{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, b := range page.Banners {
		kinds = append(kinds, b.Kind)
		if n := len([]rune(b.Text)); n > longestNote {
			t.Errorf("%d characters: %s", n, b.Text)
		}
	}
	if got := strings.Join(kinds, " "); got != "invalid warning warning warning warning warning" {
		t.Errorf("banners: %s", got)
	}
	if last := page.Banners[len(page.Banners)-1].Text; last != "2 notes more: see the tables" {
		t.Errorf("the last says %q", last)
	}
	var md, html bytes.Buffer
	if err := page.markdown(&md); err != nil {
		t.Fatal(err)
	}
	if err := page.html(&html); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"terminal": Terminal(noisy(), false), "report.md": md.String(), "report.html": html.String()} {
		answer, note := strings.Index(text, "style39"), strings.Index(text, "effects are missing")
		if answer < 0 || note < answer {
			t.Errorf("%s: the last answer is at %d, the first reason at %d", name, answer, note)
		}
	}
	if rows := len(page.Answer.Rows); strings.Count(html.String(), `<th scope="row" class="text" data-head="scenario">s`) < rows || strings.Contains(html.String(), "&lt;t") {
		t.Errorf("the page has not a row of a table for each of %d cells", rows)
	}
	for _, all := range []string{"39 effects are missing", "block 38 was late", "the 38th ratio is 38.38", "musty"} {
		if !strings.Contains(md.String(), all) {
			t.Errorf("the report nowhere says %q", all)
		}
	}
}
