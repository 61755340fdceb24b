package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Measure is a figure beside time that a scenario's workloads tell of each block:
// underruns, lateness, memory, messages lost.
type Measure struct {
	Name   string `json:"name"` // "p99 late"; also that of its series, if it has one
	Doc    string `json:"doc"`
	Unit   string `json:"unit"`             // of Units
	Better string `json:"better,omitempty"` // "less", "more", or "" when neither is
}

// Units are those that a Measure may have: "" is a count, "ns" a time, "bytes"
// memory, "%" a share in percent, "/s" a rate, "x" a ratio.
//
// A count is of what is rare, such as messages lost: its median would hide the round
// in which some were. So it is shown with its least and most round, and a claim or a
// budget of it holds when it holds in every round.
var Units = []string{"", "ns", "bytes", "%", "/s", "x"}

// A Point is a value at a time since its block began.
type Point struct {
	At    time.Duration `json:"at"`
	Value float64       `json:"value"`
}

// A Span is the least and the most of a figure over the rounds of a cell.
type Span struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// Show is a value of the measure, with its unit.
func (m Measure) Show(v float64) string {
	switch m.Unit {
	case "ns":
		return nanoseconds(v)
	case "bytes":
		return memory(v)
	case "%":
		return percent(v)
	case "/s":
		return figure(v) + "/s"
	case "x":
		return "×" + ratio(v)
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return count(int64(v))
	}
	return figure(v)
}

// Judged is what a claim or a budget of the measure is held against: the interval
// or, byRound, the least and the most round.
func (m Measure) Judged(e Estimate, s Span) (judged Estimate, byRound bool) {
	if m.Unit == "" || !e.Bounded() {
		return Estimate{e.Median, s.Least, s.Most}, true
	}
	return e, false
}

// Brief is the median and, after it, what it is judged by: [the 95 % interval], or the
// least to the most round.
func (m Measure) Brief(e Estimate, s Span, rounds int) string {
	judged, byRound := m.Judged(e, s)
	lo, hi := m.Show(judged.Lo), m.Show(judged.Hi)
	switch {
	case !byRound:
		return m.Show(e.Median) + " [" + lo + ", " + hi + "]"
	case rounds == 1 || lo == hi:
		return m.Show(e.Median)
	}
	return m.Show(e.Median) + ", " + lo + " to " + hi
}

// estimate is the median and, on a line of its own, what it is judged by.
func (m Measure) estimate(e Estimate, s Span, rounds int) string {
	judged, byRound := m.Judged(e, s)
	text := m.Show(e.Median) + secondary
	switch {
	case !byRound:
		return text + interval(judged, 1, "", m.Show)
	case rounds == 1:
		return text + oneRound
	}
	text += m.Show(s.Least) + " to " + m.Show(s.Most) + " in " + plural(rounds, "round")
	if !e.Bounded() {
		text += ", no interval"
	}
	return text
}

// oneRound is said beside a figure that nothing is known of the spread of.
const oneRound = "1 round, no interval"

// benchUnit is the measure as a unit of Go benchmark lines: "p99-late-ns".
func (m Measure) benchUnit() string {
	name := slug(m.Name)
	switch m.Unit {
	case "ns":
		return name + "-ns"
	case "bytes":
		return name + "-B"
	case "%":
		return name + "-pct"
	case "/s":
		return name + "/s"
	case "x":
		return name + "-x"
	}
	return name
}

// Sound says what is wrong with the measure, if anything.
func (m Measure) Sound() error {
	switch {
	case strings.TrimSpace(m.Name) == "" || m.Name != strings.TrimSpace(m.Name):
		return fmt.Errorf("measure %q: want a name, with no space around it", m.Name)
	case !slices.Contains(Units, m.Unit):
		return fmt.Errorf("measure %s: unit %q is none of %q", m.Name, m.Unit, Units)
	case m.Better != "" && m.Better != "less" && m.Better != "more":
		return fmt.Errorf("measure %s: better %q: want less, more or nothing", m.Name, m.Better)
	}
	return nil
}

// measure is the scenario's of that name.
func (s Scenario) measure(name string) (Measure, bool) {
	i := slices.IndexFunc(s.Measures, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		return Measure{}, false
	}
	return s.Measures[i], true
}

// figures fills Figures and Spans from the blocks that have them: a figure that a
// round does not tell is of the others.
func (c *Cell) figures(blocks []Block, own estimator) error {
	values := map[string][]float64{}
	for _, b := range blocks {
		for name, v := range b.Figures {
			values[name] = append(values[name], v)
		}
	}
	c.Figures, c.Spans = nil, nil
	if len(values) == 0 {
		return nil
	}
	c.Figures, c.Spans = map[string]Estimate{}, map[string]Span{}
	for name, of := range values {
		e, err := own(of)
		if err != nil {
			return fmt.Errorf("figure %s: %w", name, err)
		}
		c.Figures[name], c.Spans[name] = e, Span{slices.Min(of), slices.Max(of)}
	}
	return nil
}

// memoryUnit is the binary unit in which an amount of bytes reads best.
func memoryUnit(bytes float64) (scale float64, unit string) {
	scale, unit = 1, "B"
	for _, larger := range []string{"KiB", "MiB", "GiB"} {
		if math.Abs(bytes/scale) >= 1023.5 {
			scale, unit = scale*1024, larger
		}
	}
	return scale, unit
}

func memory(bytes float64) string {
	scale, unit := memoryUnit(bytes)
	return figure(bytes/scale) + noBreak + unit
}
