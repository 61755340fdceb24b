package audio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hajimehoshi/go-mp3"
)

// mp3Decoder reads from the decoder that beep's own stands on: beep asks it for
// four bytes at a time. Mono comes out of it as stereo, and the silence that the
// encoder put in front of the sound and behind it stays.
type mp3Decoder struct {
	mp3   *mp3.Decoder
	form  format
	start int64 // of the sound, behind the tags
	bytes [4 * 1152]byte
	block [2 * 1152]float32
}

// newMP3 hides from the decoder that it could seek: it would read the whole file
// before the first sample.
func newMP3(f *os.File, start int64) (decoder, error) {
	var head [4]byte
	if _, err := f.ReadAt(head[:], start); err != nil {
		return nil, err
	}
	if mpegHeader(head[:]).version() == mpeg25 {
		return nil, errors.New("MP3 of MPEG 2.5, below 16 kHz: convert it to a higher rate")
	}
	d, err := mp3.NewDecoder(struct{ io.Reader }{bufio.NewReaderSize(f, 1<<16)})
	if err != nil {
		return nil, fmt.Errorf("MP3: %w", whole(err))
	}
	return &mp3Decoder{mp3: d, form: format{name: "MP3", rate: d.SampleRate(), speakers: usualOrder[1]}, start: start}, nil
}

func (d *mp3Decoder) format() format { return d.form }

func (d *mp3Decoder) next() ([]float32, error) {
	n, err := io.ReadFull(d.mp3, d.bytes[:])
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("MP3: %w", err)
	}
	block := d.block[:n/4*2]
	for i := range block {
		block[i] = float32(int16(binary.LittleEndian.Uint16(d.bytes[2*i:]))) / (1 << 15)
	}
	return block, err
}
