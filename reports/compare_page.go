package reports

import (
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// WriteHTML leaves the comparison as a page in a file, whole or not at all.
func (c Comparison) WriteHTML(path string) error {
	p, err := c.page()
	if err != nil {
		return err
	}
	return writeWith(path, p.html)
}

// page has a drawing for each scenario, and what Text says.
func (c Comparison) page() (*page, error) {
	p := &page{Title: "What has changed", Lead: append(c.Lead(), c.rest()...)}
	changes := section{ID: "changes", Title: "The changes, drawn"}
	var scenarios []string
	for _, r := range c.Ratios {
		if !slices.Contains(scenarios, r.Scenario) {
			scenarios = append(scenarios, r.Scenario)
		}
	}
	for _, name := range scenarios {
		s, err := c.sketch(name)
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		d, err := s.draw()
		if err != nil {
			return nil, err
		}
		changes.Plots = append(changes.Plots, []drawing{d})
	}
	if len(changes.Plots) > 0 {
		p.Sections = append(p.Sections, changes)
	}
	for _, g := range c.tables() {
		p.Sections = append(p.Sections, section{ID: slug(g.Title), Title: g.Title, Grids: []grid{{Head: g.Head, Rows: g.Rows, Text: g.Text, Notes: g.Notes}}})
	}
	return p, nil
}

// sketch draws by how much a scenario's ratios changed; nil if none could be told.
func (c Comparison) sketch(scenario string) (*sketch, error) {
	p := newPlot(shortened(scenario, 60)+": change of the ratio to the baseline", "% more in NEW than in OLD (95 % interval)", "")
	p.Add(newGrid())
	var bars []*intervalBar
	var names []string
	ends := []float64{-100 * c.Margin, 100 * c.Margin}
	for _, r := range c.Ratios {
		if r.Scenario != scenario || r.Change.Median <= 0 {
			continue
		}
		percent := r.Change.mapped(func(ratio float64) float64 { return 100 * (ratio - 1) })
		bars = append(bars, &intervalBar{at: percent, row: float64(len(bars)), label: percentMore(r.Change.Median) + ", " + r.says(), colour: okabeIto[len(bars)%len(okabeIto)]})
		names = append(names, shortened(r.Named+" "+r.Style+" "+r.shownQuantity(), 28))
		if ends = append(ends, percent.Median); percent.Bounded() {
			ends = append(ends, percent.Lo, percent.Hi)
		}
	}
	if len(bars) == 0 {
		return nil, nil
	}
	for _, margin := range ends[:2] {
		line, err := plotter.NewLine(plotter.XYs{{X: margin, Y: -0.6}, {X: margin, Y: float64(len(bars)) - 0.4}})
		if err != nil {
			return nil, err
		}
		line.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
		p.Add(line)
	}
	return barSketch("changes", p, bars, names, ends,
		"Between the dashed lines is what counts as no change. A bar that reaches beyond both says nothing yet: give both runs more rounds.")
}
