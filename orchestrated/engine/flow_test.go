package engine

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"rubato/player"
)

// rig is an engine with a lamp and these rules.
func rig(t testing.TB, rules ...Rule) (*Engine, *lamp) {
	t.Helper()
	l := &lamp{}
	e := New(Settings{Trace: player.Tracing{On: true}})
	if err := errors.Join(e.AddConcepts(l.concept("Lamp")), e.AddRules(rules...)); err != nil {
		t.Fatal(err)
	}
	return e, l
}

func touch(e *Engine, token uint64) error {
	return e.Emit(token, 0, "t::Lamp::touched", String("ada"), Int(2))
}

func check(t *testing.T, l *lamp, want ...string) {
	t.Helper()
	if !slices.Equal(l.did, want) {
		t.Errorf("the lamp was %v, want %v", l.did, want)
	}
}

// TestBindings: fields, constants and named outputs reach later steps.
func TestBindings(t *testing.T) {
	t.Parallel()
	e, l := rig(t, Rule{Name: "r", When: touched, Then: []Step{
		{Do: "t::Lamp::note", With: Args{"text": Var("who")}},
		{Do: "t::Lamp::set", With: Args{"on": Const(Truth, Bool(true))}, Gives: map[string]string{"was": "before"}},
		{Do: "t::Lamp::set", With: Args{"on": Var("before")}},
	}})
	if err := touch(e, 1); err != nil {
		t.Fatal(err)
	}
	check(t, l, "note ada", "set true", "set false")
}

// TestWhere: and, or, not, short-circuit, outputs of queries, and else.
func TestWhere(t *testing.T) {
	t.Parallel()
	on, broken := Ask{Query: "t::Lamp::isOn"}, Ask{Query: "t::Lamp::broken"}
	owner := Ask{Query: "t::Lamp::owner", Gives: map[string]string{"who": "owner"}}
	says := []Step{{Do: "t::Lamp::note", With: Args{"text": Var("owner")}}}
	for i, c := range []struct {
		where Where
		then  []Step
		lit   bool
		want  string
	}{
		{on, nil, true, "note then"},
		{on, nil, false, "note else"},
		{Not{on}, nil, false, "note then"},
		{And{on, owner}, says, true, "note ada"},
		{And{on, broken}, nil, false, "note else"}, // does not ask broken
		{Or{on, broken}, nil, true, "note then"},   // nor does this
		{Or{Not{on}, on}, nil, true, "note then"},
		{And{Not{Or{on, on}}, owner}, says, false, "note ada"},
	} {
		then := c.then
		if then == nil {
			then = []Step{note("then")}
		}
		e, l := rig(t, Rule{Name: "r", When: touched, Where: c.where, Then: then, Else: []Step{note("else")}})
		l.on, l.fail = c.lit, nil
		if err := touch(e, 1); err != nil {
			t.Errorf("case %d: %v", i, err)
		}
		check(t, l, c.want)
	}
}

// TestAllOf: a rule of several triggers runs once in a flow, after all have happened, and
// flows do not mix.
func TestAllOf(t *testing.T) {
	t.Parallel()
	e, l := rig(t,
		Rule{Name: "on touch", When: touched, Then: []Step{note("a"), {Do: "t::Lamp::set", With: Args{"on": Const(Truth, Bool(true))}}}},
		Rule{Name: "both", When: When{All: []Trigger{touched.Any[0], {URI: "t::Lamp::set"}}}, Then: []Step{{Do: "t::Lamp::note", With: Args{"text": Var("who")}}}},
	)
	for token := range uint64(2) {
		if err := touch(e, token+1); err != nil {
			t.Fatal(err)
		}
	}
	check(t, l, "note a", "set true", "note ada", "note a", "set true", "note ada")
	if err := e.Invoke(3, 0, "t::Lamp::set", []Value{Bool(true)}, make([]Value, 1)); err != nil {
		t.Fatal(err)
	}
	if n := len(l.did); n != 7 {
		t.Errorf("%d things were done, want 7: half of an all-of rule happened in a flow of its own", n)
	}
}

// TestFailure: an action that fails ends its own rule only, and a panic is a failure.
func TestFailure(t *testing.T) {
	t.Parallel()
	e, l := rig(t,
		Rule{Name: "explodes", When: touched, Then: []Step{{Do: "t::Lamp::explode"}, note("never")}},
		Rule{Name: "goes on", When: touched, Then: []Step{note("still here")}},
	)
	err := touch(e, 1)
	if err == nil || err.Error() != "rule explodes: t::Lamp::explode: unavailable: panic: bulb" {
		t.Errorf("error is %v", err)
	}
	check(t, l, "note still here")
	l.did = nil
	if err := e.Emit(2, 0, "t::Lamp::dimmed"); err != nil {
		t.Errorf("the flow after a failed one: %v", err)
	}
}

// TestBounds: rules that trigger each other are aborted with an error, and the engine
// continues.
func TestBounds(t *testing.T) {
	t.Parallel()
	e, l := rig(t, Rule{Name: "loop", When: touched, Where: Not{Ask{Query: "t::Lamp::isOn"}},
		Then: []Step{{Do: "t::Lamp::touch", With: Vars("who")}}})
	for range 3 {
		l.did = nil
		if err := touch(e, 1); !errors.Is(err, ErrAborted) {
			t.Fatalf("error is %v, want %v", err, ErrAborted)
		}
		if len(l.did) != MaxDepth {
			t.Fatalf("%d actions ran, want %d", len(l.did), MaxDepth)
		}
	}
	l.on = true
	if err := touch(e, 2); err != nil {
		t.Errorf("after an abort: %v", err)
	}
}

// TestManyActions: the number of actions is bounded, too.
func TestManyActions(t *testing.T) {
	t.Parallel()
	steps := make([]Step, MaxActions+1)
	for i := range steps {
		steps[i] = note("x")
	}
	e, l := rig(t, Rule{Name: "many", When: touched, Then: steps})
	if err := touch(e, 1); !errors.Is(err, ErrAborted) || len(l.did) != MaxActions {
		t.Errorf("%d actions ran, error %v", len(l.did), err)
	}
}

// TestTrace: every action leaves a record with flow, cause, rule, values and error.
func TestTrace(t *testing.T) {
	t.Parallel()
	e, _ := rig(t,
		Rule{Name: "first", When: touched, Then: []Step{note("x"), {Do: "t::Lamp::explode"}}},
		Rule{Name: "second", When: On(Trigger{URI: "t::Lamp::note", Bind: Same("text")}), Then: []Step{{Do: "t::Lamp::set", With: Args{"on": Const(Truth, Bool(true))}}}},
	)
	_ = touch(e, 42)
	s := e.trace.ring[0]
	var got []string
	for _, r := range s.records {
		got = append(got, fmt.Sprintf("%s by %s, cause %d, failed %v", r.action.uri, r.hook.rule.Name, r.cause, r.err != nil))
	}
	want := []string{
		"t::Lamp::note by first, cause 0, failed false",
		"t::Lamp::set by second, cause 1, failed false",
		"t::Lamp::explode by first, cause 0, failed true",
	}
	if s.token != 42 || !slices.Equal(got, want) {
		t.Errorf("flow %d: %q, want %q", s.token, got, want)
	}
	if text := s.values[s.records[0].values].Text(); text != "x" {
		t.Errorf("the first input was traced as %q", text)
	}
}

// TestOutsideErrors: an engine refuses what it does not know.
func TestOutsideErrors(t *testing.T) {
	t.Parallel()
	e, _ := rig(t)
	for name, err := range map[string]error{
		"unknown event":  e.Emit(1, 0, "t::Lamp::x"),
		"fields":         e.Emit(1, 0, "t::Lamp::touched"),
		"unknown action": e.Invoke(1, 0, "t::Lamp::x", nil, nil),
		"inputs":         e.Invoke(1, 0, "t::Lamp::set", nil, nil),
		"subscribe":      second(e.Subscribe("t::Lamp::x", func(*Envelope) {})),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSubscribe: a handler receives the envelope of an event.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	e, _ := rig(t)
	var heard string
	if _, err := e.Subscribe("t::Lamp::touched", func(v *Envelope) { heard = fmt.Sprintf("%d %s %s", v.Flow, v.Event, v.Fields[0].Text()) }); err != nil {
		t.Fatal(err)
	}
	if err := touch(e, 9); err != nil || heard != "9 t::Lamp::touched ada" {
		t.Errorf("heard %q, error %v", heard, err)
	}
}

// TestFailuresAreTraced: the trace has a query that fails and a flow that meets a bound,
// with the rule's name.
func TestFailuresAreTraced(t *testing.T) {
	t.Parallel()
	e, l := rig(t,
		Rule{Name: "asks", When: touched, Where: Ask{Query: "t::Lamp::broken"}, Then: []Step{note("never")}},
		Rule{Name: "loop", When: On(Trigger{URI: "t::Lamp::touched", Bind: Same("who")}), Where: Not{Ask{Query: "t::Lamp::isOn"}},
			Then: []Step{{Do: "t::Lamp::touch", With: Vars("who")}}})
	l.fail = errors.New("lamp is gone")
	if err := touch(e, 1); err == nil {
		t.Fatal("no error")
	}
	f, _ := Inspection{e}.Flow(1)
	seen := map[string]bool{}
	for _, r := range f.Rows {
		if r.Action == RuleFailed {
			seen[r.Rule] = r.Err != ""
		}
	}
	if !seen["asks"] || !seen["loop"] {
		t.Errorf("failures in the trace: %v", seen)
	}
}

// TestTraceMemory: 1 000 flows of an activation take under 8 MB.
func TestTraceMemory(t *testing.T) {
	e, _ := rig(t, Rule{Name: "r", When: touched, Then: []Step{note("x"), note("y"), note("z")}})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range TraceFlows {
		if err := touch(e, uint64(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if used <= 0 || used > 8<<20 {
		t.Errorf("%d flows take %d bytes", len(e.Flows(TraceFlows)), used)
	}
	t.Logf("%d flows of 3 records: %d kB", TraceFlows, used>>10)
	runtime.KeepAlive(e)
}

// TestAllocations: an activation allocates nothing, traced or not, once the ring has
// filled.
func TestAllocations(t *testing.T) {
	for _, traced := range []bool{true, false} {
		e := New(Settings{Trace: player.Tracing{On: traced}})
		n := 0
		c := Concept{Module: "t", Name: "N", Events: []Event{{"go", []Field{{"a", Integer}}}},
			Actions: []Action{{Name: "add", In: []Field{{"a", Integer}}, Out: []Field{{"b", Integer}}, Run: func(c *Call) error { n++; c.Out[0] = c.In[0]; return nil }}},
			Queries: []Query{{Name: "yes", Ask: func(*Call) (bool, error) { return true, nil }}}}
		step := Step{Do: "t::N::add", With: Vars("a"), Gives: map[string]string{"b": "b"}}
		err := errors.Join(e.AddConcepts(c), e.AddRules(Rule{Name: "r", When: On(Trigger{URI: "t::N::go", Bind: Same("a")}),
			Where: And{Ask{Query: "t::N::yes"}, Ask{Query: "t::N::yes"}}, Then: []Step{step, step, step}}))
		if err != nil {
			t.Fatal(err)
		}
		once := func() { _ = e.Emit(1, 0, "t::N::go", Int(7)) }
		for range 2 * TraceFlows {
			once()
		}
		if allocs := testing.AllocsPerRun(100, once); allocs > 0 {
			t.Errorf("traced %v: %v allocations an activation", traced, allocs)
		}
		if n == 0 {
			t.Error("nothing was activated")
		}
	}
}

// wire is an action that runs elsewhere: it is sent at once and has ended when it is waited for.
type wire struct {
	*lamp
	fail error
}

func (w *wire) Wait() error { w.did = append(w.did, "ended"); return w.fail }

func (w *wire) concept() Concept {
	return Concept{Module: "t", Name: "Wire", Actions: []Action{{Name: "send", Run: func(c *Call) error {
		w.did = append(w.did, "sent")
		if c.Later() {
			c.Await(w)
			return nil
		}
		return w.Wait()
	}}}}
}

// TestLater: a flow goes on after a step that it need not wait for, and ends after it. It
// waits if the step does not allow that, or a rule follows the action.
func TestLater(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	follow := Rule{Name: "follow", When: On(Trigger{URI: "t::Wire::send", Failed: true}), Then: []Step{note("failed")}}
	for name, c := range map[string]struct {
		later bool
		more  []Rule
		fail  error
		want  []string
	}{
		"later":               {later: true, want: []string{"sent", "note x", "sent", "note x", "ended", "ended"}},
		"later, and it fails": {later: true, fail: lost, want: []string{"sent", "note x", "sent", "note x", "ended", "ended"}},
		"now":                 {want: []string{"sent", "ended", "note x", "sent", "ended", "note x"}},
		"a rule follows":      {later: true, more: []Rule{follow}, fail: lost, want: []string{"sent", "ended", "note failed", "sent", "ended", "note failed"}},
	} {
		e, l := rig(t)
		w := &wire{l, c.fail}
		send := []Step{{Do: "t::Wire::send", Later: c.later}, note("x")}
		rules := append([]Rule{{Name: "one", When: touched, Then: send}, {Name: "two", When: touched, Then: send}}, c.more...)
		if err := errors.Join(e.AddConcepts(w.concept()), e.AddRules(rules...)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second flow has nothing of the first
			l.did = nil
			if err := touch(e, 1); !errors.Is(err, c.fail) {
				t.Errorf("%s: %v", name, err)
			}
			check(t, l, c.want...)
		}
	}
}

func second(_ func(), err error) error { return err }
