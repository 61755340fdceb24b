package orchestrated

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/player"
)

// Concepts describes every concept that the engine knows, those of other modules
// included.
func (e *Engine) Concepts() []player.ConceptInfo {
	var out []player.ConceptInfo
	for _, c := range e.concepts {
		info := player.ConceptInfo{Module: c.Module, Name: c.Name}
		for _, a := range c.Actions {
			info.Actions = append(info.Actions, player.DoorInfo{URI: c.URI(a.Name), In: describe(a.In), Out: describe(a.Out)})
		}
		for _, q := range c.Queries {
			info.Queries = append(info.Queries, player.DoorInfo{URI: c.URI(q.Name), In: describe(q.In), Out: describe(q.Out)})
		}
		for _, v := range c.Events {
			info.Events = append(info.Events, player.DoorInfo{URI: c.URI(v.Name), In: describe(v.Fields)})
		}
		out = append(out, info)
	}
	return out
}

func describe(fields []Field) []string {
	out := []string{}
	for _, f := range fields {
		out = append(out, f.Name+" "+f.Type.String())
	}
	return out
}

// Rules describes every rule, in order of name, with what it has done so far.
func (e *Engine) Rules() []player.RuleInfo {
	var out []player.RuleInfo
	for _, name := range slices.Sorted(maps.Keys(e.rules)) {
		r := e.rules[name]
		info := player.RuleInfo{Name: r.Name, Module: r.Module, AllOf: r.all != 0, Where: text(r.Where),
			Then: doors(r.Then), Else: doors(r.Else), Metrics: r.meter.read()}
		for _, h := range r.hooks {
			info.When = append(info.When, e.registry.triggers[h.trigger].uri)
		}
		out = append(out, info)
	}
	return out
}

func doors(steps []Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Do)
	}
	return out
}

// text writes a condition as people would.
func text(w Where) string {
	switch w := w.(type) {
	case And:
		return joined(w, " and ")
	case Or:
		return joined(w, " or ")
	case Not:
		return "not " + text(w.Where)
	case Ask:
		return w.Query
	}
	return ""
}

func joined(ws []Where, by string) string {
	parts := make([]string, len(ws))
	for i, w := range ws {
		parts[i] = text(w)
	}
	return "(" + strings.Join(parts, by) + ")"
}

// Lost is what trace and listeners could not keep.
func (e *Engine) Lost() player.Loss {
	var out player.Loss
	if e.persister != nil {
		out = e.persister.lost()
	}
	e.lostEvents.mu.Lock()
	defer e.lostEvents.mu.Unlock()
	out.Events = e.lostEvents.n
	return out
}

// Inspection joins what several engines show, one a module, into one.
type Inspection []*Engine

// Concepts are each module's own.
func (in Inspection) Concepts() []player.ConceptInfo {
	var out []player.ConceptInfo
	seen := map[string]bool{}
	for _, e := range in {
		for _, c := range e.Concepts() {
			name := c.Module + "::" + c.Name
			mine := len(in) == 1 || c.Module == e.settings.Module
			if mine && !seen[name] {
				seen[name] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// Rules are those of all engines, in order of name.
func (in Inspection) Rules() []player.RuleInfo {
	var out []player.RuleInfo
	for _, e := range in {
		out = append(out, e.Rules()...)
	}
	slices.SortFunc(out, func(a, b player.RuleInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Flows are the newest n, each module's share joined to the others'.
func (in Inspection) Flows(n int) []player.Flow {
	var out []player.Flow
	for _, e := range in {
		out = append(out, e.Flows(TraceFlows)...)
	}
	out = MergeFlows(out)
	slices.SortFunc(out, func(a, b player.Flow) int { return cmp.Compare(b.Token, a.Token) })
	return out[:min(n, len(out))]
}

// Flow is one flow, from all modules.
func (in Inspection) Flow(token uint64) (player.Flow, bool) {
	for _, f := range in.Flows(TraceFlows) {
		if f.Token == token {
			return f, true
		}
	}
	return player.Flow{}, false
}

// Lost adds up.
func (in Inspection) Lost() player.Loss {
	var out player.Loss
	for _, e := range in {
		l := e.Lost()
		out.Flows += l.Flows
		out.Rows += l.Rows
		out.Events += l.Events
		if l.Err != "" {
			out.Err = fmt.Sprintf("%s: %s", e.settings.Module, l.Err)
		}
	}
	return out
}

// Listen hears the events of all engines, in one queue.
func (in Inspection) Listen(options player.ListenOptions) player.Listener {
	return listen(options, in...)
}
