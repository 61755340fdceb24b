package reports

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"rubato/results"
)

// A page is the report before it becomes Markdown or HTML. Both have the same content, but for
// what only HTML can fold away.
type page struct {
	Title    string
	Said     []string // before all else, what each style costs
	Answer   Grid
	Bars     []Bar    // where the differences go
	Belief   []string // why to believe it
	Scope    []string // what it is about
	Banners  []banner // what weakens it
	Lead     []string
	Machine  Grid
	Sections []section
	Styles   []string // of the run, for the legend of their colours
	Palette  palette
}

type section struct {
	ID       string
	Title    string
	Scenario string // whose it is; "" is of all
	Text     []string
	Grids    []Grid
	Plots    [][]drawing // one list per comparison group
	Flames   []Flame     // on the page only
	Folded   string      // if not empty, the section is folded under this title
	Aside    int         // how far from the answer: 0, or one of the constants below
}

// How far a section is from the answer. What is aside is not printed; where there is too little
// room, what is furthest is left out first.
const (
	asideDetail = iota + 1
	asideFunctions
	asideRaw // every round: never in Markdown
)

// newPage builds the report. Profiles are read from dir; those that are lost are named, not read.
func newPage(dir string, run *results.Run, details results.Details, plots []drawing) (*page, error) {
	lost := lostProfiles(&details)
	p := &page{Title: "What the coupling costs", Said: sentences(run), Answer: answerTable(run), Belief: belief(run), Scope: scope(run),
		Banners: banners(run), Lead: lead(run), Machine: machineTable(run.Machine), Palette: paletteOf(run)}
	for _, c := range run.Cells {
		p.Styles = results.AddOnce(p.Styles, c.Style)
	}
	if len(run.Cells) == 0 {
		p.Lead = append(p.Lead, "No cell was measured: there is nothing to compare.")
	}
	p.Banners = append(p.Banners, lost...)
	p.Sections = append(p.Sections, controlsSection(run)...)
	p.Sections = append(p.Sections, verdictSection(run)...)
	p.Sections = append(p.Sections, questionSection(run, details)...)
	p.Sections = append(p.Sections, publishedSections(run, details)...)
	p.Sections = append(p.Sections, recommendationSection(run)...)
	p.Sections = append(p.Sections, breakEvenSection(run, plots)...)
	all := groups(run)
	books, err := booksOf(dir, run, details)
	if err != nil {
		return nil, err
	}
	var balances, switched []balance
	for _, g := range all {
		b, s := balancesOf(run, g, books)
		balances, switched = append(balances, b...), append(switched, s...)
	}
	p.Bars = bars(run, balances)
	p.Sections = slices.Insert(p.Sections, 0, changeSection(run, books)...)
	room := mostFlames
	for _, name := range scenarioNames(run) {
		gs := slices.DeleteFunc(slices.Clone(all), func(g group) bool { return g.scenario != name })
		sections, err := scenarioSections(dir, run, run.Scenario(name), gs, books, details, plots)
		if err != nil {
			return nil, err
		}
		sections = slices.Insert(sections, 1, balanceSection(name, balances, switched)...)
		sections = append(sections, flameSection(name, gs, books, &room)...)
		for i := range sections {
			sections[i].Scenario = name
		}
		p.Sections = append(p.Sections, sections...)
	}
	if split := conversationLines(run); len(split.Rows) > 0 {
		title := split.Title
		split.Title = ""
		p.Sections = append(p.Sections, section{ID: "conversation-alone", Title: title, Grids: []Grid{split}, Text: []string{
			"The conversation alone is the same calls, messages and records between the same parts; the parts answer from a recording instead of working. So the cost of a style stands on a base of a microsecond."}})
	}
	p.Sections = append(p.Sections, wireSection(run)...)
	if trials := trialLines(run); len(trials.Rows) > 0 {
		title := trials.Title
		trials.Title = ""
		p.Sections = append(p.Sections, section{ID: "trials", Aside: asideDetail, Title: title, Grids: []Grid{trials}, Text: []string{
			"Each trial starts new processes. They take turns, one slice each, in orders that are balanced for who follows whom. A ratio is the median over a trial's turns, and then the middle of the trials, with an interval by signed ranks; all-in is the mean of all operations.",
			"The numbers of turns are planned from the first trials: from the variances within and between them, and from what a trial costs to start."}})
	}
	p.Sections = append(p.Sections, equivalenceSection(run)...)
	p.Sections = append(p.Sections, instrumentsSection(run)...)
	p.Sections = append(p.Sections, howToRead(run))
	// Answer keeps all columns: findings reads them by their place.
	for _, s := range p.Sections {
		for i := range s.Grids {
			s.Grids[i].dropEmpty()
		}
	}
	p.nameSections()
	return p, nil
}

// nameSections makes the anchors unique: a scenario may be called like another section.
func (p *page) nameSections() {
	taken := map[string]bool{}
	for i := range p.Sections {
		p.Sections[i].ID = free(taken, p.Sections[i].ID)
	}
}

// scenarioNames lists the scenarios of the cells, then requested scenarios without cells.
func scenarioNames(run *results.Run) []string {
	var names []string
	for _, c := range run.Cells {
		names = results.AddOnce(names, c.Scenario)
	}
	for _, s := range run.Scenarios {
		names = results.AddOnce(names, s.Name)
	}
	return names
}

func lead(run *results.Run) []string {
	took := time.Duration(run.Seconds * float64(time.Second)).Round(time.Second)
	when := fmt.Sprintf("Started %s, took %v, effort %s, seed %d. Command: %s",
		run.Started.UTC().Format("2006-01-02 15:04:05 UTC"), took, run.Effort, run.Seed, strings.Join(run.Command, " "))
	return []string{when, processesText(run)}
}

// processesText says whether the intervals include differences between processes.
func processesText(run *results.Run) string {
	if run.Fresh {
		return "Where times are compared, each trial had new processes, so the intervals include the differences between processes."
	}
	return "Each arm had one process for all its rounds. Two processes of one program can differ by some percent for their whole lifetime, and no interval here includes that. So a ratio within 5 % of 1 may come from the processes alone. Later versions measure in trials, each with new processes."
}

func scenarioSections(dir string, run *results.Run, s results.Scenario, gs []group, books map[string]*book, details results.Details, plots []drawing) ([]section, error) {
	id := slug(s.Name)
	if len(gs) == 0 {
		return []section{{ID: id, Title: s.Name, Text: []string{s.Answers, "Requested, but not measured."}}}, nil
	}
	var cells []*results.Cell
	head := section{ID: id, Title: s.Name, Text: append([]string{question(run, s)}, pacedText(s)...), Grids: []Grid{summaryTable(run, gs, details)}}
	if s.Pieces() {
		head.Grids = []Grid{pieceTable(run, s, gs)}
	}
	head.Grids = append(head.Grids, measureTable(s, gs)...)
	hot := section{ID: id + "-hot", Aside: asideFunctions, Folded: "Functions, by their CPU time", Title: s.Name + ": where the CPU time goes", Text: []string{
		"From a separate profile pass, outside the timed rounds: the ten functions with the largest share in each style. The time is this share of the mean CPU time per operation in the timed rounds. Below it is the difference to the baseline with its interval, from the samples and the rounds; a row in which no difference is beyond noise is grey. What the harness does between blocks is left out. A share alone is misleading, because all shares shrink in a style that costs more. Functions that have no time of their own and a single callee in every style are left out, because the callee has the same time."}}
	for _, g := range gs {
		cells = append(cells, g.cells...)
		own := slices.DeleteFunc(slices.Clone(plots), func(p drawing) bool { return !slices.Contains(g.cells, p.of) })
		if len(own) > 0 {
			head.Plots = append(head.Plots, own)
		}
		hot.Grids = append(hot.Grids, hotspots(g, books)...)
	}
	spent, err := resourceSection(dir, run, s, gs, details)
	if err != nil {
		return nil, err
	}
	all := slices.Concat([]section{head}, cpuSection(s, gs, details), spent)
	all = append(all, factorSection(s, gs, details)...)
	if len(s.Pairs) > 0 {
		all = append(all, section{ID: id + "-ablation", Title: s.Name + ": what each switch saves", Grids: []Grid{ablationTable(run, s, details)}, Text: []string{
			"Two arms of the same rounds differ by one switch. Saved is the time without it minus the time with it: the median over rounds with its 95 % interval. Below zero, the switch costs time."}})
	}
	if len(hot.Grids) > 0 {
		all = append(all, hot)
	}
	return append(all, roundSection(s, gs, cells, details)), nil
}

func roundSection(s results.Scenario, gs []group, cells []*results.Cell, details results.Details) section {
	out := section{ID: slug(s.Name) + "-rounds", Title: s.Name + ": all rounds", Aside: asideRaw, Folded: "Every round as measured",
		Text:  []string{"Turn is the position in the round's random order. The first table shows the spread of the round times. The second has the data behind all figures above."},
		Grids: []Grid{spreadTable(cells, details), roundTable(cells, reportedMeasures(s, gs), details)}}
	if s.Paced { // the spread of times that a clock sets has no meaning
		out.Text, out.Grids = []string{"The data behind all figures above. Turn is the position in the round's random order."}, out.Grids[1:]
	}
	return out
}

// question is what the scenario answers, one operation, and what the settings mean in which its cells differ.
func question(run *results.Run, s results.Scenario) string {
	op := s.Op
	if op == "" {
		op = "operation"
	}
	text := "One operation (op) is one " + op + "."
	if s.Answers != "" {
		text = s.Answers + " " + text
	}
	for _, key := range s.Settings {
		if slices.ContainsFunc(run.Cells, func(c results.Cell) bool { return c.Scenario == s.Name && slices.Contains(c.Named, key.Name) }) {
			text += fmt.Sprintf(" Setting %s: %s.", key.Name, strings.TrimSuffix(key.Doc, "."))
		}
	}
	return text
}

func howToRead(run *results.Run) section {
	what, from := "rounds", "from order statistics, without assumptions about the distribution"
	repeated := fmt.Sprintf("Rounds. Each round measures every style once, in random order. The ratio is the median, over rounds, of a style's time divided by that of %s in the same round; the overhead is the median of the differences. A disturbance of some seconds affects both halves of a pair.", run.Baseline)
	if slices.ContainsFunc(run.Cells, func(c results.Cell) bool { return c.Trials != nil }) {
		what, from = "trials", "from order statistics, without assumptions about the distribution. That of a ratio or an overhead is by signed ranks, which assume that trials scatter symmetrically"
		repeated = fmt.Sprintf("Trials and turns. Each trial starts new processes. They take turns of about a millisecond. The ratio is the median, over the turns of a trial, of a style's time divided by that of %s in the same turn, and then the middle of all trials; the overhead is the same of the differences. A disturbance that lasts longer than a turn affects both halves of a pair. What a clock paces is measured in rounds instead: each round measures every style once.", run.Baseline)
	}
	return section{ID: "how-to-read", Title: "How to read this, and when not to trust it", Text: []string{
		repeated,
		fmt.Sprintf("Interval. The second line of a figure is its 95 %% interval, %s. It takes at least %d %s. It includes only what varied between the %[3]s of this run. Another build, day or machine can lie outside it.", from, roundsForInterval(), what),
		"Rounds left out. A round is left out for all styles if a process stopped for over half a second without using CPU, if the machine slept, if the clock was set, or if the CPU was slowed down: by heat, or by too low a voltage. A warning counts these rounds. A round is never left out because a style waits: waiting is a cost of the style. If more than a third of the rounds would be left out, the cell is invalid.",
		"Percentage and microseconds. A percentage depends on the length of the operation: 25 µs is 3 % of a slow operation and triples a fast one. The report gives both. For your own operation, use the microseconds.",
		"Same work. Effects are counted where they are durable, in every round. A cell with one effect too few or too many, or with a different transcript than the baseline, is invalid and shows no time. The clock stops at the last durable effect.",
		"Latency. p50 and p99 are of all operations of all rounds. The interval of a percentile assumes independent operations. Operations close in time are not independent, so the true interval is wider. In a closed loop, each operation waits for the one before, so a stall delays later operations and hides their latency. Only an open loop shows the latency under a given load.",
		"CPU. CPU per operation and CPU % are from cumulative times of the whole process tree. A style can take longer and use less CPU because it waits. It can also be faster and use more CPU because it works on several cores, or while idle. So the report shows both, and the idle CPU.",
		"Do not trust: a figure whose cell has a warning, before you read the warning; a difference smaller than the spread between two runs of this command; an absolute figure from another machine; benchstat on bench.txt for small differences, because it does not pair the rounds and so detects less than this report; a comparison of two reports made at different times, unless their intervals are far apart; many small differences at once, because of twenty true zeros one will look like a difference. The p-values in the table of verdicts account for that. Single intervals do not.",
	}}
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// ScriptHash names the script of the page for a security policy that permits no other.
func ScriptHash() string {
	sum := sha256.Sum256([]byte(pageJS))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// The page loads nothing from the network and runs no script but its own. Its security policy
// enforces this in case the escaping has a gap.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"css":   func() template.CSS { return template.CSS(paletteCSS() + pageCSS + plotCSS()) },
	"js":    func() template.JS { return template.JS(pageJS) },
	"hash":  ScriptHash,
	"slug":  slug,
	"plain": plain,
}).Parse(pageHTML))

// A shownGrid is a table on a page: with a caption, and the colours of the styles.
type shownGrid struct {
	Grid
	Caption string
}

// Shown is the grid under a heading, which is the caption of a table that has no title.
func (p *page) Shown(g Grid, heading string) shownGrid {
	g.colours = p.Palette
	return shownGrid{g, cmp.Or(g.Title, heading)}
}

// List reports whether each row is a list on a phone, so that nothing is off-screen.
func (g shownGrid) List() bool { return len(g.Head) > 4 && !g.Wide }

// Class is the class of a column's head.
func (g shownGrid) Class(column int, head string) string {
	if g.IsText(column) {
		return "text"
	}
	return g.colours.Class(head)
}

// A shownCell is a value of a shownGrid.
type shownCell struct{ Class, Head, Style, First, Second string }

// Cell is the value in a column.
func (g shownGrid) Cell(column int, value string) (c shownCell) {
	c.First, c.Second = lines(value)
	if g.IsText(column) {
		c.Class = "text"
	}
	if g.List() && value != "" {
		c.Head = g.Head[column]
	}
	if g.namesStyles(column) {
		c.Style = g.colours.Class(c.First)
	}
	return c
}

// lines splits a value into its first line and the rest.
func lines(s string) (first, second string) {
	first, second, _ = strings.Cut(s, secondary)
	return first, second
}

// slug is s as part of a file name or an anchor: lower-case letters, digits, hyphens.
func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	s = strings.Join(words, "-")
	if s == "" {
		s = "x"
	}
	return s[:min(len(s), 80)]
}

// What every text of a drawing says about its font; page.css says it once. A drawing has more
// digits than a screen has pixels.
var (
	textFont = regexp.MustCompile(`font-family:[^;]*;font-variant:normal;font-weight:normal;font-style:normal;`)
	digits   = regexp.MustCompile(`(\.\d)\d+`)
	pathData = regexp.MustCompile(` d="[^"]*"`)
)

// Inline is the drawing as part of a page, without the prolog and with no fixed size. The
// canvas escapes all text. Nothing else in it comes from the run.
func (d drawing) Inline() template.HTML {
	_, body, ok := bytes.Cut(d.svg, []byte("<svg"))
	if !ok {
		return ""
	}
	attributes, rest, _ := bytes.Cut(body, []byte(">"))
	if _, after, styled := bytes.Cut(rest, []byte("</style>")); styled { // the page has it once
		rest = after
	}
	kept := fixedSize.ReplaceAll(attributes, nil)
	rest = textFont.ReplaceAll(rest, nil)
	rest = pathData.ReplaceAllFunc(rest, func(path []byte) []byte { return digits.ReplaceAll(path, []byte("$1")) })
	return template.HTML(`<svg role="img" aria-label="` + template.HTMLEscapeString(plain(d.title)) + `"` + string(kept) + ">" + string(rest))
}

func (d drawing) Title() string   { return d.title }
func (d drawing) Caption() string { return d.caption }

// Path is the path of a plot, relative to report.md.
func (d drawing) Path() string { return path.Join(plotsFolder, d.name+".svg") }
