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

// Found is what Scan finds in a folder, in order of the paths.
type Found struct {
	Tracks  []Track
	Skipped []Skipped
	Notices []Notice
}

// Skipped is a file that cannot be played, and why.
type Skipped struct{ Path, Why string }

// Notice says what is missing or left out of a track.
type Notice struct{ Path, Text string }

// mostFiles is how many files Scan looks at.
const mostFiles = 100_000

// Scan finds the music in a folder and its subfolders, at most max tracks, MostTracks if max
// is 0. It reads every file to its end, to know how long it plays. It skips files that cannot
// be played. A folder without music is an error.
func Scan(dir string, max int) (Found, error) {
	if max <= 0 || max > MostTracks {
		max = MostTracks
	}
	dir, err := folder(dir)
	if err != nil {
		return Found{}, fmt.Errorf("audio: scan: %w", err)
	}
	s := &scan{max: max}
	if err := filepath.WalkDir(dir, s.visit); err != nil {
		return s.Found, fmt.Errorf("audio: scan %s: %w", dir, err)
	}
	if len(s.Tracks) == 0 {
		why := ""
		if len(s.Skipped) > 0 {
			why = fmt.Sprintf(", such as %q: %s", s.Skipped[0].Path, s.Skipped[0].Why)
		}
		return s.Found, fmt.Errorf("audio: scan %s: no music in it, among %d files%s; give a folder with WAV, FLAC, MP3 or Ogg Vorbis", dir, len(s.Skipped), why)
	}
	return s.Found, nil
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
	Found
	max   int
	files int
}

func (s *scan) visit(path string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		s.skip(path, err)
		return nil
	case entry.IsDir():
		return nil
	case len(s.Tracks) == s.max || s.files == mostFiles:
		s.skip(path, fmt.Errorf("there are %d tracks already: this file and the following ones were not read", len(s.Tracks)))
		return fs.SkipAll
	}
	s.files++
	info, err := decode.Probe(path)
	if err != nil {
		s.skip(path, err)
		return nil
	}
	name := filepath.Base(path)
	s.Tracks = append(s.Tracks, Track{Path: path, Title: strings.TrimSuffix(name, filepath.Ext(name)), Length: info.Length})
	for _, text := range info.Notices {
		s.Notices = append(s.Notices, Notice{path, text})
	}
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
	s.Skipped = append(s.Skipped, Skipped{Path: path, Why: why.Error()})
}
