package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"rubato/results"
)

// timedOn is a run of two styles whose times are given.
func timedOn(cpu string, direct, bus results.Estimate) Recorded {
	run, _, _ := pairOf()
	run.Machine.CPU = cpu
	for i, time := range []results.Estimate{direct, bus} {
		c := &run.Cells[i]
		c.Verdict, c.TypicalNsOp = results.Measured, &time
	}
	run.Cells[1].Ratio = &results.Estimate{Median: 1.5, Lo: 1.4, Hi: 1.6}
	return Recorded{Path: cpu, Run: run}
}

func TestProject(t *testing.T) {
	t.Parallel()
	here := timedOn("workstation", results.Estimate{Median: 100, Lo: 90, Hi: 125}, results.Estimate{Median: 150, Lo: 140, Hi: 160})
	alone, err := Project(here, nil)
	if err != nil || len(alone.Cells) != 2 || !alone.Projection {
		t.Fatalf("%+v, %v", alone, err)
	}
	for _, l := range alone.Cells {
		if l.Factor != nil || l.Device != nil || l.Measured != nil || l.Here.Median < 100 || (l.Ratio == nil) != (l.Style == "direct") {
			t.Errorf("without a device: %+v", l)
		}
	}
	device := timedOn("board", results.Estimate{Median: 1000, Lo: 900, Hi: 1250}, results.Estimate{})
	device.Run.Cells = device.Run.Cells[:1]
	p, err := Project(here, &device)
	if err != nil || len(p.Cells) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	// 1000/100 is 10; its lowest is 900/125, its highest 1250/90. The bus: 150·10, 140·7.2, 160·13.88…
	bus := p.Cells[1]
	if bus.Measured != nil || bus.Factor == nil || bus.Factor.Median != 10 || bus.Device == nil || bus.Device.Median != 1500 ||
		math.Abs(bus.Device.Lo-1008) > 1e-9 || math.Abs(bus.Device.Hi-2222.2222222) > 1e-6 {
		t.Errorf("bus: %+v, factor %v, there %v", bus, bus.Factor, bus.Device)
	}
	if direct := p.Cells[0]; direct.Device != nil || direct.Measured == nil || direct.Measured.Median != 1000 {
		t.Errorf("what was measured is projected: %+v", direct)
	}
	var text bytes.Buffer
	if err := p.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"PROJECTION, not a measurement: workstation", "→ board", "PROJECTED time there", "measured there: 1.00", "same factor as the baseline", "×10"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("the text lacks %q:\n%s", part, text.String())
		}
	}
	data, err := json.Marshal(p)
	var read map[string]any
	if err = errors.Join(err, json.Unmarshal(data, &read)); err != nil || read["PROJECTION"] != true {
		t.Errorf("%v: %s", err, data)
	}
}

func TestProjectRefuses(t *testing.T) {
	t.Parallel()
	of := func(cpu string) Recorded {
		return timedOn(cpu, results.Estimate{Median: 100, Lo: 90, Hi: 110}, results.Unbounded(150))
	}
	here, same := of("workstation"), of("workstation")
	if _, err := Project(here, &same); err == nil || !strings.Contains(err.Error(), "of one machine") {
		t.Errorf("a device that is this machine: %v", err)
	}
	device := of("board")
	device.Run.Cells[0].Verdict = results.Invalid
	device.Run.Cells = device.Run.Cells[:1]
	p, err := Project(here, &device)
	if err != nil || p.Cells[1].Factor != nil || p.Cells[1].Device != nil {
		t.Errorf("an invalid baseline gives a factor: %+v, %v", p, err)
	}
	device = of("board")
	device.Run.Cells = device.Run.Cells[:1]
	if p, err = Project(here, &device); err != nil || p.Cells[1].Device == nil || p.Cells[1].Device.Bounded() {
		t.Errorf("an interval out of nothing: %+v, %v", p.Cells[1].Device, err)
	}
	here.Run.Cells[0].Verdict = results.Invalid
	if p, err = Project(here, nil); err != nil || len(p.Cells) != 0 {
		t.Errorf("nothing valid: %+v, %v", p, err)
	}
}
