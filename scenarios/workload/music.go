package workload

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// The music is either tracks made from the seed, the same on every machine, or the
// user's own folder.

const (
	MadeMusic     = "made"
	MusicPassages = 1000
)

var MusicKey = runner.Key{
	Name: "music", Default: MadeMusic, Check: Playable,
	Doc: "made: tracks made from the seed; or your own folder, with WAV, FLAC, MP3 or Ogg Vorbis files in it or below",
}

// Playable refuses a folder with nothing to play.
func Playable(value string) error {
	if value == MadeMusic {
		return nil
	}
	_, err := audio.Scan(value, 1)
	return err
}

// unplayableFile holds, in setup.Shared, how many files of the user's folder cannot be played.
const unplayableFile = "unplayable.json"

// PrepareMusic makes a library of MusicPassages over tracks of these lengths, or over the
// user's music. Files that cannot be played are left out. They are named on stderr, and so
// are those that do not play whole.
func PrepareMusic(setup runner.Setup, lengths []player.Ticks) error {
	found, err := music(setup, lengths)
	for _, s := range found.Skipped {
		fmt.Fprintf(os.Stderr, "skipped: %q: %s\n", s.Path, s.Why)
	}
	for _, n := range found.Notices {
		fmt.Fprintf(os.Stderr, "notice: %q: %s\n", n.Path, n.Text)
	}
	if err != nil {
		return err
	}
	count, err := json.Marshal(len(found.Skipped))
	if err == nil {
		err = os.WriteFile(filepath.Join(setup.Shared, unplayableFile), count, 0o644)
	}
	if err != nil {
		return err
	}
	library := sqlite.Library{Passages: MusicPassages, Seed: setup.Seed}
	for _, t := range found.Tracks {
		library.Tracks = append(library.Tracks, sqlite.Track(t))
	}
	return sqlite.Make(filepath.Join(setup.Shared, LibraryFile), library, nil)
}

func music(setup runner.Setup, lengths []player.Ticks) (audio.Found, error) {
	if folder := setup.Options["music"]; folder != MadeMusic {
		return audio.Scan(folder, 0)
	}
	folder, err := filepath.Abs(filepath.Join(setup.Shared, "music"))
	if err != nil {
		return audio.Found{}, err
	}
	tracks, err := audio.MakeTracks(folder, setup.Seed, lengths)
	return audio.Found{Tracks: tracks}, err
}

// Unplayable is the number of files that PrepareMusic left out.
func Unplayable(setup runner.Setup) (n int, err error) {
	text, err := os.ReadFile(filepath.Join(setup.Shared, unplayableFile))
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	return n, err
}

// Seconds returns n lengths from lo to hi seconds, drawn from the seed in steps of 0.1 s.
func Seconds(seed uint64, n, lo, hi int) []player.Ticks {
	lengths := make([]player.Ticks, n)
	for i := range lengths {
		tenths := uint64(10*lo) + runner.SeedAt(seed, i)%uint64(10*(hi-lo)+1)
		lengths[i] = player.Ticks(tenths) * player.Second / 10
	}
	return lengths
}
