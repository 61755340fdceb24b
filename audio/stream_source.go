package audio

import (
	"errors"
	"fmt"
	"io"
	"os"

	"rubato/player"
)

// source is the sound of a file at the file's own rate, in two channels.
type source struct {
	decoder decoder
	mix     mixdown
	pending []float32 // decoded, not delivered
	err     error     // why it is over: io.EOF, or what is broken
}

// soundFrom decodes a file from this frame of 44.1 kHz on. A file that has none
// there is an error.
func soundFrom(f *os.File, start int64) (feed, error) {
	d, err := newDecoder(f)
	if err != nil {
		return nil, err
	}
	src := &source{decoder: d, mix: newMixdown(d.format().speakers)}
	if rate := d.format().rate; rate != player.SampleRate {
		return newResampled(src, rate, start)
	}
	if err := src.skip(start); err != nil {
		return nil, err
	}
	return src, src.promise()
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

// more has at least one frame pending, or the sound is over.
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

// skip drops frames; a decoder that can go to a place at once is asked to.
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

// promise is nil when there is a frame to deliver.
func (s *source) promise() error {
	switch {
	case s.more():
		return nil
	case s.err == io.EOF:
		return errNoSound
	}
	return fmt.Errorf("has no sound there: %w", s.err)
}
