package decode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// An oggPage is a part of one of the streams in an Ogg file.
type oggPage struct {
	flags    byte
	position int64 // of the last frame whose packet ends here; -1: no packet does
	stream   uint32
	number   uint32
	segments []byte
	body     []byte
}

// Flags of a page.
const (
	oggContinued = 1
	oggFirst     = 2
	oggLast      = 4
)

// oggWalk goes from page to page, over whatever stands between them.
type oggWalk struct {
	r       *bufio.Reader
	page    int // bytes of the current page
	broken  int // pages so far whose checksum is wrong, or that are not whole
	strange int64
	cut     bool // the file ends within a page
}

func newOggWalk(f *io.SectionReader) *oggWalk { // a page has less than 65536 bytes
	return &oggWalk{r: bufio.NewReaderSize(io.NewSectionReader(f, 0, f.Size()), 1<<17)}
}

// next returns the next page, which is valid until the next call. It is false at the end.
func (w *oggWalk) next() (p oggPage, ok bool) {
	const most = 1_000 // broken pages: bounds the work for a file that is made of their names
	_, _ = w.r.Discard(w.page)
	w.page = 0
	for w.broken < most {
		b, _ := w.r.Peek(27)
		if len(b) < 27 {
			w.cut = w.cut || len(b) > 0
			return p, false
		}
		if string(b[:5]) == "OggS\x00" {
			if p, ok = w.whole(); ok {
				return p, true
			}
			w.broken++
		}
		w.pass()
	}
	return p, false
}

// pass skips to what may be a page.
func (w *oggWalk) pass() {
	b, _ := w.r.Peek(w.r.Buffered())
	n := bytes.Index(b[1:], []byte("OggS")) + 1
	if n == 0 {
		n = max(len(b)-3, 1)
	}
	w.strange += int64(n)
	_, _ = w.r.Discard(n)
}

// whole returns the page that begins here, if all of it is there and its checksum is right.
func (w *oggWalk) whole() (p oggPage, ok bool) {
	const segments, checksum = 27, 22 // where they stand
	b, _ := w.r.Peek(segments)
	n := segments + int(b[26])
	if b, _ = w.r.Peek(n); len(b) == n {
		for _, s := range b[segments:] {
			n += int(s)
		}
		b, _ = w.r.Peek(n)
	}
	if len(b) < n {
		w.cut = true
		return p, false
	}
	sum := oggSum(oggSum(oggSum(0, b[:checksum]), []byte{0, 0, 0, 0}), b[checksum+4:])
	if sum != binary.LittleEndian.Uint32(b[checksum:]) {
		return p, false
	}
	w.page, w.cut = n, false
	le, body := binary.LittleEndian, segments+int(b[26])
	return oggPage{
		flags: b[5], position: int64(le.Uint64(b[6:])), stream: le.Uint32(b[14:]), number: le.Uint32(b[18:]),
		segments: b[segments:body], body: b[body:],
	}, true
}

var oggTable = func() (table [256]uint32) {
	for i := range table {
		x := uint32(i) << 24
		for range 8 {
			x = x<<1 ^ x>>31*0x04c11db7
		}
		table[i] = x
	}
	return table
}()

// oggSum is the checksum of Ogg. It runs from the highest bit to the lowest, which package
// crc32 does not.
func oggSum(sum uint32, b []byte) uint32 {
	for _, x := range b {
		sum = sum<<8 ^ oggTable[byte(sum>>24)^x]
	}
	return sum
}

// oggPackets puts together the packets of one stream.
type oggPackets struct {
	part  []byte // of a packet that goes on on the next page
	inner bool   // part is in use
	next  uint32 // number of the next page
}

const mostPacket = 16 << 20 // bytes; the largest real packets hold a picture

// take returns the packets that end on a page, and whether pages are missing before it.
func (o *oggPackets) take(p oggPage) (packets [][]byte, gap bool) {
	gap = p.number != o.next
	o.next = p.number + 1
	if gap || p.flags&oggContinued == 0 {
		o.part, o.inner = nil, false
	}
	lost := p.flags&oggContinued != 0 && !o.inner // the beginning of its first packet is missing
	at, length := 0, 0
	for _, s := range p.segments {
		length += int(s)
		if s == 255 {
			continue
		}
		packet := p.body[at : at+length]
		if at == 0 && o.inner {
			packet = append(o.part, packet...)
		}
		if at > 0 || !lost {
			packets = append(packets, packet)
		}
		o.part, o.inner, lost = nil, false, false
		at, length = at+length, 0
	}
	if length > 0 && !lost && len(o.part)+length <= mostPacket {
		o.part, o.inner = append(o.part, p.body[at:]...), true
	} else if length > 0 {
		o.part, o.inner = nil, false
	}
	return packets, gap
}
