package orchestrated

import (
	"strconv"

	"rubato/player"
)

// Describe tells what this style does beside its parts.
func (w *wired) Describe() []player.Fact { return append(w.Parts.Describe(), Facts(w.engine)...) }

// Facts tell how engines that share a player run their rules.
func Facts(engines ...*Engine) []player.Fact {
	rules := map[string]bool{} // a rule of several modules is one
	for _, e := range engines {
		for name := range e.rules {
			rules[name] = true
		}
	}
	first := engines[0].settings
	dispatch := first.Dispatch
	if dispatch == "" {
		dispatch = player.Inline
	}
	return []player.Fact{
		{Name: "dispatch", Value: string(dispatch), Own: true},
		{Name: "rules", Value: strconv.Itoa(len(rules)), Own: true},
		{Name: "trace", Value: traced(first.Trace), Own: true},
	}
}

func traced(t player.Tracing) string {
	switch {
	case !t.On:
		return "off"
	case t.PerFlow:
		return "perflow"
	case t.Sink != nil:
		return "persisted"
	case t.Eager:
		return "eager"
	}
	return "on"
}
