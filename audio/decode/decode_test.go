package decode_test

import (
	"fmt"
	"math"
	"testing"

	"rubato/audio/decode"
)

// stereo is how loud each channel's tone must be on the left and on the right, for
// files of 1 to 6 channels: the coefficients of ITU-R BS.775, scaled so that all at
// their loudest do not clip.
func stereo(channels int) (left, right [6]float64) {
	h := math.Sqrt(0.5)
	matrix := [][6][2]float64{
		{{1, 1}},
		{{1, 0}, {0, 1}},
		{{1, 0}, {0, 1}, {h, h}},
		{{1, 0}, {0, 1}, {h, 0}, {0, h}},
		{{1, 0}, {0, 1}, {h, h}, {h, 0}, {0, h}},
		{{1, 0}, {0, 1}, {h, h}, {0, 0}, {h, 0}, {0, h}},
	}[channels-1]
	scale := 1 / []float64{1, 1, 1 + h, 1 + h, 1 + 2*h, 1 + 2*h}[channels-1]
	for c, x := range matrix {
		left[c], right[c] = x[0]*scale, x[1]*scale
	}
	return left, right
}

// checkTones decodes a whole file and checks which tone is in which channel.
func checkTones(t *testing.T, file []byte, name string, rate, channels int, tolerance float64) {
	t.Helper()
	path := put(t, "x", file)
	info, err := decode.Probe(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Rate != rate || info.Format != name || int64(info.Length) != 640*info.Frames {
		t.Errorf("%+v, want %s of %d Hz", info, name, rate)
	}
	frames, missing := hear(t, plain(path, 0, info.Frames), 4096)
	if missing != 0 {
		t.Errorf("%d of %d frames missing", missing, len(frames))
	}
	left, right := stereo(channels)
	for c := range channels {
		for side, want := range []float64{left[c], right[c]} {
			if got := loud(frames, side, tones[c]) / loudness; math.Abs(got-want) > tolerance {
				t.Errorf("%.0f Hz is %.4f on side %d, want %.4f", tones[c], got, side, want)
			}
		}
	}
}

// Every rate, number of channels and size of sample of WAV.
func TestWAV(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000} {
		for channels := 1; channels <= 6; channels++ {
			t.Run(fmt.Sprintf("%d Hz, %d channels", rate, channels), func(t *testing.T) {
				t.Parallel()
				checkTones(t, wav(1, 16, rate, channels, rate*3/10), "WAV", rate, channels, 0.002)
			})
		}
	}
	for _, bits := range []int{8, 16, 24, 32} {
		t.Run(fmt.Sprintf("%d bits", bits), func(t *testing.T) {
			t.Parallel()
			checkTones(t, wav(1, bits, 44_100, 2, 13_230), "WAV", 44_100, 2, 0.002)
		})
	}
	t.Run("floats", func(t *testing.T) {
		t.Parallel()
		checkTones(t, wav(3, 32, 48_000, 2, 14_400), "WAV", 48_000, 2, 0.002)
	})
}

func TestFLAC(t *testing.T) {
	t.Parallel()
	rates, all := []int{8_000, 44_100, 192_000, 16_000, 22_050, 48_000, 96_000}, []int{1, 2, 6, 3, 4, 5}
	if testing.Short() {
		rates, all = rates[:3], all[:3]
	}
	for _, rate := range rates {
		for _, channels := range all {
			t.Run(fmt.Sprintf("%d Hz, %d channels", rate, channels), func(t *testing.T) {
				t.Parallel()
				checkTones(t, flacFile(t, 16, rate, channels, rate*3/10), "FLAC", rate, channels, 0.002)
			})
		}
	}
	for _, bits := range []int{8, 16, 20, 24} {
		t.Run(fmt.Sprintf("%d bits", bits), func(t *testing.T) {
			t.Parallel()
			checkTones(t, flacFile(t, bits, 44_100, 2, 13_230), "FLAC", 44_100, 2, 0.002)
		})
	}
}

// Lossy formats have a tolerance: lame alone takes 5 %.
func TestVorbisAndMP3(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct {
		name           string
		rate, channels int
	}{
		"mono-8000.ogg":     {"Ogg Vorbis", 8_000, 1},
		"mono-48000.ogg":    {"Ogg Vorbis", 48_000, 1},
		"stereo-44100.ogg":  {"Ogg Vorbis", 44_100, 2},
		"stereo-96000.ogg":  {"Ogg Vorbis", 96_000, 2},
		"stereo-192000.ogg": {"Ogg Vorbis", 192_000, 2},
		"six-22050.ogg":     {"Ogg Vorbis", 22_050, 6},
		"mono-48000.mp3":    {"MP3", 48_000, 1},
		"stereo-44100.mp3":  {"MP3", 44_100, 2},
		"stereo-22050.mp3":  {"MP3", 22_050, 2},
		"mono-22050.mp3":    {"MP3", 22_050, 1}, // its frames are padded
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			checkTones(t, seed(t, file), c.name, c.rate, c.channels, 0.06)
		})
	}
}

// A tag in front is no sound and does not hide the format.
func TestTagInFront(t *testing.T) {
	t.Parallel()
	tag := append([]byte("ID3\x04\x00\x00\x00\x00\x01\x00"), make([]byte, 128)...)
	checkTones(t, append(tag, flacFile(t, 16, 44_100, 2, 13_230)...), "FLAC", 44_100, 2, 0.002)
	checkTones(t, append(append(tag, tag...), seed(t, "stereo-44100.mp3")...), "MP3", 44_100, 2, 0.06)
}
