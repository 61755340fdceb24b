package ci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rubato/reports"
	"rubato/results"
)

// A detector is a run with its controls, from the blocks to the exit code of the gate. Here it
// is sabotaged: each of these must be noticed.
type detector struct {
	run     *results.Run
	details results.Details
	budgets string
	flags   []string            // of the gate
	env     func(string) string // of the build server
	shown   func(*results.Run)  // changes the summary after it was computed
	written func([]byte) []byte // changes results.jsonl
	summary func([]byte) []byte // changes results.json
}

// The arms of a detector, by their places in its details.
const (
	armDirect = iota
	armBus
	armAA
	armSlowdown
	arms
)

var armNames = [arms]string{"direct", "bus", "the A/A control", "the injected slowdown"}

const (
	detectorTrials = 12
	detectorTurns  = 40
	detectorOp     = 700_000 // ns, of direct
)

const detectorBudgets = `schema: 1
baseline: direct
require_controls: true
budgets:
  - name: the bus stays near direct
    scenario: queue-low
    style: bus
    options: {passages: 1000}
    limits: {ratio: 1.10}
    source: a test
`

// newDetector is a whole one: the bus takes 1 % more, the slowdown is 10 %, the trials of an arm
// differ by 0.3 % and their turns by 2 %.
func newDetector(random *rand.Rand) *detector {
	style := func(name, role string) results.Cell {
		c := results.Cell{Scenario: "queue-low", Style: name, Role: role, Named: []string{"passages"}, Options: map[string]string{"passages": "1000"},
			Trials: &results.Trials{}, IdleCPU: 0.2, Work: results.Work{Digest: "transcript"}, Equivalence: &results.Equivalence{Transcript: "transcript"}}
		if role == results.RoleSlowdown {
			c.Warnings = []string{}
		}
		return c
	}
	d := &detector{budgets: detectorBudgets, run: &results.Run{Schema: results.Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Effort: "quick", Baseline: "direct", Scenarios: []results.Scenario{{Name: "queue-low"}},
		Cells:    []results.Cell{style("direct", ""), style("bus", "")},
		Controls: []results.Controls{{AA: style("direct", results.RoleAA), Slowdown: style("direct", results.RoleSlowdown), Stage: "director", Share: 0.1, Confidence: reports.AAConfidence(1)}}}}
	cells := [arms]*results.Cell{&d.run.Cells[0], &d.run.Cells[1], &d.run.Controls[0].AA, &d.run.Controls[0].Slowdown}
	for trial := range detectorTrials {
		drift := 1 + 0.2*random.Float64() // of the machine, which all arms of a trial share
		for i, factor := range [arms]float64{1, 1.01, 1, 1.1} {
			d.details.Blocks = append(d.details.Blocks, detectorBlock(cells[i].Key(), trial, factor*drift*(1+0.003*random.NormFloat64()), random))
		}
	}
	return d
}

func detectorBlock(key string, trial int, factor float64, random *rand.Rand) results.Block {
	b := results.Block{Cell: key, Round: trial, Ops: detectorTurns, SliceOps: 1, Allocs: 400, Bytes: 16_000, RSSPeak: 30 << 20,
		Stimuli: detectorTurns, Effects: 4 * detectorTurns, Expected: 4 * detectorTurns, Digest: fmt.Sprint("effects ", trial)}
	for range detectorTurns {
		b.Slices = append(b.Slices, time.Duration(detectorOp*factor*(1+0.02*math.Abs(random.NormFloat64()))))
	}
	retime(&b, func(_ int, slice time.Duration) time.Duration { return slice })
	return b
}

// retime changes the slices of a block, and what they add up to.
func retime(b *results.Block, slice func(int, time.Duration) time.Duration) {
	b.Wall = 0
	for i := range b.Slices {
		b.Slices[i] = slice(i, b.Slices[i])
		b.Wall += b.Slices[i]
	}
	b.User, b.System = b.Wall*9/10, b.Wall/20
}

// blocks are those of an arm, by trial.
func (d *detector) blocks(arm int) (own []*results.Block) {
	for i := range d.details.Blocks {
		if i%arms == arm {
			own = append(own, &d.details.Blocks[i])
		}
	}
	return own
}

// scale multiplies the times of an arm.
func (d *detector) scale(arm int, factor float64) {
	for _, b := range d.blocks(arm) {
		retime(b, func(_ int, slice time.Duration) time.Duration { return time.Duration(factor * float64(slice)) })
	}
}

// exchange gives each of two arms the blocks of the other.
func (d *detector) exchange(a, b int) {
	ones, others := d.blocks(a), d.blocks(b)
	for i := range ones {
		ones[i].Cell, others[i].Cell = others[i].Cell, ones[i].Cell
	}
}

// repeat gives an arm the times of another.
func (d *detector) repeat(from, to int) {
	source, copies := d.blocks(from), d.blocks(to)
	for i := range source {
		key := copies[i].Cell
		*copies[i] = *source[i]
		copies[i].Cell, copies[i].Slices = key, slices.Clone(source[i].Slices)
	}
}

// drop removes blocks.
func (d *detector) drop(of func(trial, arm int) bool) {
	var kept []results.Block
	for i, b := range d.details.Blocks {
		if !of(b.Round, i%arms) {
			kept = append(kept, b)
		}
	}
	d.details.Blocks = kept
}

// judge writes the detector as a run does, and has the gate look at it.
func (d *detector) judge(t *testing.T) (code int, said string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	line := func(l results.Line) {
		if err := e.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	line(results.Line{Run: d.run})
	for i := range d.details.Blocks {
		line(results.Line{Block: &d.details.Blocks[i]})
	}
	reports.Summarize(d.run, d.details)
	line(results.Line{Run: d.run})
	if d.shown != nil {
		d.shown(d.run)
	}
	summary, err := json.Marshal(results.SummaryJSON{Run: d.run})
	if err != nil {
		t.Fatal(err)
	}
	data := raw.Bytes()
	if d.written != nil {
		data = d.written(data)
	}
	if d.summary != nil {
		summary = d.summary(summary)
	}
	if summary != nil {
		write(results.SummaryFile, summary)
	}
	if data != nil {
		write(results.RawFile, data)
	}
	write("budgets.yaml", []byte(d.budgets))
	var out, diagnostics bytes.Buffer
	code = Gate{Scenarios: []string{"queue-low", "message-log"}, Styles: []string{"direct", "bus", "nats"}, Env: d.env}.
		Main(append(d.flags, "-budgets", filepath.Join(dir, "budgets.yaml"), dir), &out, &diagnostics)
	return code, out.String() + diagnostics.String()
}
