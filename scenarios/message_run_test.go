package scenarios

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/results"
	"rubato/runner"
)

// some returns the cases; with -short only the first n, because each runs every style for
// a second or more. The other cases repeat the check with other options.
func some[T any](n int, cases []T) []T {
	if testing.Short() {
		return cases[:n]
	}
	return cases
}

// optionsOf returns a scenario's defaults for a style, the first of each list, with changes.
func optionsOf(s runner.Scenario, style string, change map[string]string) runner.Options {
	options := runner.Options{}
	for _, k := range s.Keys {
		if len(k.Styles) == 0 || slices.Contains(k.Styles, style) {
			options[k.Name], _, _ = strings.Cut(k.Default, ",")
		}
	}
	maps.Copy(options, change)
	return options
}

// worked runs blocks of the given sizes in each style and returns their work.
func worked(t *testing.T, s runner.Scenario, change map[string]string, verbatim bool, sizes ...int) map[string][]runner.Work {
	t.Helper()
	shared := t.TempDir()
	if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1, Options: optionsOf(s, "", change)}); err != nil {
		t.Fatal(err)
	}
	work := map[string][]runner.Work{}
	for _, style := range realStyles.Styles {
		load, err := s.Open(runner.Setup{Style: style.Name, Shared: shared, Dir: t.TempDir(), Seed: 1, Verbatim: verbatim,
			Effort: "quick", Options: optionsOf(s, style.Name, change)})
		if err != nil {
			t.Fatalf("%s: %v", style.Name, err)
		}
		work[style.Name] = driven(t, load, style.Name, sizes)
		if err := load.Close(); err != nil {
			t.Errorf("%s: %v", style.Name, err)
		}
	}
	return work
}

// driven runs the blocks and checks that each has its expected effects.
func driven(t *testing.T, load runner.Workload, style string, sizes []int) (done []runner.Work) {
	t.Helper()
	first := 0
	for _, n := range sizes {
		err := load.Prepare(first, n)
		if err == nil {
			err = load.Run(n, func(took time.Duration) {
				if took <= 0 {
					t.Errorf("%s: a latency of %v", style, took)
				}
			})
		}
		if err != nil {
			t.Fatalf("%s: %v", style, err)
		}
		work, err := load.Work()
		if err != nil {
			t.Fatalf("%s: %v", style, err)
		}
		if work.Stimuli != int64(n) || work.Effects != work.Expected ||
			work.Wrong != "" && !strings.HasPrefix(work.Wrong, "the generator itself") { // the machine's fault, not the style's
			t.Errorf("%s: %d stimuli of %d, %d effects of %d, wrong: %q", style, work.Stimuli, n, work.Effects, work.Expected, work.Wrong)
		}
		done, first = append(done, work), first+n
	}
	return done
}

// TestMessageWorkloads checks that the styles do the same work, block after block, and
// report all figures.
func TestMessageWorkloads(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, c := range some(4, []struct {
		scenario runner.Scenario
		options  map[string]string
		verbatim bool
		sizes    []int
		reports  []string
		exactly  map[string]float64
	}{
		{realStyles.messageBurst(), nil, false, []int{1000, 50}, []string{"first", "free", "rate"}, map[string]float64{"stored": 100}},
		{realStyles.messageBurst(), map[string]string{"batch": "100"}, true, []int{250}, nil, map[string]float64{"stored": 100}},
		{realStyles.messageMixed(), nil, false, []int{1, 2, 60}, []string{}, nil},
		{realStyles.messageMixed(), nil, true, []int{60}, []string{"said", "volume", "control"}, nil},
		{realStyles.messageConcurrent(), map[string]string{"senders": "7"}, false, []int{3, 11, 100}, nil, nil},
		{realStyles.messageConcurrent(), map[string]string{"senders": "7"}, true, []int{20}, nil, nil},
		{realStyles.messageSustained(), map[string]string{"rate": "1000"}, false, []int{50}, []string{"achieved"}, nil},
		{realStyles.messageSustained(), map[string]string{"rate": "search"}, true, []int{50}, nil, nil},
		{realStyles.soak(), map[string]string{"passages": "300"}, true, []int{130, 70}, nil, nil},
		{realStyles.soak(), map[string]string{"passages": "300", "rate": "500"}, false, []int{500}, []string{"rss", "goroutines", "core"}, nil},
		{realStyles.idle(), nil, false, []int{1}, []string{"cpu", "wake-ups", "rss", "goroutines"}, nil},
	}) {
		work := worked(t, c.scenario, c.options, c.verbatim, c.sizes...)
		for style, list := range work {
			for i, w := range list {
				want := work["direct"][i]
				if w.Digest != want.Digest || w.Expected != want.Expected || w.Bytes != want.Bytes ||
					w.Keys != want.Keys || !maps.Equal(w.Counts, want.Counts) || len(w.Lanes) != len(want.Lanes) {
					t.Errorf("%s, %s, block %d: its work differs from direct", c.scenario.Name, style, i)
				}
				for _, name := range c.reports {
					if _, ok := w.Figures[name]; !ok {
						t.Errorf("%s, %s: does not report %s", c.scenario.Name, style, name)
					}
				}
				for name, want := range c.exactly {
					if w.Figures[name] != want {
						t.Errorf("%s, %s: %s is %v, want %v", c.scenario.Name, style, name, w.Figures[name], want)
					}
				}
			}
		}
	}
}

// TestSearchRuns checks that a search sends its messages and finds a rate.
func TestSearchRuns(t *testing.T) {
	for _, style := range realStyles.Styles {
		s := realStyles.messageSustained()
		shared := t.TempDir()
		options := optionsOf(s, style.Name, map[string]string{"rate": "search"})
		if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		load, err := s.Open(runner.Setup{Style: style.Name, Shared: shared, Dir: t.TempDir(), Seed: 1, Options: options})
		if err != nil {
			t.Fatal(err)
		}
		load.(*searching).search = search{lowest: 1000, highest: 4000, halvings: 1, step: 20 * time.Millisecond}
		for _, w := range driven(t, load, style.Name, []int{1, 1}) {
			if held := w.Figures["held"]; held < 0 || held > 4000 {
				t.Errorf("%s: held %v", style.Name, held)
			}
		}
		if sent := load.(*searching).next; sent < 4*50 {
			t.Errorf("%s: a search sent %d messages", style.Name, sent)
		}
		if err := load.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRestartRuns checks that every style accounts for every message, with and without
// retries, and that the styles differ as they must.
func TestRestartRuns(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, retry := range some(1, []string{"yes", "no"}) {
		for style, list := range worked(t, realStyles.restart(), map[string]string{"fault": faultModule, "retry": retry}, false, some(1, []int{200, 150})...) {
			for _, w := range list {
				lost, refused, unanswered := w.Figures["lost"], w.Figures["refused"], w.Figures["unanswered"]
				if (retry == "yes") != (lost == 0) {
					t.Errorf("%s, retry=%s: %v lost", style, retry, lost)
				}
				if failures := refused + unanswered; failures == 0 || retry == "no" && failures < lost {
					t.Errorf("%s, retry=%s: %v lost, %v refused, %v unanswered", style, retry, lost, refused, unanswered)
				}
				if style == "nats" && unanswered == 0 || style != "nats" && unanswered > 0 {
					t.Errorf("%s: %v unanswered", style, unanswered)
				}
				if w.Figures["recover"] <= 0 || w.Digest != "" {
					t.Errorf("%s: %v", style, w.Figures)
				}
			}
		}
	}
}

// TestServerDies: only the style that has a server loses something by its death, and all of them
// go on afterwards. A sender that retries loses nothing. A line that is silent and a disk that
// hangs cost nobody a message.
func TestServerDies(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, c := range some(1, [][2]string{{faultServer, "no"}, {faultServer, "yes"}, {faultPartition, "no"}, {faultDisk, "no"}}) {
		fault, retry := c[0], c[1]
		for style, list := range worked(t, realStyles.restart(), map[string]string{"fault": fault, "retry": retry}, false, some(1, []int{200, 150})...) {
			for _, w := range list {
				if w.Figures["lost"] > 0 && (style != "nats" || fault != faultServer) {
					t.Errorf("%s, fault=%s: lost %v", style, fault, w.Figures["lost"])
				}
				if other := w.Figures["refused"] + w.Figures["unanswered"] + w.Figures["duplicated"]; other > 0 && style != "nats" {
					t.Errorf("%s, fault=%s, retry=%s: %v", style, fault, retry, w.Figures)
				}
				if retry == "yes" && w.Figures["lost"] > 0 {
					t.Errorf("%s, fault=%s: a sender that retries lost %v", style, fault, w.Figures["lost"])
				}
			}
		}
	}
}

// What crosses is what the player's description says, counted by hand. A refill: module ap
// asks pd for the flavor, asks it for a passage, has it record the cooldown, and has ui
// broadcast the depth of the queue: four questions with an answer each. A message: ui
// publishes it, log reports it. Styles of one process send nothing.
func TestCrossingsByHand(t *testing.T) {
	t.Parallel()
	const n = 20
	for _, c := range []struct {
		scenario runner.Scenario
		options  map[string]string
		sent     map[string]int64 // for one operation
	}{
		{realStyles.queueLow(), map[string]string{"passages": "300"}, map[string]int64{"ap": 4, "pd": 3, "ui": 1}},
		{realStyles.messageLog(), nil, map[string]int64{"ui": 1, "log": 1}},
	} {
		for style, of := range worked(t, c.scenario, c.options, false, n) {
			work, want := of[0], 0
			if style == "nats" {
				want = 4 // one for each module
			}
			if work.Connections == nil || *work.Connections != want {
				t.Errorf("%s %s: connections %v, want %d", c.scenario.Name, style, work.Connections, want)
			}
			total := int64(0)
			for module, each := range c.sent {
				if total += each; style == "nats" && work.Own[results.SentMessages+module] != n*each {
					t.Errorf("%s: %s sent %d messages in %d operations, want %d each", c.scenario.Name, module, work.Own[results.SentMessages+module], n, each)
				}
			}
			sent, counted := work.Own.Sum(results.SentMessages)
			received, _ := work.Own.Sum(results.ReceivedMessages)
			if style == "nats" && (sent != n*total || received != sent) || counted != (style == "nats") {
				t.Errorf("%s %s: sent %d, received %d, want %d", c.scenario.Name, style, sent, received, n*total)
			}
		}
	}
}

// TestFaultOutOfReach: a server that is not in this process cannot be made to fail, and a fault
// that breaks nothing would look like a style that loses nothing.
func TestFaultOutOfReach(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, shared := realStyles.restart(), t.TempDir()
	if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1, Options: optionsOf(s, "", nil)}); err != nil {
		t.Fatal(err)
	}
	for fault, refused := range map[string]bool{faultServer: true, faultPartition: true, faultModule: false, faultDisk: false} {
		load, err := s.Open(runner.Setup{Style: "nats", Shared: shared, Dir: t.TempDir(), Seed: 1, Effort: "quick",
			Options: optionsOf(s, "nats", map[string]string{"fault": fault, "retry": "no", "transport": "process"})})
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "fault="+fault+" needs a server in this process") {
			t.Errorf("%s: %v", fault, err)
		}
		if err == nil {
			err = load.Close()
		}
		if !refused && err != nil {
			t.Errorf("%s: %v", fault, err)
		}
	}
}
