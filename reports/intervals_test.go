package reports

import (
	"math"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"rubato/results"
)

// TestIntervalsOfPoints: six rounds bound the median by the smallest and the largest of them. A
// percentile needs enough latencies in each round.
func TestIntervalsOfPoints(t *testing.T) {
	t.Parallel()
	run, d, _ := pairOf()
	var details results.Details
	for i, kept := range []float64{10, 30, 20, 60, 50, 40} {
		b := block(d, i, 100)
		b.Allocs, b.RSSPeak, b.KeptOp = uint64(10*i), int64(1000*(i+1)), &kept
		b.Own, b.Latency = results.Counts{results.SentMessages + "pd": int64(20 + i)}, latencies(t, 100, 99*(i+1))
		details.Blocks = append(details.Blocks, b)
	}
	details.Blocks[3].Latency = latencies(t, 99, 5)
	Summarize(run, details)
	c := &run.Cells[0]
	for name, want := range map[string]results.Estimate{
		"allocs_op":     {Median: 2.5, Lo: 0, Hi: 5}, // 10 operations a round
		"rss_peak":      {Median: 3500, Lo: 1000, Hi: 6000},
		"kept_bytes_op": {Median: 35, Lo: 10, Hi: 60},
		"messages_op":   {Median: 2.25, Lo: 2, Hi: 2.5},  // of 10 stimuli
		"p95_ns":        {Median: 247.5, Lo: 5, Hi: 594}, // 5, 99, 198, 297, 495, 594
	} {
		m, _ := results.MetricNamed(name)
		if got, is := m.Interval(c); !is || math.Abs(got.Median-want.Median) > 1e-9 || got.Lo != want.Lo || got.Hi != want.Hi {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	m, _ := results.MetricNamed("p99_ns")
	if e, is := m.Interval(c); is || c.P99Ns == 0 {
		t.Errorf("p99 of 99 latencies: %+v; of all %v", e, c.P99Ns)
	}
	if e := c.Intervals["allocs_op"]; c.AllocsOp != e.Median { // equal here: rounds are of one size
		t.Errorf("%v allocations are shown, %v are judged", c.AllocsOp, e)
	}
}

// latencies are a round's: n of this many ns.
func latencies(t *testing.T, n, ns int) string {
	t.Helper()
	h := hdr.New(1, 1e9, 3)
	if err := h.RecordValues(int64(ns), int64(n)); err != nil {
		t.Fatal(err)
	}
	text, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestIdleInterval: ten parts of the window bound the middle of them by the second and the ninth.
// What comes once in a window moves its mean, and so the interval's end.
func TestIdleInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		parts    []float64
		mean     float64
		lo, hi   float64
		measured bool
	}{
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 5.5, 2, 9, true},
		{[]float64{.1, .1, .1, .1, 10, .1, .1, .1, .1, .1}, 1.09, .1, 1.09, true},
		{[]float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 0, true},
		{[]float64{1, 2, 3, 4, 5}, 3, 0, 0, false},
		{nil, 3, 0, 0, false},
	} {
		run, d, _ := pairOf()
		run.Cells[0].IdleCPU, run.Cells[0].IdleParts = c.mean, c.parts
		var details results.Details
		for i := range 6 {
			details.Blocks = append(details.Blocks, block(d, i, 100))
		}
		Summarize(run, details)
		m, _ := results.MetricNamed("idle_cpu")
		if e, is := m.Interval(&run.Cells[0]); is != c.measured || is && (e.Median != c.mean || e.Lo != c.lo || e.Hi != c.hi) {
			t.Errorf("%v: %+v %v, want [%v, %v]", c.parts, e, is, c.lo, c.hi)
		}
		if _, known := m.Of(&run.Cells[0]); !known {
			t.Errorf("%v: no figure", c.parts)
		}
	}
}

// TestRestated: a summary that says other than its rounds is found; other last digits, as another
// processor rounds them, are not.
func TestRestated(t *testing.T) {
	t.Parallel()
	run, d, b := pairOf()
	var details results.Details
	for i, ns := range []int64{100, 200, 300, 400, 500, 600} {
		details.Blocks = append(details.Blocks, block(d, i, ns), block(b, i, 11*ns/10))
	}
	Summarize(run, details)
	for name, c := range map[string]struct {
		change func(*results.Cell)
		found  bool
	}{
		"as it was":           {func(*results.Cell) {}, false},
		"another last digit":  {func(c *results.Cell) { c.Ratio.Median *= 1 + 1e-13 }, false},
		"another ratio":       {func(c *results.Cell) { c.Ratio.Median *= 1.001 }, true},
		"another end":         {func(c *results.Cell) { c.OverheadNs.Hi *= 1.001 }, true},
		"no ratio":            {func(c *results.Cell) { c.Ratio = nil }, true},
		"no end":              {func(c *results.Cell) { c.Ratio.Hi = math.Inf(1) }, true},
		"another time":        {func(c *results.Cell) { c.NsOp.Median /= 2 }, true},
		"a figure of its own": {func(c *results.Cell) { c.MeanRatio = &results.Estimate{Median: 1, Lo: 1, Hi: 1} }, true},
	} {
		c.change(&run.Cells[1])
		if why := Restated(run, details); (why != "") != c.found {
			t.Errorf("%s: %q", name, why)
		}
		if again := Restated(run, details); again != "" {
			t.Errorf("%s: the figures are not those of the rounds afterwards: %s", name, again)
		}
	}
	run.Cells[1].Ratio.Median = 7
	if why := Restated(run, results.Details{}); why != "" {
		t.Errorf("without rounds: %s", why)
	}
}
