package audio

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"rubato/player"
)

// A Track is a file of sound.
type Track struct {
	Path   string
	Title  string
	Length player.Ticks // whole frames
}

// Limits of what MakeTracks makes: so many tracks, each at most so long.
const (
	MostTracks   = 1_000
	LongestTrack = player.Hour
)

// tracksVersion stands in the names of the files: a change of the synthesizer or
// of the encoder makes others.
const tracksVersion = 1

// MakeTracks writes music made from the seed into dir, one file for each length,
// as FLAC of 44.1 kHz, 16 bits, stereo. The same arguments make the same files,
// byte for byte, on every processor. What is there already, and whole, is left as
// it is; a file is either whole or not there.
//
// Two tracks sound apart: key, chords, tempo and melody come from the seed. Their
// peaks lie near -12 dB of full scale, so that the sum of two does not clip.
func MakeTracks(dir string, seed uint64, lengths []player.Ticks) ([]Track, error) {
	if len(lengths) > MostTracks {
		return nil, fmt.Errorf("audio: %d tracks: ask for at most %d", len(lengths), MostTracks)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("audio: make tracks: %w", err)
	}
	list := make([]Track, 0, len(lengths))
	for i, length := range lengths {
		t, err := makeTrack(dir, seed, i, length)
		if err != nil {
			return nil, fmt.Errorf("audio: make track %d in %s: %w", i+1, dir, err)
		}
		list = append(list, t)
	}
	return list, nil
}

func makeTrack(dir string, seed uint64, i int, length player.Ticks) (Track, error) {
	frames := int64(length / player.TicksPerFrame)
	if frames <= 0 || length > LongestTrack {
		return Track{}, fmt.Errorf("a length of %v: ask for one frame at least, and %v at most", length.Duration(), LongestTrack.Duration())
	}
	s := newSynth(seed, uint64(i))
	t := Track{
		Path:   filepath.Join(dir, trackName(seed, i, frames)),
		Title:  s.title(),
		Length: player.Ticks(frames) * player.TicksPerFrame,
	}
	if info, err := Probe(t.Path); err == nil && info.Frames == frames {
		return t, nil
	}
	return t, writeWhole(t.Path, func(f *os.File) error { return encodeFLAC(f, t.Title, frames, s.next) })
}

// trackName has in it whatever the content depends on.
func trackName(seed uint64, i int, frames int64) string {
	digest := fnv.New32a()
	fmt.Fprintf(digest, "%d %d %d %d", tracksVersion, seed, i, frames)
	return fmt.Sprintf("%03d-%08x.flac", i+1, digest.Sum32())
}

// writeWhole writes beside the path and renames: nobody sees half a file.
func writeWhole(path string, write func(*os.File) error) error {
	part := path + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	err = write(f)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(part))
	}
	return err
}
