package scenarios

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

// What is played: tracks made from the seed, the same on every machine, or a folder of
// the user's own.

const (
	madeMusic     = "made"
	musicPassages = 1000
)

var musicKey = runner.Key{
	Name: "music", Default: madeMusic, Check: playable,
	Doc: "made: tracks made from the seed; or a folder of your own, with WAV, FLAC, MP3 or Ogg Vorbis in it or below",
}

// playable refuses a folder in which there is nothing to play.
func playable(value string) error {
	if value == madeMusic {
		return nil
	}
	_, _, err := audio.Scan(value, 1)
	return err
}

// unplayableFile is what Prepare leaves in setup.Shared: how many files of the user's
// folder cannot be played.
const unplayableFile = "unplayable.json"

// prepareMusic makes a library of musicPassages over tracks of these lengths, or over
// the user's music. What of that cannot be played is named on stderr, and left out.
func prepareMusic(setup runner.Setup, lengths []player.Ticks) error {
	tracks, skipped, err := music(setup, lengths)
	for _, s := range skipped {
		fmt.Fprintf(os.Stderr, "skipped: %s: %s\n", s.Path, s.Why)
	}
	if err != nil {
		return err
	}
	count, err := json.Marshal(len(skipped))
	if err == nil {
		err = os.WriteFile(filepath.Join(setup.Shared, unplayableFile), count, 0o644)
	}
	if err != nil {
		return err
	}
	library := sqlite.Library{Passages: musicPassages, Seed: setup.Seed}
	for _, t := range tracks {
		library.Tracks = append(library.Tracks, sqlite.Track(t))
	}
	return sqlite.Make(filepath.Join(setup.Shared, libraryFile), library, nil)
}

func music(setup runner.Setup, lengths []player.Ticks) ([]audio.Track, []audio.Skipped, error) {
	if folder := setup.Options["music"]; folder != madeMusic {
		return audio.Scan(folder, 0)
	}
	folder, err := filepath.Abs(filepath.Join(setup.Shared, "music"))
	if err != nil {
		return nil, nil, err
	}
	tracks, err := audio.MakeTracks(folder, setup.Seed, lengths)
	return tracks, nil, err
}

// unplayable is how many files Prepare left out.
func unplayable(setup runner.Setup) (n int, err error) {
	text, err := os.ReadFile(filepath.Join(setup.Shared, unplayableFile))
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	return n, err
}

// seconds are n lengths from lo to hi seconds, drawn from the seed in steps of a tenth.
func seconds(seed uint64, n, lo, hi int) []player.Ticks {
	lengths := make([]player.Ticks, n)
	for i := range lengths {
		tenths := uint64(10*lo) + stir(seed, i)%uint64(10*(hi-lo)+1)
		lengths[i] = player.Ticks(tenths) * player.Second / 10
	}
	return lengths
}
