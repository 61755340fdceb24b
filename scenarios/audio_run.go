package scenarios

import (
	"errors"
	"maps"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
)

// onTime is a player at real pace.
type onTime struct {
	*listening
	output *blockOutput
	storm  *beside // nil: nobody wants in
	shared bool    // no processor of its own
	rule   func()  // in the callback; nil: none, as it should be

	played  int64 // frames that the callback took in this block
	figures map[string]float64
}

// delivered: every period has been mixed, and every frame of it has been taken by the
// callback; and what was said meanwhile is stored.
func (w *onTime) delivered(before, after tally) (effects, expected int64) {
	d := after.since(before)
	return d.periods + w.played/int64(w.frames) + d.rows, 2*int64(w.ops) + 2*d.due
}

// Prepare makes the events of the storm.
func (w *onTime) Prepare(first, n int) error {
	if w.storm != nil {
		length := player.Ticks(n*w.frames) * player.TicksPerFrame
		w.storm.prepare(w.seed, length.Duration())
	}
	return w.listening.Prepare(first, n)
}

// Run plays the block. When its sound is over nothing can be late any more; what of the
// storm is still under way then is waited for. Latency is how late each callback was.
func (w *onTime) Run(latency func(time.Duration)) error {
	w.output.open(audio.RealTimeOptions{Period: w.frames, OwnP: !w.shared, Rule: w.rule})
	beat := w.metronome()
	start := time.Now()
	w.storm.begin(start, !w.output.off)
	var err error
	for i := 0; i < w.ops && err == nil; i++ {
		err = w.period()
	}
	stats, closed := w.output.end()
	wall := time.Since(start)
	machine := beat.end()
	err = errors.Join(err, closed, w.storm.wait())
	w.due += w.storm.said()
	w.played = int64(w.ops) * int64(w.frames)
	if stats != nil {
		w.played = int64(stats.Played)
		w.figures = callbackFigures(stats, wall)
		maps.Copy(w.figures, machineFigures(machine, stats.Missed))
		maps.Copy(w.figures, w.storm.figures())
		w.figures["period-p99"] = float64(w.took.ValueAtPercentile(99))
		tellAll(stats.Lateness, latency)
	}
	return err
}

// Work adds how the callbacks went.
func (w *onTime) Work() (runner.Work, error) {
	work, err := w.listening.Work()
	if err == nil {
		maps.Copy(work.Figures, w.figures)
	}
	return work, err
}

// metronome starts one of the same period, where it has a processor of its own.
func (w *onTime) metronome() *beating {
	if w.shared || w.output.off {
		return nil
	}
	return &beating{audio.OpenMetronome(audio.RealTimeOptions{Period: w.frames, OwnP: true})}
}

// beating is a metronome under way; nil: there is none.
type beating struct{ audio.Metronome }

func (b *beating) end() *audio.CallbackStats {
	if b == nil {
		return nil
	}
	_ = b.Close() // of a metronome it has no error
	stats := b.Take()
	return &stats
}
