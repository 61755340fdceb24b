package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/hajimehoshi/go-mp3"
)

// mp3Decoder gives go-mp3 one frame at a time. go-mp3 alone would stop at the first byte
// that is no frame, and read the whole file before the first sample. It turns mono into
// stereo and keeps the silence that the encoder added behind the sound.
type mp3Decoder struct {
	format
	damage
	walk    *mpegWalk
	file    *io.SectionReader
	mp3     *mp3.Decoder // nil: starts with the next frame
	feed    bytes.Reader
	waiting bool   // the frame of the walk is not decoded yet
	stock   int    // bytes of earlier frames that go-mp3 has
	tail    []byte // the last bytes of earlier frames, for rebuild
	skip    int    // samples to drop
	frame   [longestFrame]byte
	bytes   [4 * 1152]byte
	block   [2 * 1152]float32
}

func newMP3(f *io.SectionReader) (decoder, error) {
	d := &mp3Decoder{walk: newMPEGWalk(f), file: f, waiting: true}
	switch {
	case d.walk.next():
	case d.walk.old > 0:
		return nil, errors.New("MP3 of MPEG 2.5, below 16 kHz, is not supported: convert it to a higher rate")
	default:
		return nil, errors.New("MP3: it has no whole frame with sound: the file is truncated")
	}
	d.skip = int(d.walk.first.delay)
	d.format = format{name: "MP3", rate: d.walk.frame.rate(), speakers: usualOrder[1]}
	return d, nil
}

func (d *mp3Decoder) next() ([]float32, error) {
	for {
		if !d.waiting && !d.walk.next() {
			return nil, io.EOF
		}
		if rate := d.walk.frame.rate(); rate != d.rate {
			d.rate, d.waiting, d.mp3 = rate, true, nil
			return nil, errOtherFormat
		}
		d.waiting = false
		if block := d.decode(d.walk.frame); len(block) > 0 {
			return block, nil
		}
	}
}

// decode decodes a frame. One that is broken is silence.
func (d *mp3Decoder) decode(frame mpegHeader) []float32 {
	n := 4 * int(frame.samples())
	d.prepare(frame)
	err := guarded(func() (err error) {
		if d.mp3 == nil {
			d.mp3, err = mp3.NewDecoder(struct{ io.Reader }{&d.feed})
		}
		if err == nil {
			_, err = io.ReadFull(d.mp3, d.bytes[:n])
		}
		return err
	})
	if err != nil {
		clear(d.bytes[:n])
		d.mp3, d.stock = nil, 0
		d.lose(frame.samples(), d.rate, err)
	}
	skip := min(d.skip, n/4)
	d.skip -= skip
	block := d.block[:n/2-2*skip]
	for i := range block {
		block[i] = float32(int16(binary.LittleEndian.Uint16(d.bytes[4*skip+2*i:]))) / (1 << 15)
	}
	return block
}

// prepare makes go-mp3 read this frame next. Where a stream begins in its middle, a frame
// uses bytes of frames that are not there. It becomes silence: its side information is
// zero, except that go-mp3 keeps all the bytes that it has for the next frame.
func (d *mp3Decoder) prepare(frame mpegHeader) {
	if frame.rate() == 22_050 {
		d.feed.Reset(d.rebuild(frame))
		return
	}
	own := mpegHeader(d.frame[:copy(d.frame[:], frame)])
	if d.mp3 == nil {
		d.stock = 0
	}
	if own.earlier() > d.stock {
		clear(own.side())
		own.setEarlier(d.stock)
	}
	d.stock = own.earlier() + len(own.data())
	d.feed.Reset(own)
}

// rebuild makes a frame of 22.05 kHz that needs no earlier one. Half of the bit rates have
// padded frames there whose last byte go-mp3 leaves, so that it would take the bytes of
// earlier frames from a wrong place. The frame gets the size of the largest bit rate, and in
// it first the earlier bytes. What does not fit, at 144 and 160 kbit/s, are the highest
// frequencies.
func (d *mp3Decoder) rebuild(frame mpegHeader) []byte {
	const size, largest, most = 522, 14, 255
	data, earlier := frame.data(), frame.earlier()
	out := append(d.frame[:0], frame[:4]...)
	out[1] |= 1                        // no checksum
	out[2] = largest<<4 | out[2]&^0xf2 // no padding
	out = append(out, frame.side()...)
	if out[4] = 0; earlier > len(d.tail) {
		clear(out[4:])
	} else {
		out = append(out, d.tail[len(d.tail)-earlier:]...)
	}
	out = append(out, data...)
	clear(d.frame[min(len(out), size):size])
	d.tail = append(d.tail, data...)
	d.tail = slices.Delete(d.tail, 0, max(len(d.tail)-most, 0))
	return d.frame[:size]
}

func (d *mp3Decoder) measure() (m measured, err error) {
	w := newMPEGWalk(d.file)
	frames, rate := int64(0), 0
	for w.next() {
		if rate != w.frame.rate() {
			m.add(frames, rate)
			frames, rate = 0, w.frame.rate()
		}
		if w.frames == 1 {
			frames -= w.first.delay
		}
		frames += w.frame.samples()
	}
	m.add(frames, rate)
	const off = 2 // frames: some encoders count the first, or one that they do not write
	m.notice(w.frames+off < w.first.frames, "is truncated: it has %d of %d frames", w.frames, w.first.frames)
	m.notice(w.cut, "its last frame is not whole and is left out")
	m.notice(w.old > 0, "%d frames of MPEG 2.5 are left out: they are not supported", w.old)
	m.notice(w.strange > 0, "%d bytes in it are no sound and are left out", w.strange)
	return m, nil
}
