package reports

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"rubato/results"
)

// withInstruments is the fixture with instruments in queue-low: the usual instruments together
// cost so much, the profile 10 %, the trace of bus 5 %.
func withInstruments(t *testing.T, usual float64) (*results.Run, results.Details) {
	run, d := fixture(t)
	random := rand.New(rand.NewPCG(3, 4))
	add := func(o results.Instrument, of int, role string, cost float64) {
		base := run.Cells[of]
		o.Base, o.Arm = base.Key(), results.Cell{Scenario: base.Scenario, Style: base.Style, Options: base.Options, Role: role}
		for _, b := range d.Blocks {
			if b.Cell == o.Base {
				d.Blocks = append(d.Blocks, fixtureBlock(t, o.Arm, b.Round, 3, float64(b.Wall)/float64(b.Ops)*cost, random))
			}
		}
		run.Instruments = append(run.Instruments, o)
	}
	add(results.Instrument{Name: "all usual instruments", Usual: true}, 0, results.RoleBare, 1/usual)
	add(results.Instrument{Name: "histogram", Usual: true}, 0, "without histogram", 1/usual)
	add(results.Instrument{Name: "profile", Added: true}, 0, "with profile", 1.1)
	add(results.Instrument{Name: "trace"}, 1, "without trace", 1/1.05)
	return run, d
}

func TestInstruments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		usual float64
		want  string
	}{{1.001, "within"}, {1.2, "over"}} {
		run, d := withInstruments(t, c.usual)
		Summarize(run, d)
		for i, want := range []float64{c.usual, c.usual, 1.1, 1.05} {
			o := run.Instruments[i]
			if o.Cost == nil || !o.Cost.Bounded() || o.Cost.Median < want*0.985 || o.Cost.Median > want*1.015 {
				t.Errorf("%s: cost %v, want about %v", o.Name, o.Cost, want)
			}
		}
		if got := run.Instruments[0].Verdict; got != c.want {
			t.Errorf("usual instruments cost %v: %s, want %s", c.usual, got, c.want)
		}
		if got := instrumentAnswer(&run.Instruments[2]); got != "costs" {
			t.Errorf("the profile %s", got)
		}
		for _, cell := range run.Cells {
			if cell.Role != "" {
				t.Errorf("%s stands among the cells", cell.Key())
			}
		}
	}
}

// An arm whose work differed has no cost, and its table says so.
func TestInstrumentsOfInvalid(t *testing.T) {
	t.Parallel()
	run, d := withInstruments(t, 1.001)
	for i := range d.Blocks {
		if d.Blocks[i].Cell == run.Instruments[2].Arm.Key() {
			d.Blocks[i].Effects--
		}
	}
	Summarize(run, d)
	if o := run.Instruments[2]; o.Cost != nil || !strings.HasPrefix(instrumentAnswer(&o), "invalid: ") {
		t.Errorf("cost %v, %s", o.Cost, instrumentAnswer(&o))
	}
	var text bytes.Buffer
	for _, s := range instrumentsSection(run) {
		s.markdown(&text)
	}
	for _, want := range []string{"What measuring costs", "invalid: ", "one by one, multiplied: ×1.00"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	if len(instrumentsSection(fixtureRun())) != 0 {
		t.Error("a run without -instruments has the section")
	}
}
