package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"

	"github.com/jfreymuth/oggvorbis"
)

// vorbisDecoder uses oggvorbis without beep's wrapper, which reads one sample at a
// time and keeps only two channels.
type vorbisDecoder struct {
	format
	ogg   *oggvorbis.Reader
	block []float32
	whole bool // the file has its last page
}

// newVorbis checks the pages and the headers first, because oggvorbis trusts every
// size in them.
//
// oggvorbis misreads floors without partitions, which the usual encoder writes for the
// low-frequency channel of 5.1 at 44.1 and 48 kHz. Its error is replaced by one that
// says what to do. docs/design.md says why these files are not supported.
func newVorbis(f *os.File, size int64) (decoder, error) {
	pages, err := walkOgg(f, size)
	if err == nil {
		err = checkVorbis(pages.headers)
	}
	if err != nil {
		return nil, fmt.Errorf("ogg: %w", err)
	}
	channels := int(pages.headers[0][11])
	speakers, err := speakersOf("Ogg Vorbis", channels, vorbisOrder)
	if err != nil {
		return nil, err
	}
	r, err := oggvorbis.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err != nil && channels == 6 && truncated(err) == err {
		return nil, errors.New("ogg vorbis: this decoder cannot read 5.1 of 44.1 or 48 kHz: convert it to FLAC, or to stereo")
	}
	if err != nil {
		return nil, fmt.Errorf("ogg vorbis: %w", truncated(err))
	}
	return &vorbisDecoder{
		ogg:    r,
		format: format{name: "Ogg Vorbis", rate: r.SampleRate(), speakers: speakers, frames: pages.last},
		block:  make([]float32, 4096*channels),
		whole:  pages.whole,
	}, nil
}

func (d *vorbisDecoder) next() ([]float32, error) {
	n, err := d.ogg.Read(d.block)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("ogg vorbis: %w", truncated(err))
	}
	for i, x := range d.block[:n] {
		d.block[i] = tame(x)
	}
	return d.block[:n], err
}

func (d *vorbisDecoder) complete(*os.File, int64) (int64, error) {
	if !d.whole {
		return 0, errors.New("is truncated: it has no last page")
	}
	return d.frames, nil
}

// Limits of what oggvorbis is given to read.
const (
	mostPacket = 16 << 20 // bytes; the largest real packets hold a picture
	mostEmpty  = 1_000    // packets or pages without content in a row: oggvorbis recurses over them
)

// oggPages is what the pages of an Ogg file say without being decoded.
type oggPages struct {
	headers [][]byte // the first three packets
	last    int64    // position of the last frame
	whole   bool     // the last page is there, and complete

	packet []byte // the part of the current header that was read
	length int    // of the current packet so far
	empty  int    // packets or pages without content, in a row
}

// walkOgg goes from page to page, to the last one or to where the file is broken,
// which is as far as the decoder gets.
func walkOgg(r io.ReaderAt, size int64) (*oggPages, error) {
	w := new(oggPages)
	for next := int64(0); !w.whole && next < size; {
		at := next
		var err error
		if next, err = w.page(r, at, size); err != nil {
			return nil, err
		}
		if next == 0 {
			break
		}
	}
	if len(w.headers) < 3 {
		return nil, errors.New("its headers are not whole: the file is truncated or broken")
	}
	return w, nil
}

// page reads one page. next is 0 if there is no complete page here.
func (w *oggPages) page(r io.ReaderAt, at, size int64) (next int64, err error) {
	const continued, lastPage = 1, 4 // flags
	var head [27 + 255]byte
	n, err := r.ReadAt(head[:min(int64(len(head)), size-at)], at)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if n < 27 || string(head[:4]) != "OggS" || n < 27+int(head[26]) || at == 0 && head[5]&continued != 0 {
		return 0, nil
	}
	segments := head[27 : 27+int(head[26])]
	body := int64(0)
	for _, s := range segments {
		body += int64(s)
	}
	next = at + 27 + int64(len(segments)) + body
	if next > size {
		return 0, nil
	}
	if err := w.packets(r, next-body, segments); err != nil {
		return 0, err
	}
	if position := int64(binary.LittleEndian.Uint64(head[6:])); position > 0 {
		w.last = position
	}
	w.whole = head[5]&lastPage != 0
	return next, nil
}

// packets follows the packets through the segments of a page. A segment of less than
// 255 bytes ends a packet.
func (w *oggPages) packets(r io.ReaderAt, at int64, segments []byte) error {
	if len(segments) == 0 {
		w.empty++
	}
	for _, s := range segments {
		if len(w.headers) < 3 {
			part := make([]byte, s)
			if _, err := r.ReadAt(part, at); err != nil && s > 0 {
				return err
			}
			w.packet = append(w.packet, part...)
		}
		at += int64(s)
		if w.length += int(s); w.length > mostPacket {
			return errors.New("a packet has more than 16 MiB: the file is broken")
		}
		if s < 255 {
			w.packetEnds()
		}
	}
	if w.empty > mostEmpty {
		return errors.New("it goes on without content: the file is broken")
	}
	return nil
}

func (w *oggPages) packetEnds() {
	w.empty++
	if w.length > 1 { // a shorter one makes no sound
		w.empty = 0
	}
	if len(w.headers) < 3 {
		w.headers = append(w.headers, w.packet)
		w.packet = nil
	}
	w.length = 0
}

// Limits of a Vorbis file's headers. oggvorbis allocates whatever they ask for: a file
// of 4 kB may ask for 64 GB. Real files stay far below.
const (
	mostEntries  = 1 << 16 // of a codebook
	mostValues   = 1 << 22 // of all codebooks: entries times dimensions, plus the entries
	mostExponent = 13      // of a block's length: the limit of the format
)

// checkVorbis checks the three headers of a stream: identification, comments, setup.
func checkVorbis(headers [][]byte) error {
	for i, h := range headers {
		if len(h) < 7 || h[0] != byte(2*i+1) || string(h[1:7]) != "vorbis" {
			return errors.New("it holds something other than Vorbis: convert it")
		}
	}
	if !soundIdentification(headers[0][7:]) || !soundComments(headers[1][7:]) || !soundSetup(headers[2][7:]) {
		return errors.New("its headers are broken")
	}
	return nil
}

func soundIdentification(h []byte) bool {
	if len(h) < 23 || h[4] == 0 {
		return false
	}
	short, long := h[21]&15, h[21]>>4
	return short >= 6 && short <= long && long <= mostExponent
}

// soundComments reports whether the number of comments fits into the header.
func soundComments(h []byte) bool {
	if len(h) < 4 {
		return true // oggvorbis passes over it
	}
	vendor := int64(binary.LittleEndian.Uint32(h))
	if 4+vendor+4 > int64(len(h)) {
		return true
	}
	return int64(binary.LittleEndian.Uint32(h[4+vendor:])) <= int64(len(h)/4)
}

// soundSetup checks the codebooks, with which the setup header begins. What follows
// them cannot ask for much memory.
func soundSetup(h []byte) bool {
	r := &bitReader{b: h}
	for range r.read(8) + 1 {
		if !r.codebook() {
			return false
		}
	}
	return true
}

// bitReader reads numbers of a few bits, the lowest bit first.
type bitReader struct {
	b      []byte
	at     int  // in bits
	over   bool // the end was passed
	values int  // of the codebooks so far
}

func (r *bitReader) read(n int) (x uint32) {
	if r.at+n > 8*len(r.b) {
		r.over = true
		return 0
	}
	for i := range n {
		x |= uint32(r.b[r.at>>3]>>(r.at&7)&1) << i
		r.at++
	}
	return x
}

// codebook reads one and reports whether its sizes are sound.
func (r *bitReader) codebook() bool {
	const pattern = 0x564342
	if r.read(24) != pattern {
		return false
	}
	dimensions, entries := int(r.read(16)), int(r.read(24))
	if dimensions == 0 || entries == 0 || entries > mostEntries {
		return false
	}
	if r.values += entries * (dimensions + 1); r.values > mostValues {
		return false
	}
	return r.codewords(entries) && r.vectors(dimensions, entries) && !r.over
}

// codewords reads the lengths of the code words. At least one must be used: in a book
// without any, oggvorbis would search forever.
func (r *bitReader) codewords(entries int) bool {
	if ordered := r.read(1) == 1; !ordered {
		sparse, used := r.read(1) == 1, 0
		for range entries {
			if !sparse || r.read(1) == 1 {
				r.read(5)
				used++
			}
		}
		return used > 0 && !r.over
	}
	r.read(5)
	for done := 0; done < entries; {
		n := int(r.read(bits.Len(uint(entries - done))))
		if done += n; done > entries || r.over {
			return false
		}
	}
	return true
}

// vectors skips the vectors.
func (r *bitReader) vectors(dimensions, entries int) bool {
	lookup := r.read(4)
	if lookup == 0 {
		return true
	}
	r.read(32)
	r.read(32)
	width := int(r.read(4)) + 1
	r.read(1)
	n := entries * dimensions
	if lookup == 1 {
		n = int(math.Floor(math.Pow(float64(entries), 1/float64(dimensions))))
	}
	r.at += n * width
	return lookup <= 2 && r.at <= 8*len(r.b)
}
