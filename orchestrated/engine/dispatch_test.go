package engine

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"rubato/player"
)

// chain is rules where one event leads to two actions, and each of these to one more.
func chain() []Rule {
	set := Step{Do: "t::Lamp::set", With: Args{"on": Const(Truth, Bool(true))}}
	return []Rule{
		{Name: "first", When: touched, Then: []Step{note("1"), set}},
		{Name: "after note", When: On(Trigger{URI: "t::Lamp::note", Bind: Same("text")}), Where: Not{Ask{Query: "t::Lamp::isOn"}}, Then: []Step{set, {Do: "t::Lamp::note", With: Vars("text")}}},
		{Name: "last", When: touched, Then: []Step{note("2")}},
	}
}

func engineWith(t testing.TB, s Settings, rules ...Rule) (*Engine, *lamp) {
	t.Helper()
	l := &lamp{}
	e := New(s)
	if err := errors.Join(e.AddConcepts(l.concept("Lamp")), e.AddRules(rules...)); err != nil {
		t.Fatal(err)
	}
	e.Start()
	t.Cleanup(e.Close)
	return e, l
}

// TestOrder: inline runs depth first, queued breadth first.
func TestOrder(t *testing.T) {
	t.Parallel()
	e, l := engineWith(t, Settings{}, chain()...)
	if err := touch(e, 1); err != nil {
		t.Fatal(err)
	}
	check(t, l, "note 1", "set true", "note 1", "set true", "note 2")
	e, l = engineWith(t, Settings{Dispatch: player.Queued}, chain()...)
	if err := touch(e, 1); err != nil {
		t.Fatal(err)
	}
	check(t, l, "note 1", "set true", "note 2")
}

// TestQueuedOutputs: Invoke returns the outputs after the rules have run.
func TestQueuedOutputs(t *testing.T) {
	t.Parallel()
	e, l := engineWith(t, Settings{Dispatch: player.Queued, Trace: player.Tracing{On: true}},
		Rule{Name: "r", When: On(Trigger{URI: "t::Lamp::set"}), Then: []Step{note("then")}})
	l.on = true
	out := make([]Value, 1)
	if err := e.Invoke(7, 0, "t::Lamp::set", []Value{Bool(false)}, out); err != nil || !out[0].Bool() {
		t.Errorf("output %v, error %v", out[0].Bool(), err)
	}
	check(t, l, "set false", "note then")
	if f, ok := (Inspection{e}).Flow(7); !ok || len(f.Rows) != 2 || f.Rows[1].Cause != f.Rows[0].ID {
		t.Errorf("the flow is %+v", f)
	}
}

// TestQueuedBounds: rules that trigger each other end, and their work in the queue.
func TestQueuedBounds(t *testing.T) {
	t.Parallel()
	loop := Rule{Name: "loop", When: touched, Where: Not{Ask{Query: "t::Lamp::isOn"}}, Then: []Step{{Do: "t::Lamp::touch", With: Vars("who")}}}
	e, _ := engineWith(t, Settings{Dispatch: player.Queued}, loop)
	if err := touch(e, 1); !errors.Is(err, ErrAborted) {
		t.Errorf("error is %v, want %v", err, ErrAborted)
	}
	if m := e.Rules()[0].Metrics; m.Aborts != 1 || m.Failures != 1 {
		t.Errorf("metrics %+v, want one abort", m)
	}
}

// TestQueuedClose leaves no goroutine.
func TestQueuedClose(t *testing.T) {
	before := goleak.IgnoreCurrent()
	e := New(Settings{Dispatch: player.Queued, Trace: player.Tracing{On: true, Sink: &sink{}}})
	e.Start()
	e.Close()
	e.Close()
	goleak.VerifyNone(t, before)
}

// TestFailureTrigger: a failed action can be a trigger, with its inputs, its code
// and its error.
func TestFailureTrigger(t *testing.T) {
	t.Parallel()
	e, l := engineWith(t, Settings{},
		Rule{Name: "explodes", When: touched, Then: []Step{{Do: "t::Lamp::explode"}}},
		Rule{Name: "notes", When: On(Trigger{URI: "t::Lamp::explode", Failed: true, Bind: Same("code")}),
			Then: []Step{{Do: "t::Lamp::note", With: Args{"text": Var("code")}}}})
	if err := touch(e, 1); player.CodeOf(err) != player.Unavailable {
		t.Errorf("error is %v", err)
	}
	check(t, l, "note unavailable")
}

// TestSwitches: a linear scan and a cached where change no outcome; the cache asks fewer
// queries.
func TestSwitches(t *testing.T) {
	t.Parallel()
	asked := 0
	l := &lamp{}
	c := l.concept("Lamp")
	c.Queries = append(c.Queries, Query{Name: "counted", Ask: func(*Call) (bool, error) { asked++; return true, nil }})
	where := Ask{Query: "t::Lamp::counted"}
	rules := []Rule{
		{Name: "a", When: touched, Where: And{where, where}, Then: []Step{note("a")}},
		{Name: "b", When: touched, Where: where, Then: []Step{note("b")}},
	}
	for _, s := range []struct {
		settings Settings
		asks     int
	}{{Settings{}, 3}, {Settings{LinearScan: true}, 3}, {Settings{CacheWhere: true}, 2}} {
		e := New(s.settings)
		if err := errors.Join(e.AddConcepts(c), e.AddRules(rules...)); err != nil {
			t.Fatal(err)
		}
		asked, l.did = 0, nil
		if err := touch(e, 1); err != nil {
			t.Fatal(err)
		}
		check(t, l, "note a", "note b")
		if asked != s.asks {
			t.Errorf("%+v: the query was asked %d times, want %d", s.settings, asked, s.asks)
		}
	}
}

// TestMetrics: activations are counted, and timed when traced.
func TestMetrics(t *testing.T) {
	t.Parallel()
	e, l := engineWith(t, Settings{Trace: player.Tracing{On: true}},
		Rule{Name: "r", When: touched, Where: Ask{Query: "t::Lamp::isOn"}, Then: []Step{note("x")}})
	_ = touch(e, 1)
	l.on, l.fail = true, errors.New("no")
	_ = touch(e, 2)
	l.fail = nil
	_ = touch(e, 3)
	m := e.Rules()[0].Metrics
	if m.Activations != 3 || m.Rejections != 1 || m.Failures != 1 {
		t.Errorf("counts %+v", m)
	}
	if !(m.Mean > 0 && m.Mean <= m.Max*1.02 && m.P95 <= m.P99 && m.P99 <= m.Max) {
		t.Errorf("durations %+v", m)
	}
}

// TestUntracedModule: a module can be left out of the trace.
func TestUntracedModule(t *testing.T) {
	t.Parallel()
	e, _ := engineWith(t, Settings{Trace: player.Tracing{On: true, Without: []string{"t"}}}, Rule{Name: "r", When: touched, Then: []Step{note("x")}})
	_ = touch(e, 1)
	if flows := e.Flows(10); len(flows) != 0 {
		t.Errorf("flows of a module that is not traced: %+v", flows)
	}
}
