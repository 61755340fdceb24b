package audio_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/audio"
	"rubato/player"
)

// shelf is a folder of files of these names.
func shelf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wavFile is a WAV file of so many frames of silence at 48 kHz.
func wavFile(t *testing.T, frames int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	w, err := audio.CreateWAV(path, audio.Int16)
	if err == nil {
		err = errors.Join(w.Write(make([]player.Frame, frames)), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	b := file(t, path)
	binary.LittleEndian.PutUint32(b[24:], 48_000)
	return b
}

func TestScan(t *testing.T) {
	t.Parallel()
	track := file(t, makeTracks(t, t.TempDir(), 1, 1)[0].Path)
	dir := shelf(t, map[string][]byte{
		"b.ogg":         file(t, "decode/testdata/stereo-44100.ogg"),
		"a/2 two.mp3":   file(t, "decode/testdata/stereo-44100.mp3"),
		"a/1.one.flac":  track,
		"z.txt":         wavFile(t, 480), // the content counts, not the name
		"cover.wav":     []byte("\x89PNG\r\n\x1a\n and so on"),
		"half.flac":     track[:len(track)*2/3],
		"nothing.ogg":   nil,
		"wrong way.wav": wavFile(t, 0),
	})
	link(t, filepath.Join(dir, "b.ogg"), filepath.Join(dir, "link.ogg"))
	link(t, filepath.Join(dir, "gone.ogg"), filepath.Join(dir, "loose.ogg"))
	link(t, dir, filepath.Join(dir, "round"))

	outside := filepath.Join(t.TempDir(), "music")
	link(t, dir, outside)
	found, err := audio.Scan(outside, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, x := range found.Tracks {
		fmt.Fprintf(&got, "%s %q %d\n", relative(t, dir, x.Path), x.Title, x.Length/player.TicksPerFrame)
	}
	for _, x := range found.Skipped {
		fmt.Fprintf(&got, "%s: %s\n", relative(t, dir, x.Path), x.Why)
	}
	for _, x := range found.Notices {
		fmt.Fprintf(&got, "%s plays, but: %s\n", relative(t, dir, x.Path), x.Text)
	}
	const want = `a/1.one.flac "1.one" 44100
a/2 two.mp3 "2 two" 13871
b.ogg "b" 13230
half.flac "half" 24576
link.ogg "link" 13230
z.txt "z" 441
cover.wav: neither WAV, FLAC, MP3 nor Ogg Vorbis: convert it to one of these
loose.ogg: no such file or directory
nothing.ogg: is empty
round: is no regular file
wrong way.wav: WAV: it has no samples: its length is 0
half.flac plays, but: is truncated: it has 24576 of 44100 frames
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

func relative(t *testing.T, dir, path string) string {
	t.Helper()
	name, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(name, "..") {
		t.Errorf("%s is not in %s: %v", path, dir, err)
	}
	return filepath.ToSlash(name)
}

func TestScanTakesSoMany(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	for i := range 5 {
		files[fmt.Sprint(i)] = wavFile(t, 480)
	}
	found, err := audio.Scan(shelf(t, files), 3)
	if err != nil || len(found.Tracks) != 3 || len(found.Skipped) != 1 || !strings.Contains(found.Skipped[0].Why, "3 tracks already") {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ dir, want string }{
		"no music":  {shelf(t, map[string][]byte{"a.mp3": []byte("not at all")}), `no music in it, among 1 files, such as "`},
		"empty":     {t.TempDir(), "no music in it"},
		"no folder": {filepath.Join(t.TempDir(), "gone"), "no such file"},
		"one file":  {put(t, "a.wav", wavFile(t, 480)), "is no folder"},
	} {
		if found, err := audio.Scan(c.dir, 0); err == nil || found.Tracks != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v, want %q", name, found, err, c.want)
		}
	}
}
