package audio

// mend walks through the setup header as the decoder will, and returns it as the
// decoder understands it.
//
// A floor without partitions, which is how the usual encoder does the low channel of
// 5.1, has no classes; the decoder reads one class there, and takes the rest of the
// header for something else. So a class without content is put in: 3 bits of
// dimensions, 2 of subclasses, and 8 of a book's number that nobody asks for.
func mend(setup []byte) ([]byte, error) {
	const class = 3 + 2 + 8
	r := &bitReader{b: setup, at: 8 * 7}
	for range r.read(8) + 1 {
		if !r.codebook() {
			return nil, errVorbisHeader
		}
	}
	for range r.read(6) + 1 {
		r.read(16)
	}
	w := &bitWriter{}
	kept := 0 // bits of the header that are written
	for range r.read(6) + 1 {
		if r.floor() {
			w.copy(setup, kept, r.bare)
			w.write(0, class)
			kept = r.bare
		}
	}
	if r.over {
		return nil, errVorbisHeader
	}
	w.copy(setup, kept, 8*len(setup))
	return w.b, nil
}

// floor goes over one, and tells whether it is without partitions.
func (r *bitReader) floor() (bare bool) {
	if r.read(16) == 0 {
		r.read(8 + 16)
		r.read(16 + 6 + 8)
		for range r.read(4) + 1 {
			r.read(8)
		}
		return false
	}
	partitions := make([]uint32, r.read(5))
	classes := uint32(0)
	for i := range partitions {
		partitions[i] = r.read(4)
		classes = max(classes, partitions[i]+1)
	}
	r.bare = r.at
	dimensions := make([]uint32, classes)
	for i := range dimensions {
		dimensions[i] = r.read(3) + 1
		subclasses := r.read(2)
		if subclasses > 0 {
			r.read(8)
		}
		for range 1 << subclasses {
			r.read(8)
		}
	}
	r.read(2)
	width := int(r.read(4))
	for _, class := range partitions {
		for range dimensions[class] {
			r.read(width)
		}
	}
	return len(partitions) == 0
}
