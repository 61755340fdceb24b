package decode_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"rubato/audio/decode"
	"rubato/player"
)

// The files in testdata/strange are of kinds that users of other players have reported. The
// lengths are ffmpeg's. TestFolder in package audio makes more of each kind.
func TestStrangeFiles(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct {
		seconds float64
		notice  string // part of it; "": none
	}{
		"id3-before-ogg.ogg":           {3.0, ""},
		"id3-before-wav.wav":           {1.5, ""},
		"mp3-junk-after-tag.mp3":       {3.07, ""},
		"mp3-first-100-bytes-gone.mp3": {3.05, "63 bytes in it are no sound"},
		"stitched-zeros.mp3":           {7.08, ""},
		"info-frames+1.mp3":            {3.0, ""},
		"wav-data-7ffff000.wav":        {1.5, ""},
		"ogg-no-eos.ogg":               {3.0, "has no end mark"},
		"mp3-rate-change.mp3":          {6.05, ""},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			const near = 0.06
			path := put(t, "x", seed(t, "strange/"+file))
			info, err := decode.Probe(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Length.Duration().Seconds(); math.Abs(got-c.seconds) > near {
				t.Errorf("%.3f s, want %.3f s", got, c.seconds)
			}
			if got := strings.Join(info.Notices, "; "); !strings.Contains(got, c.notice) || c.notice == "" && got != "" {
				t.Errorf("the notice is %q, want %q", got, c.notice)
			}
			frames, missing := hear(t, plain(path, 0, info.Frames), 4_096)
			if quiet := longestSilence(frames); missing > 0 || quiet > near*player.SampleRate {
				t.Errorf("%d frames missing, %d in a row are silence", missing, quiet)
			}
		})
	}
}

// longestSilence is how many frames in a row are zero.
func longestSilence(frames []player.Frame) (longest int) {
	n := 0
	for _, f := range frames {
		if n++; f != (player.Frame{}) {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}

// A cut within a later stream equals the file from there on, in another format, too.
func TestStartInLaterStream(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"mp3, other rate": slices.Concat(seed(t, "stereo-22050.mp3"), seed(t, "stereo-44100.mp3"), seed(t, "mono-48000.mp3")),
		"mp3":             slices.Concat(seed(t, "stereo-44100.mp3"), seed(t, "stereo-44100.mp3")),
		"ogg, other rate": slices.Concat(seed(t, "mono-8000.ogg"), seed(t, "stereo-44100.ogg"), seed(t, "mono-48000.ogg")),
		"ogg":             slices.Concat(seed(t, "stereo-44100.ogg"), seed(t, "stereo-44100.ogg")),
	} {
		path := put(t, "x", file)
		info, err := decode.Probe(path)
		if err != nil {
			t.Fatal(name, err)
		}
		all, missing := hear(t, plain(path, 0, info.Frames), 4_096)
		if missing > 0 {
			t.Errorf("%s: %d of %d frames missing", name, missing, info.Frames)
		}
		for start := int64(1); start < info.Frames-600; start += 4_999 {
			got, _ := hear(t, plain(path, start, 600), 441)
			for i, f := range got {
				if want := all[start+int64(i)]; math.Abs(float64(f[0]-want[0]))+math.Abs(float64(f[1]-want[1])) > 1e-6 {
					t.Fatalf("%s, from %d: frame %d is %v, want %v", name, start, i, f, want)
				}
			}
		}
		if err := openErrorAt(path, info.Frames); err == nil || !strings.Contains(err.Error(), "no sound there") {
			t.Errorf("%s: behind the end: %v", name, err)
		}
	}
}

func openErrorAt(path string, start int64) error {
	s, err := decode.Open(plain(path, start, 100))
	if err == nil {
		err = s.Close()
	}
	return err
}

// A file that is made of beginnings alone is refused within bounded work.
func TestHostileBeginnings(t *testing.T) {
	t.Parallel()
	flacs := flacFile(t, 24, 96_000, 6, 4_096)
	frame := flacs[bytes.Index(flacs, []byte("\xff\xf8")):][:16]
	page := []byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff")
	for name, file := range map[string][]byte{
		"flac headers":  bytes.Repeat(frame, 200_000),
		"flac and them": append(slices.Clone(flacs), bytes.Repeat(frame, 200_000)...),
		"ogg pages":     bytes.Repeat(append(page, bytes.Repeat([]byte{255}, 255)...), 3_000),
		"mp3 headers":   bytes.Repeat([]byte{0xff, 0xfb, 0x90, 0x64, 0}, 500_000),
		"tags":          bytes.Repeat([]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), 300_000),
		"ape tags":      bytes.Repeat([]byte("APETAGEX"), 300_000),
		"riffs":         bytes.Repeat([]byte("RIFF0000WAVE"), 200_000),
	} {
		path := put(t, "x", file)
		if info, err := decode.Probe(path); err == nil && !strings.HasPrefix(name, "flac and") {
			t.Errorf("%s: %+v", name, info)
		}
	}
}
