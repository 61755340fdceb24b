package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

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
