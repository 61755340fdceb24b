package decode_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"rubato/audio/decode"
	"rubato/player"
)

// A file that is cut off anywhere plays what there is, and Probe says that something is
// missing. If nothing can be played, both say so.
func TestTruncated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, file []byte) {
		whole, err := decode.Probe(put(t, "x", file))
		if err != nil || len(whole.Notices) > 0 {
			t.Fatal(whole, err)
		}
		before := int64(0)
		for part := range 16 {
			path := put(t, "part", file[:len(file)*part/16])
			info, err := decode.Probe(path)
			if err != nil {
				if player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), path) || openError(path) == nil || before > 0 {
					t.Errorf("%d/16 of it: Probe says %v, Open %v", part, err, openError(path))
				}
				continue
			}
			if len(info.Notices) == 0 || info.Frames < before || info.Frames >= whole.Frames {
				t.Errorf("%d/16 of it: %+v", part, info)
			}
			if _, missing := hear(t, plain(path, 0, info.Frames), 4_096); missing != 0 {
				t.Errorf("%d/16 of it: %d of %d frames missing", part, missing, info.Frames)
			}
			before = info.Frames
		}
		if onePage := string(file[:4]) == "OggS"; before < whole.Frames/2 && !onePage {
			t.Errorf("15/16 of it play only %d of %d frames", before, whole.Frames)
		}
	})
}

// A block that is broken is silence. What follows it is at its place.
func TestBrokenInTheMiddle(t *testing.T) {
	t.Parallel()
	file := flacFile(t, 16, 44_100, 2, 13_230)
	want, _ := hear(t, plain(put(t, "x", file), 0, 13_230), 4_096)
	file[len(file)/2] ^= 0x10
	path := put(t, "x", file)
	s, err := decode.Open(plain(path, 0, 13_230))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make([]player.Frame, 13_230)
	if _, err := s.Read(got); err != nil {
		t.Fatal(err)
	}
	if m := s.Missing(); m != 1_024 {
		t.Errorf("%d frames missing, want one block of 1024", m)
	}
	if err := s.Broken(); err == nil || !strings.Contains(err.Error(), "CRC-16") || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want the file and the reason", err)
	}
	const block = 6 // the middle is in it
	clear(want[block*1_024 : (block+1)*1_024])
	if !slices.Equal(got, want) {
		t.Error("other frames than those of the block have changed")
	}
}

func TestProbeNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	pcm := wav(1, 16, 44_100, 2, 100)
	header := func(at int, bytes ...byte) []byte {
		b := slices.Clone(pcm)
		copy(b[10+at:], bytes) // behind the LIST chunk
		return b
	}
	streamInfo := func(at int, bytes ...byte) []byte {
		b := flacFile(t, 16, 44_100, 2, 100)
		copy(b[8+at:], bytes)
		return b
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "is empty"},
		"text":            {[]byte("this is no music, and long enough to be some"), "neither WAV, FLAC, MP3 nor Ogg Vorbis"},
		"one byte":        {[]byte{0xff}, "neither WAV"},
		"zeros":           {make([]byte, 10_000), "neither WAV"},
		"tag alone":       {append([]byte("ID3\x04\x00\x00\x00\x00\x01\x00"), make([]byte, 128)...), "truncated"},
		"tag of 256 MB":   {[]byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f0123456789"), "truncated"},
		"wav, 0 frames":   {wav(1, 16, 44_100, 2, 0), "length is 0"},
		"wav, 7 channels": {wavChannels(7), "7 channels: convert it to mono to 5.1"},
		"wav, 0 channels": {header(22, 0, 0), "0 channels"},
		"wav, 4 kHz":      {header(24, 0xa0, 0x0f, 0, 0), "4000 Hz: convert it to 8000 to 192000 Hz"},
		"wav, 4 GHz":      {header(24, 0xff, 0xff, 0xff, 0xff), "convert it to 8000 to 192000 Hz"},
		"wav, ADPCM":      {header(20, 2, 0), "Microsoft ADPCM is not supported: convert it to PCM"},
		"wav, 12 bits":    {header(34, 12, 0), "12 bits"},
		"wav, frame size": {header(32, 3, 0), "3 bytes a frame"},
		"wav, huge chunk": {header(2, 'j', 'u', 'n', 'k', 0xff, 0xff, 0xff, 0xff), "no samples in it"},
		"flac, 0 frames":  {flacFile(t, 16, 44_100, 2, 0), "block size (0)"},
		"flac, 0 Hz":      {streamInfo(10, 0, 0, 0x02), "sample rate (0)"},
		"mp3, MPEG 2.5":   {seed(t, "stereo-11025.mp3"), "MPEG 2.5"},
		"ogg, 4 GB of it": {codebook(t, 0xff, 0xff, 0xff, 0xff, 0xff), "headers are broken"},
		"ogg, no book":    {codebook(t, 1, 0, 0, 0, 0), "headers are broken"},
		"ogg, Opus":       {opus(), "Ogg Opus is not supported"},
		"ogg, comments":   {comments(t, 0xff, 0xff, 0xff, 0x7f), "headers are broken"},
		"ogg, 5.1":        {seed(t, "six-44100.ogg"), "cannot read 5.1 of 44.1 or 48 kHz: convert it to FLAC, or to stereo"},
	} {
		path := put(t, "x", c.file)
		for what, err := range map[string]error{"Probe": probeError(path), "Open": openError(path)} {
			if player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %s says %v, want code invalid, the file and %q", name, what, err, c.want)
			}
		}
	}
}

func probeError(path string) error {
	_, err := decode.Probe(path)
	return err
}

func openError(path string) error {
	s, err := decode.Open(plain(path, 0, 100))
	if err == nil {
		err = s.Close()
	}
	return err
}

func wavChannels(n byte) []byte {
	b := wav(1, 16, 44_100, 6, 100)
	b[10+22] = n
	return b
}

// codebook is a Vorbis file whose first one has these dimensions and entries.
func codebook(t *testing.T, sizes ...byte) []byte {
	b := slices.Clone(seed(t, "mono-8000.ogg"))
	at := bytes.Index(b, []byte("\x05vorbis"))
	if at < 0 || string(b[at+8:at+11]) != "BCV" {
		t.Fatal("no codebook there")
	}
	copy(b[at+11:], sizes)
	return sealed(b)
}

// comments is a Vorbis file that claims this number of comments.
func comments(t *testing.T, number ...byte) []byte {
	b := slices.Clone(seed(t, "mono-8000.ogg"))
	at := bytes.Index(b, []byte("\x03vorbis"))
	if at < 0 {
		t.Fatal("no comments there")
	}
	vendor := int(binary.LittleEndian.Uint32(b[at+7:]))
	copy(b[at+11+vendor:], number)
	return sealed(b)
}

// opus is an Ogg file with three packets of something else.
func opus() []byte {
	page := append([]byte("OggS\x00\x02"), make([]byte, 21)...)
	page[26] = 3
	page = append(page, 8, 8, 8)
	return sealed(append(page, "OpusHeadOpusTagsOpusOpus"...))
}

// NaN does not get into the mix.
func TestWildFloats(t *testing.T) {
	t.Parallel()
	file := wav(3, 32, 44_100, 1, 5)
	for i, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), -3, 0.5, -0} {
		binary.LittleEndian.PutUint32(file[len(file)-20+4*i:], math.Float32bits(x))
	}
	got, _ := hear(t, plain(put(t, "x", file), 0, 5), 10)
	if want := []player.Frame{{0, 0}, {1, 1}, {-1, -1}, {0.5, 0.5}, {0, 0}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
