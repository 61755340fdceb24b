package orchestrated

import (
	"sync"
	"time"

	"rubato/player"
)

// FlushEvery is how often a trace goes to its sink.
const FlushEvery = 100 * time.Millisecond

// flushChunk is how many flows are copied under the trace's lock at once.
const flushChunk = 64

// persister writes a trace to its sink, off the emitter's path: the ring is the
// buffer, so what the ring overwrites before it was read is lost, and counted.
type persister struct {
	trace    *trace
	triggers []trigger
	sink     player.TraceSink

	mu   sync.Mutex // one flush at a time; guards what follows
	next uint64     // first segment not yet written
	loss player.Loss
	rows []player.TraceRow   // room that one flush leaves to the next
	room [flushChunk]segment // likewise

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

// flush writes what has come since the last time. What a sink refuses is lost and
// counted: a trace must not grow while its disk is full.
func (p *persister) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := p.rows[:0]
	defer func() { clear(rows); p.rows = rows[:0] }()
	for taken := 0; taken < TraceFlows; taken += flushChunk { // an emitter that is faster must not hold up the flush
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

// close flushes once more and returns when nothing runs any more.
func (p *persister) close() {
	close(p.stop)
	<-p.stopped
}
