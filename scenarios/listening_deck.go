package scenarios

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/audio"
	"rubato/audio/decode"
	"rubato/player"
)

// tappedDeck is a deck that records the markers that pass and the time that mixing takes. A
// style may mix in a goroutine of its own, so a lock guards the records; it costs 20 ns a
// period.
type tappedDeck struct {
	*audio.Deck
	decoding *decoding

	mu        sync.Mutex
	passed    [player.PassageEndMark + 1]int64 // markers, by kind
	mixed     time.Time                        // when the last Mix was done
	two       bool                             // since the last crossfade mark
	one, both *hdrhistogram.Histogram          // time of a Mix in which one passage sounds, or two
}

// openDeck opens a deck that waits for its decoder, so that every style plays the same sound
// on a slow machine, too.
func openDeck(output audio.Output) (*tappedDeck, error) {
	timed := new(decoding)
	deck, err := audio.NewDeck(audio.DeckOptions{Output: output, Wait: true, Open: timed.open})
	return &tappedDeck{Deck: deck, decoding: timed, one: newHistogram(), both: newHistogram()}, err
}

// Mix mixes and records.
func (d *tappedDeck) Mix(frames int) ([]player.Marker, error) {
	start := time.Now()
	markers, err := d.Deck.Mix(frames)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mixed = time.Now()
	times := d.one
	if d.two {
		times = d.both
	}
	record(times, d.mixed.Sub(start))
	for _, m := range markers {
		d.passed[m.Kind]++
		d.two = m.Kind == player.CrossfadeMark || d.two && m.Kind != player.PassageEndMark
	}
	return markers, err
}

// passes returns the number of markers so far, by kind, and when the last Mix ended.
func (d *tappedDeck) passes() (passed [player.PassageEndMark + 1]int64, mixed time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed, d.mixed
}

// figures returns the time of mixing 10 ms and the speed of the decoder since the last call.
// A period has that many frames.
func (d *tappedDeck) figures(frames int) map[string]float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := map[string]float64{}
	scale := float64(audio.StrictFrames) / float64(frames)
	for name, h := range map[string]*hdrhistogram.Histogram{"mix-one": d.one, "mix-two": d.both} {
		if h.TotalCount() > 0 {
			f[name] = float64(h.ValueAtPercentile(50)) * scale
		}
		h.Reset()
	}
	took, decoded := d.decoding.took.Swap(0), d.decoding.frames.Swap(0)
	if took > 0 {
		f["decode"] = float64(decoded) / player.SampleRate / time.Duration(took).Seconds()
	}
	return f
}

// decoding counts decoded frames and the decoder's nanoseconds.
type decoding struct{ frames, took atomic.Int64 }

func (d *decoding) open(cut player.Cut) (audio.Sound, error) {
	start := time.Now()
	stream, err := decode.Open(cut)
	d.took.Add(int64(time.Since(start)))
	if err != nil {
		return nil, err
	}
	return timedSound{stream, d}, nil
}

// timedSound is a stream that records the time of reading.
type timedSound struct {
	*decode.Stream
	decoding *decoding
}

// Read reads and records.
func (s timedSound) Read(into []player.Frame) (int, error) {
	start := time.Now()
	n, err := s.Stream.Read(into)
	s.decoding.took.Add(int64(time.Since(start)))
	s.decoding.frames.Add(int64(n))
	return n, err
}

// blockOutput is an output at real pace while a block lasts. Between blocks it has no
// thread, which would take time from the style that runs.
type blockOutput struct {
	off bool            // for a transcript, which has no pace: frames are dropped at once
	now *audio.RealTime // nil: off, or between blocks
}

var _ audio.Paced = (*blockOutput)(nil)

// open starts the callbacks.
func (o *blockOutput) open(options audio.RealTimeOptions) {
	if !o.off {
		out := audio.OpenRealTime(options)
		o.now = &out
	}
}

// end plays what waits and returns the statistics of the callbacks, nil if the output is off.
func (o *blockOutput) end() (*audio.CallbackStats, error) {
	if o.now == nil {
		return nil, nil
	}
	err := o.now.Close()
	stats := o.now.Take()
	o.now = nil
	return &stats, err
}

// Write drops the frames between blocks.
func (o *blockOutput) Write(frames []player.Frame) error {
	if o.now == nil {
		return nil
	}
	return o.now.Write(frames)
}

// Room does not wait between blocks.
func (o *blockOutput) Room(ctx context.Context, frames int) error {
	if o.now == nil {
		return nil
	}
	return o.now.Room(ctx, frames)
}

// Close ends a block that has not ended.
func (o *blockOutput) Close() error {
	_, err := o.end()
	return err
}

// newHistogram holds times of up to a minute with three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(time.Minute), 3) }

// record adds a time; a longer one than a minute counts as a minute.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(int64(min(max(d, 1), time.Minute))) // in range: cannot fail
}

// reportAll reports every value of a histogram.
func reportAll(h *hdrhistogram.Histogram, latency func(time.Duration)) {
	for _, bar := range h.Distribution() {
		for range bar.Count {
			latency(max(time.Duration(bar.To), 1))
		}
	}
}
