package orchestrated

import (
	"sync"
	"time"
)

// TraceFlows is how many flows a trace keeps; the oldest go first.
const TraceFlows = 1000

// keepRecords is how many records a slot of the ring keeps room for: a flow that
// needed more gives its room back.
const keepRecords = 32

// record is one action as it ran. Its edge of provenance is in it: cause is the
// record it comes from, rule and trigger say how.
type record struct {
	id, cause uint64
	action    *action
	hook      *hook // nil when called from outside the rules
	start     time.Duration
	took      time.Duration
	values    int // where its inputs and outputs begin in the segment's values
	err       error
}

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

// trace is the last TraceFlows segments. A flow writes its own segment without a
// lock and hands it over when it ends: one lock a flow.
type trace struct {
	mu      sync.Mutex
	ring    []segment
	next    int
	kept    uint64 // segments ever handed over
	started time.Time
}

func newTrace() *trace {
	return &trace{ring: make([]segment, TraceFlows), started: time.Now()}
}

// keep takes s into the ring and gives back an empty one.
func (t *trace) keep(s *segment) {
	t.mu.Lock()
	t.ring[t.next], *s = *s, t.ring[t.next]
	t.next = (t.next + 1) % len(t.ring)
	t.kept++
	t.mu.Unlock()
	s.reset()
}

// run runs the call's action, with a record of it if there is a trace.
func (f *flow) run(call *Call, cause uint64, h *hook) error {
	e := f.engine
	call.record = e.nextRecord()
	if e.trace == nil {
		return protectAction(call.action, call)
	}
	s := &f.segment
	i := len(s.records)
	s.records = append(s.records, record{id: call.record, cause: cause, action: call.action, hook: h,
		start: time.Since(e.trace.started), values: len(s.values)})
	s.values = append(s.values, call.In...)
	err := protectAction(call.action, call)
	s.values = append(s.values, call.Out...)
	r := &s.records[i]
	r.took, r.err = time.Since(e.trace.started)-r.start, err
	return err
}
