package audio

import (
	"encoding/binary"
)

// An mpegHeader is the four bytes before each frame of MPEG audio.
type mpegHeader []byte

// Versions of MPEG as the header numbers them.
const (
	mpeg25 = 0
	mpeg2  = 2
	mpeg1  = 3
)

func (h mpegHeader) version() int { return int(h[1] >> 3 & 3) }

// valid tells whether this begins a frame of layer 3 with a known length.
func (h mpegHeader) valid() bool {
	const layer3 = 1
	return h[0] == 0xff && h[1]>>5 == 7 && h.version() != 1 && h[1]>>1&3 == layer3 &&
		h[2]>>4 != 0 && h[2]>>4 != 15 && h[2]>>2&3 != 3
}

func (h mpegHeader) rate() int {
	return [...]int{44_100, 48_000, 32_000}[h[2]>>2&3] >> [...]int{2, 0, 1, 0}[h.version()]
}

// samples is how many of each channel a frame has.
func (h mpegHeader) samples() int {
	if h.version() == mpeg1 {
		return 1152
	}
	return 576
}

// size is how many bytes the frame has, header and all.
func (h mpegHeader) size() int {
	rates := [...]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	if h.version() != mpeg1 {
		rates = [...]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	}
	return h.samples()/8*1000*rates[h[2]>>4]/h.rate() + int(h[2]>>1&1)
}

// counted is how many frames the encoder says the file has, 0 when it does not: it
// says so in the first one, which has no sound.
func (h mpegHeader) counted(frame []byte) int64 {
	side := 17 // bytes that every frame has next
	switch stereo := h[3]>>6 != 3; {
	case h.version() == mpeg1 && stereo:
		side = 32
	case h.version() != mpeg1 && !stereo:
		side = 9
	}
	if len(frame) < 4+side+12 {
		return 0
	}
	tag := frame[4+side:]
	if name := string(tag[:4]); name != "Xing" && name != "Info" || tag[7]&1 == 0 {
		return 0
	}
	return int64(binary.BigEndian.Uint32(tag[8:]))
}
