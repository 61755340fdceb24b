package ci

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"rubato/reports"
)

// CommentMarker begins a comment on a change, so that the next run finds and replaces it. Readers do not
// see it.
const CommentMarker = "<!-- rubato gate -->"

// commentRoom is how long a comment may be, in bytes; GitHub takes 65 536 characters.
const commentRoom = 60_000

// comment is the answer as a comment on a change.
func comment(s shown) ([]byte, error) {
	end := ""
	if len(s.report) > 0 {
		end = "\n<details><summary>The report</summary>\n\n" + inert(string(s.report)) + "\n</details>\n"
	}
	const escapes = 2 // inert adds some bytes
	text := s.markdown((commentRoom - len(end)) / escapes)
	return []byte(CommentMarker + "\n" + inert(text) + end), nil
}

// markdown is the answer, at most about as long as room: first the rows that are not within their
// limits, and of the others as many as fit.
func (s shown) markdown(room int) string {
	head := fmt.Sprintf("## rubato: %s\n\n%s\n\n", s.Verdict, reports.Mark(summary(s.Answer)))
	g := gridOf(s.Answer)
	named := "" // a budget is named in its first row only
	for i := range g.Rows {
		if name := g.Rows[i].Cells[0]; name != "" {
			named = name
		}
		g.Rows[i].Cells[0] = named
		for j, c := range g.Rows[i].Cells {
			g.Rows[i].Cells[j] = clipped(c)
		}
	}
	slices.SortStableFunc(g.Rows, func(a, b reports.Row) int { return rank(a.Mark) - rank(b.Mark) })
	var notes []string
	for _, line := range append(g.Notes, s.explained()...) {
		notes = append(notes, "* "+reports.Mark(clipped(line)))
	}
	g.Notes = nil
	rows := g.Rows
	most, length := 0, len(head) // rows that may fit: escapes make them longer
	for ; most < len(rows) && length < room; most++ {
		length += len(strings.Join(rows[most].Cells, ""))
	}
	for n, m := most, len(notes); ; n, m = n/2, m/2 {
		g.Rows = rows[:n]
		text := head + g.Markdown() + strings.Join(notes[:m], "\n") + "\n"
		if n < len(rows) || m < len(notes) {
			text += fmt.Sprintf("\n%d more rows and %d more notes are in the log.\n", len(rows)-n, len(notes)-m)
		}
		if len(text) <= room || n+m == 0 {
			return text
		}
	}
}

func rank(verdict string) int {
	return slices.Index([]string{Over, Invalid, Suspect, Insensitive, Inconclusive, Told, Within}, verdict)
}

// clipped shortens what would fill a comment alone.
func clipped(s string) string {
	const most = 500
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// active is what Markdown with GitHub's and GitLab's additions acts on though it looks like text:
// who is called, links, numbers of issues, formulas.
var active = regexp.MustCompile(`@\w|://|(?i:www)\.|[#!]\d|\$.`)

// inert puts a space of no width into active text.
func inert(s string) string {
	return active.ReplaceAllStringFunc(s, func(found string) string {
		at := 1
		if strings.HasSuffix(found, ".") && len(found) > 3 {
			at = 3 // www
		}
		return found[:at] + "\u200b" + found[at:]
	})
}
