package audio

import (
	"errors"
	"math"
	"math/bits"
)

// Limits of a Vorbis file's headers. The decoder makes room for whatever they say:
// a file of 4 kB may ask for 64 GB. Real ones stay far below these.
const (
	mostEntries  = 1 << 16 // of a codebook
	mostValues   = 1 << 22 // of all codebooks: entries times dimensions, and the entries
	mostExponent = 13      // of a block's length, as the format has it
)

var errVorbisHeader = errors.New("its headers are broken")

// checkVorbis looks at the three headers of a stream, of which the second holds
// comments and does not matter.
func checkVorbis(headers [][]byte) error {
	for i, h := range headers {
		if len(h) < 7 || h[0] != byte(2*i+1) || string(h[1:7]) != "vorbis" {
			return errors.New("it holds something other than Vorbis: convert it")
		}
	}
	return checkIdentification(headers[0][7:])
}

func checkIdentification(h []byte) error {
	if len(h) < 23 || h[4] == 0 {
		return errVorbisHeader
	}
	if _, err := channels("Ogg Vorbis", int(h[4]), vorbisOrder); err != nil {
		return err
	}
	short, long := h[21]&15, h[21]>>4
	if short < 6 || short > long || long > mostExponent {
		return errVorbisHeader
	}
	return nil
}

// codebook goes over one, and tells whether its sizes are sound.
func (r *bitReader) codebook() bool {
	const pattern = 0x564342
	if r.read(24) != pattern {
		return false
	}
	dimensions, entries := int(r.read(16)), int(r.read(24))
	if dimensions == 0 || entries == 0 || entries > mostEntries {
		return false
	}
	if r.room += entries * (dimensions + 1); r.room > mostValues {
		return false
	}
	return r.lengths(entries) && r.values(dimensions, entries) && !r.over
}

// lengths goes over the lengths of the code words. There must be one: in a book
// without any the decoder would look for ever.
func (r *bitReader) lengths(entries int) bool {
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

// values goes over the vectors.
func (r *bitReader) values(dimensions, entries int) bool {
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
