package audio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"rubato/player"
)

// Defaults of RealTimeOptions.
const (
	PeriodFrames = 2_208 // 50.07 ms
	StrictFrames = 441   // 10 ms
	RingPeriods  = 8
)

// RealTimeOptions configure RealTime and Metronome. The zero value of every field is
// usable.
type RealTimeOptions struct {
	Period int // frames per callback; 0: PeriodFrames
	Ring   int // most periods that wait between mixer and callback, at least 2; 0: RingPeriods
	// OwnP raises GOMAXPROCS of the whole program by one while the output is open, so that
	// the callback's thread has a processor of Go's scheduler. Without it, on two cores with
	// two busy goroutines, a thread that wakes every 10 ms misses half of its periods.
	OwnP bool
	// InCallback runs inside each callback. No program should do that; it is here to
	// measure why.
	InCallback func()
}

func (o RealTimeOptions) defaults() RealTimeOptions {
	o.Period = cmp.Or(max(o.Period, 0), PeriodFrames)
	o.Ring = max(cmp.Or(max(o.Ring, 0), RingPeriods), 2)
	return o
}

// RealTime is an output at the pace of a sound card that drops the sound. Its own thread
// takes a period from a ring each time one is due. An empty ring is silence and an
// underrun: the thread never waits for the mixer.
type RealTime struct{ *thread }

var _ Paced = RealTime{}

// OpenRealTime starts the callback's thread. Underruns count from when the ring is first
// half full, until Close. The caller must close it.
func OpenRealTime(options RealTimeOptions) RealTime {
	o := options.defaults()
	return RealTime{startThread(o, newRing(o.Period*o.Ring))}
}

var errEnded = errors.New("audio: the output is closed")

// stuck is how long a ring may stay full.
const stuck = 10 * time.Second

// Write puts frames into the ring.
func (r RealTime) Write(frames []player.Frame) error {
	for {
		if r.callback.ending.Load() {
			return errEnded
		}
		n := r.callback.ring.put(frames)
		if frames = frames[n:]; len(frames) == 0 {
			return nil
		}
		if err := r.Room(context.Background(), len(frames)); err != nil {
			return err
		}
	}
}

// Room waits until this many frames fit, or half a ring if that is less. It polls twice
// per period, since the callback must not wake anyone.
func (r RealTime) Room(ctx context.Context, frames int) error {
	sound := r.callback.ring
	frames = min(frames, len(sound.frames)/2)
	if sound.room() >= frames {
		return nil
	}
	late := time.NewTimer(stuck)
	defer late.Stop()
	look := time.NewTicker(max(r.callback.length/2, time.Microsecond))
	defer look.Stop()
	for sound.room() < frames {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			return errEnded
		case <-late.C:
			return fmt.Errorf("audio: the callback took nothing for %v; does the machine give its thread time?", stuck)
		}
	}
	return nil
}

// Metronome is the callback's thread without sound. Its lateness is that of the machine.
type Metronome struct{ *thread }

// OpenMetronome starts a metronome. It does not use Ring. The caller must close it.
func OpenMetronome(options RealTimeOptions) Metronome {
	return Metronome{startThread(options.defaults(), nil)}
}

// thread is the thread of the operating system that runs the callback.
type thread struct {
	callback *callback
	ended    chan struct{}
	once     sync.Once
	ownP     bool
	taking   sync.Mutex // held by Take, never by the callback
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
		extra:  o.InCallback,
	}
	c.counts.Store(newStats())
	return c
}

// run locks its goroutine to a thread and never unlocks it, so that both end together.
func (t *thread) run() {
	defer close(t.ended)
	runtime.LockOSThread()
	now, until := NewClock()
	t.callback.now = now
	t.callback.pace(until)
}

var processors sync.Mutex

// addProcessors changes GOMAXPROCS.
func addProcessors(n int) {
	processors.Lock()
	defer processors.Unlock()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
}

// Take returns the statistics since the last Take. It waits until a callback that may
// still count has ended: at most about two periods.
func (t *thread) Take() CallbackStats {
	t.taking.Lock()
	defer t.taking.Unlock()
	n := t.callback.counts.Swap(newStats())
	t.turn()
	return *n
}

// turn waits until a callback has ended, or the thread has.
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

// Close plays what is in the ring and ends the thread. Closing again does nothing.
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
