package audio

import (
	"bufio"
	"encoding/binary"
	"errors"
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

// chunks goes through the file's until it finds the samples.
func (d *wavDecoder) chunks(size int64) error {
	const most = 1_000
	at := int64(12)
	for range most {
		var h [8]byte
		if _, err := d.f.ReadAt(h[:], at); err != nil {
			return errors.New("no samples in it: the file is truncated")
		}
		length := int64(binary.LittleEndian.Uint32(h[4:]))
		at += 8
		switch string(h[:4]) {
		case "fmt ":
			if err := d.describe(at, length); err != nil {
				return err
			}
		case "data":
			return d.samples(at, length, size)
		}
		at += length + length%2
	}
	return errors.New("no samples behind its first 1000 chunks")
}

func (d *wavDecoder) samples(at, length, size int64) error {
	if d.bits == 0 {
		return errors.New("its samples stand before their format")
	}
	if length == math.MaxUint32 { // written into a pipe: as far as it goes
		length = size - at
	}
	if length == 0 {
		return errors.New("it has no samples: its length is 0")
	}
	d.data, d.length = at, length
	return nil
}

// describe reads the format of the samples.
func (d *wavDecoder) describe(at, length int64) error {
	b := make([]byte, min(length, 40))
	if _, err := d.f.ReadAt(b, at); err != nil || len(b) < 16 {
		return errors.New("its format chunk is truncated")
	}
	le := binary.LittleEndian
	tag, n, bits := le.Uint16(b), int(le.Uint16(b[2:])), int(le.Uint16(b[14:]))
	speakers, err := channels("it is", n, usualOrder)
	if err != nil {
		return err
	}
	const extensible = 0xfffe
	if tag == extensible && len(b) == 40 {
		tag = le.Uint16(b[24:])
		speakers = masked(le.Uint32(b[20:]), speakers)
	}
	d.float = tag == 3
	switch {
	case tag != 1 && tag != 3:
		return fmt.Errorf("coding %d: convert it to PCM", tag)
	case bits%8 != 0 || bits < 8 || bits > 32 || d.float && bits != 32:
		return fmt.Errorf("samples of %d bits: convert it to 16", bits)
	case int(le.Uint16(b[12:])) != n*bits/8:
		return fmt.Errorf("%d bytes a frame of %d channels of %d bits: its header is broken", le.Uint16(b[12:]), n, bits)
	}
	d.bits = bits
	d.form = format{name: "WAV", rate: int(min(le.Uint32(b[4:]), math.MaxInt32)), speakers: speakers}
	return nil
}

// masked is the order of the channels that a mask gives, the usual one when the
// mask does not fit their number or names a place that is not known here.
func masked(mask uint32, usual []speaker) []speaker {
	order := [...]speaker{frontLeft, frontRight, center, lowFrequency, surroundLeft, surroundRight,
		both, both, surroundCenter, surroundLeft, surroundRight}
	var list []speaker
	for bit, s := range order {
		if mask>>bit&1 == 1 && s != both {
			list = append(list, s)
			mask &^= 1 << bit
		}
	}
	if mask != 0 || len(list) != len(usual) || len(list) == 1 {
		return usual
	}
	return list
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
