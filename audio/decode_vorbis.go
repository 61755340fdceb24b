package audio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/jfreymuth/oggvorbis"
)

// vorbisDecoder reads from the decoder that beep's own stands on: beep asks it for
// one sample at a time and keeps two channels of more.
type vorbisDecoder struct {
	ogg   *oggvorbis.Reader
	form  format
	block []float32
	whole bool // it has its last page
}

// newVorbis looks at the pages and at the headers before the decoder does, which
// believes whatever sizes they have, and gives it headers that it understands.
func newVorbis(f *os.File, size int64) (decoder, error) {
	pages, err := walkOgg(f, size)
	if err != nil {
		return nil, fmt.Errorf("ogg: %w", err)
	}
	if err := checkVorbis(pages.headers); err != nil {
		return nil, fmt.Errorf("ogg: %w", err)
	}
	front, err := pages.front()
	if err != nil {
		return nil, fmt.Errorf("ogg: %w", err)
	}
	if _, err := f.Seek(pages.sound, io.SeekStart); err != nil {
		return nil, err
	}
	r, err := oggvorbis.NewReader(io.MultiReader(bytes.NewReader(front), bufio.NewReaderSize(f, 1<<16)))
	if err != nil {
		return nil, fmt.Errorf("ogg vorbis: %w", whole(err))
	}
	speakers, err := channels("Ogg Vorbis", r.Channels(), vorbisOrder)
	if err != nil {
		return nil, err
	}
	return &vorbisDecoder{
		ogg:   r,
		form:  format{name: "Ogg Vorbis", rate: r.SampleRate(), speakers: speakers, frames: pages.last},
		block: make([]float32, 4096*len(speakers)),
		whole: pages.whole,
	}, nil
}

func (d *vorbisDecoder) format() format { return d.form }

func (d *vorbisDecoder) next() ([]float32, error) {
	n, err := d.ogg.Read(d.block)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("ogg vorbis: %w", whole(err))
	}
	for i, x := range d.block[:n] {
		d.block[i] = tame(x)
	}
	return d.block[:n], err
}
