package command

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"queue-low", "message-log", "storm"}
	for wrong, want := range map[string]string{"queuelow": "queue-low", "msg-log": "message-log", "strom": "storm",
		"MESSAGE-LOG": "message-log", "queue-lo": "queue-low", "mesage-log": "message-log", "message": "message-log",
		"": "", "kafka": "", "soak": "", "me": ""} {
		if got := Nearest(wrong, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", wrong, got, want)
		}
	}
	if best := Nearest("-out", []string{"-mute", "-addr"}); best != "" {
		t.Errorf("a dash makes -out near %q", best)
	}
	for _, far := range []string{"kafka", "x", "udp"} {
		if best := Nearest(far, []string{"nats", "direct", "bus", "pipe", "url"}); best != "" {
			t.Errorf("%q is not near %q", far, best)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"kitten", "sitting", 3}, {"strom", "storm", 1}, {"ca", "abc", 3}, {"µs", "us", 1}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// An edit distance is a metric.
func TestEdits(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-d]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if (edits(a, b) == 0) != (a == b) || edits(a, b) != edits(b, a) || edits(a, c) > edits(a, b)+edits(b, c) {
			t.Fatalf("%q %q %q: %d %d %d", a, b, c, edits(a, b), edits(b, c), edits(a, c))
		}
	})
}
