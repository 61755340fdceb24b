package scenarios

import (
	"time"

	"rubato/audio"
	"rubato/runner"
)

var audioMeasures = []runner.Measure{
	{Name: "late-p50", Unit: "ns", Better: "less", Doc: "from when a callback was due until it started, in the median"},
	{Name: "late-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "late-max", Unit: "ns", Better: "less", Doc: "the same, the longest"},
	{Name: "missed", Better: "less", Doc: "periods that passed without a callback"},
	{Name: "underruns", Better: "less", Doc: "callbacks that found too few frames, and gave silence"},
	{Name: "took-p99", Unit: "ns", Better: "less", Doc: "from the start of a callback to its end, 99th percentile"},
	{Name: "callback-cpu", Unit: "%", Better: "less", Doc: "of one core: time inside callbacks over the time of the block"},
	{Name: "late-machine-p99", Unit: "ns", Better: "less", Doc: "how late a metronome was that ran beside, 99th percentile: the machine's own lateness"},
	{Name: "late-machine-max", Unit: "ns", Better: "less", Doc: "the same, the longest"},
	{Name: "missed-machine", Better: "less", Doc: "periods that the metronome missed"},
	{Name: "missed-extra", Better: "less", Doc: "periods missed more than the metronome missed: what is not the machine's. When the machine stands still, one of the two may miss one more than the other, as they are not in step"},
	{Name: "period-p99", Unit: "ns", Better: "less", Doc: "a period's way in: waiting for its turn, mixing, and all that follows from what was passed, 99th percentile"},
	{Name: "event-p99", Unit: "ns", Better: "less", Doc: "an event of the storm, from when it was due until its last effect, 99th percentile"},
}

// callbackFigures are how the callbacks of a block went.
func callbackFigures(s *audio.CallbackStats, wall time.Duration) map[string]float64 {
	return map[string]float64{
		"late-p50":     float64(s.Lateness.ValueAtPercentile(50)),
		"late-p99":     float64(s.Lateness.ValueAtPercentile(99)),
		"late-max":     float64(s.Lateness.Max()),
		"missed":       float64(s.Missed),
		"underruns":    float64(s.Underruns),
		"took-p99":     float64(s.Took.ValueAtPercentile(99)),
		"callback-cpu": 100 * s.Took.Mean() * float64(s.Took.TotalCount()) / float64(max(wall, 1)),
	}
}

// machineFigures are how late the machine was by itself, while callbacks missed so
// many periods; none of no metronome.
func machineFigures(s *audio.CallbackStats, missed uint64) map[string]float64 {
	if s == nil {
		return nil
	}
	return map[string]float64{
		"late-machine-p99": float64(s.Lateness.ValueAtPercentile(99)),
		"late-machine-max": float64(s.Lateness.Max()),
		"missed-machine":   float64(s.Missed),
		"missed-extra":     max(float64(missed)-float64(s.Missed), 0),
	}
}

var audioClaims = []runner.Claim{
	{Text: "audio callback under 10 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:took-p99", Hi: us(10_000)},
	{Text: "callback thread at most 10 % of a core", Source: playerDocument, Kind: "budget", Quantity: "figure:callback-cpu", Hi: 10},
	{Text: "0 % audio overhead: alone, no period is missed", Source: overheadDocument, Kind: "estimate",
		Options: audioCase("10ms"), Quantity: "figure:missed", Hi: 0},
	{Text: "0 % audio overhead: at 100 events/s, no period is missed", Source: overheadDocument, Kind: "estimate",
		Options: audioCase("10ms-storm"), Quantity: "figure:missed", Hi: 0},
	{Text: "0 % audio overhead: hardly a period is missed that the machine itself does not miss", Source: own, Kind: "budget",
		Quantity: "figure:missed-extra", Hi: 1},
	{Text: "0 % audio overhead: alone, the sound is always there", Source: overheadDocument, Kind: "estimate",
		Options: audioCase("10ms"), Quantity: "figure:underruns", Hi: 0},
	{Text: "0 % audio overhead: at 100 events/s, the sound is always there", Source: overheadDocument, Kind: "estimate",
		Options: audioCase("10ms-storm"), Quantity: "figure:underruns", Hi: 0},
	{Text: "audio callback under 10 ms, also with a question to the player in it, which is forbidden", Source: playerDocument, Kind: "budget",
		Options: audioCase("10ms-storm-rule"), Quantity: "figure:took-p99", Hi: us(10_000)},
}

func audioCase(name string) map[string]string { return map[string]string{"case": name} }
