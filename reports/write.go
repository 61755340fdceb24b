// Package reports turns results into reports for people: figures with intervals, tables,
// plots, a self-contained page, Go benchmark lines, and the comparison of two runs. It
// measures nothing and knows no player.
package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rubato/results"
)

// Write writes all files about a run to dir: the summary, the machine, the benchmark
// lines, the report as Markdown and as one HTML page, and the plots. Each file is written
// completely or not at all. The run must be Summarized. It writes nothing if a summary is there
// that tells more.
func Write(dir string, run *results.Run, details results.Details) error {
	details.Profiles = looked(dir, details.Profiles)
	if loses := results.Poorer(dir, run, details); len(loses) > 0 {
		summary := filepath.Join(dir, results.SummaryFile)
		return fmt.Errorf("%s stays as it is, with its report: what can be read here now lacks %s. To render that all the same, move %s and report.html away first",
			summary, strings.Join(loses, ", "), summary)
	}
	return writeFrom(dir, dir, run, details)
}

// Missing names what a past run lacks, its profiles in dir included.
func Missing(dir string, past results.Past) []string {
	lacks := slices.Clone(past.Lacks)
	for _, b := range lostProfiles(&results.Details{Profiles: looked(dir, past.Details.Profiles)}) {
		lacks = append(lacks, b.Text)
	}
	return lacks
}

// Page renders what can be shown of a past run, with what is missing, and writes nothing.
// Profiles are read from dir. The run must be Summarized.
func Page(dir string, past results.Past) ([]byte, error) {
	page, err := pageOf(dir, past)
	if err != nil {
		return nil, err
	}
	for i, lack := range past.Lacks {
		page.Banners = slices.Insert(page.Banners, i, banner{"missing", lack})
	}
	var b bytes.Buffer
	err = page.html(&b)
	return b.Bytes(), err
}

// pageOf is the report of a past run.
func pageOf(dir string, past results.Past) (*page, error) {
	if past.Run.Counted {
		return countedPage(past.Run), nil
	}
	details := runKept(past.Run, past.Details)
	details.Profiles = looked(dir, details.Profiles)
	plots, err := drawPlots(past.Run, details)
	if err != nil {
		return nil, err
	}
	return newPage(dir, past.Run, details, plots)
}

// writeFrom reads profiles from one folder and writes to another.
func writeFrom(from, dir string, run *results.Run, details results.Details) error {
	if err := os.MkdirAll(filepath.Join(dir, plotsFolder), 0o755); err != nil {
		return fmt.Errorf("make the folder of the report: %w", err)
	}
	fillEmptyLists(run)
	if err := results.WriteJSON(filepath.Join(dir, results.SummaryFile), results.SummaryJSON{Run: run, Profiles: details.Profiles}); err != nil {
		return err
	}
	if err := results.WriteJSON(filepath.Join(dir, "machine.json"), run.Machine); err != nil {
		return err
	}
	if run.Counted {
		return countedPage(run).write(dir)
	}
	details = runKept(run, details)
	details.Profiles = looked(from, details.Profiles)
	if err := writeWith(filepath.Join(dir, "bench.txt"), func(w *bytes.Buffer) error { return writeBench(w, run, details) }); err != nil {
		return err
	}
	plots, err := drawPlots(run, details)
	if err != nil {
		return err
	}
	for _, p := range plots {
		for ext, data := range map[string][]byte{".svg": p.svg, ".png": p.png} {
			if err := results.WriteFile(filepath.Join(dir, plotsFolder, p.name+ext), data); err != nil {
				return err
			}
		}
	}
	if err := writePerOperation(from, dir, run, details); err != nil {
		return err
	}
	page, err := newPage(from, run, details, plots)
	if err != nil {
		return err
	}
	return page.write(dir)
}

// write writes the page as Markdown and HTML.
func (p *page) write(dir string) error {
	if err := writeWith(filepath.Join(dir, "report.md"), p.markdown); err != nil {
		return err
	}
	return writeWith(filepath.Join(dir, results.ReportFile), p.html)
}

// fillEmptyLists makes empty lists [] in JSON instead of null.
func fillEmptyLists(run *results.Run) {
	run.Schema = results.Schema
	for _, c := range run.Arms() {
		c.Named = results.OrEmpty(c.Named)
		c.Warnings = results.OrEmpty(c.Warnings)
		if c.Options == nil {
			c.Options = map[string]string{}
		}
	}
	run.Command = results.OrEmpty(run.Command)
	run.Cells = results.OrEmpty(run.Cells)
	run.Scenarios = results.OrEmpty(run.Scenarios)
	run.Machine.Warnings = results.OrEmpty(run.Machine.Warnings)
}

func writeWith(path string, render func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return results.WriteFile(path, b.Bytes())
}

// markdown writes the section. Text from the run is escaped.
func (s section) markdown(w *bytes.Buffer) {
	fmt.Fprintf(w, "## %s\n\n", mark(s.Title))
	if s.Folded != "" {
		fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", mark(s.Folded))
	}
	for _, t := range s.Text {
		fmt.Fprintf(w, "%s\n\n", mark(t))
	}
	for _, g := range s.Grids {
		g.markdown(w)
	}
	for _, f := range slices.Concat(s.Plots...) {
		fmt.Fprintf(w, "![%s](%s)\n\n%s\n\n", mark(f.title), f.Path(), mark(f.caption))
	}
	if s.Folded != "" {
		fmt.Fprint(w, "</details>\n\n")
	}
}

// Markers between which Embed writes. They are comments in Markdown and HTML.
const (
	figuresBegin = "<!-- figures -->"
	figuresEnd   = "<!-- /figures -->"
)

// Figures is what stands before the figures in a file, and after them. A file without the
// markers is an error.
func Figures(path string) (before, after []byte, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	before, rest, begins := bytes.Cut(text, []byte(figuresBegin))
	_, after, ends := bytes.Cut(rest, []byte(figuresEnd))
	if !begins || !ends {
		return nil, nil, fmt.Errorf("%s: has no lines %q and %q to write the figures between", path, figuresBegin, figuresEnd)
	}
	return before, after, nil
}

// Embed writes the run's figures into a file, between its markers, so that nobody has to
// type figures by hand. A file without the markers, and an incomplete or invalid run, is
// an error and leaves the file unchanged.
func Embed(path string, run *results.Run) error {
	if run.Incomplete != "" {
		return fmt.Errorf("%s: not written: the run is incomplete: %s", path, run.Incomplete)
	}
	if run.Counted {
		return fmt.Errorf("%s: not written: the run counted and has no times", path)
	}
	before, after, err := Figures(path)
	if err != nil {
		return err
	}
	figures, err := figuresTable(run)
	if err != nil {
		return fmt.Errorf("%s: not written: %w", path, err)
	}
	return results.WriteFile(path, bytes.Join([][]byte{before, []byte(figuresBegin + "\n"), figures, []byte(figuresEnd), after}, nil))
}

// figuresTable is a short table of the styles, without scenarios of pieces.
func figuresTable(run *results.Run) ([]byte, error) {
	t := Grid{Head: []string{"scenario", "style", "time/op", "ratio", "overhead/op", "CPU/op", "allocs/op"}, Text: []int{0, 1}}
	for _, g := range groups(run) {
		for i, c := range g.cells {
			if run.BaselineIn(c.Scenario) != run.Baseline {
				continue
			}
			if c.Verdict == results.Invalid {
				return nil, fmt.Errorf("%s is invalid: %s", c.Key(), c.Why)
			}
			ratio, overhead := ratioEstimate(c.Ratio), overheadEstimate(c.OverheadNs)
			if c.Style == run.Baseline {
				ratio, overhead = "baseline", ""
			}
			perOp := timeEstimate(c.NsOp)
			if c.TypicalNsOp != nil {
				perOp = timeEstimate(*c.TypicalNsOp)
			}
			if run.Scenario(c.Scenario).Paced {
				perOp, overhead = "paced", ""
				if c.CPURatio != nil {
					ratio = "CPU " + cpuRatioText(c)
				}
			}
			t.Add("", g.title, g.labels[i], perOp, ratio, overhead, nanoseconds(c.CPUNsOp.Median), figure(c.AllocsOp))
		}
	}
	var b bytes.Buffer
	t.markdown(&b)
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s, commit %s, effort %s, seed %d, %s.\n", mark(run.Machine.CPU), run.Machine.Cores,
		run.Machine.OS, run.Machine.Arch, run.Machine.Go, mark(run.Machine.Commit), run.Effort, run.Seed, run.Started.Format("2006-01-02"))
	for _, w := range run.Machine.Warnings {
		fmt.Fprintf(&b, "Warning: %s.\n", mark(w))
	}
	for i := range run.Controls {
		if p := &run.Controls[i]; p.Insensitive != "" {
			fmt.Fprintf(&b, "Insensitive: %s: %s.\n", mark(p.Comparison()), mark(p.Insensitive))
		}
	}
	return b.Bytes(), nil
}

// Verify renders the run in dir again, elsewhere, from its raw results, and says what differs
// from the files in dir: what was changed by hand, is missing, or is not of this run. Nothing in
// dir is written. The run itself is read as Write's caller would.
func Verify(dir string, run *results.Run, details results.Details) (wrong []string, err error) {
	again, err := os.MkdirTemp("", "rubato-verify-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(again)) }()
	if err := writeFrom(dir, again, run, details); err != nil {
		return nil, err
	}
	if wrong, err = differences(again, dir); err != nil {
		return nil, err
	}
	for _, p := range details.Profiles {
		if !filepath.IsLocal(p.Path) {
			wrong = append(wrong, fmt.Sprintf("outside of the folder: %q", p.Path))
		} else if _, err := os.Stat(filepath.Join(dir, p.Path)); errors.Is(err, fs.ErrNotExist) {
			wrong = append(wrong, "missing: "+p.Path)
		}
	}
	return wrong, nil
}

// differences compares the files in want with those of the same names in got, and looks for plots
// that got has beyond them.
func differences(want, got string) (wrong []string, err error) {
	err = filepath.WalkDir(want, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(want, path) // it is inside
		expected, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := os.ReadFile(filepath.Join(got, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, "missing: "+filepath.ToSlash(name))
		case err != nil:
			return err
		case !bytes.Equal(found, expected):
			wrong = append(wrong, "changed: "+filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	plots, err := os.ReadDir(filepath.Join(got, plotsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, p := range plots {
		if _, err := os.Stat(filepath.Join(want, plotsFolder, p.Name())); errors.Is(err, fs.ErrNotExist) {
			wrong = append(wrong, "not of this run: "+plotsFolder+"/"+p.Name())
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}
