package ci

import (
	"testing"

	"rubato/results"
)

// TestQuantities reads each field from a cell in which every figure is different.
func TestQuantities(t *testing.T) {
	t.Parallel()
	c := results.Cell{
		NsOp:  results.Estimate{Median: 2000, Lo: 1000, Hi: 4000},
		Ratio: &results.Estimate{Median: 2, Lo: 1, Hi: 3}, OverheadNs: &results.Estimate{Median: 5000, Lo: -1000, Hi: 6000},
		CPUNsOp: results.Estimate{Median: 12, Lo: 11, Hi: 13}, MeanRatio: &results.Estimate{Median: 2.5, Lo: 1.5, Hi: 3.5}, CPURatio: &results.Estimate{Median: 1.5, Lo: 1.4, Hi: 1.6}, P50Ns: 50, P95Ns: 95, P99Ns: 99, P999Ns: 999,
		AllocsOp: 7, BytesOp: 700, RSSPeak: 42_500_000, ActiveCPU: 88, IdleCPU: .25,
		Executed: &results.ExecutedOp{Instructions: results.Estimate{Median: 31, Lo: 30, Hi: 32}, Calls: results.Estimate{Median: 21, Lo: 20, Hi: 22}, HouseCalls: results.Estimate{Median: 11, Lo: 10, Hi: 12},
			InstructionsRatio: &results.Estimate{Median: 1.1, Lo: 1, Hi: 1.2}, CallsRatio: &results.Estimate{Median: 1.3, Lo: 1.25, Hi: 1.35}},
		Spent:     map[string]float64{"messages_op": 8, "wire_bytes_op": 3420},
		Intervals: map[string]results.Estimate{"kept_bytes_op": {Median: 4096, Lo: 4000, Hi: 4200}, "rss_peak": {Median: 40e6, Lo: 39e6, Hi: 42e6}},
	}
	want := map[string]Measure{
		"ratio": {2, 1, 3, false, 0}, "mean_ratio": {2.5, 1.5, 3.5, false, 0}, "overhead": {5000, -1000, 6000, false, 0}, "time": {2000, 1000, 4000, false, 0},
		"ops_per_second_min": {500_000, 250_000, 1_000_000, false, 0}, "cpu": {12, 11, 13, false, 0},
		"p50": {50, 50, 50, true, 0}, "p95": {95, 95, 95, true, 0}, "cpu_ratio": {1.5, 1.4, 1.6, false, 0}, "p99": {99, 99, 99, true, 0}, "p999": {999, 999, 999, true, 0},
		"allocs": {7, 7, 7, true, 0}, "bytes": {700, 700, 700, true, 0}, "rss": {40e6, 39e6, 42e6, false, 0}, "kept_bytes": {4096, 4000, 4200, false, 0},
		"active_cpu": {88, 88, 88, true, 0}, "idle_cpu": {.25, .25, .25, true, 0},
		"messages": {8, 8, 8, true, 0}, "wire_bytes": {3420, 3420, 3420, true, 0},
		"instructions": {31, 30, 32, false, 0}, "calls": {21, 20, 22, false, 0}, "house_calls": {11, 10, 12, false, 0},
		"instructions_ratio": {1.1, 1, 1.2, false, 0}, "calls_ratio": {1.3, 1.25, 1.35, false, 0},
	}
	if len(want) != len(quantities) {
		t.Errorf("%d quantities, %d are tested", len(quantities), len(want))
	}
	for _, q := range quantities {
		if got, _ := q.read(nil, &c); got == nil || *got != want[q.field] {
			t.Errorf("%s: %+v, want %+v", q.field, got, want[q.field])
		}
	}
}

// TestUnmeasuredIsNoFigure: a zero must never keep a limit.
func TestUnmeasuredIsNoFigure(t *testing.T) {
	t.Parallel()
	canBeZero := map[string]bool{"allocs": true, "bytes": true, "idle_cpu": true}
	for _, q := range quantities {
		if canBeZero[q.field] {
			continue
		}
		if got, _ := q.read(nil, &results.Cell{}); got != nil {
			t.Errorf("%s of an empty cell: %+v, want none", q.field, got)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	ceiling, _ := findQuantity("ns_op")
	floor, _ := findQuantity("ops_per_second_min")
	count, _ := findQuantity("allocs_op")
	for _, c := range []struct {
		m    *Measure
		q    quantity
		want string
	}{
		{&Measure{Median: 9, Lo: 8, Hi: 10}, ceiling, Within},
		{&Measure{Median: 9, Lo: 8, Hi: 10.01}, ceiling, Inconclusive},
		{&Measure{Median: 10.5, Lo: 10, Hi: 11}, ceiling, Inconclusive},
		{&Measure{Median: 10.5, Lo: 10.01, Hi: 11}, ceiling, Over},
		{&Measure{Median: 10.5, Lo: 10, Hi: 11}, floor, Within},
		{&Measure{Median: 10.5, Lo: 9.99, Hi: 11}, floor, Inconclusive},
		{&Measure{Median: 9, Lo: 8, Hi: 10}, floor, Inconclusive},
		{&Measure{Median: 9, Lo: 8, Hi: 9.99}, floor, Over},
		{&Measure{Median: 7, Lo: 8, Hi: 9}, ceiling, Invalid},
		{&Measure{Median: 10, Lo: 10, Hi: 10, Point: true}, ceiling, Told},
		{&Measure{Median: 11, Lo: 11, Hi: 11, Point: true}, ceiling, Told},
		{&Measure{Median: 10, Lo: 10, Hi: 10, Point: true}, count, Within},
		{&Measure{Median: 10.1, Lo: 10.1, Hi: 10.1, Point: true}, count, Over},
		{&Measure{Median: 10, Lo: 9.9, Hi: 10.1}, count, Inconclusive},
		{nil, ceiling, Inconclusive},
	} {
		if got, why := decide(c.m, c.q, 10); got != c.want || (why == "") != (got == Within || got == Over) {
			t.Errorf("decide(%+v, %s, 10) = %s, %q; want %s", c.m, c.q.field, got, why, c.want)
		}
	}
}
