//go:build encoders

package audio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rubato/audio"
	"rubato/audio/decode"
	"rubato/player"
)

// A folder of files as they are found: with tags, joined, cut, with wrong counters. Debian's
// encoders make them, and ffmpeg says how long each plays. Run it with
//
//	apt-get install lame vorbis-tools flac ffmpeg
//	make test-files

// A strange file is one of the folder.
type strange struct {
	bytes  []byte
	notice string   // part of what must be told; "": nothing
	same   [][]byte // it must sound like these, one after the other; nil: as ffmpeg plays it
}

// TestFolder plays each file beside ffmpeg.
func TestFolder(t *testing.T) {
	t.Parallel()
	files := strangeFiles(encoded(t))
	content := map[string][]byte{}
	for name, f := range files {
		content[name] = f.bytes
	}
	dir := shelf(t, content)
	found, err := audio.Scan(dir, 0)
	if err != nil || len(found.Tracks) < 60 {
		t.Fatalf("%d files of %d, want 60 or more: %v", len(found.Tracks), len(files), err)
	}
	for _, s := range found.Skipped {
		t.Errorf("skipped %s: %s", relative(t, dir, s.Path), s.Why)
	}
	notices := map[string]string{}
	for _, n := range found.Notices {
		notices[n.Path] += n.Text + "; "
	}
	reference := &ffmpeg{known: map[string]func() (heard, error){}}
	for _, track := range found.Tracks {
		name := relative(t, dir, track.Path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPlays(t, track, reference.plays(t, files[name].plays()))
			if want, got := files[name].notice, notices[track.Path]; !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("the notice is %q, want %q", got, want)
			}
		})
	}
}

func (s strange) plays() [][]byte {
	if s.same == nil {
		return [][]byte{s.bytes}
	}
	return s.same
}

// heard is what there was to hear. The energy is the sum of the squares of both channels'
// mean, in seconds of full scale.
type heard struct{ seconds, energy float64 }

func (h *heard) add(x float64) {
	h.seconds += 1.0 / player.SampleRate
	h.energy += x * x / player.SampleRate
}

// checkPlays compares a track with what it must sound like.
func checkPlays(t *testing.T, track audio.Track, want heard) {
	t.Helper()
	const near, alike = 0.06, 0.05 // seconds; share of the energy
	got, missing := playWhole(t, track)
	if missing > 0 {
		t.Errorf("%d frames are missing", missing)
	}
	if math.Abs(got.seconds-want.seconds) > near {
		t.Errorf("%.3f s, ffmpeg plays %.3f s", got.seconds, want.seconds)
	}
	if math.Abs(got.energy-want.energy) > alike*want.energy || want.energy == 0 {
		t.Errorf("energy %.4f, ffmpeg has %.4f", got.energy, want.energy)
	}
}

// An ffmpeg decodes files, each content once.
type ffmpeg struct {
	mu    sync.Mutex
	known map[string]func() (heard, error)
}

// plays decodes files one after the other.
func (f *ffmpeg) plays(t *testing.T, files [][]byte) (all heard) {
	t.Helper()
	for _, b := range files {
		f.mu.Lock()
		play := f.known[string(b)]
		if play == nil {
			play = sync.OnceValues(func() (heard, error) { return f.play(put(t, "x", b)) })
			f.known[string(b)] = play
		}
		f.mu.Unlock()
		h, err := play()
		if err != nil {
			t.Fatal(err)
		}
		all.seconds += h.seconds
		all.energy += h.energy
	}
	return all
}

func (f *ffmpeg) play(path string) (h heard, err error) {
	pcm, err := run(nil, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", "44100", "-")
	for ; len(pcm) >= 2; pcm = pcm[2:] {
		h.add(float64(int16(binary.LittleEndian.Uint16(pcm))) / (1 << 15))
	}
	return h, err
}

func playWhole(t *testing.T, track audio.Track) (h heard, missing int64) {
	s, err := decode.Open(player.Cut{Passage: 1, File: track.Path, End: track.Length})
	if err != nil {
		t.Error(err)
		return h, 0
	}
	defer s.Close()
	frames := make([]player.Frame, track.Length/player.TicksPerFrame)
	n, err := s.Read(frames)
	if more, end := s.Read(make([]player.Frame, 1)); err != nil || n != len(frames) || more != 0 || end != io.EOF {
		t.Errorf("%s: %d of %d frames, %v", track.Path, n, len(frames), err)
	}
	for _, f := range frames {
		h.add(float64(f[0]+f[1]) / 2)
	}
	return h, s.Missing()
}

// tool runs a program on these bytes and returns what it prints.
func tool(t *testing.T, in []byte, name string, args ...string) []byte {
	t.Helper()
	out, err := run(in, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func run(in []byte, name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	c.Stdin = bytes.NewReader(in)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%s is missing: apt-get install lame vorbis-tools flac ffmpeg", name)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said.Bytes())
	}
	return out, nil
}

// TestUnsupported checks that files of other formats are named, not called broken.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	wav := melody(44_100, 2, 0.5)
	content := map[string][]byte{"good.wav": wav, "RF64.wav": append([]byte("RF64"), wav[4:]...)}
	want := map[string]string{"RF64.wav": "RF64"}
	out := t.TempDir()
	args := []string{"-nostdin", "-v", "error", "-i", put(t, "in.wav", wav)}
	for name, c := range map[string]struct{ want, options string }{
		"a.opus": {"Ogg Opus", "-c:a libopus -f ogg"}, "a.m4a": {"M4A", "-c:a aac -f ipod"}, "b.m4a": {"ALAC", "-c:a alac -f ipod"},
		"a.wav": {"A-law", "-c:a pcm_alaw -f wav"}, "u.wav": {"µ-law", "-c:a pcm_mulaw -f wav"}, "ima.wav": {"ADPCM", "-c:a adpcm_ima_wav -f wav"},
		"mp3.wav": {"MP3", "-c:a libmp3lame -f wav"}, "a.aac": {"AAC", "-c:a aac -f adts"}, "a.aiff": {"AIFF", "-f aiff"},
		"a.mp2": {"MP2", "-c:a mp2 -f mp2"}, "a.oga": {"FLAC in Ogg", "-c:a flac -f ogg"}, "a.spx": {"Speex", "-ar 16000 -c:a libspeex -f ogg"},
		"a.wma": {"WMA", "-c:a wmav2 -f asf"}, "a.wv": {"WavPack", "-c:a wavpack -f wv"}, "a.tta": {"True Audio", "-c:a tta -f tta"},
		"a.mka": {"Matroska", "-c:a flac -f matroska"}, "a.caf": {"CAF", "-f caf"}, "a.au": {"AU", "-f au"}, "a.w64": {"Wave64", "-f w64"},
		"a.ts": {"MPEG transport stream", "-c:a mp2 -f mpegts"}, "low.mp3": {"MPEG 2.5", "-ar 11025 -c:a libmp3lame -f mp3"},
	} {
		args = append(args, strings.Fields(c.options)...)
		args = append(args, filepath.Join(out, name))
		want[name] = c.want
	}
	tool(t, nil, "ffmpeg", args...)
	for name := range want {
		if content[name] == nil {
			content[name] = file(t, filepath.Join(out, name))
		}
	}
	dir := shelf(t, content)
	found, err := audio.Scan(dir, 0)
	if err != nil || len(found.Tracks) != 1 || len(found.Skipped) != len(want) {
		t.Errorf("%d tracks and %d skipped of %d, %v", len(found.Tracks), len(found.Skipped), len(want), err)
	}
	for _, s := range found.Skipped {
		name := relative(t, dir, s.Path)
		if !strings.Contains(s.Why, want[name]) || !strings.Contains(s.Why, "not supported") {
			t.Errorf("%s: %q does not name %s", name, s.Why, want[name])
		}
	}
}
