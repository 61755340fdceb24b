package reports

import (
	"math"
	"slices"
	"strconv"

	"github.com/montanaflynn/stats"
)

// roundTable is every block of the cells, as it was measured, with the measures it
// told; also those of rounds that are left out, and why. Of a void cell it shows the
// work and no figure.
func roundTable(cells []*Cell, told []Measure, details Details) grid {
	g := grid{
		Head: []string{"cell", "round", "turn", "ops", "wall/op", "CPU/op", "allocs/op", "B/op", "GCs", "GC pause", "switches", "goroutines", "effects / expected"},
		Text: []int{0},
	}
	for _, m := range told {
		g.Head = append(g.Head, m.Name)
	}
	for _, c := range cells {
		for _, b := range roundsOf(c, details.everyBlock()) {
			work := count(b.Effects) + " / " + count(b.Expected)
			if b.Disturbed != "" {
				work += secondary + "left out: " + b.Disturbed
			}
			head := []string{c.label(), strconv.Itoa(b.Round), strconv.Itoa(b.Turn), count(int64(b.Ops))}
			if c.Verdict == Void {
				voids := slices.Repeat([]string{Void}, len(g.Head)-len(head)-1)
				g.Rows = append(g.Rows, row{slices.Insert(append(head, voids...), len(head)+8, work), Void})
				continue
			}
			n := float64(b.Ops)
			g.Rows = append(g.Rows, row{Cells: append(head,
				nanoseconds(float64(b.Wall)/n), nanoseconds(float64(b.User+b.System)/n),
				figure(float64(b.Allocs)/n), figure(float64(b.Bytes)/n),
				count(int64(b.GCs)), nanoseconds(float64(b.GCPause)),
				count(b.Voluntary+b.Involuntary), strconv.Itoa(b.Goroutines), work)})
			r := &g.Rows[len(g.Rows)-1]
			r.Cells = append(r.Cells, b.figuresOf(told)...)
		}
	}
	return g
}

// figuresOf are what the block told of these measures.
func (b Block) figuresOf(told []Measure) []string {
	var cells []string
	for _, m := range told {
		if v, ok := b.Figures[m.Name]; ok {
			cells = append(cells, m.Show(v))
		} else {
			cells = append(cells, noFigure)
		}
	}
	return cells
}

// spreadTable describes the round times: how steady the machine was.
func spreadTable(cells []*Cell, details Details) grid {
	g := grid{
		Head: []string{"cell", "rounds", "mean", "standard deviation", "least", "lower quarter", "upper quarter", "most"},
		Text: []int{0},
	}
	for _, c := range cells {
		if c.Verdict == Void {
			continue
		}
		var times stats.Float64Data
		for _, b := range roundsOf(c, details.Blocks) {
			times = append(times, float64(b.Wall)/float64(b.Ops))
		}
		if r, ok := spreadRow(times); ok {
			g.Rows = append(g.Rows, row{Cells: append([]string{c.label(), strconv.Itoa(len(times))}, r...)})
		}
	}
	return g
}

// spreadRow describes at least two times; of one there is no spread.
func spreadRow(times stats.Float64Data) ([]string, bool) {
	if len(times) < 2 {
		return nil, false
	}
	var cells []string
	for _, f := range []func(stats.Float64Data) (float64, error){
		stats.Mean, stats.StandardDeviationSample, stats.Min,
		func(t stats.Float64Data) (float64, error) { return stats.Percentile(t, 25) },
		func(t stats.Float64Data) (float64, error) { return stats.Percentile(t, 75) },
		stats.Max,
	} {
		v, err := f(times)
		if err != nil || math.IsNaN(v) {
			cells = append(cells, noFigure)
			continue
		}
		cells = append(cells, nanoseconds(v))
	}
	mean, _ := stats.Mean(times)
	deviation, _ := stats.StandardDeviationSample(times)
	cells[1] += " (" + percent(100*deviation/mean) + ")"
	return cells, true
}
