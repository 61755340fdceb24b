package decode

import (
	"errors"
	"fmt"
	"io"

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

// A feed is stereo sound at 44.1 kHz. fill writes len(into) frames, and fewer only at
// the end. ready reports whether there is one.
type feed interface {
	fill(into []player.Frame) int
	ready() bool
}

// joined is the sound of a file from a frame on. Where the sound goes on in another format,
// it goes on with another feed.
type joined struct {
	decoder decoder
	src     *source
	now     feed
}

// openFeed decodes a file from this frame at 44.1 kHz on. It is an error if the file
// has no frame there.
func openFeed(f io.ReaderAt, size, start int64) (*joined, error) {
	d, err := newDecoder(f, size)
	if err != nil {
		return nil, err
	}
	j := &joined{decoder: d}
	for {
		past, err := j.open(start)
		switch {
		case err != nil:
			return nil, err
		case past == 0 && j.now.ready():
			return j, nil
		case j.src.err != errOtherFormat:
			return nil, j.src.why()
		}
		start = past
	}
}

// open opens the feed of the format that begins here, at a frame of it. It returns how far
// that frame lies behind the end.
func (j *joined) open(start int64) (past int64, err error) {
	j.src = newSource(j.decoder)
	rate := j.decoder.sound().rate
	if err := checkRate(j.decoder.sound()); err != nil {
		return 0, err
	}
	if rate == player.SampleRate {
		j.now = j.src
		return j.src.skip(start)
	}
	r := newResampled(j.src, rate)
	j.now = r
	return r.skip(start)
}

func (j *joined) fill(into []player.Frame) int {
	n := j.now.fill(into)
	for n < len(into) && j.src.err == errOtherFormat {
		if _, err := j.open(0); err != nil {
			j.src.err = err
		}
		n += j.now.fill(into[n:])
	}
	return n
}

// broken returns why it ended, or what was broken before. It is nil if all is well.
func (j *joined) broken() error {
	if err := j.src.err; err != nil && err != io.EOF && err != errOtherFormat {
		return err
	}
	return j.decoder.damaged().why
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

// skip drops frames. It seeks if the decoder can. It returns how many frames there were
// too few.
func (s *source) skip(frames int64) (left int64, err error) {
	if to, ok := s.decoder.(interface{ seek(frame int64) error }); ok && frames > 0 {
		return 0, to.seek(frames)
	}
	for left = frames; left > 0 && s.more(); {
		n := min(left, int64(len(s.pending)/len(s.mix)))
		s.pending = s.pending[n*int64(len(s.mix)):]
		left -= n
	}
	return left, nil
}

var errNoSound = errors.New("has no sound there: it is over before the start of the cut, or empty")

// why says why there is no frame.
func (s *source) why() error {
	if s.err == nil || s.err == io.EOF {
		return errNoSound
	}
	return fmt.Errorf("has no sound there: %w", s.err)
}

func (s *source) ready() bool { return s.more() }

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
