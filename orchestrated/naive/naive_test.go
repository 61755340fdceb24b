package naive

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// world is the concept for both engines: a counter.
type world struct {
	n   float64
	did []string
}

func (w *world) add(a float64) (float64, error) {
	w.did = append(w.did, fmt.Sprint("add ", a))
	if a < 0 {
		return 0, errors.New("below zero")
	}
	w.n += a
	return w.n, nil
}

func (w *world) note(b float64) { w.did = append(w.did, fmt.Sprint("note ", b)) }

var rules = []Rule{
	{Name: "first", When: "t::Sum::happened", Where: []Ask{{"t::Sum::small", map[string]string{"a": "a"}}},
		Then: []Step{{"t::Sum::add", map[string]string{"a": "a"}, map[string]string{"sum": "s"}}, {Do: "t::Sum::note", With: map[string]string{"b": "s"}}}},
	{Name: "never", When: "t::Sum::never", Then: []Step{{Do: "t::Sum::note", With: map[string]string{"b": "a"}}}},
	{Name: "follows", When: "t::Sum::add", Then: []Step{{Do: "t::Sum::note", With: map[string]string{"b": "sum"}}}},
	{Name: "always", When: "t::Sum::happened", Then: []Step{{Do: "t::Sum::note", With: map[string]string{"b": "a"}}}},
}

func naiveEngine(w *world) *Engine {
	return &Engine{
		Actions: map[string]Action{
			"t::Sum::add": func(in Bindings) (Bindings, error) {
				sum, err := w.add(in["a"].(float64))
				return Bindings{"sum": sum}, err
			},
			"t::Sum::note": func(in Bindings) (Bindings, error) { w.note(in["b"].(float64)); return nil, nil },
		},
		Queries: map[string]Query{"t::Sum::small": func(in Bindings) (bool, error) { return in["a"].(float64) < 10, nil }},
		Rules:   rules, Trace: NewTrace(),
	}
}

// styleEngine is the same world and the same rules in the engine of the style.
func styleEngine(t *testing.T, w *world) *engine.Engine {
	t.Helper()
	real := func(name string) []engine.Field { return []engine.Field{{Name: name, Type: engine.Real}} }
	e := engine.New(engine.Settings{Trace: player.Tracing{On: true}})
	err := e.AddConcepts(engine.Concept{Module: "t", Name: "Sum",
		Events: []engine.Event{{Name: "happened", Fields: real("a")}, {Name: "never", Fields: real("a")}},
		Actions: []engine.Action{
			{Name: "add", In: real("a"), Out: real("sum"), Run: func(c *engine.Call) error {
				sum, err := w.add(c.In[0].Float())
				c.Out[0] = engine.Float(sum)
				return err
			}},
			{Name: "note", In: real("b"), Run: func(c *engine.Call) error { w.note(c.In[0].Float()); return nil }},
		},
		Queries: []engine.Query{{Name: "small", In: real("a"), Ask: func(c *engine.Call) (bool, error) { return c.In[0].Float() < 10, nil }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if err := e.AddRules(translated(r)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func translated(r Rule) engine.Rule {
	fields := map[string]string{"t::Sum::add": "sum"}
	field := "a"
	if f, ok := fields[r.When]; ok {
		field = f
	}
	args := func(with map[string]string) engine.Args {
		out := engine.Args{}
		for f, v := range with {
			out[f] = engine.Var(v)
		}
		return out
	}
	out := engine.Rule{Name: r.Name, When: engine.On(engine.Trigger{URI: r.When, Bind: map[string]string{field: field}})}
	if len(r.Where) > 0 {
		out.Where = engine.Ask{Query: r.Where[0].Query, With: args(r.Where[0].With)}
	}
	for _, s := range r.Then {
		out.Then = append(out.Then, engine.Step{Do: s.Do, With: args(s.With), Gives: s.Gives})
	}
	return out
}

// TestSameWork: both engines do the same, in the same order, and trace the same
// records and edges.
func TestSameWork(t *testing.T) {
	t.Parallel()
	for _, a := range []float64{3, 12, -1} {
		var plain, fast world
		n, e := naiveEngine(&plain), styleEngine(t, &fast)
		errPlain := n.Emit("7", "t::Sum::happened", Bindings{"a": a})
		errFast := e.Emit(7, 0, "t::Sum::happened", engine.Float(a))
		if (errPlain == nil) != (errFast == nil) {
			t.Errorf("a %v: errors %v and %v", a, errPlain, errFast)
		}
		if len(plain.did) == 0 || !slices.Equal(plain.did, fast.did) || plain.n != fast.n {
			t.Errorf("a %v: naive did %q (%v), the engine %q (%v)", a, plain.did, plain.n, fast.did, fast.n)
		}
		if got, want := storyOf(n), story(t, e); !slices.Equal(got, want) {
			t.Errorf("a %v: naive traced\n%s\nthe engine\n%s", a, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// storyOf lists action, rule and the index of the cause among the records.
func storyOf(e *Engine) (lines []string) {
	records, edges := e.Trace.Flow("7")
	for i, r := range records {
		cause := slices.IndexFunc(records, func(o Record) bool { return o.ID == edges[i].From })
		lines = append(lines, fmt.Sprintf("%s by %s from %d failed %v", r.Action, edges[i].Rule, cause, r.Err != ""))
	}
	return lines
}

func story(t *testing.T, e *engine.Engine) (lines []string) {
	t.Helper()
	flow, ok := engine.Inspection{e}.Flow(7)
	if !ok {
		t.Fatal("the engine has no flow 7")
	}
	slices.SortFunc(flow.Rows, func(a, b player.TraceRow) int { return int(a.ID) - int(b.ID) })
	for _, r := range flow.Rows {
		cause := slices.IndexFunc(flow.Rows, func(o player.TraceRow) bool { return o.ID == r.Cause })
		lines = append(lines, fmt.Sprintf("%s by %s from %d failed %v", r.Action, r.Rule, cause, r.Err != ""))
	}
	return lines
}

// TestErrors: unknown names, values without JSON and endless rules are errors.
func TestErrors(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]Rule{
		"unknown query":  {When: "x", Where: []Ask{{Query: "q"}}, Then: []Step{{Do: "ok"}}},
		"unknown action": {When: "x", Then: []Step{{Do: "nobody"}}},
		"no JSON":        {When: "x", Then: []Step{{Do: "infinite"}}},
		"endless":        {When: "x", Then: []Step{{Do: "ok"}, {Do: "ok"}}},
	} {
		ran := 0
		e := &Engine{Rules: []Rule{rule}, Trace: NewTrace(), Actions: map[string]Action{
			"ok":       func(Bindings) (Bindings, error) { ran++; return nil, nil },
			"infinite": func(Bindings) (Bindings, error) { return Bindings{"x": math.Inf(1)}, nil },
		}}
		if name == "endless" {
			e.Rules = append(e.Rules, Rule{When: "ok", Then: []Step{{Do: "ok"}}})
		}
		if err := e.Emit("1", "x", nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if ran > MaxActions {
			t.Errorf("%s: %d actions ran", name, ran)
		}
	}
}

// TestTraceIsBounded: the oldest flow is dropped with its records and edges.
func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	var w world
	e := naiveEngine(&w)
	for i := range keepFlows + 5 {
		if err := e.Emit(fmt.Sprint(i), "t::Sum::happened", Bindings{"a": 1}); err != nil {
			t.Fatal(err)
		}
	}
	const each = 4 // add, note, note, note
	if len(e.Trace.flows) != keepFlows || len(e.Trace.records) != each*keepFlows || len(e.Trace.edges) != each*keepFlows {
		t.Errorf("%d flows, %d records, %d edges", len(e.Trace.flows), len(e.Trace.records), len(e.Trace.edges))
	}
	if records, _ := e.Trace.Flow("4"); records != nil {
		t.Error("the oldest flow is still there")
	}
}

// Flow returns the records of a flow in order of completion, and the edge that leads to
// each.
func (t *Trace) Flow(flow string) (records []Record, edges []Edge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range t.flows[flow] {
		records, edges = append(records, t.records[id]), append(edges, t.edges[id])
	}
	return records, edges
}
