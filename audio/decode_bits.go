package audio

// bitReader reads numbers of some bits, the lowest bit first.
type bitReader struct {
	b    []byte
	at   int // bits
	over bool
	room int // that the codebooks take so far, in values
	bare int // where the classes of the last floor without partitions are missing
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

// bitWriter writes them.
type bitWriter struct {
	b  []byte
	at int
}

func (w *bitWriter) write(x uint32, n int) {
	for i := range n {
		if w.at&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.at>>3] |= byte(x>>i&1) << (w.at & 7)
		w.at++
	}
}

// copy writes the bits of b from one position to another.
func (w *bitWriter) copy(b []byte, from, to int) {
	for i := from; i < to; i++ {
		w.write(uint32(b[i>>3]>>(i&7)), 1)
	}
}
