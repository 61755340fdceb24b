package reports

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// A page is the report before it becomes Markdown or HTML: both say the same.
type page struct {
	Title    string
	Lead     []string
	Banners  []banner
	Machine  grid
	Sections []section
}

// A banner is what weakens the figures, said before them.
type banner struct{ Kind, Text string } // Kind: "incomplete", "void", "inconclusive", "blind", "warning"

type section struct {
	ID     string
	Title  string
	Text   []string
	Grids  []grid
	Plots  [][]drawing // by comparison group
	Folded string      // not empty: shown only when this is opened
}

// newPage gathers what the report says. Profiles are read from dir.
func newPage(dir string, run *Run, details Details, plots []drawing) (*page, error) {
	p := &page{Title: "What the coupling costs", Lead: lead(run), Banners: banners(run), Machine: machineTable(run.Machine)}
	if len(run.Cells) == 0 {
		p.Lead = append(p.Lead, "No cell was measured: there is nothing to compare.")
	}
	p.Sections = append(p.Sections, proofSection(run)...)
	p.Sections = append(p.Sections, verdictSection(run)...)
	all := groups(run)
	for _, name := range scenarioNames(run) {
		gs := slices.DeleteFunc(slices.Clone(all), func(g group) bool { return g.scenario != name })
		sections, err := scenarioSections(dir, run, run.scenario(name), gs, details, plots)
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, sections...)
	}
	p.Sections = append(p.Sections, certificateSection(run)...)
	p.Sections = append(p.Sections, ledgerSection(run)...)
	p.Sections = append(p.Sections, howToRead(run))
	return p, nil
}

// scenarioNames are those of the cells, then those that were asked for and have none.
func scenarioNames(run *Run) []string {
	var names []string
	for _, c := range run.Cells {
		if !slices.Contains(names, c.Scenario) {
			names = append(names, c.Scenario)
		}
	}
	for _, s := range run.Scenarios {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func lead(run *Run) []string {
	var styles []string
	for _, c := range run.Cells {
		if !slices.Contains(styles, c.Style) && !run.scenario(c.Scenario).pieces() {
			styles = append(styles, c.Style)
		}
	}
	compared := fmt.Sprintf("Compared: %s, doing the same work; ratios are to %s.", strings.Join(styles, ", "), run.Baseline)
	if len(styles) == 0 {
		compared = "Compared: pieces of a whole, which do not do the same work."
	}
	m := run.Machine
	machine := fmt.Sprintf("Measured on %s, %s, %s/%s, %s. The absolute figures hold for this machine only.",
		m.CPU, plural(m.Cores, "core"), m.OS, m.Arch, m.Go)
	took := time.Duration(run.Seconds * float64(time.Second)).Round(time.Second)
	when := fmt.Sprintf("Started %s, took %v, effort %s, seed %d. Command: %s",
		run.Started.UTC().Format("2006-01-02 15:04:05 UTC"), took, run.Effort, run.Seed, strings.Join(run.Command, " "))
	return []string{compared, machine, when, lives(run)}
}

// lives says what the intervals know of differences between processes.
func lives(run *Run) string {
	if run.Fresh {
		return "Where times are compared each round had processes of its own, so that the intervals hold what differs from process to process."
	}
	return "Each arm had one process for all its rounds. Two processes of one program differ by some percent for as long as they live, which no interval here knows of: a ratio within 5 % of 1 may be that. With -fresh each round has processes of its own."
}

func banners(run *Run) []banner {
	var all []banner
	if run.Incomplete != "" {
		all = append(all, banner{"incomplete", "This run is incomplete: " + run.Incomplete + ". What it had measured by then is shown."})
	}
	for _, kind := range []string{Void, Inconclusive} {
		for _, c := range run.Cells {
			if c.Verdict == kind {
				all = append(all, banner{kind, c.Scenario + " " + c.label() + ": " + c.Why})
			}
		}
	}
	for i := range run.Proofs {
		if p := &run.Proofs[i]; p.Blind != "" {
			all = append(all, banner{"blind", p.Contest() + ": " + p.Blind})
		}
	}
	for _, w := range run.Machine.Warnings {
		all = append(all, banner{"warning", w})
	}
	for _, w := range warnings(run.Cells, func(c Cell) string { return c.Scenario + " " + c.label() }) {
		all = append(all, banner{"warning", w})
	}
	return all
}

// warnings says each warning once, after the names of the cells that it weakens.
func warnings(cells []Cell, name func(Cell) string) []string {
	var all []string
	of := map[string][]string{}
	for _, c := range cells {
		for _, w := range c.Warnings {
			if of[w] == nil {
				all = append(all, w)
			}
			of[w] = append(of[w], name(c))
		}
	}
	for i, w := range all {
		all[i] = strings.Join(of[w], ", ") + ": " + w
	}
	return all
}

func scenarioSections(dir string, run *Run, s Scenario, gs []group, details Details, plots []drawing) ([]section, error) {
	id := slug(s.Name)
	if len(gs) == 0 {
		return []section{{ID: id, Title: s.Name, Text: []string{s.Answers, "Asked for, and not measured."}}}, nil
	}
	var cells []*Cell
	head := section{ID: id, Title: s.Name, Text: append([]string{question(s)}, pacedText(s)...), Grids: []grid{summaryTable(run, gs, details)}}
	if s.pieces() {
		head.Grids = []grid{pieceTable(run, s, gs)}
	}
	head.Grids = append(head.Grids, measureTable(s, gs)...)
	hot := section{ID: id + "-hot", Title: s.Name + ": where the CPU time goes", Text: []string{
		"From a profile pass of its own, outside the timed rounds: the ten functions with the largest share in each style. The time is that share of the CPU time per operation of the timed rounds; after it, the difference to the baseline. A share alone misleads, for a style that costs more makes every share smaller. A function that only hands on, with no time of its own and a single callee in every style, is left out: its callee has the same time."}}
	for _, g := range gs {
		cells = append(cells, g.cells...)
		own := slices.DeleteFunc(slices.Clone(plots), func(p drawing) bool { return !slices.Contains(g.cells, p.of) })
		if len(own) > 0 {
			head.Plots = append(head.Plots, own)
		}
		grids, err := hotspots(dir, g, details.Profiles)
		if err != nil {
			return nil, err
		}
		hot.Grids = append(hot.Grids, grids...)
	}
	spent, err := resourceSection(dir, run, s, gs, details)
	if err != nil {
		return nil, err
	}
	all := append([]section{head}, spent...)
	if len(s.Claims) > 0 {
		all = append(all, section{ID: id + "-claims", Title: s.Name + ": claims and budgets", Grids: []grid{claimTable(run, s, details)}, Text: []string{
			"Each published figure against what was measured here. An answer other than inconclusive means that the whole 95 % interval lies inside the claimed range, above or below it; of a count, or of too few rounds for an interval, that every round does. An estimate made on another machine is not refuted by this one; its size is put to the test."}})
	}
	if len(s.Pairs) > 0 {
		all = append(all, section{ID: id + "-ablation", Title: s.Name + ": what each switch saves", Grids: []grid{ablationTable(run, s, details)}, Text: []string{
			"Two arms of the same rounds that differ by one switch. Saved is the time without it less the time with it, the median over rounds with its 95 % interval; below zero the switch costs."}})
	}
	if len(hot.Grids) > 0 {
		all = append(all, hot)
	}
	return append(all, roundSection(s, gs, cells, details)), nil
}

func roundSection(s Scenario, gs []group, cells []*Cell, details Details) section {
	out := section{ID: slug(s.Name) + "-rounds", Title: s.Name + ": all rounds", Folded: "Every round as it was measured",
		Text:  []string{"Turn is the place in the round's random order. The first table describes how the times of the rounds spread; the second is what all figures above come from."},
		Grids: []grid{spreadTable(cells, details), roundTable(cells, s.told(gs), details)}}
	if s.Paced { // how a clock's times spread says nothing
		out.Text, out.Grids = []string{"What all figures above come from. Turn is the place in the round's random order."}, out.Grids[1:]
	}
	return out
}

func question(s Scenario) string {
	op := s.Op
	if op == "" {
		op = "operation"
	}
	text := "One operation (op) is one " + op + "."
	if s.Answers != "" {
		text = s.Answers + " " + text
	}
	return text
}

// plotPath is where report.md finds a plot.
func plotPath(d drawing) string { return path.Join(plotsFolder, d.name+".svg") }
