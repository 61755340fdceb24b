package scenarios

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// inParts prepares the sum of the parts, runs one part after the other, and returns the work
// and the number of latencies.
func inParts(t *testing.T, s runner.Scenario, setup runner.Setup, parts ...int) (work runner.Work, latencies int64) {
	t.Helper()
	setup.Dir = t.TempDir()
	load, err := s.Open(setup)
	must(t, err)
	total := 0
	for _, n := range parts {
		total += n
	}
	var heard atomic.Int64                           // many goroutines may report at once
	for _, first := range some(1, []int{0, total}) { // the second time finds what the first has left
		must(t, load.Prepare(first, total))
		for _, n := range parts {
			must(t, load.Run(n, func(time.Duration) { heard.Add(1) }))
		}
		work, err = load.Work()
		must(t, err)
	}
	must(t, load.Close())
	if work.Stimuli != int64(total) || work.Effects != work.Expected || work.Wrong != "" {
		t.Errorf("in %d parts: %d stimuli of %d, %d effects of %d, wrong: %q", len(parts), work.Stimuli, total, work.Effects, work.Expected, work.Wrong)
	}
	return work, heard.Load()
}

// TestParts: every compared scenario does the same work in several parts as in one go. The
// parts are no multiples of anything that a scenario takes in turn.
func TestParts(t *testing.T) {
	t.Parallel()
	parts := []int{1, 2, 17, 43}
	type trialInParts struct {
		scenario runner.Scenario
		options  runner.Options
		parts    []int
	}
	cases := []trialInParts{
		{realStyles.passageSelect(), runner.Options{"passages": "200"}, parts},
		{realStyles.queueLow(), runner.Options{"passages": "200"}, parts},
		{realStyles.conversation(), nil, parts}, {realStyles.conversationNATS(), nil, parts},
		{realStyles.httpRequest(), nil, parts},
		{realStyles.sseBroadcast(), runner.Options{"clients": "3"}, parts},
		{short(realStyles.crossfade()), nil, []int{1, 2}},
		{realStyles.manyRules(), nil, parts},
		{realStyles.messageLog(), runner.Options{"mode": "closed"}, parts},
		{realStyles.messageLog(), runner.Options{"mode": "pipelined"}, parts},
		{realStyles.messageLog(), runner.Options{"mode": "batched", "batch": "10"}, parts},
		{realStyles.messageBurst(), nil, parts},
		{realStyles.messageMixed(), nil, parts},
		{realStyles.messageConcurrent(), runner.Options{"senders": "7"}, parts},
		{realStyles.requestReply(), nil, parts},
		{realStyles.requestReply(), runner.Options{"question": "queue"}, parts},
		{short(realStyles.playerHour()), nil, []int{1, 1}},
	}
	for _, s := range realStyles.all() {
		if !s.Paced && s.Arms == nil && !slices.ContainsFunc(cases, func(c trialInParts) bool { return c.scenario.Name == s.Name }) {
			t.Errorf("scenario %s is not tested in parts", s.Name)
		}
	}
	for _, c := range cases {
		t.Run(c.scenario.Name, func(t *testing.T) {
			t.Parallel()
			setup := runner.Setup{Style: "bus", Shared: t.TempDir(), Seed: 1, Effort: "quick", Options: optionsOf(c.scenario, "bus", c.options)}
			must(t, c.scenario.Prepare(setup))
			total := 0
			for _, n := range c.parts {
				total += n
			}
			want, latencies := inParts(t, c.scenario, setup, total)
			got, heard := inParts(t, c.scenario, setup, c.parts...)
			if got.Digest != want.Digest || got.Effects != want.Effects || got.Expected != want.Expected ||
				got.Bytes != want.Bytes || !maps.Equal(got.Counts, want.Counts) || got.Keys != want.Keys || heard != latencies {
				t.Errorf("in parts %d latencies and %+v\nwhole %d latencies and %+v", heard, got, latencies, want)
			}
			for name := range want.Figures {
				if _, ok := got.Figures[name]; !ok {
					t.Errorf("figure %s is missing in parts", name)
				}
			}
		})
	}
}

// TestFloor: after as many refills as the smallest library lets the cooldowns bar, the baseline reads as
// many rows as the same work without a style, which goes on from its state.
func TestFloor(t *testing.T) {
	t.Parallel()
	s := realStyles.queueLow()
	setup := runner.Setup{Style: "direct", Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1, Options: optionsOf(s, "direct", map[string]string{"passages": "300"})}
	must(t, s.Prepare(setup))
	load, err := s.Open(setup)
	must(t, err)
	defer func() { must(t, load.Close()) }()
	silent := func(time.Duration) {}
	must(t, errors.Join(load.Prepare(0, 200), load.Run(200, silent)))
	_, err = load.Work()
	must(t, err)
	setup.Before, setup.Dir = setup.Dir, t.TempDir()
	floor, err := s.Floor(setup)
	must(t, err)
	defer func() { must(t, floor.Close()) }()
	var rows [2]int64
	for i, w := range []runner.Workload{load, floor} {
		must(t, errors.Join(w.Prepare(200, 60), w.Run(60, silent)))
		work, err := w.Work()
		must(t, err)
		rows[i] = work.Counts["rows read"]
	}
	if rows[1] == 0 || float64(rows[0]) < 0.98*float64(rows[1]) || float64(rows[0]) > 1.02*float64(rows[1]) {
		t.Errorf("the baseline reads %d rows, the work without a style %d", rows[0], rows[1])
	}
}

// TestLosses: when the network goes away in the middle, the error says how much of what had begun
// is durable. One message at a time is under way, so that is known beforehand.
func TestLosses(t *testing.T) {
	t.Parallel()
	s, silent := realStyles.messageLog(), func(time.Duration) {}
	setup := runner.Setup{Style: "nats", Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1, Options: optionsOf(s, "nats", map[string]string{"mode": "closed"})}
	must(t, s.Prepare(setup))
	load, err := s.Open(setup)
	must(t, err)
	defer func() { _ = load.Close() }() // it cannot settle without a network
	must(t, errors.Join(load.Prepare(0, 50), load.Run(40, silent)))
	must(t, load.(*workload.Workload).Network().Close())
	err = load.Run(10, silent)
	const want = "of 41 stimuli begun since the trial's start, with 82 effects, 80 effects are durable: 2 lost or refused"
	if player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v (%v), want one that says %q", err, player.CodeOf(err), want)
	}
}

// TestTooMany: running more than was prepared is an error.
func TestTooMany(t *testing.T) {
	t.Parallel()
	s := realStyles.messageLog()
	load := openedUI(t, s, "direct", nil)
	must(t, load.Prepare(0, 3))
	must(t, load.Run(2, func(time.Duration) {}))
	if err := load.Run(2, func(time.Duration) {}); err == nil {
		t.Error("4 of 3 stimuli ran")
	}
}

// TestUnits: what is least timed alone has whole bursts, batches and windows, and every
// sender.
func TestUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scenario runner.Scenario
		options  runner.Options
		want     int
	}{
		{realStyles.messageLog(), runner.Options{"mode": "closed"}, 1},
		{realStyles.messageLog(), runner.Options{"mode": "pipelined"}, 512},
		{realStyles.messageLog(), runner.Options{"mode": "batched", "batch": "100"}, 100},
		{realStyles.messageLog(), runner.Options{"mode": "closed-batched", "batch": "100"}, 1},
		{realStyles.messageBurst(), nil, 1000},
		{realStyles.messageConcurrent(), runner.Options{"senders": "50"}, 200},
		{realStyles.scaleOut(), nil, 256},
	} {
		if got := c.scenario.Unit(c.options); got != c.want {
			t.Errorf("%s %v: %d, want %d", c.scenario.Name, c.options, got, c.want)
		}
	}
}
