package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compiled is a rule ready to run. Every name has become a number, so running it looks
// nothing up.
type compiled struct {
	Rule
	slots int       // size of a frame: one slot for each variable
	where condition // nil: always
	then  []step
	els   []step
	all   uint64 // one bit for each trigger that must happen; 0 for any-of
	hooks []hook // one for each trigger
	meter *meter
}

// hook ties a trigger to a rule and says which fields go into the frame.
type hook struct {
	rule    *compiled
	trigger int
	bind    []move
	bit     uint64 // of this trigger, in rule.all
}

type (
	// move copies a field to a slot.
	move struct{ from, to int }
	// operand is the source of an input: a slot, or the constant if slot is -1.
	operand struct {
		slot     int
		constant Value
	}
	step struct {
		action *action
		in     []operand
		out    []move
		later  bool
		known  bool
	}
)

// variable is the slot and the type of a bound variable.
type variable struct {
	slot int
	typ  Type
}

// compiler holds the variables that one rule has bound so far.
type compiler struct {
	registry *registry
	bound    map[string]variable
	slots    int
}

// compile checks a rule against the registry. An error names the rule and the field.
func (r *registry) compile(rule Rule) (*compiled, error) {
	c := &compiler{registry: r, bound: map[string]variable{}}
	out := &compiled{Rule: rule, meter: &meter{}}
	fail := func(field string, err error) (*compiled, error) {
		return nil, fmt.Errorf("rule %q: %s: %w", rule.Name, field, err)
	}
	if rule.Name == "" {
		return fail("name", fmt.Errorf("is empty"))
	}
	if len(rule.Then) == 0 {
		return fail("then", fmt.Errorf("has no step"))
	}
	if field, err := c.when(rule.When, out); err != nil {
		return fail(field, err)
	}
	before := maps.Clone(c.bound)
	if rule.Where != nil {
		where, err := c.condition(rule.Where)
		if err != nil {
			return fail("where", err)
		}
		out.where = where
	}
	var err error
	if out.then, err = c.steps(rule.Then); err != nil {
		return fail("then", err)
	}
	c.bound = before // Else runs when Where did not hold, so it has none of its bindings
	if out.els, err = c.steps(rule.Else); err != nil {
		return fail("else", err)
	}
	out.slots = c.slots
	return out, nil
}

func (c *compiler) when(w When, out *compiled) (field string, err error) {
	if (len(w.Any) == 0) == (len(w.All) == 0) {
		return "when", fmt.Errorf("set exactly one of any and all")
	}
	if len(w.All) > 64 {
		return "when.all", fmt.Errorf("%d triggers, 64 at most", len(w.All))
	}
	triggers, field := w.Any, "when.any"
	if len(w.All) > 0 {
		triggers, field = w.All, "when.all"
		out.all = 1<<len(w.All) - 1
	}
	for i, t := range triggers {
		h := hook{rule: out, bit: 1 << i}
		if err := c.trigger(t, &h, i > 0 && out.all == 0); err != nil {
			return fmt.Sprintf("%s[%d]", field, i), err
		}
		if slices.ContainsFunc(out.hooks, func(o hook) bool { return o.trigger == h.trigger }) {
			return fmt.Sprintf("%s[%d]", field, i), fmt.Errorf("%s is named twice", t.URI)
		}
		out.hooks = append(out.hooks, h)
	}
	return "", nil
}

// trigger resolves one trigger. In any-of, every trigger must bind what the first one
// does, since the steps cannot know which one happened.
func (c *compiler) trigger(t Trigger, h *hook, again bool) error {
	number, ok := c.registry.find(t)
	if !ok {
		return fmt.Errorf("unknown event or action %q", t.URI)
	}
	h.trigger = number
	var err error
	if h.bind, err = c.moves(t.Bind, c.registry.triggers[number].fields, again, t.URI, "field"); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(t.Bind))
	for i, m := range h.bind {
		if slices.ContainsFunc(h.bind[:i], func(o move) bool { return o.to == m.to }) {
			return fmt.Errorf("%s binds variable %q twice", t.URI, t.Bind[names[i]])
		}
	}
	if again && len(h.bind) != len(c.bound) {
		return fmt.Errorf("%s binds %d variables, the trigger before it %d", t.URI, len(h.bind), len(c.bound))
	}
	return nil
}

// bind returns a variable's slot, a new one unless the variable must exist already.
func (c *compiler) bind(name string, t Type, existing bool) (slot int, err error) {
	v, ok := c.bound[name]
	switch {
	case name == "":
		return 0, fmt.Errorf("a variable has no name")
	case ok && v.typ != t:
		return 0, fmt.Errorf("variable %q is %s already, not %s", name, v.typ, t)
	case !ok && existing:
		return 0, fmt.Errorf("variable %q is not bound by the trigger before it", name)
	case !ok:
		v = variable{c.slots, t}
		c.bound[name] = v
		c.slots++
	}
	return v.slot, nil
}

func (c *compiler) steps(list []Step) ([]step, error) {
	var out []step
	for i, s := range list {
		a := c.registry.actions[s.Do]
		if a == nil {
			return nil, fmt.Errorf("[%d].do: unknown action %q", i, s.Do)
		}
		in, err := c.args(s.With, a.In, s.Do)
		if err != nil {
			return nil, fmt.Errorf("[%d].with: %w", i, err)
		}
		moves, err := c.moves(s.Gives, a.Out, false, s.Do, "output")
		if err != nil {
			return nil, fmt.Errorf("[%d].gives: %w", i, err)
		}
		if s.Later && len(a.Out) > 0 {
			return nil, fmt.Errorf("[%d].later: %s has outputs", i, s.Do)
		}
		out = append(out, step{a, in, moves, s.Later, s.Known})
	}
	return out, nil
}

// args resolves inputs. It wants every declared field and no other.
func (c *compiler) args(args Args, fields []Field, uri string) ([]operand, error) {
	for name := range args {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
			return nil, fmt.Errorf("%s has no input %q", uri, name)
		}
	}
	var out []operand
	for _, f := range fields {
		term, given := args[f.Name]
		if !given {
			return nil, fmt.Errorf("input %q of %s is not given", f.Name, uri)
		}
		o, typ := operand{-1, term.Constant}, term.Type
		if term.Variable != "" {
			v, ok := c.bound[term.Variable]
			if !ok {
				return nil, fmt.Errorf("variable %q is not bound", term.Variable)
			}
			o, typ = operand{slot: v.slot}, v.typ
		}
		if typ != f.Type {
			return nil, fmt.Errorf("input %q of %s is %s, given %s", f.Name, uri, f.Type, typ)
		}
		out = append(out, o)
	}
	return out, nil
}

// moves binds variables to the named fields of what uri names, which are its outputs or the
// fields of a trigger.
func (c *compiler) moves(names map[string]string, fields []Field, existing bool, uri, what string) ([]move, error) {
	var out []move
	for _, name := range slices.Sorted(maps.Keys(names)) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s has no %s %q", uri, what, name)
		}
		slot, err := c.bind(names[name], fields[i].Type, existing)
		if err != nil {
			return nil, err
		}
		out = append(out, move{i, slot})
	}
	return out, nil
}

// condition is a compiled Where. It short-circuits from left to right.
type condition interface {
	holds(f *flow, frame []Value) (bool, error)
}

type (
	andCondition []condition
	orCondition  []condition
	notCondition struct{ condition condition }
	askCondition struct {
		query *query
		in    []operand
		out   []move
	}
)

func (c *compiler) condition(w Where) (condition, error) {
	switch w := w.(type) {
	case And:
		list, err := c.list(w, false)
		return andCondition(list), err
	case Or:
		list, err := c.list(w, true)
		return orCondition(list), err
	case Not:
		list, err := c.list([]Where{w.Where}, true)
		if err != nil {
			return nil, err
		}
		return notCondition{list[0]}, nil
	case Ask:
		return c.ask(w)
	}
	return nil, fmt.Errorf("%T is no condition: want And, Or, Not or Ask", w)
}

// list compiles several conditions. With apart, the bindings of one exist neither for
// the others nor afterwards.
func (c *compiler) list(ws []Where, apart bool) ([]condition, error) {
	if len(ws) == 0 {
		return nil, fmt.Errorf("and/or of nothing")
	}
	var out []condition
	before := c.bound
	for _, w := range ws {
		if apart {
			c.bound = maps.Clone(before)
		}
		one, err := c.condition(w)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	if apart {
		c.bound = before
	}
	return out, nil
}

func (c *compiler) ask(w Ask) (condition, error) {
	q := c.registry.queries[w.Query]
	if q == nil {
		return nil, fmt.Errorf("unknown query %q", w.Query)
	}
	in, err := c.args(w.With, q.In, w.Query)
	if err != nil {
		return nil, err
	}
	out, err := c.moves(w.Gives, q.Out, false, w.Query, "output")
	return askCondition{q, in, out}, err
}

// cycle finds rules that trigger each other with no condition in between: they would
// always run into the bounds. A condition may end such a cycle, so it is allowed.
func (e *Engine) cycle(added []*compiled) error {
	hooks := slices.Clone(e.hooks)
	for _, r := range added {
		hooks = append(hooks, r.hooks...)
	}
	byTrigger := map[int][]*compiled{}
	for _, h := range hooks {
		byTrigger[h.trigger] = append(byTrigger[h.trigger], h.rule)
	}
	const (
		entered = 1
		left    = 2
	)
	state := map[*compiled]int{}
	var path []string
	var visit func(r *compiled) error
	visit = func(r *compiled) error {
		if r.where != nil || state[r] == left {
			return nil
		}
		path = append(path, r.Name)
		if state[r] == entered {
			return fmt.Errorf("rule %q: then: a cycle that no where breaks: %s", r.Name, strings.Join(path, " → "))
		}
		state[r] = entered
		for _, t := range causes(r.then) {
			for _, next := range byTrigger[t] {
				if err := visit(next); err != nil {
					return err
				}
			}
		}
		state[r] = left
		path = path[:len(path)-1]
		return nil
	}
	for _, r := range added {
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// causes lists what the steps can trigger.
func causes(steps []step) []int {
	var out []int
	for _, s := range steps {
		out = append(out, s.action.completed, s.action.failed)
		for _, e := range s.action.emits {
			out = append(out, e.trigger)
		}
	}
	return out
}
