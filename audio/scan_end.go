package audio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mewkiz/flac/frame"
)

func missing(has, promised int64) error {
	return fmt.Errorf("is truncated: it has %d of %d frames", has, promised)
}

func (d *wavDecoder) complete(f *os.File) (int64, error) {
	size, err := regularSize(f)
	if err != nil {
		return 0, err
	}
	if has := size - d.data; has < d.length {
		return 0, missing(has/int64(len(d.form.speakers)*d.bits/8), d.form.frames)
	}
	return d.form.frames, nil
}

func (d *vorbisDecoder) complete(*os.File) (int64, error) {
	if !d.whole {
		return 0, errors.New("is truncated: it has no last page")
	}
	return d.form.frames, nil
}

// complete finds the last frame, which says which one it is.
func (d *flacDecoder) complete(f *os.File) (int64, error) {
	size, err := regularSize(f)
	if err != nil {
		return 0, err
	}
	const longest = 256 << 10 // bytes of a frame: 5.1 with 24 bits takes a third
	tail := make([]byte, min(size, longest))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	promised := d.form.frames
	for at := len(tail) - 2; at >= 0; at-- {
		if tail[at] != 0xff || tail[at+1]&0xfe != 0xf8 {
			continue
		}
		if last, err := frame.Parse(bytes.NewReader(tail[at:])); err == nil {
			return d.upTo(last, promised)
		}
	}
	return 0, missing(0, promised)
}

func (d *flacDecoder) upTo(last *frame.Frame, promised int64) (int64, error) {
	end := int64(last.Num)
	if last.HasFixedBlockSize {
		end *= int64(d.stream.Info.BlockSizeMax)
	}
	end += int64(last.BlockSize)
	if end < promised {
		return 0, missing(end, promised)
	}
	return end, nil
}

// complete goes from frame to frame, up to what is none: a tag may stand there.
func (d *mp3Decoder) complete(f *os.File) (int64, error) {
	size, err := regularSize(f)
	if err != nil {
		return 0, err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, d.start, size-d.start), 1<<16)
	frames, promised := int64(0), int64(0)
	samples := 0
	for {
		head, err := r.Peek(4)
		if err != nil || !mpegHeader(head).valid() {
			break
		}
		h := mpegHeader(head)
		length := h.size()
		samples = h.samples()
		if frames == 0 {
			first, _ := r.Peek(length)
			if n := mpegHeader(first).counted(first); n > 0 {
				promised = n + 1
			}
		}
		if n, err := r.Discard(length); err != nil {
			return 0, fmt.Errorf("is truncated: its last frame has %d of %d bytes", n, length)
		}
		frames++
	}
	if frames < promised {
		return 0, missing(frames*int64(samples), promised*int64(samples))
	}
	return frames * int64(samples), nil
}
