package playertest

import (
	"fmt"
	"slices"
	"testing"

	"rubato/player"
)

// switches change what a style costs, and nothing that it does. Each is tried on all
// styles; those that have it not pass it over.
var switches = map[string]player.Config{
	"untraced":    {},
	"traced":      {Trace: player.Tracing{On: true}},
	"eager":       {Trace: player.Tracing{On: true, Eager: true, Without: []string{"ap"}}},
	"persisted":   {Trace: player.Tracing{On: true, Sink: discard{}}},
	"per flow":    {Trace: player.Tracing{On: true, Sink: discard{}, PerFlow: true}},
	"queued":      {Dispatch: player.Queued, Trace: player.Tracing{On: true}},
	"1 000 rules": {Rules: 1000},
	"pipe":        {Placement: player.Placement{Transport: "pipe"}, Batch: 10},
}

// discard is a sink that keeps nothing.
type discard struct{}

func (discard) Append([]player.TraceRow) error { return nil }

// everything plays an evening in which everything happens that can, refusals
// included: every style has to answer each stimulus with the same code, and leave
// the same lanes and store.
func (s Suite) everything(t *testing.T) {
	reference := subject{s, s.Styles[0]}.open(t, player.Config{Verbatim: true, Token: Token})
	wantCodes := s.play(t, reference)
	want := observe(t, reference)
	for _, style := range s.Styles {
		for name, config := range switches {
			config.Verbatim, config.Token = true, Token
			p := subject{s, style}.open(t, config)
			codes := s.play(t, p)
			if !slices.Equal(codes, wantCodes) {
				t.Errorf("%s, %s, answers %q, want %q", style.Name, name, codes, wantCodes)
			}
			if d := diff(want, observe(t, p)); d != "" {
				t.Errorf("%s, %s, differs from %s: %s", style.Name, name, s.Styles[0].Name, d)
			}
		}
	}
	for _, lane := range want.Lanes {
		if lane.Count == 0 {
			t.Errorf("the evening leaves lane %s empty: nothing was compared", lane.Name)
		}
	}
	for _, code := range []player.Code{player.Unauthorised, player.Invalid, player.NotFound, ""} {
		if !slices.ContainsFunc(wantCodes, func(c string) bool { return c == fmt.Sprintf("%q", code) }) {
			t.Errorf("no stimulus of the evening was answered with code %q", code)
		}
	}
}

// play does each stimulus. A buffer that becomes ready is that of the first queued
// passage, and then of the second.
func (s Suite) play(t *testing.T, p player.Player) (codes []string) {
	t.Helper()
	place := 0
	for _, stimulus := range s.evening() {
		if stimulus.Kind != player.BufferReady {
			place = 0
		} else if stimulus.Passage == 0 {
			queued := observe(t, p).Queue
			stimulus.Passage = queued[min(place, len(queued)-1)].Passage
			place++
		}
		codes = append(codes, fmt.Sprintf("%q", player.CodeOf(p.Do(stimulus))))
	}
	return codes
}
