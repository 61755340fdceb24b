package audio

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// flacDecoder reads frames from the decoder that beep's own stands on: beep keeps
// two channels of more, and seeks by decoding the whole file first.
type flacDecoder struct {
	stream *flac.Stream
	form   format
	block  []float32
}

func newFLAC(r io.Reader) (decoder, error) {
	stream, err := flac.New(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("FLAC header: %w", whole(err))
	}
	info := stream.Info
	speakers, err := channels("FLAC", int(info.NChannels), usualOrder)
	if err != nil {
		return nil, err
	}
	return &flacDecoder{stream: stream, form: format{
		name: "FLAC", rate: int(info.SampleRate), speakers: speakers, frames: int64(info.NSamples),
	}}, nil
}

func (d *flacDecoder) format() format { return d.form }

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

// check refuses frames of another shape than the header promised.
func (d *flacDecoder) check(f *frame.Frame) error {
	switch {
	case len(f.Subframes) != len(d.form.speakers):
		return fmt.Errorf("of %d channels in a file of %d", len(f.Subframes), len(d.form.speakers))
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

// whole names what an end in the middle of a thing means.
func whole(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is truncated")
	}
	return err
}
