package workload

import (
	"math"
	"slices"
	"testing"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
	"rubato/sqlite"
)

// The limits of what must cross are sums over the kinds of stimuli: of the least and of the
// most that one took in the script. Of a kind that the script did not have, the most is unknown,
// and so it is of bytes.
func TestLimits(t *testing.T) {
	t.Parallel()
	said, volume, control := player.Stimulus{Kind: player.MessageSaid}, player.Stimulus{Kind: player.VolumeSet}, player.Stimulus{Kind: player.Control}
	rates := runner.Rates{
		results.SentMessages + "ui": {kindOf(&said): {Least: 1, Most: 1}, kindOf(&volume): {Least: 1, Most: 3}},
		results.SentBytes + "ui":    {kindOf(&said): {Least: 100, Most: 200}, kindOf(&volume): {Least: 40, Most: 40}},
	}
	for name, c := range map[string]struct {
		stimuli                    []player.Stimulus
		least, most, fewest, bytes int64 // messages; least and most bytes
	}{
		"none":            {nil, 0, 0, 0, 0},
		"one kind":        {[]player.Stimulus{said, said, said}, 3, 3, 225, math.MaxInt64},
		"two kinds":       {[]player.Stimulus{said, volume}, 2, 4, 105, math.MaxInt64},
		"an unknown kind": {[]player.Stimulus{said, control}, 1, math.MaxInt64, 75, math.MaxInt64},
		"all shared":      {slices.Repeat([]player.Stimulus{said}, 101), 101, 101, 7575, math.MaxInt64},
	} {
		w := &verifier{stimuli: c.stimuli, batch: 1, runs: -1} // no slice has anything beside
		least, most := w.limits(rates)
		got := []int64{least[results.SentMessages+"ui"], most[results.SentMessages+"ui"], least[results.SentBytes+"ui"], most[results.SentBytes+"ui"]}
		want := []int64{c.least, c.most, c.fewest, c.bytes}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: limits %v, want %v", name, got, want)
				break
			}
		}
	}
}

// What must cross by the description of the conversation holds where the script showed less:
// a style that sends nothing in its script is found, too.
func TestDemanded(t *testing.T) {
	t.Parallel()
	said := slices.Repeat([]player.Stimulus{{Kind: player.MessageSaid}}, 30)
	for name, c := range map[string]struct {
		w    *verifier
		want int64
	}{
		"each stimulus":    {&verifier{stimuli: make([]player.Stimulus, 30), batch: 1}, 60},
		"questions":        {&verifier{asked: 7, batch: 1}, 14},
		"in batches of 10": {&verifier{stimuli: make([]player.Stimulus, 30), batch: 10}, 6},
		"acknowledged":     {&verifier{stimuli: said, batch: 10, wanted: map[string]string{"delivery": "jetstream-file"}}, 6 + 30},
		"other than said":  {&verifier{stimuli: make([]player.Stimulus, 30), batch: 10, wanted: map[string]string{"delivery": "jetstream-file"}}, 6},
		"one at a time":    {&verifier{stimuli: said, batch: 1, single: true, wanted: map[string]string{"delivery": "core", "share": "all"}}, 60},
		"by core NATS":     {&verifier{stimuli: said, batch: 10, wanted: map[string]string{"delivery": "core"}}, 6},
	} {
		c.w.network, c.w.crosses = noNetwork{}, map[string]int64{"log": 2}
		if least, _ := c.w.limits(nil); least[results.SentMessages+"log"] != c.want {
			t.Errorf("%s: %v, want %d", name, least, c.want)
		}
		for _, shown := range []int64{0, 2, 5} { // what the script showed is not demanded on top
			rates := runner.Rates{results.SentMessages + "log": {kindOf(&said[0]): {Least: shown}, kindOf(&player.Stimulus{}): {Least: shown}}}
			if least, _ := c.w.limits(rates); least[results.SentMessages+"log"] != max(c.want, shown*int64(len(c.w.stimuli))) {
				t.Errorf("%s: %v, want %d, or %d each", name, least, c.want, shown)
			}
		}
	}
}

// Messages that share what crosses need one for each hundred, unless they go one at a time. Bytes
// do not share.
func TestShared(t *testing.T) {
	t.Parallel()
	stimuli := slices.Repeat([]player.Stimulus{{Kind: player.MessageSaid}}, 201)
	said, volume := kindOf(&stimuli[0]), kindOf(&player.Stimulus{Kind: player.VolumeSet})
	rates := runner.Rates{results.SentBytes + "log": {said: {Least: 100}}}
	for _, module := range []string{"ui", "log"} {
		rates[results.SentMessages+module] = map[string]runner.Rate{said: {Least: 1, Most: 1}, volume: {Least: 1, Most: 1}}
	}
	for name, c := range map[string]struct {
		w       *verifier
		ui, log int64
	}{
		"nothing":             {&verifier{batch: 1, wanted: map[string]string{"delivery": "core", "share": "nothing"}}, 201, 201},
		"outcomes":            {&verifier{batch: 1, wanted: map[string]string{"delivery": "core", "share": "outcomes"}}, 201, 3},
		"all":                 {&verifier{batch: 1, wanted: map[string]string{"delivery": "core", "share": "all"}}, 3, 3},
		"one at a time":       {&verifier{batch: 1, single: true, wanted: map[string]string{"delivery": "core", "share": "all"}}, 201, 201},
		"acknowledged":        {&verifier{batch: 1, wanted: map[string]string{"delivery": "jetstream-file", "share": "outcomes"}}, 201, 204},
		"many in a commit":    {&verifier{batch: 150, wanted: map[string]string{"delivery": "core", "share": "outcomes"}}, 201, 3},
		"all, one thing more": {&verifier{batch: 1, stimuli: append(slices.Clone(stimuli), player.Stimulus{Kind: player.VolumeSet}), wanted: map[string]string{"share": "all", "delivery": "core"}}, 4, 4},
	} {
		if c.w.stimuli == nil {
			c.w.stimuli = stimuli
		}
		c.w.network, c.w.crosses = noNetwork{}, MessageCrosses
		least, _ := c.w.limits(rates)
		got := []int64{least[results.SentMessages+"ui"], least[results.SentMessages+"log"], least[results.SentBytes+"log"]}
		if want := []int64{c.ui, c.log, 20100 - 20100/4}; !slices.Equal(got, want) {
			t.Errorf("%s: at least %v, want %v", name, got, want)
		}
	}
}

type noNetwork struct{ player.Network }

// Stimuli that are posted are counted together: what all of them took, divided by their number.
func TestRatesTogether(t *testing.T) {
	t.Parallel()
	w := &verifier{stimuli: make([]player.Stimulus, 100), rates: rateMap{}, counted: map[string]int{}}
	w.together(results.Counts{results.SentMessages + "ui": 101, results.SentMessages + "log": 100})
	kind := kindOf(&w.stimuli[0])
	if got := w.rates[results.SentMessages+"ui"][kind]; got != (runner.Rate{Least: 1, Most: 2}) {
		t.Errorf("with one request to commit: %+v", got)
	}
	if got := w.rates[results.SentMessages+"log"][kind]; got != (runner.Rate{Least: 1, Most: 1}) {
		t.Errorf("one each: %+v", got)
	}
	w.stimuli[5].Kind, w.rates = player.VolumeSet, rateMap{}
	if w.together(results.Counts{results.SentMessages + "ui": 101}); len(w.rates) != 0 {
		t.Errorf("two kinds cannot be told apart: %v", w.rates)
	}
}

// A style of one process has no connection. Of a network that does not say, nothing is claimed.
func TestConnections(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		network player.Network
		want    int // -1: not known
	}{
		"one process": {nil, 0},
		"four":        {linked{{Module: "ap", Open: 1}, {Module: "log", Open: 3}}, 4},
		"not known":   {linked{{Module: "ap"}}, -1},
	} {
		n, err := (&verifier{network: c.network}).connections()
		if err != nil || (n == nil) != (c.want < 0) || n != nil && *n != c.want {
			t.Errorf("%s: %v, %v, want %d", name, n, err, c.want)
		}
	}
}

type linked []player.Link

func (l linked) Links() ([]player.Link, error) { return l, nil }
func (l linked) Close() error                  { return nil }

// Receipts are counted apart: one for each message where they are asked for, otherwise none.
func TestNoted(t *testing.T) {
	t.Parallel()
	said := []player.Stimulus{{Kind: player.MessageSaid}, {Kind: player.VolumeSet}, {Kind: player.MessageSaid}}
	for _, c := range []struct {
		asked, loose bool
		written      int64
		fits         bool
	}{{false, false, 0, true}, {false, false, 1, false}, {true, false, 2, true}, {true, false, 1, false}, {true, false, 3, false}, {true, true, 3, true}} {
		w := &verifier{stimuli: said, receipts: c.asked, loose: c.loose}
		done := sqlite.Tally{Writes: 4 + c.written, Receipts: c.written}
		if wrong := w.noted(done); (wrong == "") != c.fits || tallied(done, false)[countWrites] != 4 {
			t.Errorf("%+v: %q", c, wrong)
		}
	}
}
