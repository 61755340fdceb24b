package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resourceSection is what each style used, side by side; none when all cells are void.
func resourceSection(dir string, run *Run, s Scenario, gs []group, details Details) ([]section, error) {
	if s.pieces() {
		return nil, nil // they are too many to stand side by side
	}
	out := section{ID: slug(s.Name) + "-resources", Title: s.Name + ": resources", Text: []string{
		"Means per operation over the timed rounds, of the process that worked and of all that it started; below each, the difference to the baseline. CPU of a core is over its windows, RSS the largest of a round."}}
	for _, g := range gs {
		if t := resourceTable(g, details); len(t.Rows) > 0 {
			out.Grids = append(out.Grids, t)
		}
		t, err := ownerTable(dir, run, g, details.Profiles)
		if err != nil {
			return nil, err
		}
		if len(t.Rows) > 0 {
			out.Grids = append(out.Grids, t)
		}
	}
	if len(out.Grids) == 0 {
		return nil, nil
	}
	for _, what := range slices.Sorted(maps.Keys(run.Machine.Untold)) {
		out.Text = append(out.Text, fmt.Sprintf("No %s: %s.", what, run.Machine.Untold[what]))
	}
	return []section{out}, nil
}

// A quantityRow is a row of the table of resources.
type quantityRow struct {
	title        string
	of           func(*Cell) (float64, bool)
	show, signed func(float64) string
}

// resourceRows are those of all cells of a group: what only some tell is a row, too.
func resourceRows(cells []*Cell, details Details) []quantityRow {
	always := func(of func(*Cell) float64) func(*Cell) (float64, bool) {
		return func(c *Cell) (float64, bool) { return of(c), true }
	}
	rows := []quantityRow{
		{"CPU, user", always(func(c *Cell) float64 { return c.UserNsOp }), nanoseconds, signedTime},
		{"CPU, system", always(func(c *Cell) float64 { return c.SystemNsOp }), nanoseconds, signedTime},
	}
	spent := func(name, title string, show, signed func(float64) string) {
		rows = append(rows, quantityRow{title, func(c *Cell) (float64, bool) { v, told := c.Spent[name]; return v, told }, show, signed})
	}
	for _, name := range apartNames(cells) {
		spent(name, "CPU of "+strings.TrimPrefix(name, apartName), nanoseconds, signedTime)
	}
	rows = append(rows,
		quantityRow{"CPU of a core, active", always(func(c *Cell) float64 { return c.ActiveCPU }), percent, signedPercent},
		quantityRow{"CPU of a core, idle", func(c *Cell) (float64, bool) { return c.IdleCPU, idleText(c, details) != noFigure }, percent, signedPercent},
		quantityRow{"RSS, peak", func(c *Cell) (float64, bool) { return float64(c.RSSPeak), c.RSSPeak > 0 }, mebibytes, signedMebibytes},
		quantityRow{"allocations", always(func(c *Cell) float64 { return c.AllocsOp }), figure, signed},
		quantityRow{"bytes allocated", always(func(c *Cell) float64 { return c.BytesOp }), figure, signedFigure})
	for _, r := range resourceList {
		spent(r.name, r.title, r.show, r.signed)
	}
	return rows
}

// apartNames are the processes that the cells' styles started.
func apartNames(cells []*Cell) []string {
	names := map[string]bool{}
	for _, c := range cells {
		for name := range c.Spent {
			if strings.HasPrefix(name, apartName) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func signedFigure(x float64) string    { return signed(x) }
func signedPercent(x float64) string   { return signed(x) + noBreak + "points" }
func signedMebibytes(x float64) string { return signed(x/(1<<20)) + noBreak + "MiB" }

// resourceTable has a column a style.
func resourceTable(g group, details Details) grid {
	t := grid{Title: g.title, Head: []string{"per operation"}, Text: []int{0}}
	var cells []*Cell
	for i, c := range g.cells {
		if c.Verdict != Void {
			cells = append(cells, c)
			t.Head = append(t.Head, g.labels[i])
		}
	}
	for _, q := range resourceRows(cells, details) {
		texts, any := []string{q.title}, false
		for _, c := range cells {
			text := noFigure
			if value, told := q.of(c); told {
				text, any = q.show(value)+q.difference(g.baseline, c, value), true
			}
			texts = append(texts, text)
		}
		if any {
			t.Rows = append(t.Rows, row{Cells: texts})
		}
	}
	return t
}

// difference is that to the baseline, as the second line of a value.
func (q quantityRow) difference(base, c *Cell, value float64) string {
	if base == nil || base == c || base.Verdict == Void {
		return ""
	}
	of, told := q.of(base)
	if !told {
		return ""
	}
	return secondary + q.signed(value-of)
}
