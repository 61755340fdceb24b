package decode_test

import (
	"io"
	"testing"

	"rubato/audio"
	"rubato/audio/decode"
	"rubato/player"
)

// BenchmarkDecodeFLAC decodes a made track of 30 s through a Stream; the others decode
// a short file. x-realtime is how many seconds of sound one second decodes.
func BenchmarkDecodeFLAC(b *testing.B) {
	tracks, err := audio.MakeTracks(b.TempDir(), 1, []player.Ticks{30 * player.Second})
	if err != nil {
		b.Fatal(err)
	}
	benchDecode(b, tracks[0].Path)
}

func BenchmarkDecodeFLAC48(b *testing.B) {
	benchDecode(b, put(b, "x", flacFile(b, 16, 48_000, 2, 48_000)))
}

func BenchmarkDecodeWAV(b *testing.B) {
	benchDecode(b, put(b, "x", wav(1, 16, 44_100, 2, 441_000)))
}

func BenchmarkDecodeMP3(b *testing.B) { benchDecode(b, put(b, "x", seed(b, "stereo-44100.mp3"))) }

func BenchmarkDecodeVorbis(b *testing.B) { benchDecode(b, put(b, "x", seed(b, "stereo-44100.ogg"))) }

func benchDecode(b *testing.B, path string) {
	info, err := decode.Probe(path)
	if err != nil {
		b.Fatal(err)
	}
	cut := plain(path, 0, info.Frames)
	cut.FadeIn, cut.FadeOut = min(cut.End/2, player.Second), min(cut.End/2, player.Second)
	cut.InCurve, cut.OutCurve = player.Exponential, player.Logarithmic
	into := make([]player.Frame, 4_096)
	b.ReportAllocs()
	for b.Loop() {
		s, err := decode.Open(cut)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = s.Read(into)
		}
		if err != io.EOF || s.Missing() > 0 {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(info.Length.Duration().Seconds()*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}
