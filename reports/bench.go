package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"

	"rubato/results"
)

// writeBench writes one Go benchmark line per cell and round, in the order of rounds, so
// that benchstat groups them correctly. An invalid cell has a comment that says why.
func writeBench(w io.Writer, run *results.Run, details results.Details) error {
	for i := range run.Cells {
		if c := &run.Cells[i]; c.Verdict == results.Invalid {
			if _, err := fmt.Fprintf(w, "# invalid: %s: %s\n", oneLine(c.Key()), oneLine(c.Why)); err != nil {
				return err
			}
		}
	}
	out := benchfmt.NewWriter(w)
	config := benchConfig(run.Machine)
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Verdict == results.Invalid {
			continue
		}
		s := run.Scenario(c.Scenario)
		for _, b := range roundsOf(c, details.Blocks) {
			values, err := benchValues(s, b)
			if err != nil {
				return fmt.Errorf("cell %s: %w", c.Key(), err)
			}
			if err := out.Write(&benchfmt.Result{Config: config, Name: benchName(c, s.ArmWord(), run.Machine.GOMAXPROCS), Iters: b.Ops, Values: values}); err != nil {
				return err
			}
		}
	}
	return nil
}

// roundsOf returns the cell's blocks in the order of rounds.
func roundsOf(c *results.Cell, blocks []results.Block) []results.Block {
	key := c.Key()
	var own []results.Block
	for _, b := range blocks {
		if b.Cell == key {
			own = append(own, b)
		}
	}
	slices.SortStableFunc(own, func(a, b results.Block) int { return a.Round - b.Round })
	return own
}

func benchConfig(m results.Machine) []benchfmt.Config {
	var all []benchfmt.Config
	for _, kv := range [][2]string{{"goos", m.OS}, {"goarch", m.Arch}, {"pkg", mainModule}, {"cpu", m.CPU}} {
		if v := oneLine(kv[1]); v != "" {
			all = append(all, benchfmt.Config{Key: kv[0], Value: []byte(v), File: true})
		}
	}
	return all
}

func benchName(c *results.Cell, arm string, procs int) benchfmt.Name {
	name := camel(c.Scenario) + "/" + benchPart(arm) + "=" + benchPart(c.Style)
	for _, k := range c.Named {
		name += "/" + benchPart(k) + "=" + benchPart(c.Options[k])
	}
	if procs > 0 {
		name += fmt.Sprintf("-%d", procs)
	}
	return benchfmt.Name(name)
}

func benchValues(s results.Scenario, b results.Block) ([]benchfmt.Value, error) {
	latency, err := results.DecodeLatency(b)
	if err != nil {
		return nil, err
	}
	var values []benchfmt.Value
	add := func(v float64, unit string) { values = append(values, benchfmt.Value{Value: v, Unit: unit}) }
	for _, m := range results.Metrics {
		switch v, known := m.Round(&b); {
		case m.Bench == "", m.Name == "ns_op" && s.Paced: // a clock sets this time, and benchstat would compare it
		case known:
			add(v, m.Bench)
		case m.Quantile > 0 && latency != nil && latency.TotalCount() > 0:
			add(float64(latency.ValueAtPercentile(m.Quantile)), m.Bench)
		}
	}
	for _, m := range s.Measures {
		if v, known := m.Metric().Round(&b); known {
			add(v, benchUnit(m))
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

// benchPart replaces characters that would end a part of a benchmark's name.
func benchPart(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == '=' {
			return '_'
		}
		return r
	}, s)
}
