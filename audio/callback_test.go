package audio

import (
	"fmt"
	"testing"
	"time"

	"rubato/player"
)

// still is a callback on a clock that the test sets. Its ring holds four periods.
func still(period int) (*callback, *time.Duration) {
	o := RealTimeOptions{Period: period, Ring: 4}.defaults()
	c := newCallback(o, newRing(o.Period*o.Ring))
	clock := new(time.Duration)
	c.now = func() time.Duration { return *clock }
	return c, clock
}

func notes(n int) []player.Frame {
	f := make([]player.Frame, n)
	for i := range f {
		f[i] = note(1, int64(i))
	}
	return f
}

func TestCallbackCounts(t *testing.T) {
	t.Parallel()
	c, clock := still(441)
	const period = 10 * time.Millisecond
	frames := notes(10_000)
	steps := []struct {
		does      string
		put       int
		late      time.Duration
		next      time.Duration // periods until the next is due
		missed    uint64
		underruns uint64
		played    uint64
		silent    uint64
	}{
		{"nothing is there yet", 0, 0, 1, 0, 0, 0, 0},
		{"less than half a ring is not begun with", 881, 0, 1, 0, 0, 0, 0},
		{"half a ring is", 1, period - 1, 1, 0, 0, 441, 0},
		{"a period later two have been missed", 0, 2*period + 1, 3, 2, 0, 882, 0},
		{"an empty ring is an underrun", 0, 0, 1, 2, 1, 882, 441},
		{"so is one with too little", 41, period, 2, 3, 2, 923, 841},
		{"a full ring is not", 441, 0, 1, 3, 2, 1364, 841},
	}
	due, given := period, 0
	for i, s := range steps {
		given += c.ring.put(frames[given : given+s.put])
		*clock = due + s.late + 3*time.Microsecond
		next := c.run(due, due+s.late)
		n := c.counts.Load()
		got := fmt.Sprint(next-due, n.Periods, n.Missed, n.Underruns, n.Played, n.Silent)
		want := fmt.Sprint(s.next*period, i+1, s.missed, s.underruns, s.played, s.silent)
		if got != want {
			t.Fatalf("%s: next, periods, missed, underruns, played, silent %s, want %s", s.does, got, want)
		}
		due = next
	}
	n := c.counts.Load()
	if n.Lateness.TotalCount() != 7 || n.Took.Max()/1000 != 3 || n.Lateness.Max() < int64(2*period) {
		t.Errorf("lateness of %d callbacks up to %d ns, took up to %d", n.Lateness.TotalCount(), n.Lateness.Max(), n.Took.Max())
	}
	if c.period[0] != frames[923] || c.period[440] != frames[1363] {
		t.Error("the last period is not what was written")
	}
}

// TestCallbackBeforeItsTime: a clock may show slightly less than the time waited for, and,
// after the machine has slept, much more than the histogram holds.
func TestCallbackBeforeItsTime(t *testing.T) {
	t.Parallel()
	c, clock := still(441)
	c.run(time.Second, time.Second-time.Microsecond)
	*clock = time.Hour
	c.run(time.Second, time.Hour)
	n := c.counts.Load()
	if n.Lateness.TotalCount() != 2 || n.Lateness.Min() != 0 || n.Lateness.Max() < int64(longest) {
		t.Errorf("%d recorded, from %d to %d", n.Lateness.TotalCount(), n.Lateness.Min(), n.Lateness.Max())
	}
}

// TestCallbackAllocatesNothing, with a full, an empty, and no ring.
func TestCallbackAllocatesNothing(t *testing.T) {
	full, _ := still(441)
	starved, _ := still(441)
	starved.primed = true
	metronome, _ := still(441)
	metronome.ring = nil
	frames := notes(441)
	for _, c := range []struct {
		name string
		call func()
	}{
		{"full", func() {
			for full.ring.put(frames) > 0 {
				continue
			}
			full.run(time.Second, time.Second)
		}},
		{"starved", func() { starved.run(time.Second, 2*time.Second) }},
		{"metronome", func() { metronome.run(time.Second, time.Second) }},
	} {
		if n := testing.AllocsPerRun(1_000, c.call); n != 0 {
			t.Errorf("%s: %v allocations a callback", c.name, n)
		}
	}
	if full.counts.Load().Played == 0 || starved.counts.Load().Underruns == 0 {
		t.Error("the rings were not what they were to be")
	}
}

// TestCallbackWaitsForNobody: the callback continues while every lock of deck and output is
// held, the decoder waits for a file and the ring is empty.
func TestCallbackWaitsForNobody(t *testing.T) {
	t.Parallel()
	rs := &reels{gate: make(chan struct{})}
	out := OpenRealTime(RealTimeOptions{Period: 100})
	d := openDeck(t, rs, DeckOptions{Output: out})
	must(t, d.Load(cutOf(1, 1_000, 0)))
	held, release := make(chan struct{}), make(chan struct{})
	go func() {
		d.mu.Lock()
		out.taking.Lock()
		processors.Lock()
		close(held)
		<-release
		processors.Unlock()
		out.taking.Unlock()
		d.mu.Unlock()
	}()
	<-held
	c, _ := still(100)
	c.primed = true
	for range 10_000 {
		c.run(time.Second, time.Second)
	}
	turn := out.callback.turns.Load()
	out.turn() // the real thread's, too
	if got := c.counts.Load().Underruns; got != 10_000 {
		t.Errorf("%d underruns of 10 000", got)
	}
	if out.callback.turns.Load() == turn {
		t.Error("the thread stood still")
	}
	close(release)
	close(rs.gate)
}

func BenchmarkCallback441(b *testing.B) {
	c, _ := still(441)
	frames := notes(441)
	for range 4 {
		c.ring.put(frames)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.run(time.Second, time.Second)
		c.ring.put(frames)
	}
	if n := c.counts.Load(); n.Underruns != 0 || n.Played < uint64(b.N)*441 {
		b.Fatalf("played %d frames of %d periods, %d underruns", n.Played, b.N, n.Underruns)
	}
}
