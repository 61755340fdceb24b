package orchestrated

import "slices"

// answer is what a query said, in this flow, when so many actions had run.
type answer struct {
	query   *query
	actions int
	in, out []Value
	holds   bool
}

// remember asks a query, or repeats its answer to the same question if no action
// has run since. Errors are asked again.
func (f *flow) remember(q *query, call *Call) (bool, error) {
	if len(f.answers) > 0 && f.answers[0].actions != f.actions {
		f.answers, f.remembered = f.answers[:0], f.remembered[:0]
	}
	for _, a := range f.answers {
		if a.query == q && slices.Equal(a.in, call.In) {
			copy(call.Out, a.out)
			return a.holds, nil
		}
	}
	holds, err := protectQuery(q, call)
	if err == nil {
		f.answers = append(f.answers, answer{q, f.actions, f.retain(call.In), f.retain(call.Out), holds})
	}
	return holds, err
}

// retain copies values to where answers lie. When that grows, older answers keep
// the memory they have.
func (f *flow) retain(values []Value) []Value {
	i := len(f.remembered)
	f.remembered = append(f.remembered, values...)
	return f.remembered[i:len(f.remembered):len(f.remembered)]
}
