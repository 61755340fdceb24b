package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// TraceFlows is how many flows a trace keeps. The oldest go first.
const TraceFlows = 1000

// traceRecords is how many records these flows have at most, so that many long flows
// do not fill the memory.
const traceRecords = 32 * TraceFlows

// keepRecords is how many records a slot of the ring keeps memory for. A longer flow
// frees its memory.
const keepRecords = 32

// record is one action that ran. cause is the id of the record that led to it; hook
// says by which trigger and rule.
type record struct {
	id, cause uint64
	action    *action // nil: the rule failed before its action ran
	hook      *hook   // nil when called from outside the rules
	start     time.Duration
	took      time.Duration
	values    int      // index of its inputs, then outputs, in the segment's values
	text      *written // eager only
	err       error
}

// written holds the values as text, which eager tracing formats at once.
type written struct{ in, out string }

// segment is one flow's records, or one module's share of them. Values are copied and
// not formatted, since most of a trace is never read.
type segment struct {
	token   uint64
	records []record
	values  []Value
}

func (s *segment) reset() {
	if cap(s.records) > keepRecords {
		*s = segment{}
		return
	}
	clear(s.records)
	clear(s.values)
	s.records, s.values = s.records[:0], s.values[:0]
}

// copy makes s equal to from and reuses the memory of s.
func (s *segment) copy(from *segment) {
	s.token = from.token
	s.records = append(s.records[:0], from.records...)
	s.values = append(s.values[:0], from.values...)
}

// trace is the last TraceFlows segments. A flow writes its own segment without a lock
// and hands it over when it ends, so each flow locks once.
type trace struct {
	eager   bool
	started time.Time

	mu      sync.Mutex
	ring    []segment
	kept    uint64 // segments handed over so far; the next goes to ring[kept % len]
	dropped uint64 // how many of these, the oldest, are no longer in the ring
	records int    // in the ring
}

func newTrace(t player.Tracing) *trace {
	tr := &trace{eager: t.Eager, ring: make([]segment, TraceFlows), started: time.Now()}
	// Every slot has memory for a usual flow, so that the first round of the ring costs
	// the same as later ones.
	const records, values = 12, 48
	room, places := make([]record, TraceFlows*records), make([]Value, TraceFlows*values)
	for i := range tr.ring {
		tr.ring[i] = segment{records: room[i*records : i*records : (i+1)*records], values: places[i*values : i*values : (i+1)*values]}
	}
	return tr
}

// now is the time since the trace was made, from the monotonic clock.
func (t *trace) now() time.Duration { return time.Since(t.started) }

// keep moves s into the ring and leaves an empty segment in s.
func (t *trace) keep(s *segment) {
	if len(s.records) == 0 {
		return
	}
	t.mu.Lock()
	t.records += len(s.records)
	if t.kept-t.dropped == uint64(len(t.ring)) {
		t.records -= len(t.ring[t.dropped%uint64(len(t.ring))].records)
		t.dropped++
	}
	slot := &t.ring[t.kept%uint64(len(t.ring))]
	*slot, *s = *s, *slot
	t.kept++
	for ; t.records > traceRecords && t.dropped < t.kept; t.dropped++ {
		slot := &t.ring[t.dropped%uint64(len(t.ring))]
		t.records -= len(slot.records)
		*slot = segment{}
	}
	t.mu.Unlock()
	s.reset()
}

// since copies segments into room, starting with number from, until room is full. lost
// is how many of them the ring no longer has. Ask for few at a time: every flow needs
// the lock.
func (t *trace) since(from uint64, room []segment) (segments []segment, next, lost uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from < t.dropped {
		lost, from = t.dropped-from, t.dropped
	}
	n := 0
	for next = from; next < t.kept && n < len(room); next++ {
		room[n].copy(&t.ring[next%uint64(len(t.ring))])
		n++
	}
	return room[:n], next, lost
}

// note records a rule that failed before its action ran: a query failed, or the flow
// met a bound.
func (f *flow) note(h *hook, cause uint64, err error) {
	f.read()
	if f.engine.trace != nil && !slices.Contains(f.engine.settings.Trace.Without, h.rule.Module) {
		f.segment.records = append(f.segment.records, record{id: f.engine.nextRecord(), cause: cause, hook: h,
			start: f.last, values: len(f.segment.values), err: err})
	}
}

// run runs the call's action and records it if its module is traced.
func (f *flow) run(call *Call, cause uint64, h *hook) error {
	e := f.engine
	if e.trace == nil {
		call.record = 0
		return protectAction(call.action, call)
	}
	call.record = e.nextRecord()
	if call.action.untraced {
		defer f.read() // its time counts for no other action
		return protectAction(call.action, call)
	}
	s := &f.segment
	i := len(s.records)
	s.records = append(s.records, record{id: call.record, cause: cause, action: call.action, hook: h, start: f.last, values: len(s.values)})
	s.values = append(s.values, call.In...)
	s.values = append(s.values, call.Out...) // reserved: the records that follow append after it
	err := protectAction(call.action, call)
	r := &s.records[i]
	copy(s.values[r.values+len(call.In):], call.Out)
	f.last = e.trace.now()
	r.took, r.err = f.last-r.start, err
	if e.trace.eager {
		r.text = &written{format(call.action.In, call.In), format(call.action.Out, call.Out)}
	}
	return err
}

// format writes fields as "name=value name=value".
func format(fields []Field, values []Value) string {
	if len(fields) == 0 {
		return ""
	}
	b := make([]byte, 0, 128) // usually on the stack, so that the string is the only allocation
	for i, f := range fields {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(append(b, f.Name...), '=')
		b = values[i].append(b, f.Type)
	}
	return string(b)
}

// RuleFailed is the action of a trace row whose rule failed before its action ran: a
// query failed, or the flow met a bound.
const RuleFailed = "engine::Rule::failed"

// rows appends a segment to out in readable form.
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
	return mergeFlows(out)
}

// mergeFlows joins the shares that segments or modules have of one flow. Flows stay in
// order of first appearance; rows are sorted by start.
func mergeFlows(shares []player.Flow) []player.Flow {
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

// FlushEvery is how often a trace is written to its sink.
const FlushEvery = 100 * time.Millisecond

// flushChunk is how many flows are copied under the trace's lock at once.
const flushChunk = 64

// persister writes a trace to its sink, in a goroutine of its own. The ring is the
// buffer: what it overwrites before it was written is lost and counted.
type persister struct {
	trace    *trace
	triggers []trigger
	sink     player.TraceSink

	mu   sync.Mutex // one flush at a time; guards what follows
	next uint64     // first segment not yet written
	loss player.Loss
	rows []player.TraceRow   // memory that the next flush reuses
	room [flushChunk]segment // as well

	stop, stopped chan struct{}
}

func newPersister(t *trace, triggers []trigger, sink player.TraceSink) *persister {
	return &persister{trace: t, triggers: triggers, sink: sink, stop: make(chan struct{}), stopped: make(chan struct{})}
}

// run flushes until close.
func (p *persister) run() {
	defer close(p.stopped)
	ticker := time.NewTicker(FlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.flush()
		case <-p.stop:
			p.flush()
			return
		}
	}
}

// flush writes what is new. What the sink refuses is lost and counted: a trace must not
// grow while its disk is full.
func (p *persister) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := p.rows[:0]
	defer func() { clear(rows); p.rows = rows[:0] }()
	for taken := 0; taken < TraceFlows; taken += flushChunk { // a fast emitter must not make this endless
		segments, next, lost := p.trace.since(p.next, p.room[:])
		p.next = next
		p.loss.Flows += lost
		for _, s := range segments {
			rows = p.trace.rows(rows, s, p.triggers)
		}
		if len(segments) < flushChunk {
			break
		}
	}
	if len(rows) == 0 {
		return
	}
	if err := p.sink.Append(rows); err != nil {
		p.loss.Rows += uint64(len(rows))
		p.loss.Err = err.Error()
		return
	}
	p.loss.Err = ""
}

func (p *persister) lost() player.Loss {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loss
}

// close flushes once more and returns when the goroutine has ended.
func (p *persister) close() {
	close(p.stop)
	<-p.stopped
}

// Flush writes the trace to its sink now, so that a measurement need not wait for
// FlushEvery. Without a sink it does nothing. Any goroutine may call it.
func (e *Engine) Flush() {
	if e.persister != nil {
		e.persister.flush()
	}
}

// SharedSink lets several engines, each with a writer of its own, append to one sink, one at a
// time.
func SharedSink(sink player.TraceSink) player.TraceSink { return &sharedSink{sink: sink} }

type sharedSink struct {
	mu   sync.Mutex
	sink player.TraceSink
}

func (s *sharedSink) Append(rows []player.TraceRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink.Append(rows)
}
