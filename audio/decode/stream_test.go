package decode_test

import (
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"rubato/audio/decode"
	"rubato/player"
)

// each calls the test with one file of each format, and of each way to its sound.
func each(t *testing.T, test func(t *testing.T, file []byte)) {
	for name, file := range map[string][]byte{
		"wav 44100":  wav(1, 16, 44_100, 2, 13_230),
		"wav 48000":  wav(1, 16, 48_000, 1, 14_400),
		"flac 44100": flacFile(t, 16, 44_100, 2, 13_230),
		"flac 8000":  flacFile(t, 16, 8_000, 6, 2_400),
		"mp3 44100":  seed(t, "stereo-44100.mp3"),
		"mp3 22050":  seed(t, "stereo-22050.mp3"),
		"ogg 44100":  seed(t, "stereo-44100.ogg"),
		"ogg 192000": seed(t, "stereo-192000.ogg"),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, file) })
	}
}

// The bits do not depend on the sizes of the reads.
func TestReadInAnyPieces(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, file []byte) {
		cut := plain(put(t, "x", file), 100, 12_000)
		cut.FadeIn, cut.FadeOut = 3_000*player.TicksPerFrame, 4_321*player.TicksPerFrame
		cut.InCurve, cut.OutCurve = player.EqualPower, player.Logarithmic
		want, _ := hear(t, cut, 65_536)
		for _, piece := range []int{1, 7, 441, 512, 2_208} {
			if got, _ := hear(t, cut, piece); !slices.Equal(got, want) {
				t.Errorf("pieces of %d frames make another sound", piece)
			}
		}
	})
}

// A cut that begins within the file equals the file from there on: exactly at 44.1 kHz, and
// otherwise within the rounding of the resampler.
func TestStartWithin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, file []byte) {
		path := put(t, "x", file)
		all, _ := hear(t, plain(path, 0, 13_000), 4_096)
		info, err := decode.Probe(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range []int64{1, 63, 64, 65, 512, 1_000, 4_999, 11_111} {
			got, _ := hear(t, plain(path, start, 1_500), 4_096)
			for i, f := range got {
				want := all[start+int64(i)]
				differs := math.Abs(float64(f[0]-want[0]))+math.Abs(float64(f[1]-want[1])) > 1e-6
				if info.Rate == player.SampleRate && f != want || differs {
					t.Fatalf("from %d: frame %d is %v, want %v", start, i, f, want)
				}
			}
		}
	})
}

// Frames that the file does not have are silence and counted. The cut has its full length.
func TestFileEndsEarly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, file []byte) {
		path := put(t, "x", file)
		info, err := decode.Probe(path)
		if err != nil {
			t.Fatal(err)
		}
		frames, missing := hear(t, plain(path, 1_000, info.Frames), 441)
		if missing < 999 || missing > 1_000 { // of a resampled file one more may be there
			t.Errorf("%d frames missing, want 1000", missing)
		}
		if i := slices.IndexFunc(frames[len(frames)-999:], func(f player.Frame) bool { return f != player.Frame{} }); i >= 0 {
			t.Errorf("a sound of %v where there is none", frames[len(frames)-999+i])
		}
	})
}

// Fades are what the curves say, frame by frame, over what the file has.
func TestFades(t *testing.T) {
	t.Parallel()
	path := put(t, "x", wav(3, 32, 44_100, 2, 10_000))
	dry, _ := hear(t, plain(path, 0, 10_000), 4_096)
	for _, curve := range []player.Curve{player.Linear, player.Exponential, player.Logarithmic, player.Cosine, player.EqualPower} {
		cut := plain(path, 0, 10_000)
		cut.FadeIn, cut.FadeOut = 1_000*player.TicksPerFrame, 2_000*player.TicksPerFrame
		cut.InCurve, cut.OutCurve = curve, curve
		got, _ := hear(t, cut, 333)
		for i, f := range got {
			gain := float32(1)
			switch {
			case i < 1_000:
				gain = float32(curve.In(float64(i) / 1_000))
			case i >= 8_000:
				gain = float32(curve.Out(float64(i-8_000) / 2_000))
			}
			if want := (player.Frame{dry[i][0] * gain, dry[i][1] * gain}); f != want {
				t.Fatalf("%s: frame %d is %v, want %v", curve, i, f, want)
			}
		}
	}
}

// Two fades of the whole cut, one over the other.
func TestFadesMayOverlap(t *testing.T) {
	t.Parallel()
	path := put(t, "x", wav(1, 16, 44_100, 1, 1_000))
	cut := plain(path, 0, 1_000)
	cut.FadeIn, cut.FadeOut = 1_000*player.TicksPerFrame, 1_000*player.TicksPerFrame
	cut.InCurve, cut.OutCurve = player.Linear, player.Linear
	dry, _ := hear(t, plain(path, 0, 1_000), 4_096)
	got, _ := hear(t, cut, 100)
	for i, f := range got {
		want := dry[i][0] * float32(float64(i)/1_000) * float32(1-float64(i)/1_000)
		if f[0] != want {
			t.Fatalf("frame %d is %v, want %v", i, f[0], want)
		}
	}
}

func TestOpenRefusesCuts(t *testing.T) {
	t.Parallel()
	path := put(t, "x", wav(1, 16, 44_100, 2, 1_000))
	for name, c := range map[string]struct {
		change func(*player.Cut)
		want   string
	}{
		"no file":         {func(c *player.Cut) { c.File = "" }, "has no file"},
		"no such file":    {func(c *player.Cut) { c.File += ".gone" }, "no such file"},
		"a folder":        {func(c *player.Cut) { c.File = t.TempDir() }, "no regular file"},
		"negative start":  {func(c *player.Cut) { c.Start = -1 }, "give a start from 0"},
		"no length":       {func(c *player.Cut) { c.End = c.Start }, "give a start from 0"},
		"part of a frame": {func(c *player.Cut) { c.End = c.Start + 639 }, "give a start from 0"},
		"backwards":       {func(c *player.Cut) { c.End = 0; c.Start = 640 }, "give a start from 0"},
		"fade too long":   {func(c *player.Cut) { c.FadeIn = c.End + 1 }, "give them from 0"},
		"negative fade":   {func(c *player.Cut) { c.FadeOut = -1 }, "give them from 0"},
		"no curve":        {func(c *player.Cut) { c.FadeOut = 640 }, "fade curves"},
		"after the end":   {func(c *player.Cut) { c.Start, c.End = player.Second, 2*player.Second }, "before the start of the cut"},
	} {
		cut := plain(path, 0, 1_000)
		c.change(&cut)
		s, err := decode.Open(cut)
		if player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), cut.File) {
			t.Errorf("%s: %v, want code invalid, the file and %q", name, err, c.want)
		}
		if s != nil {
			t.Errorf("%s: a stream beside the error", name)
		}
	}
}

func TestReadAfterTheEnd(t *testing.T) {
	t.Parallel()
	s, err := decode.Open(plain(put(t, "x", wav(1, 16, 44_100, 2, 1_000)), 0, 500))
	if err != nil {
		t.Fatal(err)
	}
	into := make([]player.Frame, 600)
	if n, err := s.Read(into); n != 500 || err != nil {
		t.Errorf("%d frames, %v", n, err)
	}
	for range 2 {
		if n, err := s.Read(into); n != 0 || err != io.EOF {
			t.Errorf("%d frames, %v after the end", n, err)
		}
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Read(into); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v after Close", err)
	}
}
