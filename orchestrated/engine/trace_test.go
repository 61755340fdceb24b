package engine

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rubato/player"
)

// sink keeps rows in memory, or fails.
type sink struct {
	mu      sync.Mutex
	rows    []player.TraceRow
	appends int
	err     error
}

func (s *sink) Append(rows []player.TraceRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appends++
	if s.err == nil {
		s.rows = append(s.rows, rows...)
	}
	return s.err
}

func (s *sink) set(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
}

var noting = Rule{Name: "r", When: touched, Then: []Step{note("x"), note("y")}}

// TestPersist: rows go to the sink every 100 ms in one append, and at the end.
func TestPersist(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		e, _ := engineWith(t, Settings{Trace: player.Tracing{On: true, Sink: s}}, noting)
		for n := range 5 {
			_ = touch(e, uint64(n+1))
		}
		time.Sleep(FlushEvery + time.Millisecond)
		synctest.Wait()
		if len(s.rows) != 10 || s.appends != 1 {
			t.Errorf("%d rows in %d appends, want 10 in 1", len(s.rows), s.appends)
		}
		_ = touch(e, 6)
		e.Close()
		if len(s.rows) != 12 {
			t.Errorf("%d rows after Close, want 12", len(s.rows))
		}
	})
}

// TestPersistFails: while a sink fails, the player continues and counts what is lost.
// When the sink works again, recording resumes.
func TestPersistFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{err: errors.New("disk full")}
		e, l := engineWith(t, Settings{Trace: player.Tracing{On: true, Sink: s}}, noting)
		_ = touch(e, 1)
		time.Sleep(2 * FlushEvery)
		synctest.Wait()
		if lost := e.Lost(); lost.Rows != 2 || lost.Err != "disk full" {
			t.Errorf("lost %+v", lost)
		}
		s.set(nil)
		_ = touch(e, 2)
		time.Sleep(2 * FlushEvery)
		synctest.Wait()
		if lost := e.Lost(); lost.Rows != 2 || lost.Err != "" || len(s.rows) != 2 {
			t.Errorf("lost %+v, %d rows", lost, len(s.rows))
		}
		check(t, l, "note x", "note y", "note x", "note y")
	})
}

// TestPersistOverrun: what the ring overwrites before a flush is counted.
func TestPersistOverrun(t *testing.T) {
	t.Parallel()
	s := &sink{}
	tr := newTrace(player.Tracing{On: true})
	p := newPersister(tr, nil, s)
	a := &action{uri: "t::x::y"}
	for n := range TraceFlows + 25 {
		tr.keep(&segment{token: uint64(n), records: []record{{id: uint64(n), action: a}}})
	}
	p.flush()
	if lost := p.lost().Flows; lost != 25 || len(s.rows) != TraceFlows {
		t.Errorf("%d flows lost, %d rows kept; want 25 and %d", lost, len(s.rows), TraceFlows)
	}
}

// TestPersistPerFlow: the sink has a flow's rows when its stimulus returns.
func TestPersistPerFlow(t *testing.T) {
	t.Parallel()
	s := &sink{}
	e, _ := engineWith(t, Settings{Trace: player.Tracing{On: true, Eager: true, Sink: s, PerFlow: true}}, noting)
	_ = touch(e, 1)
	if len(s.rows) != 2 || s.rows[0].In != `text="x"` || s.rows[0].Rule != "r" || s.rows[0].Trigger != "t::Lamp::touched" {
		t.Errorf("rows %+v", s.rows)
	}
}
