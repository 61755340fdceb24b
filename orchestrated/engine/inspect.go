package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/player"
)

// Concepts describes every concept that the engine knows, including those of other
// modules.
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

// Rules describes every rule and its counts so far, in order of name.
func (e *Engine) Rules() []player.RuleInfo {
	var out []player.RuleInfo
	for _, name := range slices.Sorted(maps.Keys(e.rules)) {
		r := e.rules[name]
		info := player.RuleInfo{Name: r.Name, Module: r.Module, AllOf: r.all != 0, Where: text(r.Where),
			Then: actionsOf(r.Then), Else: actionsOf(r.Else), Metrics: r.meter.read()}
		for _, h := range r.hooks {
			info.When = append(info.When, e.registry.triggers[h.trigger].uri)
		}
		out = append(out, info)
	}
	return out
}

func actionsOf(steps []Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Do)
	}
	return out
}

// text writes a condition in words.
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

// Lost is how much the trace and the listeners had to drop.
func (e *Engine) Lost() player.Loss {
	var out player.Loss
	if e.persister != nil {
		out = e.persister.lost()
	}
	out.Events = e.lostEvents.Load()
	return out
}

// Inspection shows several engines, one for each module, as one player.
type Inspection []*Engine

// Concepts are the concepts of each engine's own module.
func (in Inspection) Concepts() []player.ConceptInfo {
	var out []player.ConceptInfo
	for _, e := range in {
		for _, c := range e.Concepts() {
			if len(in) == 1 || c.Module == e.settings.Module {
				out = append(out, c)
			}
		}
	}
	return out
}

// Rules are the rules of all engines, in order of name.
func (in Inspection) Rules() []player.RuleInfo {
	var out []player.RuleInfo
	for _, e := range in {
		out = append(out, e.Rules()...)
	}
	slices.SortFunc(out, func(a, b player.RuleInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Flows are the newest n flows, each joined from all modules.
func (in Inspection) Flows(n int) []player.Flow {
	var out []player.Flow
	for _, e := range in {
		out = append(out, e.Flows(TraceFlows)...)
	}
	return Newest(n, out)
}

// Newest are the newest n flows, newest first, each joined from the shares that modules have of it.
func Newest(n int, shares []player.Flow) []player.Flow {
	out := mergeFlows(shares)
	slices.SortFunc(out, func(a, b player.Flow) int { return cmp.Compare(b.Token, a.Token) })
	return out[:min(n, len(out))]
}

// Flow is what memory still has of one flow, from all modules.
func (in Inspection) Flow(token uint64) (player.Flow, bool) {
	for _, f := range in.Flows(TraceFlows) {
		if f.Token == token {
			return f, true
		}
	}
	return player.Flow{}, false
}

// Lost is the sum over all engines.
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

// Listen receives the events of all engines in one queue.
func (in Inspection) Listen(options player.ListenOptions) player.Listener {
	return listen(options, in...)
}

// meter counts what a rule did. Developers read it while the player runs, so counters
// are atomic and the histogram has a lock.
type meter struct {
	activations, rejections, failures, aborts atomic.Uint64

	mu   sync.Mutex
	took *hdrhistogram.Histogram // nil until the first value: most rules never run
	most time.Duration           // exact; the histogram knows only its bucket
}

// longest is the largest duration of the histogram. Longer ones count as this.
const longest = 10 * time.Second

func (m *meter) record(took time.Duration) {
	m.mu.Lock()
	if m.took == nil {
		m.took = hdrhistogram.New(1, int64(longest), 2)
	}
	m.most = max(m.most, took)
	_ = m.took.RecordValue(int64(min(max(took, 1), longest))) // within bounds, so it cannot fail
	m.mu.Unlock()
}

func (m *meter) fail(err error) {
	m.failures.Add(1)
	if errors.Is(err, ErrAborted) {
		m.aborts.Add(1)
	}
}

func (m *meter) read() player.RuleMetrics {
	out := player.RuleMetrics{Activations: m.activations.Load(), Rejections: m.rejections.Load(),
		Failures: m.failures.Load(), Aborts: m.aborts.Load()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.took; h != nil {
		// A percentile is the upper edge of its bucket, which may lie above the longest.
		at := func(percentile float64) float64 {
			return float64(min(h.ValueAtPercentile(percentile), int64(m.most))) / 1e3
		}
		out.Mean, out.P95, out.P99, out.Max = h.Mean()/1e3, at(95), at(99), float64(m.most)/1e3
	}
	return out
}

// Facts describe how the engines run their rules.
func (in Inspection) Facts() []player.Fact {
	rules := map[string]bool{} // engines may share a rule
	for _, e := range in {
		for name := range e.rules {
			rules[name] = true
		}
	}
	first := in[0].settings
	return []player.Fact{
		{Name: "dispatch", Value: string(cmp.Or(first.Dispatch, player.Inline)), Own: true},
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
