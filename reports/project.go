package reports

import (
	"fmt"
	"io"
	"slices"

	"rubato/results"
)

// A Projection estimates times on a device on which only the baseline was measured. It is no
// measurement, and says so wherever it is shown.
//
// It is built on one measured factor for each comparison: what the baseline took on the device, by what
// it took here. A style's time here, times this factor, is its time there if the device slows
// the style as much as the baseline. A factor of a kernel that only computes was rejected: storage is
// most of a selection, and a microSD card is no processor. Without a run on the device there is no
// factor, and no time.
type Projection struct {
	Projection bool     `json:"PROJECTION"` // always true: no program shall take it for a measurement
	Here       Origin   `json:"here"`
	Device     *Origin  `json:"device"` // null: none was given
	Assumes    []string `json:"assumes"`
	Cells      []Likely `json:"cells"`
}

// A Likely is one style in one comparison.
type Likely struct {
	Scenario string            `json:"scenario"`
	Style    string            `json:"style"`
	Named    string            `json:"named,omitempty"`
	Here     results.Estimate  `json:"measured_here_ns_op"`
	Ratio    *results.Estimate `json:"ratio_measured_here"`      // null: the baseline
	Factor   *results.Estimate `json:"factor_measured_baseline"` // null: the device has not run the comparison
	Device   *results.Estimate `json:"projected_ns_op"`          // null without a factor, or if it was measured there
	Measured *results.Estimate `json:"measured_device_ns_op"`    // null: it was not
}

// Project estimates the times of a run's cells on the device of another run, which may be nil. Both
// must be Summarized. Invalid cells, and those that a clock paces, are left out.
func Project(here Recorded, device *Recorded) (Projection, error) {
	p := Projection{Projection: true, Here: here.origin(), Cells: []Likely{}, Assumes: []string{
		"A ratio is as measured on this machine, with its interval there. On the device it is another one: how much, only a run there says.",
	}}
	if device != nil {
		if len(otherMachine(here.Run.Machine, device.Run.Machine)) == 0 {
			return Projection{}, fmt.Errorf("%s and %s are of one machine: give a run on the device, or compare them with rubato compare", here.Path, device.Path)
		}
		of := device.origin()
		p.Device = &of
		p.Assumes = append(p.Assumes, "A projected time supposes that the device slows every style by the same factor as the baseline. Its interval knows of both runs' noise, and nothing of whether that holds.")
		if of.Commit != p.Here.Commit || of.Dirty || p.Here.Dirty {
			p.Assumes = append(p.Assumes, "The runs may be of two programs: build both from one commit without changes.")
		}
	} else {
		p.Assumes = append(p.Assumes, "No run on the device is given, so no time is projected. A run of the baseline there gives one for each comparison that it has.")
	}
	for _, c := range here.Run.Cells {
		base := results.BaselineOf(here.Run, c)
		if c.Verdict == results.Invalid || base == nil || base.Verdict == results.Invalid || here.Run.Scenario(c.Scenario).Paced {
			continue
		}
		l := Likely{Scenario: c.Scenario, Style: c.Style, Named: c.OptionsLabel(), Here: typicalTime(c), Ratio: c.Ratio}
		if device != nil {
			l.project(cellOf(device.Run, &c), cellOf(device.Run, base), typicalTime(*base))
		}
		p.Cells = append(p.Cells, l)
	}
	return p, nil
}

// project fills in what the device's run tells: the style's own time, or a factor.
func (l *Likely) project(own, base *results.Cell, here results.Estimate) {
	if own != nil {
		time := typicalTime(*own)
		l.Measured = &time
	}
	if base == nil || here.Median <= 0 {
		return
	}
	factor := quotient(typicalTime(*base), here)
	l.Factor = &factor
	if l.Measured == nil {
		time := product(l.Here, factor)
		l.Device = &time
	}
}

// typicalTime is the time per operation that ratios are of.
func typicalTime(c results.Cell) results.Estimate {
	if c.TypicalNsOp != nil {
		return *c.TypicalNsOp
	}
	return c.NsOp
}

// cellOf is the same cell in another run; nil: it has none that is valid.
func cellOf(run *results.Run, c *results.Cell) *results.Cell {
	i := slices.IndexFunc(run.Cells, func(o results.Cell) bool {
		return o.Key() == c.Key() && o.Verdict != results.Invalid
	})
	if i < 0 {
		return nil
	}
	return &run.Cells[i]
}

// product and quotient take the worst of both intervals: the runs are independent, and no
// narrower interval is worth a mistake here.
func product(a, b results.Estimate) results.Estimate {
	if !a.Bounded() || !b.Bounded() {
		return results.Unbounded(a.Median * b.Median)
	}
	return results.Estimate{Median: a.Median * b.Median, Lo: a.Lo * b.Lo, Hi: a.Hi * b.Hi}
}

func quotient(a, b results.Estimate) results.Estimate {
	if !a.Bounded() || !b.Bounded() || b.Lo <= 0 {
		return results.Unbounded(a.Median / b.Median)
	}
	return results.Estimate{Median: a.Median / b.Median, Lo: a.Lo / b.Hi, Hi: a.Hi / b.Lo}
}

// Text writes the projection as plain text.
func (p Projection) Text(w io.Writer) error {
	device := "no run on a device"
	if p.Device != nil {
		device = p.Device.Machine
	}
	g := Grid{Title: "PROJECTION, not a measurement: " + p.Here.Machine + " → " + device, Text: []int{0, 1, 5},
		Head:  []string{"comparison", "style", "time here", "ratio measured here", "factor", "PROJECTED time there"},
		Notes: p.Assumes}
	optional := func(e *results.Estimate, show func(float64) string) string {
		if e == nil {
			return noFigure
		}
		return ranged(*e, show)
	}
	for _, l := range p.Cells {
		there := optional(l.Device, nanoseconds)
		if l.Measured != nil {
			there = "measured there: " + ranged(*l.Measured, nanoseconds)
		}
		g.Add("", l.Scenario+" "+l.Named, l.Style, ranged(l.Here, nanoseconds), optional(l.Ratio, times), optional(l.Factor, times), there)
	}
	_, err := io.WriteString(w, g.Terminal())
	return err
}
