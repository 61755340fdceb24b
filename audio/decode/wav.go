package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// wavDecoder reads PCM. beep's reader is not used: it keeps only two channels, knows
// neither 32 bits nor floats, and allocates whatever length a chunk claims.
type wavDecoder struct {
	format
	damage
	f      *io.SectionReader
	r      *bufio.Reader
	bits   int
	float  bool
	data   int64 // where the samples begin
	left   int64 // bytes of samples not read yet
	length int64 // bytes of whole frames that are there
	says   int64 // bytes of samples, as the header says
	bytes  []byte
	block  []float32
}

func newWAV(f *io.SectionReader) (decoder, error) {
	const block = 4096 // frames per read
	d := &wavDecoder{f: f, r: bufio.NewReaderSize(f, 1<<16)}
	if err := d.chunks(); err != nil {
		return nil, fmt.Errorf("WAV: %w", err)
	}
	d.bytes = make([]byte, block*d.frameSize())
	d.block = make([]float32, block*len(d.speakers))
	return d, d.seek(0)
}

func (d *wavDecoder) frameSize() int64 { return int64(len(d.speakers) * d.bits / 8) }

// seek goes to a frame, at most to the end.
func (d *wavDecoder) seek(frame int64) error {
	at := min(frame*d.frameSize(), d.length)
	d.left = d.length - at
	_, err := d.f.Seek(d.data+at, io.SeekStart)
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
	block := d.block[:n/width/len(d.speakers)*len(d.speakers)]
	for i := range block {
		block[i] = d.sample(b[i*width:])
	}
	if err != nil {
		err = fmt.Errorf("WAV samples: %w", truncated(err))
	}
	return block, err
}

// sample converts one sample to -1 to 1. Those of 8 bits are unsigned.
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

// tame limits a number to -1 to 1 and turns NaN into silence.
func tame(x float32) float32 {
	if x != x {
		return 0
	}
	return min(max(x, -1), 1)
}

func (d *wavDecoder) measure() (m measured, err error) {
	m.add(d.length/d.frameSize(), d.rate)
	m.notice(d.says > d.length+d.frameSize() && d.says < wavUnknown,
		"is truncated: it has %d of %d frames", d.length/d.frameSize(), d.says/d.frameSize())
	return m, nil
}

// wavUnknown is the least length that programs write which do not know it yet, as into a
// pipe. Some write 0.
const wavUnknown = 0x7fff0000

// chunks reads the chunks up to the samples.
func (d *wavDecoder) chunks() error {
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
			return d.samples(at, length)
		}
		at += length + length%2
	}
	return errors.New("no samples in its first 1000 chunks")
}

// samples notes where the samples are. They end with the file if the header says 0 or more
// than there is.
func (d *wavDecoder) samples(at, length int64) error {
	if d.bits == 0 {
		return errors.New("its samples come before their format")
	}
	d.data, d.says, d.length = at, length, length
	if has := d.f.Size() - at; length == 0 || length > has {
		d.length = has
	}
	d.length -= d.length % d.frameSize()
	if d.length <= 0 {
		return errors.New("it has no samples: its length is 0")
	}
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
	speakers, err := speakersOf("it is", n, usualOrder)
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
		return fmt.Errorf("%s is not supported: convert it to PCM", wavCoding(tag))
	case bits%8 != 0 || bits < 8 || bits > 32 || d.float && bits != 32:
		return fmt.Errorf("samples of %d bits: convert it to 16", bits)
	case int(le.Uint16(b[12:])) != n*bits/8:
		return fmt.Errorf("%d bytes a frame of %d channels of %d bits: its header is broken", le.Uint16(b[12:]), n, bits)
	}
	d.bits = bits
	d.format = format{name: "WAV", rate: int(min(le.Uint32(b[4:]), math.MaxInt32)), speakers: speakers}
	return nil
}

func wavCoding(tag uint16) string {
	names := map[uint16]string{
		2: "Microsoft ADPCM", 6: "A-law", 7: "µ-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x50: "MPEG audio",
		0x55: "MP3", 0x161: "WMA", 0xff: "AAC", 0x2000: "AC-3", 0x2001: "DTS",
	}
	if name := names[tag]; name != "" {
		return name
	}
	return fmt.Sprintf("coding %d", tag)
}

// masked is the order of the channels that a mask gives. It is the usual order if the
// mask does not fit the number of channels or names an unknown place.
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
