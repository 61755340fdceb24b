package decode_test

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"rubato/audio/decode"
	"rubato/player"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// The MP3 and Ogg files in testdata are 0.3 s of a sine in each channel, -12 dB of
// full scale, made with sox, and encoded with lame and oggenc. The other formats are
// made here, of the same tones.
//
//	sox -n -r 44100 -c 6 -b 16 six.wav synth 0.3 sine 440 sine 550 sine 660 sine 55 sine 770 sine 880 vol 0.25
//	lame --quiet -b 64 in.wav out.mp3 (-b 32 for mono-22050.mp3)
//	oggenc -Q -s 1 -q 0 -o out.ogg in.wav
//
//go:embed testdata
var files embed.FS

// tones are the frequencies of the channels, in the order of WAV.
var tones = [6]float64{440, 550, 660, 55, 770, 880}

const loudness = 0.25

func seed(t testing.TB, name string) []byte {
	t.Helper()
	b, err := files.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tone is one sample of a channel.
func tone(channel, i, rate int) float64 {
	return loudness * math.Sin(2*math.Pi*tones[channel]*float64(i)/float64(rate))
}

// wav is so many frames as a WAV file. tag is 1 for PCM and 3 for floats.
func wav(tag, bits, rate, channels, frames int) []byte {
	var b bytes.Buffer
	size := frames * channels * bits / 8
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("RIFF")
	put(uint32(36 + 10 + size))
	b.WriteString("WAVELIST")
	put(uint32(1)) // an odd chunk, padded
	b.WriteString("x\x00fmt ")
	put(uint32(16))
	put([]uint16{uint16(tag), uint16(channels)})
	put([]uint32{uint32(rate), uint32(rate * channels * bits / 8)})
	put([]uint16{uint16(channels * bits / 8), uint16(bits)})
	b.WriteString("data")
	put(uint32(size))
	for i := range frames {
		for c := range channels {
			putSample(&b, tag, bits, tone(c, i, rate))
		}
	}
	return b.Bytes()
}

func putSample(b *bytes.Buffer, tag, bits int, x float64) {
	if tag == 3 {
		_ = binary.Write(b, binary.LittleEndian, float32(x))
		return
	}
	v := int64(math.Round(x * float64(int64(1)<<(bits-1))))
	if bits == 8 {
		v += 128
	}
	for shift := 0; shift < bits; shift += 8 {
		b.WriteByte(byte(v >> shift))
	}
}

// written is a place in memory that can be written and sought.
type written struct {
	b  []byte
	at int64
}

func (w *written) Write(p []byte) (int, error) {
	if missing := w.at + int64(len(p)) - int64(len(w.b)); missing > 0 {
		w.b = append(w.b, make([]byte, missing)...)
	}
	w.at += int64(copy(w.b[w.at:], p))
	return len(p), nil
}

func (w *written) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.New("from the start only")
	}
	w.at = offset
	return offset, nil
}

// flacFile is so many frames as a FLAC file, in blocks of 1 024.
func flacFile(t testing.TB, bits, rate, channels, frames int) []byte {
	t.Helper()
	w := &written{}
	encoder, err := flac.NewEncoder(w, &meta.StreamInfo{
		BlockSizeMin: 1024, BlockSizeMax: 1024,
		SampleRate: uint32(rate), NChannels: uint8(channels), BitsPerSample: uint8(bits),
	})
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < frames; at += 1024 {
		n := min(frames-at, 1024)
		f := &frame.Frame{Header: frame.Header{
			HasFixedBlockSize: true, BlockSize: uint16(n), SampleRate: uint32(rate),
			Channels: frame.Channels(channels - 1), BitsPerSample: uint8(bits),
		}}
		for c := range channels {
			sub := &frame.Subframe{SubHeader: frame.SubHeader{Pred: frame.PredVerbatim}, NSamples: n}
			for i := range n {
				sub.Samples = append(sub.Samples, int32(math.Round(tone(c, at+i, rate)*float64(int(1)<<(bits-1)))))
			}
			f.Subframes = append(f.Subframes, sub)
		}
		if err := encoder.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	return w.b
}

// sealed writes the right checksum into every whole page of an Ogg file.
func sealed(b []byte) []byte {
	for at := 0; ; {
		next := bytes.Index(b[at:], []byte("OggS\x00"))
		if next < 0 || at+next+27 > len(b) {
			return b
		}
		at += next
		end := at + 27 + int(b[at+26])
		for _, s := range b[min(at+27, len(b)):min(end, len(b))] {
			end += int(s)
		}
		if end <= len(b) {
			clear(b[at+22 : at+26])
			binary.LittleEndian.PutUint32(b[at+22:], pageSum(b[at:end]))
		}
		at += 5
	}
}

// pageSum is the remainder of a division by the polynomial of Ogg, bit by bit.
func pageSum(page []byte) (sum uint32) {
	for _, x := range page {
		sum ^= uint32(x) << 24
		for range 8 {
			carry := sum >> 31
			if sum <<= 1; carry == 1 {
				sum ^= 0x04c11db7
			}
		}
	}
	return sum
}

// put writes a file into a folder of the test's own.
func put(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plain is a cut without fades.
func plain(path string, start, frames int64) player.Cut {
	return player.Cut{
		Passage: 1, File: path,
		Start: player.Ticks(start) * player.TicksPerFrame, End: player.Ticks(start+frames) * player.TicksPerFrame,
	}
}

// hear reads a cut to its end, in pieces of this size.
func hear(t testing.TB, cut player.Cut, piece int) (frames []player.Frame, missing int64) {
	t.Helper()
	s, err := decode.Open(cut)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	into := make([]player.Frame, piece)
	for {
		n, err := s.Read(into)
		frames = append(frames, into[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if int64(len(frames)) != cut.Frames() {
		t.Errorf("%d frames, want %d", len(frames), cut.Frames())
	}
	return frames, s.Missing()
}

// loud is how loud a frequency is in a channel, by Goertzel's sum over the middle
// of the frames, in whole periods of 55 Hz.
func loud(frames []player.Frame, channel int, frequency float64) float64 {
	const periods = 12
	n := periods * player.SampleRate / 55
	middle := frames[(len(frames)-n)/2:][:n]
	var re, im float64
	for i, f := range middle {
		angle := 2 * math.Pi * frequency * float64(i) / player.SampleRate
		re += float64(f[channel]) * math.Cos(angle)
		im += float64(f[channel]) * math.Sin(angle)
	}
	return 2 * math.Hypot(re, im) / float64(n)
}
