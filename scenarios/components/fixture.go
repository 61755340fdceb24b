package components

import (
	"fmt"

	"rubato/orchestrated/engine"
)

// A fixture is the concept that the pieces use. Its actions and queries count and do
// almost nothing else, so what remains is the cost of the engine.
type fixture struct {
	events, actions, queries int64
	ask                      func() error // the work of a query; nil: none
}

const fixtureURI = "t::Fixture::"

func (d *fixture) concept() engine.Concept {
	field := func(name string) []engine.Field {
		return []engine.Field{{Name: name, Type: engine.Integer}}
	}
	act := func(c *engine.Call) error {
		d.actions++
		c.Out[0] = engine.Int(c.In[0].Int() + 1)
		return nil
	}
	answer := func(holds bool) func(*engine.Call) (bool, error) {
		return func(*engine.Call) (bool, error) {
			d.queries++
			if d.ask != nil {
				return holds, d.ask()
			}
			return holds, nil
		}
	}
	c := engine.Concept{Module: "t", Name: "Fixture",
		Events: []engine.Event{{Name: "happened", Fields: field("a")}, {Name: "elsewhere", Fields: field("a")}},
		Queries: []engine.Query{
			{Name: "holds", In: field("a"), Ask: answer(true)},
			{Name: "holdsNot", In: field("a"), Ask: answer(false)},
		}}
	for _, name := range fixtureActions {
		c.Actions = append(c.Actions, engine.Action{Name: name, In: field("a"), Out: field("b"), Run: act})
	}
	return c
}

// engine returns an engine with the fixture's concept.
func (d *fixture) engine(settings engine.Settings) (*engine.Engine, error) {
	e := engine.New(settings)
	return e, e.AddConcepts(d.concept())
}

var fixtureActions = []string{"one", "two", "three", "four", "follow"}

// A wiring configures the engine of a piece. The zero value of Settings traces nothing.
type wiring struct {
	engine.Settings
	rules   int  // in total; padded with rules about another event
	queries int  // of the one rule about the event
	actions int  // of the same rule; 0: its where does not hold
	follows bool // its action triggers another rule with one action
	alike   int  // rules like that one, if more than 1
}

// open returns the engine, started.
func (w wiring) open(d *fixture) (*engine.Engine, error) {
	e, err := d.engine(w.Settings)
	if err != nil {
		return nil, err
	}
	rules := []engine.Rule{w.rule("piece")}
	for i := 1; i < w.alike; i++ {
		rules = append(rules, w.rule(fmt.Sprint("piece ", i)))
	}
	if w.follows {
		rules = append(rules, engine.Rule{Name: "follow", When: bound(fixtureURI+"one", "b"), Then: steps("b", "follow")})
	}
	for len(rules) < w.rules {
		rules = append(rules, engine.Rule{Name: fmt.Sprint("padding ", len(rules)),
			When: bound(fixtureURI+"elsewhere", "a"), Then: steps("a", "one")})
	}
	if err := e.AddRules(rules...); err != nil {
		return nil, err
	}
	e.Start()
	return e, nil
}

func (w wiring) rule(name string) engine.Rule {
	r := engine.Rule{Name: name, When: bound(fixtureURI+"happened", "a"), Then: steps("a", fixtureActions[:max(w.actions, 1)]...)}
	var where engine.And
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

func asked(query string) engine.Ask {
	return engine.Ask{Query: fixtureURI + query, With: engine.Args{"a": engine.Var("a")}}
}

// bound triggers on uri and binds one field to the variable of the same name.
func bound(uri, field string) engine.When {
	return engine.On(engine.Trigger{URI: uri, Bind: map[string]string{field: field}})
}

// steps runs actions in sequence; each takes the output of the one before.
func steps(variable string, actions ...string) []engine.Step {
	var out []engine.Step
	for i, name := range actions {
		given := fmt.Sprint("v", i)
		out = append(out, engine.Step{Do: fixtureURI + name,
			With: engine.Args{"a": engine.Var(variable)}, Gives: map[string]string{"b": given}})
		variable = given
	}
	return out
}

// emitting is an open piece whose operation emits the event.
func emitting(d *fixture, e *engine.Engine) *opened {
	return &opened{
		count: func() int64 { return d.events + d.actions + d.queries },
		run: func(n int) error {
			for i := range n {
				if err := e.Emit(uint64(i), 0, fixtureURI+"happened", engine.Int(i)); err != nil {
					return err
				}
			}
			return nil
		},
		close: func() error { e.Close(); return nil },
	}
}

// wired is a piece that emits into a wiring. Its effects are the queries and actions.
func wired(name, doc string, w wiring) piece {
	each := int64(w.queries + w.actions)
	if w.actions == 0 {
		each++ // the query that does not hold
	}
	if w.follows {
		each++
	}
	return piece{name, doc, each, func(place) (*opened, error) { return w.emit(&fixture{}) }}
}

// emit opens a piece that emits into the wiring.
func (w wiring) emit(d *fixture) (*opened, error) {
	e, err := w.open(d)
	return emitting(d, e), err
}
