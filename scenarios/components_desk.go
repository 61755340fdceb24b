package scenarios

import (
	"fmt"

	"rubato/orchestrated"
)

// A desk is the concept that the pieces are about. Its doors count and do next to
// nothing else, so that what is left is what the engine costs.
type desk struct {
	events, actions, queries int64
	ask                      func() error // what a query costs; nil: nothing
}

const deskURI = "t::Desk::"

func (d *desk) concept() orchestrated.Concept {
	field := func(name string) []orchestrated.Field {
		return []orchestrated.Field{{Name: name, Type: orchestrated.Integer}}
	}
	act := func(c *orchestrated.Call) error {
		d.actions++
		c.Out[0] = orchestrated.Int(c.In[0].Int() + 1)
		return nil
	}
	answer := func(holds bool) func(*orchestrated.Call) (bool, error) {
		return func(*orchestrated.Call) (bool, error) {
			d.queries++
			if d.ask != nil {
				return holds, d.ask()
			}
			return holds, nil
		}
	}
	c := orchestrated.Concept{Module: "t", Name: "Desk",
		Events: []orchestrated.Event{{Name: "happened", Fields: field("a")}, {Name: "elsewhere", Fields: field("a")}},
		Queries: []orchestrated.Query{
			{Name: "holds", In: field("a"), Ask: answer(true)},
			{Name: "holdsNot", In: field("a"), Ask: answer(false)},
		}}
	for _, name := range deskActions {
		c.Actions = append(c.Actions, orchestrated.Action{Name: name, In: field("a"), Out: field("b"), Run: act})
	}
	return c
}

var deskActions = []string{"one", "two", "three", "four", "follow"}

// A wiring is what an engine of a piece has. The zero value of Settings traces
// nothing.
type wiring struct {
	orchestrated.Settings
	rules   int  // in all; those that are not about the event pad
	queries int  // of the one rule that is about it
	actions int  // of it; 0: its where does not hold
	follows bool // its action sets off another rule with one action
}

// open makes the engine.
func (w wiring) open(d *desk) (*orchestrated.Engine, error) {
	e := orchestrated.NewEngine(w.Settings)
	if err := e.AddConcepts(d.concept()); err != nil {
		return nil, err
	}
	rules := []orchestrated.Rule{w.rule()}
	if w.follows {
		rules = append(rules, orchestrated.Rule{Name: "follow", When: bound(deskURI+"one", "b"), Then: steps("b", "follow")})
	}
	for len(rules) < w.rules {
		rules = append(rules, orchestrated.Rule{Name: fmt.Sprint("padding ", len(rules)),
			When: bound(deskURI+"elsewhere", "a"), Then: steps("a", "one")})
	}
	if err := e.AddRules(rules...); err != nil {
		return nil, err
	}
	e.Start()
	return e, nil
}

func (w wiring) rule() orchestrated.Rule {
	r := orchestrated.Rule{Name: "piece", When: bound(deskURI+"happened", "a"), Then: steps("a", deskActions[:max(w.actions, 1)]...)}
	var where orchestrated.And
	for range w.queries {
		where = append(where, asked("holds"))
	}
	if w.actions == 0 {
		where = append(where, asked("holdsNot"))
	}
	if len(where) > 0 {
		r.Where = where
	}
	return r
}

func asked(query string) orchestrated.Ask {
	return orchestrated.Ask{Query: deskURI + query, With: orchestrated.Args{"a": orchestrated.Var("a")}}
}

// bound is triggered by uri and binds one field to the variable of its name.
func bound(uri, field string) orchestrated.When {
	return orchestrated.On(orchestrated.Trigger{URI: uri, Bind: map[string]string{field: field}})
}

// steps run actions one after the other, the output of each bound for the next.
func steps(variable string, actions ...string) []orchestrated.Step {
	var out []orchestrated.Step
	for i, name := range actions {
		given := fmt.Sprint("v", i)
		out = append(out, orchestrated.Step{Do: deskURI + name,
			With: orchestrated.Args{"a": orchestrated.Var(variable)}, Gives: map[string]string{"b": given}})
		variable = given
	}
	return out
}

// emitting is a piece at work: every operation emits the event.
func emitting(d *desk, e *orchestrated.Engine) *opened {
	return &opened{
		count: func() int64 { return d.events + d.actions + d.queries },
		run: func(n int) error {
			for i := range n {
				if err := e.Emit(uint64(i), 0, deskURI+"happened", orchestrated.Int(i)); err != nil {
					return err
				}
			}
			return nil
		},
		close: func() error { e.Close(); return nil },
	}
}

// wired is a piece that emits into a wiring. Its effects are all queries asked and
// actions run.
func wired(name, doc string, w wiring) piece {
	each := int64(w.queries + w.actions)
	if w.actions == 0 {
		each++ // the query that does not hold
	}
	if w.follows {
		each++
	}
	return piece{name, doc, each, func(place) (*opened, error) {
		d := &desk{}
		e, err := w.open(d)
		if err != nil {
			return nil, err
		}
		return emitting(d, e), nil
	}}
}
