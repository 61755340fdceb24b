package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/audio"
	"rubato/player"
	"rubato/sqlite"
	"rubato/web/live"
)

// TestServedMusic: the user's folder becomes the sound of a library, and each file that cannot
// be played, or not to its end, is named.
func TestServedMusic(t *testing.T) {
	t.Parallel()
	folder, empty, data := t.TempDir(), t.TempDir(), t.TempDir()
	tracks, err := audio.MakeTracks(folder, 1, []player.Ticks{player.Second, 2 * player.Second})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(tracks[0].Path)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "zz half.flac"), whole[:len(whole)/2], 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "letter.mp3"), []byte("no music"), 0o644); err != nil {
		t.Fatal(err)
	}
	var said []string
	say := func(text string) { said = append(said, text) }
	path := filepath.Join(data, "music.db")
	if err := makeLive(path, live.LibraryWish{Passages: 200, Music: folder}, say); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "3 files to play, 1 skipped") {
		t.Errorf("it reported %q", text)
	} else if !strings.Contains(text, `skipped: "`+folder+`/letter.mp3": neither WAV`) || !strings.Contains(text, `notice: "`+folder+`/zz half.flac": is truncated`) {
		t.Errorf("it does not say what is wrong: %q", text)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for passage, want := range map[int64]player.Ticks{1: player.Second, 2: 2 * player.Second, 4: player.Second} {
		cut, err := store.Cuts().Cut(passage)
		if err != nil || cut.End-cut.Start != want || filepath.Dir(cut.File) == "." {
			t.Errorf("passage %d: %+v, %v", passage, cut, err)
		}
	}
	if err := makeLive(filepath.Join(data, "none.db"), live.LibraryWish{Passages: 200, Music: empty}, say); err == nil || !strings.Contains(err.Error(), "no music") {
		t.Errorf("a folder without music: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "none.db")); err == nil {
		t.Error("it left a library")
	}
}

// TestServedSound: the sound of serve opens, is silent while nothing plays, and closes.
func TestServedSound(t *testing.T) {
	sound, err := openLive()
	if err != nil {
		t.Fatal(err)
	}
	if markers, err := sound.Mix(audio.PeriodFrames); err != nil || len(markers) != 0 {
		t.Errorf("%v, %v", markers, err)
	}
	if d := sound.Delivered(); d.Frames != audio.PeriodFrames || d.Starved != 0 {
		t.Errorf("%+v", d)
	}
	if err := sound.Close(); err != nil {
		t.Error(err)
	}
}
