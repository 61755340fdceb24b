package decode

import (
	"errors"
	"fmt"
	"io"
	"os"

	"rubato/player"
)

// source is the sound of a file at the file's own rate, in stereo.
type source struct {
	decoder decoder
	mix     mixdown
	pending []float32 // decoded, not delivered
	err     error     // why it ended: io.EOF, or what is broken
}

func newSource(d decoder) *source {
	return &source{decoder: d, mix: newMixdown(d.sound().speakers)}
}

// openFeed decodes a file from this frame at 44.1 kHz on. It is an error if the file
// has no frame there.
func openFeed(f *os.File, size, start int64) (feed, error) {
	d, err := newDecoder(f, size)
	if err != nil {
		return nil, err
	}
	src := newSource(d)
	if rate := d.sound().rate; rate != player.SampleRate {
		return newResampled(src, rate, start)
	}
	if err := src.skip(start); err != nil {
		return nil, err
	}
	return src, src.ready()
}

func (s *source) broken() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

func (s *source) fill(into []player.Frame) int {
	n := 0
	for n < len(into) && s.more() {
		got := s.mix.mix(into[n:], s.pending)
		s.pending = s.pending[got*len(s.mix):]
		n += got
	}
	return n
}

// more decodes until at least one frame is pending. It is false at the end.
func (s *source) more() bool {
	const patience = 1_000 // empty blocks in a row
	for range patience {
		if len(s.pending) >= len(s.mix) {
			return true
		}
		if s.err != nil {
			return false
		}
		s.err = guarded(func() (err error) { s.pending, err = s.decoder.next(); return err })
		if s.err != nil && len(s.pending) < len(s.mix) {
			s.pending = nil
		}
	}
	s.err = errors.New("is broken: it goes on without sound")
	return false
}

// skip drops frames. It seeks if the decoder can.
func (s *source) skip(frames int64) error {
	if to, ok := s.decoder.(interface{ seek(frame int64) error }); ok && frames > 0 {
		return to.seek(frames)
	}
	for left := frames; left > 0 && s.more(); {
		n := min(left, int64(len(s.pending)/len(s.mix)))
		s.pending = s.pending[n*int64(len(s.mix)):]
		left -= n
	}
	return nil
}

var errNoSound = errors.New("has no sound there: it is over before the start of the cut, or empty")

// ready returns an error if there is no frame to deliver.
func (s *source) ready() error {
	switch {
	case s.more():
		return nil
	case s.err == io.EOF:
		return errNoSound
	}
	return fmt.Errorf("has no sound there: %w", s.err)
}

// A speaker is the place where a channel is meant to be heard.
type speaker uint8

const (
	frontLeft speaker = iota
	frontRight
	center
	lowFrequency
	surroundLeft
	surroundRight
	surroundCenter
	both // the one channel of mono
)

// shares is how loud each speaker is on the left and on the right of stereo: the
// coefficients of ITU-R BS.775 (annex 4, table 2), which leave the low-frequency
// channel out.
const sqrtHalf = 0.70710678

var shares = [...][2]float32{
	frontLeft:      {1, 0},
	frontRight:     {0, 1},
	center:         {sqrtHalf, sqrtHalf},
	lowFrequency:   {0, 0},
	surroundLeft:   {sqrtHalf, 0},
	surroundRight:  {0, sqrtHalf},
	surroundCenter: {0.5, 0.5},
	both:           {1, 1},
}

// The orders of the channels in a file, from mono to 5.1: of WAV and FLAC, and of
// Vorbis.
var (
	usualOrder = [][]speaker{
		{both},
		{frontLeft, frontRight},
		{frontLeft, frontRight, center},
		{frontLeft, frontRight, surroundLeft, surroundRight},
		{frontLeft, frontRight, center, surroundLeft, surroundRight},
		{frontLeft, frontRight, center, lowFrequency, surroundLeft, surroundRight},
	}
	vorbisOrder = [][]speaker{
		{both},
		{frontLeft, frontRight},
		{frontLeft, center, frontRight},
		{frontLeft, frontRight, surroundLeft, surroundRight},
		{frontLeft, center, frontRight, surroundLeft, surroundRight},
		{frontLeft, center, frontRight, surroundLeft, surroundRight, lowFrequency},
	}
)

// speakersOf returns the speakers of n channels. It refuses other numbers before a
// decoder allocates memory for them.
func speakersOf(format string, n int, order [][]speaker) ([]speaker, error) {
	if n < 1 || n > len(order) {
		return nil, fmt.Errorf("%s of %d channels: convert it to mono to 5.1", format, n)
	}
	return order[n-1], nil
}

// A mixdown turns the channels of a file into stereo.
type mixdown [][2]float32

// newMixdown scales the coefficients so that all channels at their loudest do not
// clip together. This makes 5.1 quieter by 7.7 dB.
func newMixdown(speakers []speaker) mixdown {
	m := make(mixdown, len(speakers))
	var sum [2]float32
	for i, s := range speakers {
		m[i] = shares[s]
		sum[0] += m[i][0]
		sum[1] += m[i][1]
	}
	if most := max(sum[0], sum[1]); most > 1 {
		for i := range m {
			m[i][0] /= most
			m[i][1] /= most
		}
	}
	return m
}

// mix fills as many frames as samples and into both have. The conversions to float32
// keep the processor from fusing product and sum, which would give other bits.
func (m mixdown) mix(into []player.Frame, samples []float32) int {
	n := min(len(into), len(samples)/len(m))
	switch len(m) {
	case 1:
		for i, x := range samples[:n] {
			into[i] = player.Frame{x, x}
		}
	case 2:
		for i := range into[:n] {
			into[i] = player.Frame{samples[2*i], samples[2*i+1]}
		}
	default:
		for i := range into[:n] {
			var f player.Frame
			for c, x := range samples[i*len(m) : (i+1)*len(m)] {
				f[0] += float32(x * m[c][0])
				f[1] += float32(x * m[c][1])
			}
			into[i] = f
		}
	}
	return n
}
