package orchestrated

import (
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// TraceFlows is how many flows a trace keeps; the oldest go first.
const TraceFlows = 1000

// TraceRecords is how many records these have at most; a storm of long flows is not
// to fill the memory.
const TraceRecords = 32 * TraceFlows

// keepRecords is how many records a slot of the ring keeps room for: a flow that
// needed more gives its room back.
const keepRecords = 32

// record is one action as it ran. Its edge of provenance is in it: cause is the
// record it comes from, hook says by which trigger and rule.
type record struct {
	id, cause uint64
	action    *action // nil: the rule failed before an action could
	hook      *hook   // nil when called from outside the rules
	start     time.Duration
	took      time.Duration
	values    int      // where its inputs and outputs begin in the segment's values
	text      *written // eager only
	err       error
}

// written is what eager tracing writes out at once.
type written struct{ in, out string }

// segment is one flow's records, or one module's share of them. Values are copied
// and not formatted: nobody reads most of a trace.
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

// copy makes s the same as from, in the memory it has.
func (s *segment) copy(from *segment) {
	s.token = from.token
	s.records = append(s.records[:0], from.records...)
	s.values = append(s.values[:0], from.values...)
}

// trace is the last TraceFlows segments. A flow writes its own segment without a
// lock and hands it over when it ends: one lock a flow.
type trace struct {
	eager   bool
	started time.Time

	mu      sync.Mutex
	ring    []segment
	kept    uint64 // segments ever handed over: the next goes to ring[kept % len]
	dropped uint64 // of these, how many of the oldest have been given up
	records int    // in the ring
}

func newTrace(t player.Tracing) *trace {
	tr := &trace{eager: t.Eager, ring: make([]segment, TraceFlows), started: time.Now()}
	// Room for a usual flow in every slot, so that the first round of the ring costs
	// what all others do.
	const records, values = 12, 48
	room, places := make([]record, TraceFlows*records), make([]Value, TraceFlows*values)
	for i := range tr.ring {
		tr.ring[i] = segment{records: room[i*records : i*records : (i+1)*records], values: places[i*values : i*values : (i+1)*values]}
	}
	return tr
}

// now is the time since the trace was made, from the monotonic clock.
func (t *trace) now() time.Duration { return time.Since(t.started) }

// keep takes s into the ring and gives back an empty one.
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
	for ; t.records > TraceRecords && t.dropped < t.kept; t.dropped++ {
		slot := &t.ring[t.dropped%uint64(len(t.ring))]
		t.records -= len(slot.records)
		*slot = segment{}
	}
	t.mu.Unlock()
	s.reset()
}

// since copies the segments handed over after the first from into room, at most as
// many as that has, and says how many are no longer there. Few at a time: the lock
// stands in every flow's way.
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

// note records a rule that failed before an action could: a query of its where
// failed, or the flow has met a bound.
func (f *flow) note(h *hook, cause uint64, err error) {
	f.read()
	if f.engine.trace != nil && !slices.Contains(f.engine.settings.Trace.Without, h.rule.Module) {
		f.segment.records = append(f.segment.records, record{id: f.engine.nextRecord(), cause: cause, hook: h,
			start: f.last, values: len(f.segment.values), err: err})
	}
}

// run runs the call's action, with a record of it if its module is traced.
func (f *flow) run(call *Call, cause uint64, h *hook) error {
	e := f.engine
	if e.trace == nil {
		call.record = 0 // nobody could look it up
		return protectAction(call.action, call)
	}
	call.record = e.nextRecord()
	if call.action.untraced {
		defer f.read() // its time is nobody else's
		return protectAction(call.action, call)
	}
	s := &f.segment
	i := len(s.records)
	s.records = append(s.records, record{id: call.record, cause: cause, action: call.action, hook: h, start: f.last, values: len(s.values)})
	s.values = append(s.values, call.In...)
	s.values = append(s.values, call.Out...) // room: the records of what it sets off come after
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
