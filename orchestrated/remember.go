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
	f.answers = slices.DeleteFunc(f.answers, func(a answer) bool { return a.actions != f.actions })
	for _, a := range f.answers {
		if a.query == q && slices.Equal(a.in, call.In) {
			copy(call.Out, a.out)
			return a.holds, nil
		}
	}
	holds, err := protectQuery(q, call)
	if err == nil {
		f.answers = append(f.answers, answer{q, f.actions, slices.Clone(call.In), slices.Clone(call.Out), holds})
	}
	return holds, err
}
