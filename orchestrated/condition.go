package orchestrated

import (
	"fmt"
	"maps"
)

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

// list compiles several. When apart, what one binds is not bound for the others
// nor afterwards.
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
	out, err := c.gives(w.Gives, q.Out, w.Query)
	return askCondition{q, in, out}, err
}

func (c andCondition) holds(f *flow, frame []Value) (bool, error) {
	for _, one := range c {
		if ok, err := one.holds(f, frame); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (c orCondition) holds(f *flow, frame []Value) (bool, error) {
	for _, one := range c {
		if ok, err := one.holds(f, frame); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func (c notCondition) holds(f *flow, frame []Value) (bool, error) {
	ok, err := c.condition.holds(f, frame)
	return !ok && err == nil, err
}

func (c askCondition) holds(f *flow, frame []Value) (bool, error) {
	mark := len(f.stack)
	call := &f.calls[f.depth]
	call.flow = f
	call.In, call.Out = f.push(len(c.in)), f.push(len(c.query.Out))
	clear(call.Out)
	fill(call.In, c.in, frame)
	ask := protectQuery
	if f.engine.settings.CacheWhere && f.engine.queue == nil {
		ask = f.remember
	}
	holds, err := ask(c.query, call)
	for _, m := range c.out {
		frame[m.to] = call.Out[m.from]
	}
	f.release(mark)
	return holds, err
}

// fill gathers inputs from the frame.
func fill(in []Value, from []operand, frame []Value) {
	for i, o := range from {
		if o.slot < 0 {
			in[i] = o.constant
		} else {
			in[i] = frame[o.slot]
		}
	}
}
