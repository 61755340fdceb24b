package audio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rubato/player"
)

// Info is what a file of sound holds.
type Info struct {
	Format   string
	Rate     int // Hz
	Channels int // of MP3 always 2: its decoder makes them of one
	Frames   int64
	Length   player.Ticks // Frames at 44.1 kHz, which is what a Stream delivers
}

// Probe looks at a file without decoding it whole: its headers, its first frame,
// and its end. A file that is no sound, or broken, truncated, or of length 0, is an
// error that names the file and the reason.
func Probe(path string) (Info, error) {
	info, err := probe(path)
	if err != nil {
		return info, &player.Error{Code: player.Invalid, Op: "audio: " + path, Err: err}
	}
	return info, nil
}

func probe(path string) (info Info, err error) {
	f, err := openFile(path)
	if err != nil {
		return info, err
	}
	defer f.Close()
	d, err := newDecoder(f)
	if err != nil {
		return info, err
	}
	var frames int64
	err = guarded(func() (err error) { frames, err = d.complete(f); return err })
	if err != nil {
		return info, err
	}
	src := &source{decoder: d, mix: newMixdown(d.format().speakers)}
	if err := src.promise(); err != nil {
		return info, err
	}
	form := d.format()
	info = Info{Format: form.name, Rate: form.rate, Channels: len(form.speakers)}
	info.Frames = frames * player.SampleRate / int64(form.rate)
	info.Length = player.Ticks(info.Frames) * player.TicksPerFrame
	if info.Frames <= 0 {
		err = errors.New("has a length of 0")
	}
	return info, err
}

// Skipped is a file that Scan found and left out.
type Skipped struct{ Path, Why string }

// mostFiles is how many files Scan looks at.
const mostFiles = 100_000

// Scan finds the music in a folder and in those below it, in the order of the
// paths: at most max tracks, MostTracks when max is 0. What cannot be played is
// skipped, with the reason. A folder without any music is an error.
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
		return nil, s.skipped, fmt.Errorf("audio: scan %s: no music in it, among %d files: give a folder of WAV, FLAC, MP3 or Ogg Vorbis", dir, len(s.skipped))
	}
	return s.tracks, s.skipped, nil
}

// folder is the absolute path of what the name stands for.
func folder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is no folder: give one with music", dir)
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
		s.skip(path, fmt.Errorf("there are %d tracks already: it and what follows was not looked at", len(s.tracks)))
		return fs.SkipAll
	}
	s.files++
	info, err := probe(path)
	if err != nil {
		s.skip(path, err)
		return nil
	}
	name := filepath.Base(path)
	s.tracks = append(s.tracks, Track{Path: path, Title: strings.TrimSuffix(name, filepath.Ext(name)), Length: info.Length})
	return nil
}

func (s *scan) skip(path string, why error) {
	s.skipped = append(s.skipped, Skipped{Path: path, Why: reason(why).Error()})
}
