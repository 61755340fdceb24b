package naive

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// keepFlows is how many flows a trace keeps, as the engine it is compared with
// does; the oldest goes first.
const keepFlows = 1000

// A Record is one action as it ran, written out at once.
type Record struct {
	ID, Flow string
	Action   string
	In, Out  string // JSON
	Started  time.Time
	Took     time.Duration
	Err      string
}

// An Edge is where an action came from.
type Edge struct {
	From, To string // ids of records; From is "" for an event from outside
	Rule     string
}

// Trace holds records by id, edges by the id that they lead to, and ids by flow.
type Trace struct {
	mu      sync.Mutex
	records map[string]Record
	edges   map[string]Edge
	flows   map[string][]string
	order   []string // flows, oldest first
}

// NewTrace returns an empty trace.
func NewTrace() *Trace {
	return &Trace{records: map[string]Record{}, edges: map[string]Edge{}, flows: map[string][]string{}}
}

// add keeps an action and its edge. Of a trace that is off it does nothing.
func (t *Trace) add(flow, cause, rule, action string, in, out Bindings, started time.Time, failed error) (id string, err error) {
	if t == nil {
		return "", nil
	}
	took := time.Since(started)
	record := Record{ID: newID(), Flow: flow, Action: action, Started: started, Took: took}
	if failed != nil {
		record.Err = failed.Error()
	}
	for _, side := range []struct {
		to   *string
		from Bindings
	}{{&record.In, in}, {&record.Out, out}} {
		text, err := json.Marshal(side.from)
		if err != nil {
			return "", err
		}
		*side.to = string(text)
	}
	t.keep(record, Edge{From: cause, To: record.ID, Rule: rule})
	return record.ID, nil
}

func (t *Trace) keep(r Record, e Edge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.flows[r.Flow]; !known {
		t.order = append(t.order, r.Flow)
		if len(t.order) > keepFlows {
			t.forget(t.order[0])
			t.order = t.order[1:]
		}
	}
	t.flows[r.Flow] = append(t.flows[r.Flow], r.ID)
	t.records[r.ID] = r
	t.edges[r.ID] = e
}

func (t *Trace) forget(flow string) {
	for _, id := range t.flows[flow] {
		delete(t.records, id)
		delete(t.edges, id)
	}
	delete(t.flows, flow)
}

// Flow is what the trace has of a flow: records in order of completion, and the
// edge that leads to each.
func (t *Trace) Flow(flow string) (records []Record, edges []Edge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range t.flows[flow] {
		records, edges = append(records, t.records[id]), append(edges, t.edges[id])
	}
	return records, edges
}

// newID is a random UUID, version 4 (RFC 9562).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
