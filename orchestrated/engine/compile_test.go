package engine

import (
	"strings"
	"testing"

	"rubato/player"
)

// lamp is a concept for tests. It can be switched, answers whether it is on, and lists
// what was done to it.
type lamp struct {
	on   bool
	did  []string
	fail error
}

func (l *lamp) concept(name string) Concept {
	return Concept{
		Module: "t", Name: name,
		Events: []Event{{"touched", []Field{{"who", Text}, {"times", Integer}}}, {"dimmed", nil}},
		Actions: []Action{
			{Name: "set", In: []Field{{"on", Truth}}, Out: []Field{{"was", Truth}}, Run: func(c *Call) error {
				c.Out[0] = Bool(l.on)
				l.on = c.In[0].Bool()
				l.did = append(l.did, "set "+c.In[0].Format(Truth))
				return l.fail
			}},
			{Name: "note", In: []Field{{"text", Text}}, Run: func(c *Call) error {
				l.did = append(l.did, "note "+c.In[0].Text())
				return l.fail
			}},
			{Name: "touch", In: []Field{{"who", Text}}, Emits: []string{"touched"}, Run: func(c *Call) error {
				c.Emit(0, c.In[0], Int(1))
				l.did = append(l.did, "touch")
				return nil
			}},
			{Name: "explode", Run: func(*Call) error { panic("bulb") }},
		},
		Queries: []Query{
			{Name: "isOn", Ask: func(*Call) (bool, error) { return l.on, nil }},
			{Name: "owner", Out: []Field{{"who", Text}}, Ask: func(c *Call) (bool, error) {
				c.Out[0] = String("ada")
				return true, nil
			}},
			{Name: "broken", Ask: func(*Call) (bool, error) { return false, l.fail }},
		},
	}
}

func note(text string) Step {
	return Step{Do: "t::Lamp::note", With: Args{"text": Const(Text, String(text))}}
}

var touched = On(Trigger{URI: "t::Lamp::touched", Bind: map[string]string{"who": "who"}})

// TestRegistration: an error names the rule and the field.
func TestRegistration(t *testing.T) {
	t.Parallel()
	good := Rule{Name: "good", When: touched, Then: []Step{note("x")}}
	with := func(change func(*Rule)) Rule {
		r := good
		change(&r)
		return r
	}
	for want, rule := range map[string]Rule{
		`rule "": name: is empty`:                                      with(func(r *Rule) { r.Name = "" }),
		`rule "good": then: has no step`:                               with(func(r *Rule) { r.Then = nil }),
		`rule "good": when: set exactly one of any and all`:            with(func(r *Rule) { r.When = When{} }),
		`rule "good": when.any[0]: unknown event or action "t::x::y"`:  with(func(r *Rule) { r.When = On(Trigger{URI: "t::x::y"}) }),
		`rule "good": when.any[0]: t::Lamp::touched has no field "by"`: with(func(r *Rule) { r.When = On(Trigger{URI: "t::Lamp::touched", Bind: Same("by")}) }),
		`when.any[1]: t::Lamp::dimmed binds 0 variables`:               with(func(r *Rule) { r.When.Any = []Trigger{touched.Any[0], {URI: "t::Lamp::dimmed"}} }),
		`when.any[1]: t::Lamp::touched is named twice`:                 with(func(r *Rule) { r.When.Any = []Trigger{touched.Any[0], touched.Any[0]} }),
		`then: [0].do: unknown action "t::Lamp::fly"`:                  with(func(r *Rule) { r.Then = []Step{{Do: "t::Lamp::fly"}} }),
		`then: [0].with: input "text" of t::Lamp::note is not given`:   with(func(r *Rule) { r.Then = []Step{{Do: "t::Lamp::note"}} }),
		`then: [0].with: t::Lamp::note has no input "loud"`: with(func(r *Rule) {
			r.Then = []Step{{Do: "t::Lamp::note", With: Args{"text": Var("who"), "loud": Var("who")}}}
		}),
		`then: [0].with: variable "whom" is not bound`:    with(func(r *Rule) { r.Then = []Step{{Do: "t::Lamp::note", With: Args{"text": Var("whom")}}} }),
		`input "on" of t::Lamp::set is truth, given text`: with(func(r *Rule) { r.Then = []Step{{Do: "t::Lamp::set", With: Args{"on": Var("who")}}} }),
		`then: [0].gives: t::Lamp::note has no output "x"`: with(func(r *Rule) {
			s := note("x")
			s.Gives = Same("x")
			r.Then = []Step{s}
		}),
		`then: [0].later: t::Lamp::set has outputs`: with(func(r *Rule) {
			r.Then = []Step{{Do: "t::Lamp::set", Later: true, With: Args{"on": Const(Truth, Bool(true))}}}
		}),
		`where: unknown query "t::Lamp::isOff"`:                   with(func(r *Rule) { r.Where = Ask{Query: "t::Lamp::isOff"} }),
		`where: and/or of nothing`:                                with(func(r *Rule) { r.Where = And{} }),
		`else: [0].with: variable "owner" is not bound`:           elseRule(),
		`rule "good": then: a cycle that no where breaks: good →`: with(func(r *Rule) { r.Then = []Step{{Do: "t::Lamp::touch", With: Vars("who")}} }),
	} {
		e := New(Settings{})
		if err := e.AddConcepts((&lamp{}).concept("Lamp")); err != nil {
			t.Fatal(err)
		}
		err := e.AddRules(rule)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if len(e.rules) != 0 {
			t.Errorf("a rule was registered in spite of: %v", err)
		}
	}
}

// elseRule uses in Else a variable that only a Where that holds binds.
func elseRule() Rule {
	return Rule{Name: "good", When: touched, Then: []Step{note("x")},
		Where: Ask{Query: "t::Lamp::owner", Gives: map[string]string{"who": "owner"}},
		Else:  []Step{{Do: "t::Lamp::note", With: Args{"text": Var("owner")}}}}
}

// TestNames: a name is taken once.
func TestNames(t *testing.T) {
	t.Parallel()
	e := New(Settings{})
	c := (&lamp{}).concept("Lamp")
	if err := e.AddConcepts(c, c); err == nil || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("the same concept twice: %v", err)
	}
	r := Rule{Name: "good", When: touched, Then: []Step{note("x")}}
	if err := e.AddRules(r, r); err == nil || !strings.Contains(err.Error(), `"good": name: is taken`) {
		t.Errorf("the same rule twice: %v", err)
	}
}

// FuzzRules builds rules from bytes. AddRules may refuse them but must not panic. Rules
// that it takes must run within the bounds and without a panic.
func FuzzRules(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 1, 1})
	f.Add([]byte{1, 3, 2, 2, 0, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("when where then else"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := New(Settings{Trace: player.Tracing{On: true}, CacheWhere: len(data)%2 == 0})
		if err := e.AddConcepts((&lamp{}).concept("Lamp")); err != nil {
			t.Fatal(err)
		}
		b := bytesOf(data)
		for range 3 {
			_ = e.AddRules(b.rule())
		}
		_ = touch(e, 1)
		_ = e.Invoke(2, 0, "t::Lamp::set", []Value{Bool(true)}, make([]Value, 1))
		for _, flow := range e.Flows(TraceFlows) {
			if len(flow.Rows) > 3*MaxActions {
				t.Errorf("a flow of %d rows", len(flow.Rows))
			}
		}
		e.Rules()
	})
}

// bytesOf makes one choice from each byte.
type bytesOf []byte

func (b *bytesOf) choose(n int) int {
	if len(*b) == 0 {
		return 0
	}
	c := int((*b)[0]) % n
	*b = (*b)[1:]
	return c
}

func pick(b *bytesOf, from ...string) string { return from[b.choose(len(from))] }

func (b *bytesOf) names() map[string]string {
	out := map[string]string{}
	for range b.choose(3) {
		out[pick(b, "who", "times", "on", "was", "text", "code", "")] = pick(b, "who", "times", "on", "v", "")
	}
	return out
}

func (b *bytesOf) args() Args {
	out := Args{}
	for range b.choose(3) {
		term := Var(pick(b, "who", "on", "v", "times"))
		switch b.choose(3) {
		case 1:
			term = Const(Text, String("x"))
		case 2:
			term = Const(Truth, Bool(true))
		}
		out[pick(b, "text", "on", "who", "")] = term
	}
	return out
}

func (b *bytesOf) trigger() Trigger {
	return Trigger{URI: pick(b, "t::Lamp::touched", "t::Lamp::dimmed", "t::Lamp::set", "t::Lamp::touch", "t::Lamp::explode", "?"),
		Failed: b.choose(4) == 3, Bind: b.names()}
}

func (b *bytesOf) where(depth int) Where {
	switch k := b.choose(6); {
	case k == 0 || depth > 8:
		return nil
	case k == 1:
		return And{b.where(depth + 1), b.where(depth + 1)}
	case k == 2:
		return Or{b.where(depth + 1), b.where(depth + 1)}
	case k == 3:
		return Not{b.where(depth + 1)}
	default:
		return Ask{Query: pick(b, "t::Lamp::isOn", "t::Lamp::owner", "t::Lamp::broken", "?"), With: b.args(), Gives: b.names()}
	}
}

func (b *bytesOf) steps() (out []Step) {
	for range b.choose(4) {
		out = append(out, Step{Do: pick(b, "t::Lamp::note", "t::Lamp::set", "t::Lamp::touch", "t::Lamp::explode", "?"), With: b.args(), Gives: b.names()})
	}
	return out
}

func (b *bytesOf) rule() Rule {
	r := Rule{Name: pick(b, "a", "b", "c", ""), Where: b.where(0), Then: b.steps(), Else: b.steps()}
	triggers := []Trigger{b.trigger(), b.trigger()}[:1+b.choose(2)]
	if b.choose(2) == 0 {
		r.When.Any = triggers
	} else {
		r.When.All = triggers
	}
	return r
}
