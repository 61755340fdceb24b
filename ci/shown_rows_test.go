package ci

import "testing"

// TestShownRows: rows within a limit are shown by the tightest cell, all others in full.
func TestShownRows(t *testing.T) {
	t.Parallel()
	at := func(v float64) *Measure { return &Measure{Median: v, Lo: v, Hi: v} }
	got := tightestRows([]Row{
		{Budget: "memory", Cell: "a", Limit: 10, Measured: at(3), Verdict: Within},
		{Budget: "memory", Cell: "b", Limit: 10, Measured: at(11), Verdict: Over},
		{Budget: "memory", Cell: "c", Limit: 10, Measured: at(9), Verdict: Within},
		{Budget: "rate", Cell: "a", Limit: 10, AtLeast: true, Measured: at(11), Verdict: Within},
		{Budget: "rate", Cell: "b", Limit: 10, AtLeast: true, Measured: at(99), Verdict: Within},
		{Budget: "rate", Cell: "c", Limit: 10, AtLeast: true, Verdict: Inconclusive},
		{Budget: "alone", Cell: "a", Limit: 10, Measured: at(1), Verdict: Within},
	})
	want := []string{"memory c (tightest of 2) within", "memory b over", "rate a (tightest of 2) within", "rate c inconclusive", "alone a within"}
	if len(got) != len(want) {
		t.Fatalf("%d rows %+v, want %d", len(got), got, len(want))
	}
	for i, r := range got {
		if got := r.Budget + " " + r.Cell + " " + r.Verdict; got != want[i] {
			t.Errorf("row %d is %q, want %q", i, got, want[i])
		}
	}
}
