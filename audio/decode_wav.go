package audio

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
)

// wavDecoder reads PCM. beep's own reader keeps two channels of more, knows no
// 32 bits and no floats, and makes room for whatever length a chunk claims.
type wavDecoder struct {
	r      *bufio.Reader
	f      *os.File
	form   format
	bits   int
	float  bool
	data   int64 // where the samples begin
	left   int64 // bytes of them that remain
	length int64 // of them, as the header says
	bytes  []byte
	block  []float32
}

// wavBlock is how many frames are read at once.
const wavBlock = 4096

func newWAV(f *os.File, size int64) (decoder, error) {
	d := &wavDecoder{f: f, r: bufio.NewReaderSize(f, 1<<16)}
	if err := d.chunks(size); err != nil {
		return nil, fmt.Errorf("WAV: %w", err)
	}
	frame := int64(len(d.form.speakers) * d.bits / 8)
	d.form.frames = d.length / frame
	d.left = d.form.frames * frame
	d.bytes = make([]byte, wavBlock*frame)
	d.block = make([]float32, wavBlock*len(d.form.speakers))
	return d, d.seek(0)
}

func (d *wavDecoder) format() format { return d.form }

// seek goes to a frame; one behind the last is the end.
func (d *wavDecoder) seek(frame int64) error {
	size := int64(len(d.form.speakers) * d.bits / 8)
	frame = min(frame, d.form.frames)
	d.left = (d.form.frames - frame) * size
	_, err := d.f.Seek(d.data+frame*size, io.SeekStart)
	d.r.Reset(d.f)
	return err
}

func (d *wavDecoder) next() ([]float32, error) {
	b := d.bytes[:min(int64(len(d.bytes)), d.left)]
	if len(b) == 0 {
		return nil, io.EOF
	}
	n, err := io.ReadFull(d.r, b)
	d.left -= int64(n)
	width := d.bits / 8
	block := d.block[:n/width/len(d.form.speakers)*len(d.form.speakers)]
	for i := range block {
		block[i] = d.sample(b[i*width:])
	}
	return block, ignoreNil(err)
}

// ignoreNil names what it means that samples are missing.
func ignoreNil(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("WAV samples: %w", whole(err))
}

// sample is one of them in -1 to 1. Those of 8 bits have no sign.
func (d *wavDecoder) sample(b []byte) float32 {
	switch {
	case d.float:
		return tame(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case d.bits == 8:
		return float32(int(b[0])-128) / (1 << 7)
	case d.bits == 16:
		return float32(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case d.bits == 24:
		return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)>>8) / (1 << 23)
	}
	return float32(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
}

// tame makes a number in -1 to 1 of what a file has, silence of what is none.
func tame(x float32) float32 {
	if x != x {
		return 0
	}
	return min(max(x, -1), 1)
}
