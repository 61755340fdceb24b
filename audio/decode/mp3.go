package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hajimehoshi/go-mp3"
)

// mp3Decoder uses go-mp3 without beep's wrapper, which reads four bytes at a time.
// go-mp3 turns mono into stereo and keeps the silence that the encoder added before
// and after the sound.
type mp3Decoder struct {
	format
	mp3   *mp3.Decoder
	start int64 // of the sound, behind the tags
	bytes [4 * 1152]byte
	block [2 * 1152]float32
}

// newMP3 hides from go-mp3 that the file can seek. Otherwise go-mp3 would read all of
// it before the first sample.
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
		return nil, fmt.Errorf("MP3: %w", truncated(err))
	}
	return &mp3Decoder{mp3: d, format: format{name: "MP3", rate: d.SampleRate(), speakers: usualOrder[1]}, start: start}, nil
}

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

// complete walks from frame to frame. It stops at what is not a frame, which may be a
// tag.
func (d *mp3Decoder) complete(f *os.File, size int64) (int64, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(f, d.start, size-d.start), 1<<16)
	frames, promised, samples := int64(0), int64(0), int64(0)
	for {
		head, err := r.Peek(4)
		if err != nil || !mpegHeader(head).valid() {
			break
		}
		length := mpegHeader(head).size()
		samples = mpegHeader(head).samples()
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
		return 0, missing(frames*samples, promised*samples)
	}
	return frames * samples, nil
}

// An mpegHeader begins with the four bytes in front of each frame of MPEG audio.
type mpegHeader []byte

// MPEG versions as the header numbers them.
const (
	mpeg25 = 0
	mpeg2  = 2
	mpeg1  = 3
)

func (h mpegHeader) version() int { return int(h[1] >> 3 & 3) }

// valid reports whether a frame of layer 3 with a known length begins here.
func (h mpegHeader) valid() bool {
	const layer3 = 1
	return h[0] == 0xff && h[1]>>5 == 7 && h.version() != 1 && h[1]>>1&3 == layer3 &&
		h[2]>>4 != 0 && h[2]>>4 != 15 && h[2]>>2&3 != 3
}

func (h mpegHeader) rate() int {
	return [...]int{44_100, 48_000, 32_000}[h[2]>>2&3] >> [...]int{2, 0, 1, 0}[h.version()]
}

// samples is how many samples per channel a frame has.
func (h mpegHeader) samples() int64 {
	if h.version() == mpeg1 {
		return 1152
	}
	return 576
}

// size is the length of the frame in bytes, with its header.
func (h mpegHeader) size() int {
	rates := [...]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	if h.version() != mpeg1 {
		rates = [...]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	}
	return int(h.samples())/8*1000*rates[h[2]>>4]/h.rate() + int(h[2]>>1&1)
}

// counted is how many frames the file has according to the encoder, 0 if unknown. The
// encoder writes it into the first frame, which has no sound.
func (h mpegHeader) counted(frame []byte) int64 {
	side := 17 // bytes of side information behind the header
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
