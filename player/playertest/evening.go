package playertest

import (
	"fmt"
	"slices"
	"testing"

	"rubato/player"
)

// everything plays an evening in which everything happens that can, refusals
// included: every style has to answer each stimulus with the same code, and leave
// the same lanes and store.
func (s Suite) everything(t *testing.T) {
	var want player.Observation
	var wantCodes []string
	for i, style := range s.Styles {
		p := subject{s, style}.open(t, player.Config{Verbatim: true, Token: Token, Trace: player.Tracing{On: true}})
		codes := s.play(t, p)
		got := observe(t, p)
		if i == 0 {
			want, wantCodes = got, codes
			continue
		}
		if !slices.Equal(codes, wantCodes) {
			t.Errorf("%s answers %q, %s %q", style.Name, codes, s.Styles[0].Name, wantCodes)
		}
		if d := diff(want, got); d != "" {
			t.Errorf("%s differs from %s: %s", style.Name, s.Styles[0].Name, d)
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
