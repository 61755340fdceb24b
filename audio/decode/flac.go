package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// flacDecoder uses mewkiz/flac without beep's wrapper, which keeps only two channels
// and seeks by decoding the whole file first.
type flacDecoder struct {
	format
	stream *flac.Stream
	block  []float32
}

func newFLAC(r io.Reader) (decoder, error) {
	stream, err := flac.New(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("FLAC header: %w", truncated(err))
	}
	info := stream.Info
	speakers, err := speakersOf("FLAC", int(info.NChannels), usualOrder)
	if err != nil {
		return nil, err
	}
	return &flacDecoder{stream: stream, format: format{
		name: "FLAC", rate: int(info.SampleRate), speakers: speakers, frames: int64(info.NSamples),
	}}, nil
}

func (d *flacDecoder) next() ([]float32, error) {
	f, err := d.stream.ParseNext()
	if err == io.EOF {
		return nil, err
	}
	if err == nil {
		err = d.check(f)
	}
	if err != nil {
		return nil, fmt.Errorf("FLAC frame: %w", err)
	}
	return d.interleave(f), nil
}

// check refuses frames that differ in shape from what the header says.
func (d *flacDecoder) check(f *frame.Frame) error {
	switch {
	case len(f.Subframes) != len(d.speakers):
		return fmt.Errorf("of %d channels in a file of %d", len(f.Subframes), len(d.speakers))
	case f.BitsPerSample == 0:
		return errors.New("of an unusual sample size: convert it to 16 or 24 bits")
	case f.BitsPerSample != d.stream.Info.BitsPerSample:
		return fmt.Errorf("of %d bits in a file of %d", f.BitsPerSample, d.stream.Info.BitsPerSample)
	}
	return nil
}

func (d *flacDecoder) interleave(f *frame.Frame) []float32 {
	n := len(f.Subframes)
	size := int(f.BlockSize) * n
	if cap(d.block) < size {
		d.block = make([]float32, size)
	}
	block := d.block[:size]
	scale := 1 / float32(int64(1)<<(f.BitsPerSample-1))
	for c, sub := range f.Subframes {
		for i, x := range sub.Samples {
			block[i*n+c] = float32(x) * scale
		}
	}
	return block
}

// complete finds the last frame, which holds its own position.
func (d *flacDecoder) complete(f *os.File, size int64) (int64, error) {
	const longest = 256 << 10 // bytes of a frame: 5.1 with 24 bits takes a third
	tail := make([]byte, min(size, longest))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, err
	}
	for at := len(tail) - 2; at >= 0; at-- {
		if tail[at] != 0xff || tail[at+1]&0xfe != 0xf8 {
			continue
		}
		if last, err := frame.Parse(bytes.NewReader(tail[at:])); err == nil {
			return d.upTo(last)
		}
	}
	return 0, missing(0, d.frames)
}

// upTo counts the frames up to the end of this block.
func (d *flacDecoder) upTo(last *frame.Frame) (int64, error) {
	end := int64(last.Num)
	if last.HasFixedBlockSize {
		end *= int64(d.stream.Info.BlockSizeMax)
	}
	end += int64(last.BlockSize)
	if end < d.frames {
		return 0, missing(end, d.frames)
	}
	return end, nil
}
