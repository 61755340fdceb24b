package decode

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// Limits of a Vorbis file's headers. The decoder allocates whatever they ask for: a file
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
		return true // the decoder passes over it
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
// without any, the decoder would search forever.
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

// vorbisModes returns which modes of a setup header have long blocks, and how many bits the
// number of a mode has. What stands in front of the modes is long and has to be decoded. So
// the modes are read from the end, each of 41 bits, until their number stands in front.
func vorbisModes(setup []byte) (long []bool, width int) {
	const mode, most = 41, 64
	end := 8 * len(setup)
	bit := func(at int) int {
		if at < 0 {
			return 0
		}
		return int(setup[at>>3] >> (at & 7) & 1)
	}
	number := func(at, width int) (x int) {
		for i := range width {
			x |= bit(at+i) << i
		}
		return x
	}
	for end--; end >= 0 && bit(end) == 0; end-- { // the last 1 ends the header
	}
	for n := 1; n <= most; n++ {
		at := end - n*mode
		if at < 6 || number(at+1, 16) != 0 || number(at+17, 16) != 0 || number(at+33, 8) >= most {
			break
		}
		if number(at-6, 6) == n-1 {
			long = nil
			for i := range n {
				long = append(long, bit(at+i*mode) == 1)
			}
		}
	}
	return long, bits.Len(uint(max(len(long)-1, 0)))
}
