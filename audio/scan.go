package audio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rubato/audio/decode"
	"rubato/player"
)

// Skipped is a file that Scan skipped, and why.
type Skipped struct{ Path, Why string }

// mostFiles is how many files Scan looks at.
const mostFiles = 100_000

// Scan finds the music in a folder and its subfolders, in order of the paths: at most max
// tracks, MostTracks if max is 0. It skips files that cannot be played. A folder without
// music is an error.
func Scan(dir string, max int) (tracks []Track, skipped []Skipped, err error) {
	if max <= 0 || max > MostTracks {
		max = MostTracks
	}
	if dir, err = folder(dir); err != nil {
		return nil, nil, fmt.Errorf("audio: scan: %w", err)
	}
	s := &scan{max: max}
	if err := filepath.WalkDir(dir, s.visit); err != nil {
		return nil, s.skipped, fmt.Errorf("audio: scan %s: %w", dir, err)
	}
	if len(s.tracks) == 0 {
		return nil, s.skipped, fmt.Errorf("audio: scan %s: no music in it, among %d files: give a folder with WAV, FLAC, MP3 or Ogg Vorbis", dir, len(s.skipped))
	}
	return s.tracks, s.skipped, nil
}

// folder is the absolute path of a folder, with links resolved.
func folder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is no folder: give a folder with music", dir)
	}
	return dir, nil
}

type scan struct {
	max     int
	files   int
	tracks  []Track
	skipped []Skipped
}

func (s *scan) visit(path string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		s.skip(path, err)
		return nil
	case entry.IsDir():
		return nil
	case len(s.tracks) == s.max || s.files == mostFiles:
		s.skip(path, fmt.Errorf("there are %d tracks already: this file and the following ones were not read", len(s.tracks)))
		return fs.SkipAll
	}
	s.files++
	info, err := decode.Probe(path)
	if err != nil {
		s.skip(path, err)
		return nil
	}
	name := filepath.Base(path)
	s.tracks = append(s.tracks, Track{Path: path, Title: strings.TrimSuffix(name, filepath.Ext(name)), Length: info.Length})
	return nil
}

func (s *scan) skip(path string, why error) {
	var coded *player.Error
	var file *fs.PathError
	switch { // the path stands beside the reason
	case errors.As(why, &coded):
		why = coded.Err
	case errors.As(why, &file):
		why = file.Err
	}
	s.skipped = append(s.skipped, Skipped{Path: path, Why: why.Error()})
}
