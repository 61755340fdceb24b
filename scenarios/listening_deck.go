package scenarios

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/audio"
	"rubato/player"
)

// tappedDeck is a deck that takes down what passes and how long it takes. A style may
// mix in a goroutine of its own, so all is behind a lock; that costs 20 ns a period.
type tappedDeck struct {
	*audio.Deck
	decoding *decoding

	mu        sync.Mutex
	passed    [player.PassageEndMark + 1]int64 // markers, by kind
	mixed     time.Time                        // when the last Mix was done
	two       bool                             // since the last crossfade mark
	one, both *hdrhistogram.Histogram          // time of a Mix in which one passage sounds, or two
}

// openDeck opens a deck that waits for its decoder, so that the same sound comes out
// in every style however fast the machine is.
func openDeck(output audio.Output) (*tappedDeck, error) {
	timed := new(decoding)
	deck, err := audio.NewDeck(audio.DeckOptions{Output: output, Wait: true, Open: timed.open})
	return &tappedDeck{Deck: deck, decoding: timed, one: newTimes(), both: newTimes()}, err
}

// Mix is the deck's.
func (d *tappedDeck) Mix(frames int) ([]player.Marker, error) {
	start := time.Now()
	markers, err := d.Deck.Mix(frames)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mixed = time.Now()
	if d.two {
		note(d.both, d.mixed.Sub(start))
	} else {
		note(d.one, d.mixed.Sub(start))
	}
	for _, m := range markers {
		d.passed[m.Kind]++
		d.two = m.Kind == player.CrossfadeMark || d.two && m.Kind != player.PassageEndMark
	}
	return markers, err
}

// passes are the markers passed so far, by kind, and when the last Mix was done.
func (d *tappedDeck) passes() (passed [player.PassageEndMark + 1]int64, mixed time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed, d.mixed
}

// figures are the deck's own since the last time: of a period of so many frames, how
// long the mixing of 10 ms takes, and how fast the decoder is.
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

// decoding is what decoding costs: frames, and nanoseconds in the decoder's goroutine.
type decoding struct{ frames, took atomic.Int64 }

func (d *decoding) open(cut player.Cut) (audio.Sound, error) {
	start := time.Now()
	stream, err := audio.Open(cut)
	d.took.Add(int64(time.Since(start)))
	if err != nil {
		return nil, err
	}
	return timedSound{stream, d}, nil
}

// timedSound is a stream whose reading is timed.
type timedSound struct {
	*audio.Stream
	decoding *decoding
}

// Read is the stream's.
func (s timedSound) Read(into []player.Frame) (int, error) {
	start := time.Now()
	n, err := s.Stream.Read(into)
	s.decoding.took.Add(int64(time.Since(start)))
	s.decoding.frames.Add(int64(n))
	return n, err
}
