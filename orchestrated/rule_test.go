package orchestrated

import (
	"strings"
	"testing"

	"rubato/player"
)

// lamp is a concept for tests: it can be switched, tells whether it is on, and
// keeps a list of what was done to it.
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

// TestRegistration: what is wrong with a rule is said with its name and field.
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
		`rule "good": when.any[0]: t::Lamp::touched has no field "by"`: with(func(r *Rule) { r.When = On(Trigger{URI: "t::Lamp::touched", Bind: same("by")}) }),
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
			s.Gives = same("x")
			r.Then = []Step{s}
		}),
		`where: unknown query "t::Lamp::isOff"`:                   with(func(r *Rule) { r.Where = Ask{Query: "t::Lamp::isOff"} }),
		`where: and/or of nothing`:                                with(func(r *Rule) { r.Where = And{} }),
		`else: [0].with: variable "owner" is not bound`:           elseRule(),
		`rule "good": then: a cycle that no where breaks: good →`: with(func(r *Rule) { r.Then = []Step{{Do: "t::Lamp::touch", With: vars("who")}} }),
	} {
		e := NewEngine(Settings{})
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

// elseRule uses in Else what only a Where that held would have bound.
func elseRule() Rule {
	return Rule{Name: "good", When: touched, Then: []Step{note("x")},
		Where: Ask{Query: "t::Lamp::owner", Gives: map[string]string{"who": "owner"}},
		Else:  []Step{{Do: "t::Lamp::note", With: Args{"text": Var("owner")}}}}
}

// TestNames: a name is taken once.
func TestNames(t *testing.T) {
	t.Parallel()
	e := NewEngine(Settings{})
	c := (&lamp{}).concept("Lamp")
	if err := e.AddConcepts(c, c); err == nil || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("the same concept twice: %v", err)
	}
	r := Rule{Name: "good", When: touched, Then: []Step{note("x")}}
	if err := e.AddRules(r, r); err == nil || !strings.Contains(err.Error(), `"good": name: is taken`) {
		t.Errorf("the same rule twice: %v", err)
	}
}

// TestPlayerRules: the player's own rules pass the checks they impose.
func TestPlayerRules(t *testing.T) {
	t.Parallel()
	e := NewEngine(Settings{})
	err := e.AddConcepts(append(Concepts(&player.Parts{}), PaddingConcept())...)
	if err == nil {
		err = e.AddRules(Padded(Rules(), 100)...)
	}
	if len(e.rules) != 100 {
		t.Errorf("%d rules, want 100", len(e.rules))
	}
	if err != nil {
		t.Error(err)
	}
	if n := len(RulesOf("ap", Rules())) + len(RulesOf("log", Rules())) + len(RulesOf("ui", Rules())); n != len(Rules()) {
		t.Errorf("%d of %d rules have a module to run in", n, len(Rules()))
	}
}
