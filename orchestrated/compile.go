package orchestrated

import (
	"fmt"
	"maps"
	"slices"
)

// compiled is a rule ready to run: every name has become a number, so that a run
// looks nothing up.
type compiled struct {
	Rule
	slots int       // size of a frame: one place a variable
	where condition // nil: always
	then  []step
	els   []step
	all   uint64 // one bit a trigger that must have happened; 0 for any-of
	hooks []hook // one a trigger
	meter *meter
}

// hook ties a trigger to a rule: how its fields enter the frame.
type hook struct {
	rule    *compiled
	trigger int
	bind    []move
	bit     uint64 // of this trigger in rule.all
}

type (
	// move copies a field to a slot.
	move struct{ from, to int }
	// operand is where an input comes from: a slot, or a constant if slot is -1.
	operand struct {
		slot     int
		constant Value
	}
	step struct {
		action *action
		in     []operand
		out    []move
	}
)

// variable is where a bound variable lives.
type variable struct {
	slot int
	typ  Type
}

// compiler holds what is bound so far while one rule is read.
type compiler struct {
	registry *registry
	bound    map[string]variable
	slots    int
}

// compile checks a rule against what is registered. An error names rule and field.
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
	c.bound = before // Where did not hold: what it would have bound is not there
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

// trigger resolves one trigger. In any-of, the later ones must bind just what the
// first did, since the steps cannot know which it was.
func (c *compiler) trigger(t Trigger, h *hook, again bool) error {
	number, ok := c.registry.find(t)
	if !ok {
		return fmt.Errorf("unknown event or action %q", t.URI)
	}
	h.trigger = number
	fields := c.registry.triggers[number].fields
	for _, name := range slices.Sorted(maps.Keys(t.Bind)) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return fmt.Errorf("%s has no field %q", t.URI, name)
		}
		slot, err := c.bind(t.Bind[name], fields[i].Type, again)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(h.bind, func(m move) bool { return m.to == slot }) {
			return fmt.Errorf("%s binds variable %q twice", t.URI, t.Bind[name])
		}
		h.bind = append(h.bind, move{i, slot})
	}
	if again && len(h.bind) != len(c.bound) {
		return fmt.Errorf("%s binds %d variables, the trigger before it %d", t.URI, len(h.bind), len(c.bound))
	}
	return nil
}

// bind gives a variable its slot. With existing it must be bound already.
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
		moves, err := c.gives(s.Gives, a.Out, s.Do)
		if err != nil {
			return nil, fmt.Errorf("[%d].gives: %w", i, err)
		}
		out = append(out, step{a, in, moves})
	}
	return out, nil
}

// args resolves inputs: each declared field must be given, and no other.
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

func (c *compiler) gives(gives map[string]string, fields []Field, uri string) ([]move, error) {
	var out []move
	for _, name := range slices.Sorted(maps.Keys(gives)) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s has no output %q", uri, name)
		}
		slot, err := c.bind(gives[name], fields[i].Type, false)
		if err != nil {
			return nil, err
		}
		out = append(out, move{i, slot})
	}
	return out, nil
}
