package audio_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/audio"
	"rubato/audio/decode"
	"rubato/player"

	"github.com/mewkiz/flac"
)

func makeTracks(t testing.TB, dir string, seed uint64, seconds ...player.Ticks) []audio.Track {
	t.Helper()
	for i := range seconds {
		seconds[i] *= player.Second
	}
	list, err := audio.MakeTracks(dir, seed, seconds)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A track is FLAC of the requested length, loud enough to be heard and quiet enough to be
// mixed. No two tracks are alike.
func TestMakeTracks(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, seed := range []uint64{1, 2} {
		for _, track := range makeTracks(t, t.TempDir(), seed, 3, 1, 3, 2) {
			info, err := decode.Probe(track.Path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Format != "FLAC" || info.Rate != 44_100 || info.Channels != 2 || info.Length != track.Length || info.Length%player.Second != 0 {
				t.Errorf("%+v of %+v", info, track)
			}
			frames, missing := hear(t, track)
			peak, square := level(frames)
			if missing != 0 || peak > 0.25 || peak < 0.08 || square < 0.005 {
				t.Errorf("%s: %d missing, peak %.3f, mean square root %.3f", track.Title, missing, peak, square)
			}
			sum := fmt.Sprint(frames[:40_000])
			if other, twice := seen[sum]; twice || track.Title == "" {
				t.Errorf("%q sounds like %q", track.Title, other)
			}
			seen[sum] = track.Title
		}
	}
}

// hear reads a track to its end.
func hear(t testing.TB, track audio.Track) (frames []player.Frame, missing int64) {
	t.Helper()
	cut := player.Cut{Passage: 1, File: track.Path, End: track.Length}
	s, err := decode.Open(cut)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	frames = make([]player.Frame, cut.Frames())
	if n, err := s.Read(frames); n != len(frames) || err != nil {
		t.Errorf("%d frames of %d, %v", n, len(frames), err)
	}
	return frames, s.Missing()
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

func level(frames []player.Frame) (peak, square float64) {
	for _, f := range frames {
		for _, x := range f {
			peak = max(peak, math.Abs(float64(x)))
			square += float64(x) * float64(x)
		}
	}
	return peak, math.Sqrt(square / float64(2*len(frames)))
}

// The bytes are the same on every processor: this sum was taken on amd64.
func TestTracksAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	a, b := makeTracks(t, t.TempDir(), 1, 1, 2), makeTracks(t, t.TempDir(), 1, 1, 2)
	digest := sha256.New()
	for i := range a {
		x, err := os.ReadFile(a[i].Path)
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(b[i].Path)
		if err != nil || !bytes.Equal(x, y) || filepath.Base(a[i].Path) != filepath.Base(b[i].Path) || a[i].Title != b[i].Title {
			t.Errorf("%v and %v, %v", a[i], b[i], err)
		}
		digest.Write(x)
	}
	const want = "78bb82e2dc843b97da05c534dd98bea522e8fcaab6ab49fd1839cc00651212d0"
	if got := fmt.Sprintf("%x", digest.Sum(nil)); got != want {
		t.Errorf("sum %s, want %s; a change of it needs another tracksVersion", got, want)
	}
}

// The sum over the samples in the header is right, as another decoder would check.
func TestTracksHaveTheirSum(t *testing.T) {
	t.Parallel()
	f, err := os.Open(makeTracks(t, t.TempDir(), 3, 1)[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stream, err := flac.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	sum, size := md5.New(), 0
	for {
		block, err := stream.ParseNext()
		if err != nil {
			break
		}
		block.Hash(sum)
		size += int(block.BlockSize)
	}
	if got := sum.Sum(nil); !bytes.Equal(got, stream.Info.MD5sum[:]) || size != player.SampleRate {
		t.Errorf("%x over %d frames, the header has %x", got, size, stream.Info.MD5sum)
	}
}

// A complete file is kept, an incomplete one is made again, and nothing else is left.
func TestTracksAreReused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := makeTracks(t, dir, 1, 1, 1)
	old := time.Unix(1_000_000_000, 0)
	for _, track := range list {
		if err := os.Chtimes(track.Path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(list[1].Path, 10_000); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list[0].Path+".part", []byte("left by a kill"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := makeTracks(t, dir, 1, 1, 1); !slices.Equal(again, list) {
		t.Errorf("%v, want %v", again, list)
	}
	for i, track := range list {
		info, err := os.Stat(track.Path)
		if err != nil || info.ModTime().Equal(old) != (i == 0) {
			t.Errorf("track %d: %v, %v", i, info.ModTime(), err)
		}
		if _, err := decode.Probe(track.Path); err != nil {
			t.Error(err)
		}
	}
}

func TestMakeTracksRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := put(t, "file", nil)
	for name, c := range map[string]struct {
		dir     string
		lengths []player.Ticks
		want    string
	}{
		"no length":      {dir, []player.Ticks{player.Second, 639}, "track 2"},
		"too long":       {dir, []player.Ticks{player.Hour + 640}, "at most 1h0m0s"},
		"too many":       {dir, make([]player.Ticks, audio.MostTracks+1), "at most 1000"},
		"in a file":      {filepath.Join(taken, "x"), []player.Ticks{player.Second}, "not a directory"},
		"a folder there": {folderInTheWay(t), []player.Ticks{player.Second}, "track 1"},
	} {
		if _, err := audio.MakeTracks(c.dir, 1, c.lengths); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// folderInTheWay is a place where the first track cannot be, because a folder is.
func folderInTheWay(t *testing.T) string {
	dir := t.TempDir()
	track := makeTracks(t, dir, 1, 1)[0]
	if err := os.Remove(track.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(track.Path, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// BenchmarkMakeTracks makes 10 s of music.
func BenchmarkMakeTracks(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		if err := os.Remove(makeTracks(b, dir, 1, 10)[0].Path); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
}
