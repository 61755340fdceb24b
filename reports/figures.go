package reports

import (
	"bytes"
	"fmt"
	"os"
)

// Markers between which Embed writes. They are comments in Markdown and HTML.
const (
	figuresBegin = "<!-- figures -->\n"
	figuresEnd   = "<!-- /figures -->"
)

// Embed writes the run's figures into a file that people read, between its
// markers, so that no figure there is typed by hand. A file without the markers, or
// a run that is incomplete or void, is an error and changes nothing.
func Embed(path string, run *Run) error {
	if run.Incomplete != "" {
		return fmt.Errorf("%s: not written: the run is incomplete: %s", path, run.Incomplete)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := bytes.Cut(text, []byte(figuresBegin))
	_, after, ends := bytes.Cut(rest, []byte(figuresEnd))
	if !begins || !ends {
		return fmt.Errorf("%s: has no lines %q and %q to write the figures between", path, figuresBegin[:len(figuresBegin)-1], figuresEnd)
	}
	figures, err := figuresTable(run)
	if err != nil {
		return fmt.Errorf("%s: not written: %w", path, err)
	}
	return writeFile(path, bytes.Join([][]byte{before, []byte(figuresBegin), figures, []byte(figuresEnd), after}, nil))
}

// figuresTable is the short form of the styles' comparison: no pieces of a whole.
func figuresTable(run *Run) ([]byte, error) {
	t := grid{Head: []string{"scenario", "style", "time/op", "ratio", "overhead/op", "CPU/op", "allocs/op"}, Text: []int{0, 1}}
	for _, g := range groups(run) {
		for i, c := range g.cells {
			if run.baseline(c.Scenario) != run.Baseline {
				continue
			}
			if c.Verdict == Void {
				return nil, fmt.Errorf("%s is void: %s", c.Key(), c.Why)
			}
			ratio, overhead := ratioEstimate(c.Ratio), overheadEstimate(c.OverheadNs)
			if c.Style == run.Baseline {
				ratio, overhead = "baseline", ""
			}
			perOp := timeEstimate(c.NsOp)
			if run.scenario(c.Scenario).Paced {
				perOp, overhead = "paced", ""
				if c.CPURatio != nil {
					ratio = "CPU " + cpuRatioText(c)
				}
			}
			t.Rows = append(t.Rows, row{Cells: []string{g.title, g.labels[i], perOp, ratio, overhead,
				nanoseconds(c.CPUNsOp.Median), figure(c.AllocsOp)}})
		}
	}
	var b bytes.Buffer
	t.markdown(&b)
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s, commit %s, effort %s, seed %d, %s.\n", mark(run.Machine.CPU), run.Machine.Cores,
		run.Machine.OS, run.Machine.Arch, run.Machine.Go, mark(run.Machine.Commit), run.Effort, run.Seed, run.Started.Format("2006-01-02"))
	for _, w := range run.Machine.Warnings {
		fmt.Fprintf(&b, "Warning: %s.\n", mark(w))
	}
	for i := range run.Proofs {
		if p := &run.Proofs[i]; p.Blind != "" {
			fmt.Fprintf(&b, "Blind: %s: %s.\n", mark(p.Contest()), mark(p.Blind))
		}
	}
	return b.Bytes(), nil
}
