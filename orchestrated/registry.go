package orchestrated

import "fmt"

// action, query and event are declarations that have been registered: names
// resolved, triggers numbered.
type (
	action struct {
		Action
		uri       string
		emits     []*event
		completed int     // trigger number of its completion
		failed    int     // and of its failure
		fields    []Field // In, then Out: what its completion binds
		untraced  bool
	}
	query struct {
		Query
		uri string
	}
	event struct {
		Event
		uri     string
		trigger int
	}
)

// registry knows every door of every concept by URI.
type registry struct {
	actions  map[string]*action
	queries  map[string]*query
	events   map[string]*event
	triggers []trigger // by number
}

// trigger is what a number stands for.
type trigger struct {
	uri    string
	fields []Field
}

func newRegistry() registry {
	return registry{
		actions: map[string]*action{}, queries: map[string]*query{}, events: map[string]*event{},
		triggers: []trigger{{}}, // number 0 is no trigger
	}
}

// add registers a concept; a name that is taken, or an action that declares an
// event its concept has not, is an error.
func (r *registry) add(c Concept) error {
	for _, e := range c.Events {
		uri := c.URI(e.Name)
		if r.knows(uri) {
			return fmt.Errorf("%s is declared twice", uri)
		}
		r.events[uri] = &event{Event: e, uri: uri, trigger: r.number(uri, e.Fields)}
	}
	for _, a := range c.Actions {
		if err := r.addAction(c, a); err != nil {
			return err
		}
	}
	for _, q := range c.Queries {
		uri := c.URI(q.Name)
		if r.knows(uri) {
			return fmt.Errorf("%s is declared twice", uri)
		}
		if q.Ask == nil {
			return fmt.Errorf("query %s: Ask is not set", uri)
		}
		r.queries[uri] = &query{Query: q, uri: uri}
	}
	return nil
}

func (r *registry) addAction(c Concept, a Action) error {
	uri := c.URI(a.Name)
	if r.knows(uri) {
		return fmt.Errorf("%s is declared twice", uri)
	}
	if a.Run == nil {
		return fmt.Errorf("action %s: Run is not set", uri)
	}
	fields := append(append([]Field(nil), a.In...), a.Out...)
	registered := &action{Action: a, uri: uri, fields: fields, completed: r.number(uri, fields),
		failed: r.number(uri+" failed", append(append([]Field(nil), a.In...), Field{"code", Text}, Field{"error", Text}))}
	for _, name := range a.Emits {
		e, ok := r.events[c.URI(name)]
		if !ok {
			return fmt.Errorf("action %s: emits %q, which its concept does not declare", uri, name)
		}
		registered.emits = append(registered.emits, e)
	}
	r.actions[uri] = registered
	return nil
}

func (r *registry) knows(uri string) bool {
	return r.actions[uri] != nil || r.queries[uri] != nil || r.events[uri] != nil
}

func (r *registry) number(uri string, fields []Field) int {
	r.triggers = append(r.triggers, trigger{uri, fields})
	return len(r.triggers) - 1
}

// find returns the trigger number of an event, of an action's completion or of its
// failure.
func (r *registry) find(t Trigger) (int, bool) {
	a := r.actions[t.URI]
	switch e := r.events[t.URI]; {
	case e != nil && !t.Failed:
		return e.trigger, true
	case a != nil && t.Failed:
		return a.failed, true
	case a != nil:
		return a.completed, true
	}
	return 0, false
}
