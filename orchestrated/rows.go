package orchestrated

import (
	"cmp"
	"slices"
	"time"

	"rubato/player"
)

// format writes fields as "name=value name=value".
func format(fields []Field, values []Value) string {
	if len(fields) == 0 {
		return ""
	}
	b := make([]byte, 0, 128) // on the stack for most: what is written out is the only allocation
	for i, f := range fields {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(append(b, f.Name...), '=')
		b = values[i].append(b, f.Type)
	}
	return string(b)
}

// RuleFailed stands in a row for the action, where a rule failed before it had one:
// a query of its where failed, or the flow had met a bound.
const RuleFailed = "engine::Rule::failed"

// rows writes a segment out for reading, after what is in out.
func (t *trace) rows(out []player.TraceRow, s segment, triggers []trigger) []player.TraceRow {
	for _, r := range s.records {
		row := player.TraceRow{Flow: s.token, ID: r.id, Cause: r.cause, Action: RuleFailed,
			Start: t.started.Add(r.start).Truncate(time.Microsecond), Took: r.took}
		switch {
		case r.action == nil:
		case r.text != nil:
			row.Action, row.In, row.Out = r.action.uri, r.text.in, r.text.out
		default:
			values := s.values[r.values:]
			row.Action, row.In = r.action.uri, format(r.action.In, values)
			row.Out = format(r.action.Out, values[len(r.action.In):])
		}
		if r.hook != nil {
			row.Rule, row.Trigger = r.hook.rule.Name, triggers[r.hook.trigger].uri
		}
		if r.err != nil {
			row.Err = r.err.Error()
		}
		out = append(out, row)
	}
	return out
}

// Flows are the newest n flows in memory, newest first.
func (e *Engine) Flows(n int) []player.Flow {
	if e.trace == nil || n <= 0 {
		return nil
	}
	e.trace.mu.Lock()
	kept := e.trace.kept
	e.trace.mu.Unlock()
	n = min(n, TraceFlows)
	segments, _, _ := e.trace.since(kept-min(kept, uint64(n)), make([]segment, n))
	var out []player.Flow
	for _, s := range slices.Backward(segments) {
		out = append(out, player.Flow{Token: s.token, Rows: e.trace.rows(nil, s, e.registry.triggers)})
	}
	return MergeFlows(out)
}

// Flow is all of one flow that memory still has.
func (e *Engine) Flow(token uint64) (player.Flow, bool) {
	for _, f := range e.Flows(TraceFlows) {
		if f.Token == token {
			return f, true
		}
	}
	return player.Flow{}, false
}

// MergeFlows joins the shares that segments, or modules, have of the same flow.
// Flows stay in order of first appearance, rows go in order of start.
func MergeFlows(shares []player.Flow) []player.Flow {
	at := map[uint64]int{}
	var out []player.Flow
	for _, s := range shares {
		i, ok := at[s.Token]
		if !ok {
			i = len(out)
			at[s.Token] = i
			out = append(out, player.Flow{Token: s.Token})
		}
		out[i].Rows = append(out[i].Rows, s.Rows...)
	}
	for _, f := range out {
		slices.SortStableFunc(f.Rows, func(a, b player.TraceRow) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	}
	return out
}
