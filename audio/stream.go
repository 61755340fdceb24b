package audio

import (
	"errors"
	"fmt"
	"io"
	"os"

	"rubato/player"
)

// A Stream is the sound of a cut: 44.1 kHz, two channels, faded. It is for one
// goroutine at a time.
type Stream struct {
	path    string
	file    *os.File
	feed    feed
	fade    fade
	frames  int64
	at      int64
	missing int64
}

// A feed is stereo sound at 44.1 kHz. fill delivers len(into) frames, fewer only when
// there are no more; broken says why it ended, nil when the file was over.
type feed interface {
	fill(into []player.Frame) int
	broken() error
}

// Open opens the sound of a cut, and goes to its start. A cut that makes no sense,
// or a file without a sound there, is an error of code invalid that names the file
// and the reason.
//
// To begin within a file it is decoded from its front, except WAV, so that the
// first frame is the right one to the sample in every format: a minute of FLAC
// takes some 0.2 s.
func Open(cut player.Cut) (*Stream, error) {
	s, err := open(cut)
	if err != nil {
		return nil, &player.Error{Code: player.Invalid, Op: "audio: open " + cut.File, Err: err}
	}
	return s, nil
}

func open(cut player.Cut) (*Stream, error) {
	if err := checkCut(cut); err != nil {
		return nil, err
	}
	f, err := openFile(cut.File)
	if err != nil {
		return nil, err
	}
	s := &Stream{path: cut.File, file: f, fade: newFade(cut), frames: int64((cut.End - cut.Start) / player.TicksPerFrame)}
	s.feed, err = soundFrom(f, int64(cut.Start/player.TicksPerFrame))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// openFile does not wait: to open a pipe would, until somebody writes into it.
func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, reason(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is no regular file")
	}
	f, err := os.Open(path)
	return f, reason(err)
}

// reason leaves out the path, which stands in front already.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func checkCut(cut player.Cut) error {
	length := cut.End - cut.Start
	switch {
	case cut.File == "":
		return fmt.Errorf("passage %d has no file: make the library with tracks", cut.Passage)
	case cut.Start < 0 || length < player.TicksPerFrame:
		return fmt.Errorf("from %d to %d ticks: give a start from 0 and an end a frame later or more", cut.Start, cut.End)
	case cut.FadeIn < 0 || cut.FadeOut < 0 || cut.FadeIn > length || cut.FadeOut > length:
		return fmt.Errorf("fades of %d and %d ticks in a cut of %d: give them from 0 to its length", cut.FadeIn, cut.FadeOut, length)
	case cut.FadeIn > 0 && !cut.InCurve.Valid(), cut.FadeOut > 0 && !cut.OutCurve.Valid():
		return fmt.Errorf("fade curves %q and %q: use one that package player knows", cut.InCurve, cut.OutCurve)
	}
	return nil
}

// Frames is how many frames Read delivers in all: the length of the cut.
func (s *Stream) Frames() int64 { return s.frames }

// Missing is how many of those delivered so far the file did not have. They are
// silence.
func (s *Stream) Missing() int64 { return s.missing }

// Broken says why frames are missing, if not because the file was over.
func (s *Stream) Broken() error {
	if err := s.feed.broken(); err != nil {
		return fmt.Errorf("audio: %s: %w", s.path, err)
	}
	return nil
}

// Read fills into, and io.EOF follows the last frame of the cut. The frames are
// the same whatever the sizes that they are read in.
func (s *Stream) Read(into []player.Frame) (int, error) {
	if s.file == nil {
		return 0, fmt.Errorf("audio: read %s: %w", s.path, os.ErrClosed)
	}
	if s.at == s.frames {
		return 0, io.EOF
	}
	into = into[:min(int64(len(into)), s.frames-s.at)]
	n := s.feed.fill(into)
	clear(into[n:])
	s.missing += int64(len(into) - n)
	s.fade.apply(into[:n], s.at)
	s.at += int64(len(into))
	return len(into), nil
}

// Close closes the file; a second time does nothing.
func (s *Stream) Close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}
