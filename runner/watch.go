package runner

import (
	"fmt"
	"sync"
	"time"
)

const (
	// watchEvery is how often the watch looks up: some 10 µs of CPU each time.
	watchEvery = 100 * time.Millisecond
	// stillAfter is how long nothing in the process may move before a block counts as
	// disturbed: far more than a busy machine keeps a goroutine waiting.
	stillAfter = 500 * time.Millisecond
	// clockJump is how far two clocks may part in a block, beside the thousandth by
	// which a clock that is being set right runs fast or slow.
	clockJump = 10 * time.Millisecond
)

// A watch finds out whether the whole process stood still during a block: stopped,
// frozen, or without a CPU. A style that waits is no such thing, for the watch itself
// goes on; so what a style does to itself always counts.
type watch struct {
	mu      sync.Mutex
	last    time.Time
	used    time.Duration // CPU time at last
	longest time.Duration // without CPU to show for it
	stop    chan struct{}
	stopped chan struct{}
}

// startWatch begins now. It allocates here and not later.
func startWatch() *watch {
	w := &watch{last: time.Now(), used: ownUsage().cpu(), stop: make(chan struct{}), stopped: make(chan struct{})}
	ticker := time.NewTicker(watchEvery)
	go func() {
		defer close(w.stopped)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.look()
			case <-w.stop:
				return
			}
		}
	}()
	return w
}

// look takes note of the time since it last did, unless the CPU was at work meanwhile.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, used := time.Now(), ownUsage().cpu()
	if gap := now.Sub(w.last); used-w.used < gap/2 {
		w.longest = max(w.longest, gap)
	}
	w.last, w.used = now, used
}

// end is the longest time for which the process stood still; that of no watch is 0.
func (w *watch) end() time.Duration {
	if w == nil {
		return 0
	}
	w.look()
	close(w.stop)
	<-w.stopped
	return w.longest
}

// disturbance says what befell the process or its clocks in a block, if anything.
func disturbance(still time.Duration, before, after clocks, wall time.Duration) string {
	may := clockJump + wall/1000
	switch asleep, set := after.boot-before.boot-(after.steady-before.steady), after.wall-before.wall-(after.steady-before.steady); {
	case asleep > may:
		return fmt.Sprintf("the machine slept for %v", asleep.Round(time.Millisecond))
	case still > stillAfter:
		return fmt.Sprintf("the process stood still for %v", still.Round(time.Millisecond))
	case max(set, -set) > may:
		return fmt.Sprintf("the clock was set by %v", set.Round(time.Millisecond))
	}
	return ""
}

// clocks are readings of one moment.
type clocks struct {
	steady time.Duration // never set, stops while the machine sleeps
	boot   time.Duration // never set, goes on
	wall   time.Duration // set by people and by time servers
}
