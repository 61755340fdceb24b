package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
)

// writeBench writes one Go benchmark line a cell and round, rounds in order, so
// that benchstat pools what belongs together. A void cell has none: a comment says why.
func writeBench(w io.Writer, run *Run, details Details) error {
	for i := range run.Cells {
		if c := &run.Cells[i]; c.Verdict == Void {
			if _, err := fmt.Fprintf(w, "# void: %s: %s\n", oneLine(c.Key()), oneLine(c.Why)); err != nil {
				return err
			}
		}
	}
	out := benchfmt.NewWriter(w)
	config := benchConfig(run.Machine)
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Verdict == Void {
			continue
		}
		s := run.scenario(c.Scenario)
		for _, b := range roundsOf(c, details.Blocks) {
			values, err := benchValues(s, b)
			if err != nil {
				return fmt.Errorf("cell %s: %w", c.Key(), err)
			}
			if err := out.Write(&benchfmt.Result{Config: config, Name: benchName(c, s.armKey(), run.Machine.GOMAXPROCS), Iters: b.Ops, Values: values}); err != nil {
				return err
			}
		}
	}
	return nil
}

// roundsOf is the cell's blocks by round.
func roundsOf(c *Cell, blocks []Block) []Block {
	key := c.Key()
	var own []Block
	for _, b := range blocks {
		if b.Cell == key {
			own = append(own, b)
		}
	}
	slices.SortStableFunc(own, func(a, b Block) int { return a.Round - b.Round })
	return own
}

func benchConfig(m Machine) []benchfmt.Config {
	var all []benchfmt.Config
	for _, kv := range [][2]string{{"goos", m.OS}, {"goarch", m.Arch}, {"pkg", "rubato"}, {"cpu", m.CPU}} {
		if v := oneLine(kv[1]); v != "" {
			all = append(all, benchfmt.Config{Key: kv[0], Value: []byte(v), File: true})
		}
	}
	return all
}

func benchName(c *Cell, arm string, procs int) benchfmt.Name {
	name := camel(c.Scenario) + "/" + benchPart(arm) + "=" + benchPart(c.Style)
	for _, k := range c.Named {
		name += "/" + benchPart(k) + "=" + benchPart(c.Options[k])
	}
	if procs > 0 {
		name += fmt.Sprintf("-%d", procs)
	}
	return benchfmt.Name(name)
}

func benchValues(s Scenario, b Block) ([]benchfmt.Value, error) {
	n := float64(b.Ops)
	latency, err := decodeLatency(b)
	if err != nil {
		return nil, err
	}
	var values []benchfmt.Value
	add := func(v float64, unit string) { values = append(values, benchfmt.Value{Value: v, Unit: unit}) }
	if !s.Paced { // there a clock decides it, and benchstat would compare it
		add(float64(b.Wall)/n, "ns/op")
	}
	if latency != nil && latency.TotalCount() > 0 {
		add(float64(latency.ValueAtPercentile(50)), "p50-ns/op")
		add(float64(latency.ValueAtPercentile(95)), "p95-ns/op")
		add(float64(latency.ValueAtPercentile(99)), "p99-ns/op")
	}
	add(float64(b.User+b.System)/n, "cpu-ns/op")
	add(float64(b.Bytes)/n, "B/op")
	add(float64(b.Allocs)/n, "allocs/op")
	for _, r := range resourceList {
		if used, told := r.of(b); told && r.unit != "" {
			add(used/n, r.unit)
		}
	}
	for _, m := range s.Measures {
		if v, told := b.Figures[m.Name]; told {
			add(v, m.benchUnit())
		}
	}
	return values, nil
}

// camel is "queue-low" as a benchmark's name: QueueLow.
func camel(s string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		runes := []rune(word)
		runes[0] = unicode.ToUpper(runes[0])
		b.WriteString(string(runes))
	}
	return b.String()
}

// benchPart keeps what would end a part of a benchmark's name out of it.
func benchPart(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == '=' {
			return '_'
		}
		return r
	}, s)
}
