package audio

import (
	"errors"
	"io"
	"os"
)

// sniff skips a tag and reads what is behind it. The file stands there then.
func sniff(f *os.File, size int64) (start int64, head []byte, err error) {
	start, err = behindTag(f, size)
	if err != nil {
		return 0, nil, err
	}
	head = make([]byte, sniffed)
	n, err := f.ReadAt(head, start)
	if err != nil && err != io.EOF {
		return 0, nil, err
	}
	_, err = f.Seek(start, io.SeekStart)
	return start, head[:n], err
}

// behindTag is where the sound begins after the ID3 tags that stand in front. Such
// a tag is no sound, and its length is whatever its four bytes say: decoders would
// make room for it.
func behindTag(f *os.File, size int64) (int64, error) {
	const most = 8 // more of them is no file of sound
	start := int64(0)
	for range most {
		var h [10]byte
		if _, err := f.ReadAt(h[:], start); err != nil || string(h[:3]) != "ID3" {
			return start, ignoreEOF(err)
		}
		start += 10 + int64(h[6]&0x7f)<<21 + int64(h[7]&0x7f)<<14 + int64(h[8]&0x7f)<<7 + int64(h[9]&0x7f)
		if start >= size {
			return 0, errors.New("ends in its tag: the file is truncated")
		}
	}
	return 0, errors.New("has nothing but tags")
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// kindOf tells a file by its first bytes.
func kindOf(head []byte) string {
	switch {
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE":
		return "WAV"
	case len(head) >= 4 && string(head[:4]) == "fLaC":
		return "FLAC"
	case len(head) >= 4 && string(head[:4]) == "OggS":
		return "Ogg"
	case len(head) >= 4 && mpegHeader(head).valid():
		return "MP3"
	}
	return ""
}
