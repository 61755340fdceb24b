package decode

import (
	"bufio"
	"encoding/binary"
	"io"
)

// An mpegHeader begins with the four bytes in front of each frame of MPEG audio.
type mpegHeader []byte

// MPEG versions as the header numbers them.
const (
	mpeg25 = 0
	mpeg2  = 2
	mpeg1  = 3
)

const longestFrame = 1441 // bytes: 320 kbit/s at 32 kHz

func (h mpegHeader) version() int { return int(h[1] >> 3 & 3) }

// is reports whether a frame of this layer, as the header numbers it, may begin here.
func (h mpegHeader) is(layer byte) bool {
	return h[0] == 0xff && h[1]>>5 == 7 && h.version() != 1 && h[1]>>1&3 == layer &&
		h[2]>>4 != 15 && h[2]>>2&3 != 3 && h[3]&3 != 2
}

// valid reports whether a frame of layer 3 with a known length begins here.
func (h mpegHeader) valid() bool { return h.is(1) && h[2]>>4 != 0 }

func (h mpegHeader) freeFormat() bool { return h.is(1) && h[2]>>4 == 0 }

func (h mpegHeader) layer2() bool { return h.is(2) && h[2]>>4 != 0 }

// like reports whether two frames may stand in one stream.
func (h mpegHeader) like(other mpegHeader) bool {
	return h[1]&0xfe == other[1]&0xfe && h[2]&0x0c == other[2]&0x0c
}

func (h mpegHeader) rate() int {
	return [...]int{44_100, 48_000, 32_000}[h[2]>>2&3] >> [...]int{2, 0, 1, 0}[h.version()]
}

// samples is how many samples per channel a frame has.
func (h mpegHeader) samples() int64 {
	if h.version() == mpeg1 {
		return 1152
	}
	return 576
}

// kilobits is how many the frame has per second.
func (h mpegHeader) kilobits() int {
	rates := [...]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	if h.version() != mpeg1 {
		rates = [...]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	}
	return rates[h[2]>>4]
}

func (h mpegHeader) padding() int { return int(h[2] >> 1 & 1) }

// size is the length of the frame in bytes, with its header.
func (h mpegHeader) size() int {
	return int(h.samples())/8*1000*h.kilobits()/h.rate() + h.padding()
}

// side returns the side information of a frame. It begins with how many bytes of earlier
// frames the sound of this one uses.
func (h mpegHeader) side() []byte {
	from, n := 4+h.checksum(), 17
	switch stereo := h[3]>>6 != 3; {
	case h.version() == mpeg1 && stereo:
		n = 32
	case h.version() != mpeg1 && !stereo:
		n = 9
	}
	return h[min(from, len(h)):min(from+n, len(h))]
}

// data is what stands behind the side information: sound of this frame and of later ones.
func (h mpegHeader) data() []byte { return h[min(4+h.checksum()+len(h.side()), len(h)):] }

// checksum is how many bytes it has.
func (h mpegHeader) checksum() int {
	if h[1]&1 == 0 {
		return 2
	}
	return 0
}

// earlier is how many bytes of earlier frames the sound of this one uses.
func (h mpegHeader) earlier() int {
	side := h.side()
	if len(side) < 2 {
		return 0
	}
	if h.version() == mpeg1 {
		return int(side[0])<<1 | int(side[1])>>7
	}
	return int(side[0])
}

// setEarlier changes it, to the largest possible number if n is too large.
func (h mpegHeader) setEarlier(n int) {
	side := h.side()
	if h.version() == mpeg1 {
		n = min(n, 511)
		side[0], side[1] = byte(n>>1), byte(n<<7)|side[1]&0x7f
	} else {
		side[0] = byte(min(n, 255))
	}
}

// An encoderNote is what the encoder says of the stream in a first frame without sound.
type encoderNote struct {
	frames int64 // that follow; 0: unknown
	delay  int64 // samples that encoder and decoder put in front of the sound
}

// note reads it.
func (h mpegHeader) note() (n encoderNote, ok bool) {
	if len(h) >= 40 && string(h[36:40]) == "VBRI" {
		return n, true
	}
	tag := h[min(4+len(h.side()), len(h)):]
	if len(tag) < 8 || string(tag[:4]) != "Xing" && string(tag[:4]) != "Info" {
		return n, false
	}
	flags, tag := tag[7], tag[8:]
	for flag, size := range []int{4, 4, 100, 4} { // frames, bytes, index, quality
		if flags>>flag&1 == 0 {
			continue
		}
		if len(tag) < size {
			return n, true
		}
		if flag == 0 {
			n.frames = int64(binary.BigEndian.Uint32(tag))
		}
		tag = tag[size:]
	}
	const encoder, decoder = 21, 529 // where the delay stands; how many samples a decoder adds
	if len(tag) >= encoder+2 && tag[0] == 'L' {
		n.delay = int64(binary.BigEndian.Uint16(tag[encoder:])>>4) + decoder
	}
	return n, true
}

// chained reports whether frames of one kind follow each other from here on: four, or as
// many as there are before the end or a tag.
func chained(b []byte) bool {
	first := mpegHeader(b)
	for n, at := 1, first.size(); ; n++ {
		switch {
		case n == 4, at == len(b), at+4 > len(b) && n > 1:
			return true
		case at+4 > len(b):
			return false
		case tagLength(b[at:]) > 0:
			return true
		}
		h := mpegHeader(b[at:])
		if !h.valid() || !h.like(first) {
			return false
		}
		at += h.size()
	}
}

// mpegWalk goes from frame to frame of MPEG audio, over whatever stands between them.
type mpegWalk struct {
	r      *bufio.Reader
	left   int64      // bytes from here to the end
	frame  mpegHeader // the current frame, with all its bytes
	last   [4]byte    // header of the last frame
	locked bool       // the last frame ended here

	frames   int64       // with sound, so far
	first    encoderNote // what the first frame says, if it is where the file begins
	searched bool        // something else than tags was passed
	strange  int64       // bytes that are neither frame nor tag nor zero
	old      int64       // frames of MPEG 2.5
	cut      bool        // the file ends within a frame
}

func newMPEGWalk(f *io.SectionReader) *mpegWalk {
	return &mpegWalk{left: f.Size(), r: bufio.NewReaderSize(io.NewSectionReader(f, 0, f.Size()), 1<<16)}
}

// next goes to the next frame with sound. It is false at the end.
func (w *mpegWalk) next() bool {
	for {
		w.skip(len(w.frame))
		w.frame = nil
		b, _ := w.r.Peek(4 * longestFrame) // fewer at the end
		switch {
		case len(b) < 4:
			return false
		case !w.begins(b):
			w.pass(b)
		case mpegHeader(b).size() > len(b):
			w.cut = true
			return false
		default:
			w.frame = b[:mpegHeader(b).size()]
			if w.take() {
				w.frames++
				return true
			}
		}
	}
}

// begins reports whether a frame begins here. A few bits that look like one are not enough,
// unless it stands where one is due.
func (w *mpegWalk) begins(b []byte) bool {
	h := mpegHeader(b)
	if !h.valid() || !(w.locked && h.like(w.last[:])) && !chained(b) {
		w.locked = false
		return false
	}
	w.locked = true
	copy(w.last[:], h)
	return true
}

// take reports whether the frame has sound.
func (w *mpegWalk) take() bool {
	if note, ok := w.frame.note(); ok {
		if w.frames == 0 && !w.searched {
			w.first = note
		}
		return false
	}
	if w.frame.version() == mpeg25 {
		w.old++
		return false
	}
	return true
}

// pass skips a tag, or what is nothing that is known.
func (w *mpegWalk) pass(b []byte) {
	if n := tagLength(b); n > 0 && n <= w.left {
		w.skip(int(n))
		return
	}
	w.searched = true
	n := 0
	for first := true; n < len(b) && (first || !mayBegin(b[n])); n++ {
		first = false
		if b[n] != 0 {
			w.strange++
		}
	}
	w.skip(n)
}

func (w *mpegWalk) skip(n int) {
	n, _ = w.r.Discard(n) // fewer at the end
	w.left -= int64(n)
}

// mayBegin reports whether a frame or a tag may begin with this byte.
func mayBegin(b byte) bool { return b == 0xff || b == 'I' || b == 'T' || b == 'A' }
