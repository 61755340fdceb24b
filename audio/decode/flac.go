package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// flacDecoder uses mewkiz/flac without beep's wrapper, which keeps only two channels
// and seeks by decoding the whole file first.
type flacDecoder struct {
	format
	damage
	file  *io.SectionReader
	r     *bufio.Reader
	bits  uint8
	says  int64 // frames, as the header says; 0: unknown
	begin int64 // where the first frame begins
	due   flacDue
	tries int
	block []float32
}

// newFLAC opens a file, or a stream whose beginning is missing.
func newFLAC(f *io.SectionReader) (decoder, error) {
	d := &flacDecoder{file: f, r: bufio.NewReaderSize(f, 1<<16)}
	if string(at(f, 0, 4)) != "fLaC" {
		first, err := frame.New(bytes.NewReader(at(f, 0, longestFLACHeader)))
		if err != nil {
			return nil, fmt.Errorf("FLAC frame: %w", err)
		}
		return d, d.describe(int(first.SampleRate), first.Channels.Count(), first.BitsPerSample)
	}
	stream, err := flac.New(d.r)
	if err != nil {
		return nil, fmt.Errorf("FLAC header: %w", truncated(err))
	}
	d.begin, d.says = d.offset(), int64(stream.Info.NSamples)
	return d, d.describe(int(stream.Info.SampleRate), int(stream.Info.NChannels), stream.Info.BitsPerSample)
}

func (d *flacDecoder) describe(rate, channels int, bits uint8) error {
	speakers, err := speakersOf("FLAC", channels, usualOrder)
	d.format, d.bits = format{name: "FLAC", rate: rate, speakers: speakers}, bits
	return err
}

// offset is where in the file the next byte is read.
func (d *flacDecoder) offset() int64 {
	at, _ := d.file.Seek(0, io.SeekCurrent) // cannot fail
	return at - int64(d.r.Buffered())
}

func (d *flacDecoder) next() ([]float32, error) {
	for {
		at := d.offset()
		f, err := parseFLAC(d.r)
		if err == nil {
			err = d.check(f.Header)
		}
		if err == nil {
			d.due.follow(f.Header)
			return d.interleave(f), nil
		}
		silent, err := d.resume(at, fmt.Errorf("FLAC frame: %w", err))
		if len(silent) > 0 || err != nil {
			return silent, err
		}
	}
}

// check refuses frames that differ in shape from what the header says.
func (d *flacDecoder) check(h frame.Header) error {
	switch {
	case h.Channels.Count() != len(d.speakers):
		return fmt.Errorf("of %d channels in a file of %d", h.Channels.Count(), len(d.speakers))
	case h.BitsPerSample == 0:
		return errors.New("of an unusual sample size: convert it to 16 or 24 bits")
	case h.BitsPerSample != d.bits:
		return fmt.Errorf("of %d bits in a file of %d", h.BitsPerSample, d.bits)
	case h.SampleRate != 0 && int(h.SampleRate) != d.rate:
		return fmt.Errorf("of %d Hz in a file of %d Hz", h.SampleRate, d.rate)
	}
	return nil
}

// resume goes on with the next frame that can be read. A frame that is broken behind its
// header is silence, because measure counts it.
func (d *flacDecoder) resume(at int64, why error) ([]float32, error) {
	w := d.walkFrom(at)
	w.due, w.tries = d.due, d.tries
	broken, counted := w.here()
	counted = counted && w.due.fits(broken)
	if counted {
		w.due.follow(broken)
	}
	w.skip(1)
	_, ok := w.find()
	d.tries = w.tries
	switch {
	case !ok && !d.due.known: // no frame could be read
		return nil, why
	case !ok:
		return nil, io.EOF
	}
	d.due = w.due
	_, err := d.file.Seek(w.at, io.SeekStart)
	d.r.Reset(d.file)
	if err != nil || !counted {
		return nil, err
	}
	d.lose(int64(broken.BlockSize), d.rate, why)
	return make([]float32, int(broken.BlockSize)*len(d.speakers)), nil
}

func (d *flacDecoder) interleave(f *frame.Frame) []float32 {
	n := len(f.Subframes)
	size := int(f.BlockSize) * n
	if cap(d.block) < size {
		d.block = make([]float32, size)
	}
	block := d.block[:size]
	scale := 1 / float32(int64(1)<<(f.BitsPerSample-1))
	for c, sub := range f.Subframes {
		for i, x := range sub.Samples {
			block[i*n+c] = float32(x) * scale
		}
	}
	return block
}

// measure counts the frames. It decodes only where their numbers do not follow each other,
// and the last.
func (d *flacDecoder) measure() (m measured, err error) {
	w := d.walkFrom(d.begin)
	frames, cut := int64(0), false
	for h, ok := w.find(); ok; {
		at := w.at
		w.due.follow(h)
		w.skip(1)
		next, more := w.find()
		if cut = !more && !w.parses(at); !cut {
			frames += int64(h.BlockSize)
		}
		h, ok = next, more
	}
	m.add(frames, d.rate)
	m.notice(frames < d.says, "is truncated: it has %d of %d frames", frames, d.says)
	m.notice(cut && frames >= d.says, "its last frame is not whole and is left out")
	const chance = 4 // headers that are none
	m.notice(w.others > chance, "%d frames of another rate, size or number of channels are left out", w.others)
	m.notice(w.jumps > 0, "frames are missing, or files are joined, at %d places", w.jumps)
	return m, nil
}

// flacDue is the number that the next frame must have.
type flacDue struct {
	known, fixed bool
	number       uint64
}

func (n *flacDue) follow(h frame.Header) {
	n.known, n.fixed, n.number = true, h.HasFixedBlockSize, h.Num+1
	if !h.HasFixedBlockSize {
		n.number = h.Num + uint64(h.BlockSize)
	}
}

func (n flacDue) fits(h frame.Header) bool {
	return n.known && n.fixed == h.HasFixedBlockSize && n.number == h.Num
}

const longestFLACHeader = 16

// flacWalk goes from frame to frame. FLAC does not tell how long a frame is, and sound may
// contain what looks like a header, once in 32 MB. So a header counts if its number is due,
// or if the whole frame can be decoded.
type flacWalk struct {
	d      *flacDecoder
	r      *bufio.Reader
	at     int64
	due    flacDue
	tries  int // frames decoded
	jumps  int // frames that were not due
	others int // headers of another shape of sound
}

func (d *flacDecoder) walkFrom(at int64) *flacWalk {
	return &flacWalk{d: d, r: bufio.NewReaderSize(io.NewSectionReader(d.file, at, d.file.Size()-at), 1<<16), at: at}
}

func (w *flacWalk) skip(n int) {
	n, _ = w.r.Discard(n)
	w.at += int64(n)
}

// here returns the header that stands here.
func (w *flacWalk) here() (frame.Header, bool) {
	b, _ := w.r.Peek(longestFLACHeader) // fewer at the end
	if len(b) < 2 || b[0] != 0xff || b[1]&0xfe != 0xf8 {
		return frame.Header{}, false
	}
	f, err := frame.New(bytes.NewReader(b))
	if err != nil {
		return frame.Header{}, false
	}
	if w.d.check(f.Header) != nil {
		w.others++
		return frame.Header{}, false
	}
	return f.Header, true
}

// find goes to the next frame.
func (w *flacWalk) find() (frame.Header, bool) {
	for {
		h, ok := w.here()
		switch {
		case ok && w.due.fits(h):
			return h, true
		case ok && w.parses(w.at):
			if w.due.known {
				w.jumps++
			}
			return h, true
		}
		b, err := w.r.Peek(max(w.r.Buffered(), 2))
		if err != nil {
			return h, false
		}
		n := bytes.IndexByte(b[1:], 0xff) + 1
		if n == 0 {
			n = len(b)
		}
		w.skip(n)
	}
}

// parses reports whether a frame can be decoded. It bounds the work for a file that is made
// of headers alone.
func (w *flacWalk) parses(at int64) bool {
	const most = 500
	if w.tries++; w.tries > most {
		return false
	}
	_, err := parseFLAC(bufio.NewReader(io.NewSectionReader(w.d.file, at, w.d.file.Size()-at)))
	return err == nil
}

// unasked drops a line that mewkiz/flac logs for every frame of 24 or 176.4 kHz: it asks for
// samples for its own tests.
type unasked struct{ io.Writer }

func init() { log.SetOutput(unasked{log.Writer()}) }

func (w unasked) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("The flac library test cases do not yet include")) {
		return len(line), nil
	}
	return w.Writer.Write(line)
}

// flacBegins reports whether a stream begins with this frame. It counts the frames that it
// decodes.
func flacBegins(b []byte, tries *int) bool {
	const most = 50
	f, err := frame.New(bytes.NewReader(b))
	if err != nil || f.SampleRate == 0 || f.BitsPerSample == 0 || *tries == most {
		return false
	}
	*tries++
	_, err = parseFLAC(bytes.NewReader(b))
	return err == nil
}

func parseFLAC(r io.Reader) (f *frame.Frame, err error) {
	err = guarded(func() (err error) { f, err = frame.Parse(r); return err })
	return f, err
}
