package workload

import (
	"testing"

	"rubato/player"
)

// A shape is that of the tree of actions: the same for other ids, times and orders of
// siblings, another for any other cause, rule, trigger, action or failure.
func TestShape(t *testing.T) {
	t.Parallel()
	row := func(id, cause uint64, rule, action string) player.TraceRow {
		return player.TraceRow{ID: id, Cause: cause, Rule: rule, Trigger: "t", Action: action}
	}
	flow := []player.TraceRow{row(1, 0, "", "a"), row(2, 1, "r", "b"), row(3, 1, "r", "c"), row(4, 3, "s", "d")}
	want, lost := shape(flow)
	if lost != "" {
		t.Fatalf("lost %q", lost)
	}
	for name, same := range map[string][]player.TraceRow{
		"other ids":   {row(11, 0, "", "a"), row(7, 11, "r", "b"), row(5, 11, "r", "c"), row(6, 5, "s", "d")},
		"other order": {flow[0], flow[2], flow[3], flow[1]},
	} {
		if got, lost := shape(same); got != want || lost != "" {
			t.Errorf("%s: %x, want %x; lost %q", name, got, want, lost)
		}
	}
	change := func(i int, of func(*player.TraceRow)) []player.TraceRow {
		other := append([]player.TraceRow(nil), flow...)
		of(&other[i])
		return other
	}
	for name, other := range map[string][]player.TraceRow{
		"no cause":        change(3, func(r *player.TraceRow) { r.Cause = 0 }),
		"another cause":   change(3, func(r *player.TraceRow) { r.Cause = 2 }),
		"another rule":    change(1, func(r *player.TraceRow) { r.Rule = "x" }),
		"another trigger": change(1, func(r *player.TraceRow) { r.Trigger = "x" }),
		"another action":  change(1, func(r *player.TraceRow) { r.Action = "x" }),
		"a failure":       change(1, func(r *player.TraceRow) { r.Err = "x" }),
		"one less":        flow[:3],
		"one twice":       append(flow[:4:4], row(5, 3, "s", "d")),
	} {
		if got, _ := shape(other); got == want {
			t.Errorf("%s has the same shape", name)
		}
	}
	if _, lost := shape(change(3, func(r *player.TraceRow) { r.Cause = 99 })); lost != "d" {
		t.Errorf("a cause that is not there: lost %q", lost)
	}
	shape([]player.TraceRow{row(1, 2, "", "a"), row(2, 1, "", "b")}) // in a circle: it ends
}
