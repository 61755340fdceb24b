package scenarios

import (
	"strconv"
	"time"

	"rubato/player"
	"rubato/runner"
)

// messageSustained is a stream of messages that does not end: at a rate that is given,
// and at the highest that a style holds. They come in an open loop, with exponential
// gaps, each as due as if nobody else talked; latency counts from the intended time.
//
// A rate is held when 99 of 100 messages are durable within 5 ms of when they were due
// and what waits at the end is no more than a tenth of the step; what the generator itself
// was late does not count. The search doubles the rate until two in a row are not held,
// then halves the gap between what was held and what was not, as a ratio. A step that
// fails is tried once more: one hiccup of the machine is not the style's limit. One that
// fails while the generator itself stood still is tried more often, and if nothing at all
// is held for that reason, the block is void.
//
// One operation of rate=search is one whole search, so that its CPU and allocations are
// of no use; its latency is that of the step at the rate that was held.
func (s styleSet) messageSustained() runner.Scenario {
	return runner.Scenario{
		Name:    "message-sustained",
		Answers: "How many messages a second can be said for long, each durable within 5 ms?",
		Op:      "message",
		Keys: []runner.Key{
			{Name: "rate", Default: "100,search", Check: searchRate, Doc: "messages a second, 1 to 100000; search: the highest rate that is held"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   200,
		Claims:   messageSustainedClaims,
		Measures: append([]runner.Measure{heldMeasure}, openLoopMeasures...),
		Paced:    true,
		Bare:     true,
		Size:     sustainedSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) }, // nobody selects here
		Open:     s.openSustained,
	}
}

// searchRate accepts what the key rate may be.
func searchRate(value string) error {
	if value == "search" {
		return nil
	}
	return between(1, 100_000)(value)
}

func (s styleSet) openSustained(setup runner.Setup) (runner.Workload, error) {
	w := &workload{script: say, drive: pipelined, count: stored, each: 2}
	if _, err := s.start(setup, w, func(*player.Config) {}); err != nil {
		return nil, err
	}
	if setup.Verbatim {
		return w, nil // the transcript is of what is said, not of how often
	}
	if setup.Options["rate"] != "search" {
		return &pacedWorkload{workload: w, rate: float64(number(setup.Options, "rate"))}, nil
	}
	return &searching{workload: w, search: newSearch(setup.Effort)}, nil
}

// sustainedSize has seconds of a given rate, and searches.
func sustainedSize(effort string, options runner.Options) runner.Size {
	quick, perSecond := effort == "quick", 0
	if options["rate"] == "search" {
		perSecond = 1
	} else {
		perSecond, _ = strconv.Atoi(options["rate"])
		perSecond *= 2 // two rounds of 200 are enough for a bound on the 99th percentile
	}
	size := runner.Size{Ops: perSecond, Warmup: -1, Limit: 5 * time.Minute}
	switch {
	case quick && options["rate"] == "search":
		size.Rounds = 1
	case quick:
		size.Rounds = 2
	case options["rate"] == "search" && effort != "full":
		size.Rounds = 3
	case options["rate"] == "search":
		size.Rounds = 10
	}
	return size
}

var heldMeasure = runner.Measure{Name: "held", Unit: "/s", Better: "more",
	Doc: "the highest rate that was held: 99 of 100 messages durable within 5 ms of when they were due, and no backlog. Above it is a rate that failed twice"}

var messageSustainedClaims = []runner.Claim{
	{Text: "at least 100 events a second sustained", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: searched, Quantity: "figure:held", Lo: 100},
	{Text: "direct: 1 867 messages a second", Source: natsDocument, Kind: "measured elsewhere",
		Style: "direct", Options: searched, Quantity: "figure:held", Lo: 1867, Hi: 1867},
	{Text: "NATS: 2 061 messages a second", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Options: searched, Quantity: "figure:held", Lo: 2061, Hi: 2061},
	{Text: "at 100 a second an event takes under 5 ms", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: map[string]string{"rate": "100"}, Quantity: "p99_ns", Hi: us(5000)},
}

var searched = map[string]string{"rate": "search"}
