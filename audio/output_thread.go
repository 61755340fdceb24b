package audio

import (
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/player"
)

// CallbackStats are how callbacks went.
type CallbackStats struct {
	Periods   uint64 // callbacks run
	Missed    uint64 // periods that passed before theirs was run
	Underruns uint64 // callbacks that found too little in the ring
	Played    uint64 // frames taken from the ring
	Silent    uint64 // frames of silence in their stead, for underruns
	// In nanoseconds, up to a minute: from when a callback was due until it started,
	// and from there to its end.
	Lateness, Took *hdrhistogram.Histogram
}

// Metronome is the callback's thread without any sound to play: what it is late by
// is the machine's own lateness.
type Metronome struct{ *thread }

// OpenMetronome starts a metronome; the ring among the options is of no use to it.
// Close it.
func OpenMetronome(options RealTimeOptions) Metronome {
	return Metronome{startThread(options.defaults(), nil)}
}

// thread is an operating system's thread that calls back.
type thread struct {
	callback *callback
	ended    chan struct{}
	once     sync.Once
	ownP     bool
	taking   sync.Mutex // Take; the callback takes no lock
}

func startThread(o RealTimeOptions, sound *ring) *thread {
	t := &thread{callback: newCallback(o, sound), ended: make(chan struct{}), ownP: o.OwnP}
	if t.ownP {
		addProcessors(1)
	}
	go t.run()
	return t
}

func newCallback(o RealTimeOptions, sound *ring) *callback {
	c := &callback{
		ring:   sound,
		period: make([]player.Frame, o.Period),
		length: (player.Ticks(o.Period) * player.TicksPerFrame).Duration(),
		rule:   o.Rule,
	}
	c.counts.Store(newCounts())
	return c
}

// run locks its goroutine to the thread and never unlocks it, so that they end
// together.
func (t *thread) run() {
	defer close(t.ended)
	runtime.LockOSThread()
	now, until := newClock()
	t.callback.now = now
	t.callback.pace(until)
}

var processors sync.Mutex

// addProcessors changes how many goroutines run at the same time.
func addProcessors(n int) {
	processors.Lock()
	defer processors.Unlock()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
}

// Take is how callbacks went since the last Take. It waits until a callback that may
// still be counting is over, some two periods at most.
func (t *thread) Take() CallbackStats {
	t.taking.Lock()
	defer t.taking.Unlock()
	n := t.callback.counts.Swap(newCounts())
	t.turn()
	return CallbackStats{
		Periods: n.periods, Missed: n.missed, Underruns: n.underruns,
		Played: n.played, Silent: n.silent, Lateness: n.lateness, Took: n.took,
	}
}

// turn waits until a callback has ended, or all have.
func (t *thread) turn() {
	turn := t.callback.turns.Load()
	look := time.NewTicker(max(t.callback.length/2, time.Microsecond))
	defer look.Stop()
	for t.callback.turns.Load() == turn {
		select {
		case <-look.C:
		case <-t.ended:
			return
		}
	}
}

// Close plays what waits in the ring and ends the thread. Closing twice is once.
func (t *thread) Close() error {
	t.once.Do(func() {
		t.callback.ending.Store(true)
		<-t.ended
		if t.ownP {
			addProcessors(-1)
		}
	})
	return nil
}
