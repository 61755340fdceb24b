package runner

import (
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Disturbances that ship with the self-check: neighbours that take the CPU or the
// memory bus, garbage collection inside the measured child, and children that are
// stopped (hog_stop.go).

// weatherKey is the option that says which disturbance a kernel makes of itself.
const (
	weatherKey   = "weather"
	weatherStorm = "storm"
)

// Kinds of hog.
const (
	hogCPU    = "cpu"
	hogMemory = "memory"
)

// hogScenario opens a neighbour. It works from Open to Close, and is never timed.
func hogScenario() Scenario {
	return Scenario{Name: hogName, Open: func(s Setup) (Workload, error) { return newHog(s), nil }}
}

// Phases of a hog are some blocks long: shorter ones would even out inside a block,
// longer ones would meet a whole trial alike.
const (
	shortestPhase = 30 * time.Millisecond
	longestPhase  = 400 * time.Millisecond
)

// A hog keeps every core busy half of the time, each in phases of its own.
type hog struct {
	stop    chan struct{}
	working sync.WaitGroup
}

func newHog(s Setup) *hog {
	h := &hog{stop: make(chan struct{})}
	for core := range runtime.GOMAXPROCS(0) {
		step := spinStep
		if s.Style == hogMemory {
			step = newCopyStep()
		}
		p := phases{random: weatherSource(s.Seed, s.Style, core), least: shortestPhase, longest: longestPhase}
		h.working.Go(func() { h.work(p, step) })
	}
	return h
}

// weatherSource is a function of the seed and of whom it is for.
func weatherSource(seed uint64, name string, number int) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // cannot fail
	return rand.New(rand.NewPCG(seed, sum.Sum64()+uint64(number)))
}

// work takes steps while a phase is on, and waits while it is off.
func (h *hog) work(p phases, step func()) {
	rest := time.NewTimer(p.next())
	defer rest.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-rest.C:
		}
		for start, long := time.Now(), p.next(); time.Since(start) < long && !h.stopped(); {
			step()
		}
		rest.Reset(p.next())
	}
}

func (h *hog) stopped() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// turned is what spinning comes to, so that it is not nothing.
var turned atomic.Int64

func spinStep() { turned.Add(int64(emptyLoop(100_000))) }

// copied is more than the caches of a core hold, and little enough for a board.
const copied = 16 << 20

// newCopyStep copies from memory to memory.
func newCopyStep() func() {
	from, to := make([]byte, copied), make([]byte, copied)
	at := 0
	return func() {
		const piece = 4 << 20
		copy(to[at:at+piece], from[at:at+piece])
		at = (at + piece) % len(to)
	}
}

// Prepare does nothing: a hog works by itself.
func (h *hog) Prepare(int, int) error { return nil }

// Run does nothing, see Prepare.
func (h *hog) Run(func(time.Duration)) error { return nil }

// Work tells nothing, see Prepare.
func (h *hog) Work() (Work, error) { return Work{}, nil }

// Close returns when the last core is free.
func (h *hog) Close() error {
	close(h.stop)
	h.working.Wait()
	return nil
}

// A storm makes garbage beside the measured work, in half of the blocks, so that the
// collector runs nearly all the time.
type storm struct {
	random *rand.Rand
	begin  chan chan struct{} // the channel that is closed at the end of the block
	over   chan struct{}
	ended  chan struct{}
	blown  atomic.Int64 // blocks
}

func newStorm(seed uint64, style string) *storm {
	s := &storm{random: weatherSource(seed, style, 0), begin: make(chan chan struct{}), over: make(chan struct{}), ended: make(chan struct{})}
	go s.work()
	return s
}

// blow storms until the function that it returns is called, or not.
func (s *storm) blow() (calm func()) {
	if s.random.IntN(2) == 0 {
		return func() {}
	}
	s.blown.Add(1)
	until := make(chan struct{})
	s.begin <- until
	return func() {
		close(until)
		<-s.over
	}
}

func (s *storm) work() {
	defer close(s.ended)
	for until := range s.begin {
		litter(until)
		s.over <- struct{}{}
	}
}

// litter makes a list after the other: what has pointers costs the collector most.
func litter(until <-chan struct{}) {
	type link struct{ next *link }
	kept := make([]*link, 1<<12)
	for i := 0; ; i++ {
		select {
		case <-until:
			return
		default:
		}
		var list *link
		for range 64 {
			list = &link{list}
		}
		kept[i%len(kept)] = list
	}
}

func (s *storm) end() {
	close(s.begin)
	<-s.ended
}
