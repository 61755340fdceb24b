package workload

import (
	"runtime"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
)

// A broken is why a loop ended early, and how many of its stimuli had begun by then.
type broken struct {
	error
	begun int
}

func (b broken) Unwrap() error { return b.error }

// ClosedLoop sends one stimulus at a time. The end of one is the start of the next, so the
// clock is read once per stimulus.
func ClosedLoop(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	start := time.Now()
	for i := range stimuli {
		if err := p.Do(stimuli[i]); err != nil {
			return broken{err, i + 1}
		}
		end := time.Now()
		latency(end.Sub(start))
		start = end
	}
	return nil
}

// timedAlone is one in how many operations is timed where reading the clock would take as
// long as the operation.
const timedAlone = 16

// ClosedSampled is ClosedLoop for operations shorter than about 10 µs.
func ClosedSampled(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	if len(stimuli) == 0 {
		return nil
	}
	first := int(stimuli[0].Seq)
	return Sampled(first, len(stimuli), func(i int) error { return p.Do(stimuli[i-first]) }, latency)
}

// Sampled does operations first to first+n-1, one after the other. Of each sixteen positions
// in the script it times one, which is drawn. A fixed choice could be the first of every
// slice, which finds the caches cold after another style's turn.
func Sampled(first, n int, do func(i int) error, latency func(time.Duration)) error {
	for i := first; i < first+n; i++ {
		if i%timedAlone != int(runner.SeedAt(0, i/timedAlone)%timedAlone) {
			if err := do(i); err != nil {
				return broken{err, i - first + 1}
			}
			continue
		}
		start := time.Now()
		if err := do(i); err != nil {
			return broken{err, i - first + 1}
		}
		latency(time.Since(start))
	}
	return nil
}

// Pipelined posts as fast as the style accepts, then settles. Latency counts from the post to
// the report that the effect is durable.
func Pipelined(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	return postAll(p, stimuli, latency)
}

func postAll(p player.Sender, stimuli []player.Stimulus, latency func(time.Duration)) error {
	if len(stimuli) == 0 {
		return nil
	}
	r := openloop.NewCompletions(stimuli[0].Seq, len(stimuli))
	for i := range stimuli {
		r.Posted[i] = time.Now()
		if err := p.Post(stimuli[i], r.Done); err != nil {
			return broken{err, i + 1}
		}
	}
	if err := p.Settle(); err != nil {
		return err
	}
	return r.Tell(latency)
}

// UsageFigures returns, as figures, what this process and those that it has started used since before,
// during wall.
func UsageFigures(before host.Usage, wall time.Duration) map[string]float64 {
	used := host.UsageNow().Since(before)
	figures := map[string]float64{
		"goroutines": float64(runtime.NumGoroutine()),
		"cpu":        float64(used.CPU()) / wall.Seconds(),
		"core":       100 * float64(used.CPU()) / float64(wall),
		"wake-ups":   float64(used.Voluntary) / wall.Seconds(),
		"preempted":  float64(used.Involuntary) / wall.Seconds(),
	}
	if rss := host.RSS(); rss > 0 {
		figures["rss"] = float64(rss)
	}
	return figures
}
