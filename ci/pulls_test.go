package ci

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// against adds the arms of another revision: each takes a factor less than the style now.
func (d *detector) against(slower map[string]float64, random *rand.Rand) {
	d.run.Against = &results.Revision{Asked: "merge-base", Commit: "0123abc"}
	for i := range d.run.Cells {
		c := &d.run.Cells[i]
		c.IdleParts = []float64{0.19, 0.2, 0.2, 0.21, 0.2, 0.2, 0.2, 0.2, 0.19, 0.2}
		before := c.Copy()
		before.Role = results.RoleBefore
		d.run.Changes = append(d.run.Changes, results.Change{Of: c.Key(), Before: before, Judged: []results.Judged{{Quantity: "ratio", Margin: 0.02}}})
		for _, now := range slices.Clone(d.details.Blocks) {
			if now.Cell == c.Key() {
				then := now
				then.Cell, then.Slices = before.Key(), slices.Clone(now.Slices)
				trial := 1 + 0.003*random.NormFloat64()
				retime(&then, func(int, time.Duration) time.Duration {
					return time.Duration(float64(now.Slices[random.IntN(len(now.Slices))]) * trial / slower[c.Style])
				})
				d.details.Blocks = append(d.details.Blocks, then)
			}
		}
	}
}

// worse changes the blocks of a style as it is now.
func (d *detector) worse(style string, change func(*results.Block)) {
	for i := range d.details.Blocks {
		if b := &d.details.Blocks[i]; strings.HasPrefix(b.Cell, "queue-low/"+style+"/passages") {
			change(b)
		}
	}
}

// TestPullRequests compares what a pull request shows of each kind of regression with a golden
// file. make rates shows that the real ones are like these.
func TestPullRequests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("rates/budgets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	none := map[string]float64{"direct": 1, "bus": 1}
	kept := func(bytes float64) func(*results.Block) { return func(b *results.Block) { b.KeptOp = &bytes } }
	var got strings.Builder
	for _, c := range []struct {
		name   string
		slower map[string]float64
		worse  func(*detector)
		want   int
	}{
		{"unchanged", none, func(*detector) {}, ExitWithin},
		{"+5 % in one style", map[string]float64{"direct": 1, "bus": 1.05}, func(*detector) {}, ExitOver},
		{"+10 % in what all styles share", map[string]float64{"direct": 1.1, "bus": 1.1}, func(*detector) {}, ExitOver},
		{"30 µs an operation in one style", map[string]float64{"direct": 1, "bus": 1.043}, func(*detector) {}, ExitOver},
		{"80 allocations an operation", none, func(d *detector) { d.worse("bus", func(b *results.Block) { b.Allocs += 80 * detectorTurns }) }, ExitOver},
		{"3 % idle CPU", none, func(d *detector) {
			c := &d.run.Cells[1]
			c.IdleCPU += 3
			c.IdleParts = slices.Clone(c.IdleParts)
			for i := range c.IdleParts {
				c.IdleParts[i] += 3
			}
		}, ExitOver},
		{"4 kB kept an operation", none, func(d *detector) { d.worse("bus", kept(4096)) }, ExitOver},
	} {
		random := rand.New(rand.NewPCG(7, 7))
		d := newDetector(random)
		d.budgets = strings.ReplaceAll(string(text), "SCENARIO", "queue-low")
		comment := filepath.Join(t.TempDir(), "comment.md")
		d.flags = []string{"-machine", "quiet", "-comment", comment}
		d.env = func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }
		for _, style := range []string{"direct", "bus"} {
			d.worse(style, kept(10))
		}
		d.against(c.slower, random)
		c.worse(d)
		code, said := d.judge(t)
		if code != c.want {
			t.Errorf("%s: exit %d, want %d\n%s", c.name, code, c.want, said)
		}
		shown, err := os.ReadFile(comment)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "# %s: exit %d\n\n%s", c.name, code, shown)
		for line := range strings.Lines(said) {
			if at := strings.Index(line, "budgets.yaml,line="); strings.HasPrefix(line, "::error ") && at > 0 {
				got.WriteString("::error file=" + line[at:]) // the folder is a temporary one
			}
		}
		got.WriteString("\n")
	}
	golden := filepath.Join("testdata", "pulls.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(got.String())) {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}
