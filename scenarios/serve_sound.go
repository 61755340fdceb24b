package scenarios

import (
	"context"
	"fmt"
	"path/filepath"

	"rubato/audio"
	"rubato/player"
	"rubato/sqlite"
	"rubato/web"
)

// makeLive makes the library that is served: over the user's own music, over music
// that is made, or without.
func makeLive(path string, wish web.LibraryWish, say func(string)) error {
	library := sqlite.Library{Passages: wish.Passages, Seed: wish.Seed}
	var found []audio.Track
	var err error
	switch {
	case wish.Music != "":
		found, err = scanLive(wish.Music, say)
	case wish.Tracks != "":
		say("making music in " + wish.Tracks)
		found, err = liveTracks(wish.Tracks, wish.Seed)
	}
	for _, t := range found {
		library.Tracks = append(library.Tracks, sqlite.Track(t))
	}
	if err != nil {
		return err
	}
	return sqlite.Make(path, library, nil)
}

// scanLive finds the user's music, and tells what of it cannot be played.
func scanLive(folder string, say func(string)) ([]audio.Track, error) {
	found, skipped, err := audio.Scan(folder, 0)
	for _, s := range skipped {
		say(fmt.Sprintf("skipped: %s: %s", s.Path, s.Why))
	}
	if err != nil {
		return nil, err
	}
	say(fmt.Sprintf("%d files to play, %d skipped", len(found), len(skipped)))
	return found, nil
}

// liveTracks makes music: a dozen tracks of half a minute to a minute and a half,
// long enough to be heard as music, and short enough to be made while one waits.
func liveTracks(folder string, seed uint64) ([]audio.Track, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	lengths := make([]player.Ticks, 12)
	for i := range lengths {
		lengths[i] = player.Ticks(30+stir(seed, i)%61) * player.Second
	}
	return audio.MakeTracks(folder, seed, lengths)
}

// liveSound is a deck at real pace.
type liveSound struct{ *audio.Deck }

// Pump drives the player at the pace of the output.
func (s liveSound) Pump(ctx context.Context, do func(player.Stimulus) error) error {
	return audio.Pump(ctx, s.Deck, audio.Pumping{Frames: audio.PeriodFrames}, do)
}

func openLive() (web.Sound, error) {
	output := audio.OpenRealTime(audio.RealTimeOptions{})
	deck, err := audio.NewDeck(audio.DeckOptions{Output: output})
	if err != nil {
		_ = output.Close()
		return nil, err
	}
	return liveSound{deck}, nil
}
