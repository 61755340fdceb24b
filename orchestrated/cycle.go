package orchestrated

import (
	"fmt"
	"strings"
)

// cycle finds rules that set each other off with no Where between them: they
// would always run into the bounds. With a Where, only running tells.
func (e *Engine) cycle(added []*compiled) error {
	rules := append([]*compiled(nil), added...)
	for _, r := range e.rules {
		rules = append(rules, r)
	}
	byTrigger := map[int][]*compiled{}
	for _, r := range rules {
		for _, h := range r.hooks {
			byTrigger[h.trigger] = append(byTrigger[h.trigger], r)
		}
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

// causes lists the triggers that steps bring about.
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
