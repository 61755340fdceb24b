package audio

import (
	"encoding/binary"
	"errors"
	"io"
)

// oggPages is what the pages of an Ogg file say without being decoded.
type oggPages struct {
	headers [][]byte // the first three packets
	sound   int64    // where the first page behind those begins
	last    int64    // position of the last frame
	whole   bool     // it has its last page, and all of that
}

// Limits of what the decoder is given to read.
const (
	mostPacket = 16 << 20 // bytes; the largest real ones hold a picture
	mostEmpty  = 1_000    // packets or pages without content in a row: the decoder recurses over them
)

// walkOgg goes from page to page up to the last of the first stream, or up to
// where the file is broken: the decoder will not get farther.
func walkOgg(r io.ReaderAt, size int64) (*oggPages, error) {
	w := &oggWalk{pages: new(oggPages)}
	at := int64(0)
	for !w.pages.whole && at < size {
		next, err := w.page(r, at, size)
		if err != nil {
			return nil, err
		}
		if next == 0 {
			break
		}
		at = next
	}
	if len(w.pages.headers) < 3 {
		return nil, errors.New("its headers are not whole: the file is truncated or broken")
	}
	return w.pages, nil
}

// oggWalk is where a walk has come to.
type oggWalk struct {
	pages  *oggPages
	packet []byte // of a header, as far as it has come
	length int    // of the packet that is not over yet
	empty  int    // in a row
}

// page reads one; next is 0 when there is no whole page here.
func (w *oggWalk) page(r io.ReaderAt, at, size int64) (next int64, err error) {
	const lastPage = 4
	var head [27 + 255]byte
	n, err := r.ReadAt(head[:min(int64(len(head)), size-at)], at)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if n < 27 || string(head[:4]) != "OggS" || n < 27+int(head[26]) {
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
	if len(w.pages.headers) == 3 && w.pages.sound == 0 {
		w.pages.sound = next
	}
	if position := int64(binary.LittleEndian.Uint64(head[6:])); position > 0 {
		w.pages.last = position
	}
	w.pages.whole = head[5]&lastPage != 0
	return next, nil
}

// packets follows the packets through a page's segments: one of less than 255
// bytes is the end of a packet.
func (w *oggWalk) packets(r io.ReaderAt, at int64, segments []byte) error {
	if len(segments) == 0 {
		w.empty++
	}
	for _, s := range segments {
		if len(w.pages.headers) < 3 {
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

func (w *oggWalk) packetEnds() {
	w.empty++
	if w.length > 1 { // what is shorter makes no sound
		w.empty = 0
	}
	if len(w.pages.headers) < 3 {
		w.pages.headers = append(w.pages.headers, w.packet)
		w.packet = nil
	}
	w.length = 0
}
