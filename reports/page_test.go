package reports

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"rubato/results"
)

// madeUp is a run of so many scenarios with three styles, and its page. The plots of all are those
// of the first, because drawing takes its time.
func madeUp(t testing.TB, scenarios int, called func(i int) string) (*results.Run, *page) {
	t.Helper()
	run, d, random := fixtureRun(), results.Details{}, rand.New(rand.NewPCG(3, 4))
	run.Scenarios, run.Cells = nil, nil
	for i := range scenarios {
		name := called(i)
		run.Scenarios = append(run.Scenarios, results.Scenario{Name: name, Answers: "What does it cost?", Op: "operation"})
		for n, style := range []string{"direct", "bus", "nats"} {
			c := results.Cell{Scenario: name, Style: style, Options: map[string]string{"passages": "1000"}, ActiveCPU: 90}
			run.Cells = append(run.Cells, c)
			for round := range 7 {
				d.Blocks = append(d.Blocks, fixtureBlock(t, c, round, n, 1e6*(1+float64(n*(i%5))/40), random))
			}
		}
	}
	Summarize(run, d)
	first := *run
	first.Cells = run.Cells[:3]
	drawn, err := drawPlots(&first, d)
	if err != nil || len(drawn) < 2 {
		t.Fatalf("%d plots, %v", len(drawn), err)
	}
	var plots []drawing
	for i := range scenarios {
		for _, p := range drawn {
			p.of = &run.Cells[3*i]
			plots = append(plots, p)
		}
	}
	page, err := newPage(t.TempDir(), run, d, plots)
	if err != nil {
		t.Fatal(err)
	}
	return run, page
}

func numbered(i int) string { return fmt.Sprintf("scenario-%03d", i) }

// A report of a hundred scenarios is as long as a comment may be; its beginning is the answer, and it
// says what it leaves out.
func TestReportFitsAComment(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<&*[夢", 100)
	for what, called := range map[string]func(int) string{"plain": numbered, "hostile": func(i int) string { return fmt.Sprint(long, i, hostile) }} {
		_, page := madeUp(t, 100, called)
		var md bytes.Buffer
		if err := page.markdown(&md); err != nil {
			t.Fatal(err)
		}
		if md.Len() > markdownRoom {
			t.Errorf("%s: %d bytes", what, md.Len())
		}
		answer, _, _ := strings.Cut(md.String(), "* Noise: ")
		if len(answer) > answerRoom || !strings.Contains(answer, "Same work") {
			t.Errorf("%s: the answer has %d bytes:\n%s", what, len(answer), answer)
		}
		if what == "plain" && (!strings.Contains(answer, "* nats: ") || !strings.Contains(answer, "more lines in the table of all comparisons") || !strings.Contains(answer, "| slower |")) {
			t.Errorf("the answer:\n%s", answer)
		}
		if _, left, ok := strings.Cut(md.String(), "## Left out here\n"); !ok || !strings.Contains(left, "all rounds (100 times)") {
			t.Errorf("%s: not said what is left out: %q", what, left)
		}
	}
}

// A page that would be too long leaves out rounds first, and plots last, and names what it left.
func TestPageStaysSmall(t *testing.T) {
	t.Parallel()
	_, page := madeUp(t, 12, numbered)
	for i := range page.Sections {
		if s := &page.Sections[i]; s.Aside == asideRaw {
			s.Text = append(s.Text, strings.Repeat("x", pageRoom/8))
		}
	}
	var w bytes.Buffer
	if err := page.html(&w); err != nil || w.Len() > pageRoom {
		t.Errorf("%d bytes, %v", w.Len(), err)
	}
	if n := strings.Count(w.String(), "Left out, so that"); n != 12 || strings.Count(w.String(), "<svg") < 24 {
		t.Errorf("%d sections are left out, %d plots are there", n, strings.Count(w.String(), "<svg"))
	}
	page.leaveOut(0, 1)
	plots := slices.Collect(func(yield func(string) bool) {
		for _, s := range page.Sections {
			if len(s.Plots) == 0 && s.Scenario == s.Title && !yield(s.Title) {
				return
			}
		}
	})
	if len(plots) != 1 || plots[0] != numbered(11) {
		t.Errorf("without plots: %q", plots)
	}
}

// One colour is one style, wherever it stands, and styles that are new get the next ones.
func TestColours(t *testing.T) {
	t.Parallel()
	p := newPalette([]string{"nats", "mine", "direct", "yours", "<b>"})
	seen := map[string]bool{}
	for _, style := range []string{"direct", "bus", "nats", "mine", "yours", "<b>"} {
		seen[fmt.Sprint(p.colour(style))] = true
		if class := p.Class(style + " mode=closed"); !strings.HasPrefix(class, "style s") {
			t.Errorf("%s: %q", style, class)
		}
	}
	if len(seen) != 6 || p.Class("native") != "" || p.Class("") != "" || p.colour("bus") != newPalette(nil).colour("bus") {
		t.Errorf("%v, %q", seen, p.Class("native"))
	}
	if got := p.terminal("nats mode=closed"); !regexp.MustCompile(`^\x1b\[38;5;\d+m●\x1b\[0m nats mode=closed$`).MatchString(got) || p.terminal("x") != "x" {
		t.Errorf("%q", got)
	}
	_, page := madeUp(t, 1, numbered)
	green := hexOf(p.colour("nats"))
	var w bytes.Buffer
	if err := page.html(&w); err != nil || !strings.Contains(w.String(), ".s2 { --style: "+green) || !strings.Contains(w.String(), `<span class="style s2">nats</span>`) || !strings.Contains(w.String(), "stroke:"+green) {
		t.Errorf("nats is not %s in tables and plots, %v", green, err)
	}
}

// What a terminal gets has the colours that were asked for, and no other control character.
func TestTerminalColours(t *testing.T) {
	t.Parallel()
	run, _ := madeUp(t, 2, func(i int) string { return fmt.Sprint("\x1b[2J\a", i, "\u202e<img src=x onerror=alert(1)>") })
	plain, coloured := Terminal(run, false), Terminal(run, true)
	without := regexp.MustCompile(`\x1b\[(0|38;5;\d+)m(● ?)?`).ReplaceAllString(coloured, "")
	for _, text := range []string{plain, without} {
		for _, r := range text {
			if unicode.IsControl(r) && r != '\n' || r == '\u202e' {
				t.Fatalf("%q in %q", r, text)
			}
		}
	}
	if !strings.Contains(coloured, "●\x1b[0m nats") || strings.Contains(plain, "●") || !strings.Contains(plain, "<img src=x") {
		t.Error(coloured)
	}
}
