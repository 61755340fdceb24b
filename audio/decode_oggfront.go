package audio

import (
	"encoding/binary"
	"errors"
)

// noComments is a second header without comments: the decoder has no use for them,
// and would make room for as many as they say they are.
const noComments = "\x03vorbis\x00\x00\x00\x00\x00\x00\x00\x00\x01"

// front is two pages with the headers as the decoder is to read them.
func (p *oggPages) front() ([]byte, error) {
	setup, err := mend(p.headers[2])
	if err != nil {
		return nil, err
	}
	const first = 2 // flag of the first page
	b, err := appendPage(nil, first, p.headers[0])
	if err == nil {
		b, err = appendPage(b, 0, []byte(noComments), setup)
	}
	return b, err
}

// appendPage makes one page of whole packets.
func appendPage(b []byte, flags byte, packets ...[]byte) ([]byte, error) {
	var segments, body []byte
	for _, p := range packets {
		for n := len(p); n >= 0; n -= 255 {
			segments = append(segments, byte(min(n, 255)))
		}
		body = append(body, p...)
	}
	if len(segments) > 255 {
		return nil, errors.New("its headers have more than 64 KiB: the file is broken")
	}
	head := make([]byte, 27)
	copy(head, "OggS")
	head[5], head[26] = flags, byte(len(segments))
	page := append(append(head, segments...), body...)
	binary.LittleEndian.PutUint32(page[22:], oggSum(page))
	return append(b, page...), nil
}

// oggSum is the check sum of a page in which its own place holds 0: CRC-32 of the
// usual polynomial, but not reflected, unlike package hash/crc32.
func oggSum(page []byte) (sum uint32) {
	for _, x := range page {
		sum ^= uint32(x) << 24
		for range 8 {
			if top := sum >> 31; top == 1 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}
