package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// Terminal is the short form of the report, as a terminal shows it. It ends with the answer in
// words, since the end is what stays in sight. Coloured, it marks each style with its colour.
func Terminal(run *results.Run, coloured bool) string {
	if run.Counted {
		return countedTerminal(run, coloured)
	}
	answer := answerTable(run)
	for _, b := range banners(run) {
		if b.Kind != "incomplete" { // the command ends with that
			answer.Notes = append(answer.Notes, b.Kind+": "+b.Text)
		}
	}
	grids := []Grid{answer, changeTable(run)}
	all := groups(run)
	for _, s := range run.Scenarios {
		grids = append(grids, measureLines(s, slices.DeleteFunc(slices.Clone(all), func(g group) bool { return g.scenario != s.Name })))
	}
	grids = append(grids, questionLines(run), controlLines(run), conversationLines(run), instrumentLines(run), trialLines(run))
	var shown, words []string
	var colours palette
	if coloured {
		colours = paletteOf(run)
	}
	for _, g := range grids {
		g.colours = colours
		if len(g.Rows) > 0 {
			shown = append(shown, g.Terminal())
		}
	}
	for _, said := range Sentences(run) {
		words = append(words, oneLine(said))
	}
	return strings.Join(append(shown, strings.Join(words, "\n")+"\n"), "\n")
}

// Sentences are the answers of a run in words, one for each style, after what makes them doubtful.
func Sentences(run *results.Run) []string { return slices.Concat(belief(run), sentences(run)) }

// baselineName is what ratios are to, if all scenarios have the same baseline.
func baselineName(run *results.Run) (name string) {
	for _, s := range run.Scenarios {
		own := run.BaselineIn(s.Name)
		if name != "" && name != own {
			return "the first"
		}
		name = own
	}
	return cmp.Or(name, run.Baseline)
}

// bracketed is a figure with its interval in brackets, or a note that it has none.
func bracketed(e *results.Estimate, show func(float64) string) string {
	switch {
	case e == nil:
		return noFigure
	case !e.Bounded():
		return show(e.Median) + " [no interval]"
	}
	return ranged(*e, show)
}

// measureLines has one line per measure and set of options, and one column per arm.
func measureLines(s results.Scenario, gs []group) Grid {
	t := Grid{Head: []string{"scenario", "measure"}, Text: []int{0, 1}}
	var arms []string
	for i := range gs {
		gs[i] = gs[i].sound()
		for _, label := range gs[i].labels {
			arms = results.AddOnce(arms, label)
		}
	}
	t.Head = append(t.Head, arms...)
	for _, g := range gs {
		title := g.title
		for _, m := range s.Measures {
			cells, known := []string{title, m.Name}, false
			for _, arm := range arms {
				shown := noFigure
				if i := slices.Index(g.labels, arm); i >= 0 {
					if e, reported := g.cells[i].Figures[m.Name]; reported {
						shown, known = brief(m, e, g.cells[i].Spans[m.Name], g.cells[i].Rounds), true
					}
				}
				cells = append(cells, shown)
			}
			if known {
				t.Add("", cells...)
				title = ""
			}
		}
	}
	return t
}

// questionLines has one line per question that a sequential run decides.
func questionLines(run *results.Run) Grid {
	t := Grid{Head: []string{"scenario", "style", "against", "verdict", "took"}, Text: []int{0, 1, 2, 3, 4}}
	for i := range run.Cells {
		c := &run.Cells[i]
		if run.Rule == nil || c.Rule != results.Sequential || c.Verdict == results.Invalid {
			continue
		}
		for _, j := range c.Judged {
			t.Add(j.Verdict, c.ComparisonLabel(), c.Style, Against(j), j.Verdict, roundsText(*c))
		}
	}
	return t
}

// trialLines has one line per arm that was measured in trials: how they were planned.
func trialLines(run *results.Run) Grid {
	t := Grid{Title: "Trials: how times were compared", Text: []int{0, 1, 5},
		Head: []string{"comparison", "arm", "trials", "turns", "slice", "caches", "within", "between", "start", "hand-over", "waiting"}}
	for _, c := range run.Arms() {
		p := c.Trials
		if p == nil || c.Verdict == results.Invalid {
			continue
		}
		caches := "cold"
		if p.Hot {
			caches = "hot"
		}
		trials := count(int64(c.Rounds))
		if p.Dropped > 0 {
			trials += fmt.Sprintf(" + %d dropped", p.Dropped)
		}
		t.Add("", c.ComparisonLabel(), c.ArmLabel(), trials, count(int64(p.Turns)), nanoseconds(float64(p.Slice))+" of "+count(int64(p.SliceOps)), caches,
			spreadText(p.Within), spreadText(p.Between), nanoseconds(float64(p.Start)), nanoseconds(float64(p.Handover)), percent(100*p.Waiting))
	}
	t.Notes = []string{"within, between: standard deviations of the ratio to the baseline, of the turns of a trial and of trials. start: of all arms together. waiting: CPU that an arm used while it was not its turn, to that of its timed slices."}
	return t
}

// spreadText is the standard deviation of a log-ratio, as a percentage.
func spreadText(variance float64) string {
	if variance == 0 {
		return noFigure
	}
	return percent(100 * math.Sqrt(variance))
}

// controlLines has one line per comparison with controls.
func controlLines(run *results.Run) Grid {
	t := Grid{Title: "Controls: what this run can detect", Text: []int{0, 4},
		Head: []string{"comparison", "A/A control", "injected slowdown", "minimum detectable effect", "verdict"}}
	for i := range run.Controls {
		p := &run.Controls[i]
		t.Add("", p.Comparison(), bracketed(p.AA.Ratio, ratio), bracketed(p.Slowdown.Ratio, ratio)+" of +"+percent(100*p.Share),
			minimumDetectableText(p), sensitivity(p))
	}
	return t
}

// instrumentLines has one line per instrument whose cost was measured.
func instrumentLines(run *results.Run) Grid {
	t := Grid{Title: "What measuring costs", Head: []string{"comparison", "style", "instrument", "cost", "answer"}, Text: []int{0, 1, 2, 4}}
	for i := range run.Instruments {
		o := &run.Instruments[i]
		t.Add(o.Verdict, o.Arm.ComparisonLabel(), o.Arm.Style, o.Name, bracketed(o.Cost, ratio), instrumentAnswer(o))
	}
	return t
}
