package decode

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
)

// Tags hold titles and pictures. They may stand in front of, behind and between streams
// of any format. Only their lengths matter here. The libraries that read tags do not
// tell where in the file a tag ends.

const (
	mostTags   = 16 // a file with more at one end is not music
	longestTag = 32 // bytes that tagLength looks at
)

// withoutTags returns where the sound begins and ends.
func withoutTags(f io.ReaderAt, size int64) (start, end int64) {
	end = size
	for range mostTags {
		n := tagLength(at(f, start, longestTag))
		if n == 0 || start+n >= end {
			break
		}
		start += n
	}
	for range mostTags {
		n := tagBefore(f, end)
		if n == 0 || end-n <= start {
			break
		}
		end -= n
	}
	return start, end
}

// at returns up to n bytes from an offset on.
func at(f io.ReaderAt, offset int64, n int) []byte {
	b := make([]byte, n)
	n, _ = f.ReadAt(b, offset) // what cannot be read is not there
	return b[:n]
}

// tagLength returns the length of the tag that begins here, 0 if none does.
func tagLength(b []byte) int64 {
	switch {
	case len(b) >= 10 && string(b[:3]) == "ID3":
		return id3Length(b)
	case len(b) >= 24 && string(b[:8]) == "APETAGEX":
		return apeLength(b)
	case len(b) >= 4 && string(b[:4]) == "TAG+":
		return 227
	case len(b) >= 3 && string(b[:3]) == "TAG":
		return 128
	}
	return 0
}

// id3Length is the length of an ID3v2 tag: header, content, and a footer if there is one.
// A length that is no number of four times seven bits counts for nothing.
func id3Length(b []byte) int64 {
	const header = 10
	if (b[6]|b[7]|b[8]|b[9])&0x80 != 0 {
		return header
	}
	n := header + int64(b[6])<<21 + int64(b[7])<<14 + int64(b[8])<<7 + int64(b[9])
	if footer := b[5]&0x10 != 0; footer {
		n += header
	}
	return n
}

// apeLength is the length of an APE tag that begins with its header. The length in it
// does not count the header.
func apeLength(b []byte) int64 {
	const header, isHeader = 32, 1 << 29
	if binary.LittleEndian.Uint32(b[20:])&isHeader == 0 {
		return header // a footer alone
	}
	return header + int64(binary.LittleEndian.Uint32(b[12:]))
}

// tagBefore returns the length of the tag that ends here, 0 if none does.
func tagBefore(f io.ReaderAt, end int64) int64 {
	const longest = 227 + 128
	b := at(f, max(end-longest, 0), int(min(end, longest)))
	has := func(before int, text string) bool {
		return len(b) >= before && bytes.HasPrefix(b[len(b)-before:], []byte(text))
	}
	switch {
	case has(227+128, "TAG+") && has(128, "TAG"):
		return 227 + 128
	case has(128, "TAG"):
		return 128
	case has(32, "APETAGEX"):
		n := int64(binary.LittleEndian.Uint32(b[len(b)-20:]))
		if header := b[len(b)-9]&0x80 != 0; header {
			n += 32
		}
		return n
	case has(10, "3DI"):
		return id3Length(b[len(b)-10:])
	case has(9, "LYRICS200") && len(b) >= 15:
		n, _ := strconv.ParseUint(string(b[len(b)-15:len(b)-9]), 10, 32) // 0: no tag
		return int64(n) + 15
	case has(9, "LYRICSEND"):
		return lyricsBefore(f, end)
	}
	return 0
}

// lyricsBefore is the length of the old form of Lyrics3, which does not tell it.
func lyricsBefore(f io.ReaderAt, end int64) int64 {
	const longest = 11 + 5100 + 9
	b := at(f, max(end-longest, 0), int(min(end, longest)))
	if i := bytes.LastIndex(b, []byte("LYRICSBEGIN")); i >= 0 {
		return int64(len(b) - i)
	}
	return 0
}
