package scenarios

import (
	"math"
	"slices"
	"strings"
	"testing"

	"rubato/results"
	"rubato/runner"
)

// Each claim that has a section of its own names scenarios, styles and values that there are, its
// command measures them, and what was added up gives the published sum.
func TestPublished(t *testing.T) {
	t.Parallel()
	all := styles{}.all()
	for _, p := range published {
		if p.ID == "" || p.Title == "" || len(p.Text) == 0 || p.Command == "" {
			t.Errorf("%q: something is not said", p.ID)
		}
		parts := append([]results.Part{p.Whole}, p.Parts...)
		if p.Base != nil {
			parts = append(parts, *p.Base)
		}
		var lo, hi float64
		for _, part := range parts {
			if part.Adds {
				lo, hi = lo+part.Claim.Lo, hi+part.Claim.Hi
			}
			at := slices.IndexFunc(all, func(s runner.Scenario) bool { return s.Name == part.Scenario })
			if at < 0 || !slices.Contains(strings.Fields(p.Command), part.Scenario) {
				t.Errorf("%s: scenario %q is not there, or not in the command %q", p.ID, part.Scenario, p.Command)
				continue
			}
			if _, known := results.MetricNamed(part.Claim.Quantity); !known {
				t.Errorf("%s: quantity %q", p.ID, part.Claim.Quantity)
			}
			for key, value := range part.Claim.Options {
				k := slices.IndexFunc(all[at].Keys, func(k runner.Key) bool { return k.Name == key })
				if k < 0 || !slices.Contains(all[at].Keys[k].Values, value) || !strings.Contains(p.Command, value) {
					t.Errorf("%s: %s=%s is not there, or not in the command %q", p.ID, key, value, p.Command)
				}
			}
			for _, arm := range []string{part.Claim.Style, part.Claim.Less} {
				if all[at].Arms != nil && arm != "" && !slices.ContainsFunc(all[at].Arms, func(a runner.Style) bool { return a.Name == arm }) {
					t.Errorf("%s: %s has no arm %q", p.ID, part.Scenario, arm)
				}
			}
		}
		if whole := p.Whole.Claim; lo > 0 && (math.Abs(lo-whole.Lo) > 1 || math.Abs(hi-whole.Hi) > 1) {
			t.Errorf("%s: parts add up to %v … %v ns, published are %v … %v", p.ID, lo, hi, whole.Lo, whole.Hi)
		}
	}
}

// TestKeysApply: a scenario lists no key that none of its styles has: it would be read, and ignored.
func TestKeysApply(t *testing.T) {
	t.Parallel()
	for _, s := range (styles{}).all() {
		for _, k := range s.Keys {
			if len(s.Styles) > 0 && len(k.Styles) > 0 && !slices.ContainsFunc(s.Styles, func(style string) bool { return slices.Contains(k.Styles, style) }) {
				t.Errorf("%s has key %s of %v, and is measured in %v", s.Name, k.Name, k.Styles, s.Styles)
			}
		}
	}
}
