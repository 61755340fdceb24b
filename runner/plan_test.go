package runner

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// whole is a suite with a scenario of pieces.
func whole() Suite {
	return Suite{Styles: []Style{{Name: "plain"}, {Name: "other"}}, Scenarios: []Scenario{
		{Name: "journal", Op: "line"},
		{Name: "pieces", Op: "turn", ArmKey: "piece", Arms: []Style{{Name: "floor", Doc: "an empty turn"}, {Name: "wheel", Doc: "one turn"}, {Name: "axle", Doc: "half a turn"}},
			Keys: []Key{{Name: "size", Default: "1,2"}}, Pairs: []Pair{{Switch: "axle", Without: "wheel", With: "axle"}}},
	}}
}

// TestArms: a scenario's own arms stand in for the styles; some may be picked, and
// the first always is.
func TestArms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config config
		want   []string // arms of every comparison
		err    string
	}{
		"all":            {config{scenarios: []string{"pieces"}}, []string{"floor", "wheel", "axle"}, ""},
		"some":           {config{scenarios: []string{"pieces"}, set: settings{"piece": {"axle"}}}, []string{"floor", "axle"}, ""},
		"styles differ":  {config{scenarios: []string{"pieces"}, styles: []string{"other"}}, []string{"floor", "wheel", "axle"}, ""},
		"unknown piece":  {config{scenarios: []string{"pieces"}, set: settings{"piece": {"whel"}}}, nil, "wheel"},
		"not of journal": {config{scenarios: []string{"journal"}, set: settings{"piece": {"axle"}}}, nil, "piece"},
	} {
		p, err := newPlan(whole(), test.config)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want one that says %q", name, err, test.err)
			}
			continue
		}
		if err != nil || len(p.comparisons) != 2 {
			t.Fatalf("%s: %d comparisons, error %v", name, len(p.comparisons), err)
		}
		for _, c := range p.comparisons {
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

// TestGrid: a grid is measured as it is, with all values of the other keys; whoever sets one of its
// keys gets all combinations. After a pause caches are cold.
func TestGrid(t *testing.T) {
	t.Parallel()
	suite := Suite{Styles: []Style{{Name: "plain"}}, Scenarios: []Scenario{{Name: "s", Op: "line",
		Keys: []Key{{Name: "a", Default: "1"}, {Name: "b", Default: "1"}, {Name: "c", Default: "x,y"}},
		Grid: []Options{{"a": "1", "b": "2"}, {"a": "3", "b": "1"}},
		Pause: func(o Options) time.Duration {
			if o["b"] == "2" {
				return time.Millisecond
			}
			return 0
		},
	}}}.complete()
	for name, c := range map[string]struct {
		set  settings
		want string
		err  string
	}{
		"the grid":     {nil, "1,2,x,cold 3,1,x,hot 1,2,y,cold 3,1,y,hot", ""},
		"another key":  {settings{"c": {"z"}}, "1,2,z,cold 3,1,z,hot", ""},
		"a key of it":  {settings{"a": {"1", "2"}, "c": {"x"}}, "1,1,x,hot 2,1,x,hot", ""},
		"hot and idle": {settings{"caches": {"hot"}}, "", "after a pause caches are cold"},
	} {
		p, err := newPlan(suite, config{scenarios: []string{"s"}, set: c.set})
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want one that says %q", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, comparison := range p.comparisons {
			o := comparison.options
			got = append(got, strings.Join([]string{o["a"], o["b"], o["c"], o[cachesKey]}, ","))
			if named := comparison.arms[0].named; c.set["a"] == nil && !slices.Contains(named, "b") {
				t.Errorf("%s: the name has %q", name, named)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
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
	if !whole().describe(&out, "pieces") {
		t.Fatal("no such scenario")
	}
	for _, want := range []string{"-set piece=", "wheel", "half a turn"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("list does not say %q:\n%s", want, out.String())
		}
	}
}

// Pieces that are a pair stand side by side and change places from turn to turn. All
// others have a place in each turn, too; a pair of which one is not measured is no pair.
func TestOrdersOfPieces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arms, forth, back string }{
		{"floor wheel axle", "wheel axle floor", "axle wheel floor"},
		{"floor axle", "axle floor", "axle floor"},
		{"floor", "floor", "floor"},
	} {
		names := strings.Fields(test.arms)
		c := nearComparison(nil, 0)
		c.plan.scenario = whole().Scenarios[1]
		var got []string
		for _, order := range c.turnOrders(len(names), func(k int) *arm { return &arm{armPlan: armPlan{style: names[k]}} }) {
			var turn []string
			for _, k := range order {
				turn = append(turn, names[k])
			}
			got = append(got, strings.Join(turn, " "))
		}
		if !slices.Equal(got, []string{test.forth, test.back}) {
			t.Errorf("%s: turns %q", test.arms, got)
		}
	}
}
