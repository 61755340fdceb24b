package orchestrated

import (
	"fmt"
	"testing"

	"rubato/player"
)

// idleConcept has cheap doors: what is left is what the engine costs.
func idleConcept() Concept {
	var n int64
	act := func(c *Call) error { n += c.In[0].Int(); c.Out[0] = Int(n); return nil }
	yes := func(*Call) (bool, error) { return true, nil }
	in, out := []Field{{"a", Integer}}, []Field{{"b", Integer}}
	return Concept{Module: "t", Name: "Idle",
		Events:  []Event{{"happened", []Field{{"a", Integer}}}, {"never", nil}},
		Actions: []Action{{Name: "one", In: in, Out: out, Run: act}, {Name: "two", In: in, Out: out, Run: act}, {Name: "three", In: in, Out: out, Run: act}},
		Queries: []Query{{Name: "first", In: in, Ask: yes}, {Name: "second", Ask: yes}},
	}
}

// benchEngine has one rule of 2 queries and 3 actions, padded to n rules.
func benchEngine(b *testing.B, n int, settings Settings) *Engine {
	e := NewEngine(settings)
	if err := e.AddConcepts(idleConcept()); err != nil {
		b.Fatal(err)
	}
	rules := []Rule{{
		Name: "activation", When: On(Trigger{URI: "t::Idle::happened", Bind: same("a")}),
		Where: And{Ask{Query: "t::Idle::first", With: vars("a")}, Ask{Query: "t::Idle::second"}},
		Then: []Step{
			{Do: "t::Idle::one", With: vars("a"), Gives: same("b")},
			{Do: "t::Idle::two", With: Args{"a": Var("b")}, Gives: map[string]string{"b": "c"}},
			{Do: "t::Idle::three", With: Args{"a": Var("c")}},
		},
	}}
	for len(rules) < n {
		rules = append(rules, Rule{Name: fmt.Sprint("padding ", len(rules)), When: On(Trigger{URI: "t::Idle::never"}),
			Then: []Step{{Do: "t::Idle::one", With: Args{"a": Const(Integer, Int(1))}}}})
	}
	if err := e.AddRules(rules...); err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkActivation is one whole activation: 20 rules, 2 queries, 3 actions.
func BenchmarkActivation(b *testing.B) {
	for _, traced := range []bool{true, false} {
		for _, rules := range []int{20, 1000} {
			b.Run(fmt.Sprintf("traced=%v/rules=%d", traced, rules), func(b *testing.B) {
				e := benchEngine(b, rules, Settings{Trace: player.Tracing{On: traced}})
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Emit(1, 0, "t::Idle::happened", Int(1)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkChannelRoundTrip is the reference that an activation is read against.
func BenchmarkChannelRoundTrip(b *testing.B) {
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	for b.Loop() {
		there <- 1
		<-back
	}
	close(there)
}
