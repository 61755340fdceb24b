package runner

import (
	"slices"
	"strings"
	"testing"
)

// whole is a suite with a scenario of pieces.
func whole() Suite {
	return Suite{Styles: []Style{{Name: "plain"}, {Name: "other"}}, Scenarios: []Scenario{
		{Name: "journal", Op: "line"},
		{Name: "pieces", Op: "turn", ArmKey: "piece", Arms: []Style{{"floor", "an empty turn"}, {"wheel", "one turn"}, {"axle", "half a turn"}},
			Keys: []Key{{Name: "size", Default: "1,2"}}, Pairs: []Pair{{Switch: "axle", Without: "wheel", With: "axle"}}},
	}}
}

// TestArms: a scenario's own arms stand in for the styles; some may be picked, and
// the first always is.
func TestArms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ask  runFlags
		want []string // arms of every contest
		err  string
	}{
		"all":            {runFlags{scenarios: []string{"pieces"}}, []string{"floor", "wheel", "axle"}, ""},
		"some":           {runFlags{scenarios: []string{"pieces"}, set: settings{"piece": {"axle"}}}, []string{"floor", "axle"}, ""},
		"styles differ":  {runFlags{scenarios: []string{"pieces"}, styles: []string{"other"}}, []string{"floor", "wheel", "axle"}, ""},
		"unknown piece":  {runFlags{scenarios: []string{"pieces"}, set: settings{"piece": {"whel"}}}, nil, "wheel"},
		"not of journal": {runFlags{scenarios: []string{"journal"}, set: settings{"piece": {"axle"}}}, nil, "piece"},
	} {
		p, err := newPlan(whole(), test.ask)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want one that says %q", name, err, test.err)
			}
			continue
		}
		if err != nil || len(p.contests) != 2 {
			t.Fatalf("%s: %d contests, error %v", name, len(p.contests), err)
		}
		for _, c := range p.contests {
			var got []string
			for _, a := range c.arms {
				got = append(got, a.style)
				if slices.Contains(a.named, "piece") || a.options["piece"] != "" {
					t.Errorf("%s: the piece is an option, too: %+v", name, a)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: arms %q, want %q", name, got, test.want)
			}
		}
	}
}

// TestArmsInResult: whoever reads the results knows what the arms are.
func TestArmsInResult(t *testing.T) {
	t.Parallel()
	out := whole().Scenarios[1].result()
	if out.ArmKey != "piece" || out.Baseline != "floor" || len(out.Pairs) != 1 || len(out.Arms) != 3 || out.Arms[1].Doc != "one turn" {
		t.Errorf("%+v", out)
	}
	if plain := whole().Scenarios[0].result(); plain.ArmKey != "" || plain.Baseline != "" {
		t.Errorf("styles became pieces: %+v", plain)
	}
}

// TestArmsListed: list teaches which there are.
func TestArmsListed(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	list(&out, whole())
	for _, want := range []string{"-set piece=", "wheel", "half a turn"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("list does not say %q:\n%s", want, out.String())
		}
	}
}
