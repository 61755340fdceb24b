package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/direct"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// TestUIWorkloads: each style does the same work over HTTP, block after block, reports its
// figures, and leaves no goroutine behind.
func TestUIWorkloads(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	mixed := []string{"status-p50", "status-p95", "change-p50", "control-p50", "said-p50"}
	for _, c := range some(2, []struct {
		scenario runner.Scenario
		options  map[string]string
		verbatim bool
		sizes    []int
		figures  []string
	}{
		{realStyles.httpRequest(), nil, false, []int{1, 7, 112, 60}, nil},
		{realStyles.httpRequest(), nil, true, []int{150}, mixed},
		{realStyles.httpRequest(), map[string]string{"mix": "status"}, false, []int{30}, []string{"status-p50", "status-p95"}},
		{realStyles.httpRequest(), map[string]string{"mix": "queue"}, false, []int{30}, []string{"status-p50", "status-p95"}},
		{realStyles.httpRequest(), map[string]string{"mix": "change"}, false, []int{3, 240}, []string{"change-p50", "change-p95"}},
		{realStyles.httpRequest(), map[string]string{"mix": "control"}, true, []int{3, 31}, []string{"control-p50"}},
		{realStyles.httpRequest(), map[string]string{"mix": "said"}, false, []int{30}, []string{"said-p50", "said-p95"}},
		{realStyles.sseBroadcast(), nil, false, []int{1, 7, 100}, []string{"first-p50", "last-p50", "last-max", "fan-out", "bytes"}},
		{realStyles.sseBroadcast(), map[string]string{"clients": "7"}, true, []int{1, 40}, nil},
		{realStyles.sseBroadcast(), map[string]string{"clients": "3", "deaf": "1"}, false, []int{100, 20}, []string{"deaf-lost"}},
	}) {
		work := worked(t, c.scenario, c.options, c.verbatim, c.sizes...)
		for style, list := range work {
			for i, w := range list {
				want := work["direct"][i]
				if w.Digest != want.Digest || w.Expected != want.Expected || !reflect.DeepEqual(w.Lanes, want.Lanes) {
					t.Errorf("%s %v, %s, block %d: its work differs from that of direct", c.scenario.Name, c.options, style, i)
				}
			}
			for _, name := range c.figures {
				if _, reported := list[len(list)-1].Figures[name]; !reported {
					t.Errorf("%s %v, %s: no figure %s", c.scenario.Name, c.options, style, name)
				}
			}
		}
	}
}

// TestRequestShares: every ten requests have the shares of the mix, pause and play alternate,
// and no request enqueues a passage that may wait already.
func TestRequestShares(t *testing.T) {
	t.Parallel()
	w := requestWriter{mix: "mixed", seed: 7, passages: others([]player.Entry{{Passage: 3}, {Passage: 200}}, 200)}
	if len(w.passages) != 198 || slices.Contains(w.passages, 3) || slices.Contains(w.passages, 200) {
		t.Fatalf("%d passages, 3 and 200 not to be among them", len(w.passages))
	}
	var counts [askedKinds]int
	var waiting []string
	order, controls := map[string]bool{}, 0
	kinds := ""
	for i := range 2000 {
		a := w.at(i)
		counts[a.kind]++
		kinds += fmt.Sprint(a.kind)
		switch a.kind {
		case askControl:
			if want := "/api/" + playPause(controls); a.path != want {
				t.Fatalf("request %d: %s, want %s", i, a.path, want)
			}
			controls++
		case askChange:
			if a.playDown {
				waiting = waiting[max(0, len(waiting)-2):]
			}
			if slices.Contains(waiting, string(a.body)) {
				t.Fatalf("request %d: %s waits already", i, a.body)
			}
			if waiting = append(waiting, string(a.body)); len(waiting) > playDownEvery+2 {
				t.Fatalf("request %d: %d wait", i, len(waiting))
			}
		}
		if i%10 == 9 {
			if counts != [askedKinds]int{askStatus: 4, askQueue: 2, askChange: 1, askControl: 2, askSay: 1} {
				t.Fatalf("ten up to %d: %v", i, counts)
			}
			counts, order[kinds], kinds = [askedKinds]int{}, true, ""
		}
	}
	if len(order) < 20 {
		t.Errorf("200 times ten come in %d orders only", len(order))
	}
}

// openedUI prepares and opens a scenario in one style, and closes it when the test ends.
func openedUI(t *testing.T, s runner.Scenario, style string, change map[string]string) runner.Workload {
	t.Helper()
	shared := t.TempDir()
	if err := s.Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	load, err := s.Open(runner.Setup{Style: style, Shared: shared, Dir: t.TempDir(), Seed: 1, Options: optionsOf(s, style, change)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := load.Close(); err != nil {
			t.Error(err)
		}
	})
	return load
}

// block runs one block.
func block(load runner.Workload, n int) (runner.Work, error) {
	err := load.Prepare(0, n)
	if err == nil {
		err = load.Run(n, func(time.Duration) {})
	}
	if err != nil {
		return runner.Work{}, err
	}
	return load.Work()
}

// skipper is direct, but it ignores every hundredth stimulus and reports that it is done.
type skipper struct {
	player.Player
	taken int
}

func (p *skipper) Do(s player.Stimulus) error {
	if p.taken++; p.taken%100 == 0 {
		return nil
	}
	return p.Player.Do(s)
}

var skippingStyle = player.Style{Name: "skipping", Open: func(c player.Config) (player.Player, error) {
	p, err := direct.Open(c)
	return &skipper{Player: p}, err
}}

// TestSkippedRequests: correct answers do not hide that a request had no effect.
func TestSkippedRequests(t *testing.T) {
	t.Parallel()
	for _, mix := range some(2, mixes) {
		options := map[string]string{"mix": mix}
		want, err := block(openedUI(t, styles{workload.Styles{direct.Style}}.httpRequest(), "direct", options), 300)
		if err != nil || want.Effects != want.Expected {
			t.Fatalf("direct: %d effects of %d, %v", want.Effects, want.Expected, err)
		}
		got, err := block(openedUI(t, styles{workload.Styles{skippingStyle}}.httpRequest(), "skipping", options), 300)
		asks := mix == "status" || mix == "queue" // questions are no stimuli
		if same := err == nil && got.Effects == got.Expected && got.Digest == want.Digest; same != asks {
			t.Errorf("mix %s: the same work: %v, %v", mix, same, err)
		}
	}
}

// TestConnectionStaysOpen: opening another connection is counted.
func TestConnectionStaysOpen(t *testing.T) {
	t.Parallel()
	load := openedUI(t, realStyles.httpRequest(), "direct", nil)
	if err := load.Prepare(0, 2); err != nil {
		t.Fatal(err)
	}
	load.(*requesting).client.close()
	if err := load.Run(2, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	if work, err := load.Work(); err != nil || work.Figures["dials"] < 1 {
		t.Errorf("%v dialled, %v", work.Figures["dials"], err)
	}
}
