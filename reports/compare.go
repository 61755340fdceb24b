package reports

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/inference"
	"rubato/results"
)

// Invalid is the verdict of a Comparison in which some work differed. All other verdicts
// are those of package inference.
const Invalid inference.Verdict = "invalid"

// NotJudged is the verdict of a Change that is only shown.
const NotJudged inference.Verdict = "not judged"

// A Recorded is a finished run with its raw results and its path.
type Recorded struct {
	Path    string
	Run     *results.Run
	Details results.Details
}

// A Comparison is what changed from one run to another.
//
// Ratios to the baseline can be compared across machines, because in each round the
// baseline and the style ran on the same machine in the same state. Absolute figures are
// compared only if both runs are from one machine. Even one machine changes from day to
// day, so they do not decide the verdict unless the caller asks for it.
type Comparison struct {
	Schema      int               `json:"schema"`
	Old         Origin            `json:"old"`
	New         Origin            `json:"new"`
	Margin      float64           `json:"margin"`    // a relative change up to this counts as no change
	Otherwise   []string          `json:"otherwise"` // how the machines differ; empty for one machine
	Warnings    []string          `json:"warnings"`
	Ratios      []Change          `json:"ratios"`
	Absolute    []Change          `json:"absolute"` // empty if the machines differ
	NotCompared []NotCompared     `json:"not_compared"`
	OnlyOld     []string          `json:"only_old"` // keys of cells
	OnlyNew     []string          `json:"only_new"`
	Decides     string            `json:"decides"` // "ratios", or "ratios and absolute figures"
	Verdict     inference.Verdict `json:"verdict"` // within, over, inconclusive or invalid
	Why         string            `json:"why,omitempty"`
}

// What decides a Comparison.
const (
	decideRatios = "ratios"
	decideAll    = "ratios and absolute figures"
)

// An Origin identifies one of the two runs of a Comparison.
type Origin struct {
	Path    string    `json:"path"`
	Started time.Time `json:"started"`
	Commit  string    `json:"commit"`
	Dirty   bool      `json:"dirty"`
	Effort  string    `json:"effort"`
	Seed    uint64    `json:"seed"`
	Machine string    `json:"machine"`
	Go      string    `json:"go"`
}

// A NotCompared is a cell that is in both runs but cannot be compared.
type NotCompared struct {
	Cell string `json:"cell"`
	Why  string `json:"why"`
}

// A Change is one figure of one cell in both runs. If As is "factor", Change is new/old
// and 1 means no change. If As is "difference", Change is in Unit and 0 means no change.
type Change struct {
	Cell     string            `json:"cell"` // its key in the new run
	Scenario string            `json:"scenario"`
	Style    string            `json:"style"`
	Named    string            `json:"named,omitempty"` // options that are part of its name
	Quantity string            `json:"quantity"`        // as a Claim's: "ratio", "ns_op", "figure:NAME"
	Unit     string            `json:"unit"`            // one of Units, or "x" for a ratio
	Old      results.Estimate  `json:"old"`
	New      results.Estimate  `json:"new"`
	Rounds   [2]int            `json:"rounds"` // old, new; 0 if the rounds were not kept
	As       string            `json:"as"`
	Change   results.Estimate  `json:"change"`
	P        float64           `json:"p"` // of being worse by more than the margin: one-sided, adjusted by Holm
	Verdict  inference.Verdict `json:"verdict"`
	Why      string            `json:"why,omitempty"`
	Warnings []string          `json:"warnings"`

	worse float64 // the same p-value before the adjustment
}

// A Question is the input of Compare besides the runs.
type Question struct {
	Margin   float64 // a relative change up to this counts as no change; from 0 to under 1
	Absolute bool    // absolute figures decide, too; an error if the machines differ
}

// Compare compares the new run with the old one, cell by cell. Both must be Summarized.
func Compare(before, after Recorded, ask Question) (Comparison, error) {
	if !(ask.Margin >= 0 && ask.Margin < 1) {
		return Comparison{}, fmt.Errorf("margin %v: want a share from 0 to under 1, such as 0.02", ask.Margin)
	}
	c := Comparison{Schema: results.Schema, Old: before.origin(), New: after.origin(), Margin: ask.Margin, Decides: decideRatios,
		Otherwise: otherMachine(before.Run.Machine, after.Run.Machine), Warnings: settings(before.Run, after.Run),
		Ratios: []Change{}, Absolute: []Change{}, NotCompared: []NotCompared{}}
	if ask.Absolute {
		c.Decides = decideAll
		if len(c.Otherwise) > 0 {
			return Comparison{}, fmt.Errorf("absolute figures of different machines cannot be compared (%s): leave -absolute out, or measure both on one", c.Otherwise[0])
		}
	}
	matches, onlyOld, onlyNew := match(before.Run, after.Run)
	c.OnlyOld, c.OnlyNew = results.OrEmpty(onlyOld), results.OrEmpty(onlyNew)
	blocks := [2]map[string][]results.Block{before.blocks(), after.blocks()}
	for _, m := range matches {
		m.blocks, m.runs = blocks, [2]*results.Run{before.Run, after.Run}
		c.add(m)
	}
	if ask.Absolute {
		adjust(c.Ratios, c.Absolute)
	} else {
		adjust(c.Ratios)
		adjust(c.Absolute)
	}
	c.conclude(ask.Absolute)
	return c, nil
}

// blocks returns the run's blocks by cell, without the rounds that are left out.
func (r Recorded) blocks() map[string][]results.Block {
	return byCell(runKept(r.Run, r.Details).Blocks)
}

// add compares one cell.
func (c *Comparison) add(m matched) {
	if why := m.whyNotCompared(); why != "" {
		c.NotCompared = append(c.NotCompared, NotCompared{m.new.Key(), why})
		return
	}
	for _, p := range m.ratios() {
		c.Ratios = append(c.Ratios, m.change(p, c.Margin))
	}
	if len(c.Otherwise) > 0 {
		return
	}
	for _, p := range m.absolutes() {
		c.Absolute = append(c.Absolute, m.change(p, c.Margin))
	}
}

// conclude sets the worst verdict among the rows that decide.
func (c *Comparison) conclude(absolute bool) {
	rows := c.Ratios
	if absolute {
		rows = slices.Concat(c.Ratios, c.Absolute)
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Change) bool { return r.Verdict == NotJudged })
	seen := map[inference.Verdict]bool{}
	for _, r := range rows {
		seen[r.Verdict] = true
	}
	switch {
	case len(c.NotCompared) > 0:
		c.Verdict, c.Why = Invalid, "some work differed, so the other rows prove nothing"
	case seen[inference.Over]:
		c.Verdict = inference.Over
	case len(rows) == 0 && len(c.Absolute) > 0:
		c.Verdict, c.Why = inference.Inconclusive, "no ratio in both runs can be judged: -absolute lets absolute figures decide"
	case len(rows) == 0:
		c.Verdict, c.Why = inference.Inconclusive, "nothing in both runs can be judged: run the same scenarios and styles, with more rounds"
	case seen[inference.Inconclusive]:
		c.Verdict, c.Why = inference.Inconclusive, "more rounds narrow the intervals (run -full)"
	default:
		c.Verdict = inference.Within
	}
}

func (r Recorded) origin() Origin {
	m := r.Run.Machine
	return Origin{Path: r.Path, Started: r.Run.Started, Commit: m.Commit, Dirty: m.Dirty, Effort: r.Run.Effort,
		Seed: r.Run.Seed, Machine: fmt.Sprintf("%s, %d cores, %s/%s", m.CPU, m.Cores, m.OS, m.Arch), Go: m.Go}
}

// LoadRecorded reads and Summarizes a run for a comparison. The path is the run's folder,
// its results.json, its raw results, or a summary under any name.
func LoadRecorded(path string) (Recorded, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Recorded{}, fmt.Errorf("%w: give the folder of a run, or its %s", err, results.SummaryFile)
	}
	r := Recorded{Path: path}
	switch name := filepath.Base(path); {
	case info.IsDir():
		r.Run, r.Details, err = results.Load(path)
	case name == results.SummaryFile || name == results.RawFile:
		r.Run, r.Details, err = results.Load(filepath.Dir(path))
	case strings.HasSuffix(name, ".jsonl"):
		var lines results.Raw
		if lines, err = results.LoadRaw(path); err == nil {
			r.Run, err = lines.Run()
			r.Details = lines.Details
		}
	default:
		r.Run, _, err = results.LoadSummary(path)
	}
	if err != nil {
		return Recorded{}, err
	}
	Summarize(r.Run, r.Details)
	return r, nil
}

// otherMachine lists how the machines of two runs differ: the hardware, and how much of
// it the run could use. It cannot distinguish two machines of one model. The kernel, the
// governor and the Go version can change on one machine, so they are settings.
func otherMachine(a, b results.Machine) []string {
	out := []string{}
	add := func(what string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s: %s in OLD, %s in NEW", what, shown(a), shown(b)))
		}
	}
	add("CPU", a.CPU, b.CPU)
	add("cores", a.Cores, b.Cores)
	add("system", a.OS+"/"+a.Arch, b.OS+"/"+b.Arch)
	add("GOMAXPROCS", a.GOMAXPROCS, b.GOMAXPROCS)
	add("CPU quota", a.Quota, b.Quota)
	if x, y := float64(a.Memory), float64(b.Memory); math.Abs(x-y) > 0.1*max(x, y) { // kernels reserve different amounts
		add("memory", oneLine(memory(x)), oneLine(memory(y)))
	}
	return out
}

func shown(v any) string {
	if s := oneLine(fmt.Sprint(v)); s != "" {
		return s
	}
	return "unknown"
}

// settings returns warnings about differences between the runs other than the code, and
// the warnings of each run.
func settings(a, b *results.Run) []string {
	out := []string{}
	add := func(what string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s differs: %s in OLD, %s in NEW", what, shown(a), shown(b)))
		}
	}
	add("effort", a.Effort, b.Effort)
	add("-fresh", fmt.Sprint(a.Fresh), fmt.Sprint(b.Fresh))
	if a.Seed != b.Seed {
		out = append(out, fmt.Sprintf("the seed differs: %d in OLD, %d in NEW; the stimuli differ too, and the equivalence check across the runs was not possible (run both with one -seed)", a.Seed, b.Seed))
	}
	x, y := a.Machine, b.Machine
	add("Go", x.Go, y.Go)
	add("GOGC", x.GOGC, y.GOGC)
	if len(otherMachine(x, y)) == 0 {
		add("kernel", x.Kernel, y.Kernel)
		add("governor", x.Governor, y.Governor)
		add("turbo", x.Turbo, y.Turbo)
		add("throttling", x.Throttled, y.Throttled)
	}
	versions := map[string]string{}
	maps.Copy(versions, x.Versions)
	maps.Copy(versions, y.Versions)
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		add(name, x.Versions[name], y.Versions[name])
	}
	if d := math.Abs(x.Load[0] - y.Load[0]); d > float64(max(1, x.Cores, y.Cores))/4 {
		out = append(out, fmt.Sprintf("the load before the run differs: %.2f in OLD, %.2f in NEW", x.Load[0], y.Load[0]))
	}
	if x.Commit != "" && x.Commit != "unknown" && x.Commit == y.Commit && !x.Dirty && !y.Dirty {
		out = append(out, "both runs are of commit "+oneLine(x.Commit)+": no difference comes from the code")
	}
	return results.OrEmpty(slices.Concat(out, ownWarnings("OLD", a), ownWarnings("NEW", b)))
}

func ownWarnings(side string, r *results.Run) []string {
	var out []string
	if r.Incomplete != "" {
		out = append(out, "the run is incomplete: "+r.Incomplete)
	}
	out = append(out, r.Machine.Warnings...)
	for i := range out {
		out[i] = side + ": " + out[i]
	}
	return out
}
