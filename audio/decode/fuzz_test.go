package decode_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rubato/audio/decode"
	"rubato/player"
)

// FuzzOpen reads whatever bytes as a file. Nothing may panic, hang or take much
// memory, and a stream is as long as its cut. Run it with
//
//	go test -fuzz FuzzOpen -fuzztime 1m ./audio/decode
func FuzzOpen(f *testing.F) {
	for _, file := range [][]byte{
		wav(1, 16, 44_100, 2, 50), wav(1, 24, 48_000, 6, 50), wav(3, 32, 8_000, 1, 50),
		flacFile(f, 16, 44_100, 2, 2_000), flacFile(f, 24, 96_000, 6, 1_100),
		seed(f, "stereo-44100.mp3"), seed(f, "mono-48000.mp3"), seed(f, "stereo-22050.mp3"),
		seed(f, "mono-22050.mp3"), slices.Concat(seed(f, "stereo-22050.mp3"), make([]byte, 9), seed(f, "mono-48000.mp3")),
		slices.Concat(seed(f, "mono-8000.ogg"), seed(f, "mono-48000.ogg")), seed(f, "strange/id3-before-ogg.ogg"),
		seed(f, "mono-8000.ogg"), seed(f, "stereo-44100.ogg"), seed(f, "six-22050.ogg"), seed(f, "six-44100.ogg"), opus(),
	} {
		f.Add(file, uint16(0), uint16(3_000))
		f.Add(file, uint16(40), uint16(500))
	}
	f.Fuzz(func(t *testing.T, file []byte, start, frames uint16) {
		file = sealed(slices.Clone(file)) // otherwise a checksum would keep most from the decoder
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := decode.Probe(path); err == nil && (info.Frames <= 0 || info.Rate < decode.LowestRate) {
			t.Errorf("%+v", info)
		}
		fuzzRead(t, plain(path, int64(start), int64(frames)+1))
	})
}

func fuzzRead(t *testing.T, cut player.Cut) {
	s, err := decode.Open(cut)
	if err != nil {
		if player.CodeOf(err) != player.Invalid {
			t.Errorf("%v, want code invalid", err)
		}
		return
	}
	defer s.Close()
	into := make([]player.Frame, 1_000)
	total := int64(0)
	for {
		n, err := s.Read(into)
		total += int64(n)
		for _, f := range into[:n] {
			if !(f[0] >= -8 && f[0] <= 8 && f[1] >= -8 && f[1] <= 8) { // the resampler overshoots
				t.Fatalf("a frame of %v", f)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != cut.Frames() || s.Missing() > total {
		t.Errorf("%d frames of %d, %d missing", total, cut.Frames(), s.Missing())
	}
}
