package audio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rubato/player"
)

// Defaults of an output at real pace.
const (
	PeriodFrames = 2_208 // 50.07 ms
	StrictFrames = 441   // 10 ms
	RingPeriods  = 8
)

// RealTimeOptions say how an output at real pace works. The zero value of every
// field is usable.
type RealTimeOptions struct {
	Period int // frames of a callback; 0: PeriodFrames
	Ring   int // periods that wait between mixer and callback at most, 2 or more; 0: RingPeriods
	// OwnP gives the callback's thread a processor of Go's scheduler beside those that
	// the program has, while the output is open. Without one, two busy goroutines on
	// two cores make a thread that wakes up every 10 ms miss half of its periods. It
	// is GOMAXPROCS, and so the whole program's.
	OwnP bool
	// Rule is run inside each callback. That is forbidden; it is here to show why.
	Rule func()
}

func (o RealTimeOptions) defaults() RealTimeOptions {
	if o.Period <= 0 {
		o.Period = PeriodFrames
	}
	if o.Ring <= 0 {
		o.Ring = RingPeriods
	}
	o.Ring = max(o.Ring, 2)
	return o
}

// RealTime is an output at the pace of a sound card, to nowhere: a thread of its own
// takes a period from a ring each time that one is due. A ring that is empty is
// silence and an underrun; the thread never waits for the mixer.
type RealTime struct{ *thread }

var _ Paced = RealTime{}

// OpenRealTime starts the callback's thread. Underruns count from when the ring was
// half full for the first time, until Close. Close it.
func OpenRealTime(options RealTimeOptions) RealTime {
	o := options.defaults()
	return RealTime{startThread(o, newRing(o.Period*o.Ring))}
}

var errEnded = errors.New("audio: the output is closed")

// stuck is how long a full ring may stay full.
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

// Room waits until so many frames find room, or half a ring. It looks twice a
// period, since the callback may not wake anybody.
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
