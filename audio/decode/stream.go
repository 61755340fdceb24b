package decode

import (
	"errors"
	"fmt"
	"io"
	"os"

	"rubato/player"
)

// Info is what a file of sound holds.
type Info struct {
	Format   string
	Rate     int          // Hz
	Channels int          // for MP3 always 2: its decoder turns mono into stereo
	Frames   int64        // at 44.1 kHz, as a Stream delivers them
	Length   player.Ticks // of those Frames
	Notices  []string     // what is left out, or missing
}

// Probe reports what a file holds. It reads all of it and decodes the first frame. A file
// of which nothing can be played is an error of code invalid that names the file and the
// reason.
func Probe(path string) (Info, error) {
	info, err := probe(path)
	if err != nil {
		return info, &player.Error{Code: player.Invalid, Op: "audio: " + path, Err: err}
	}
	return info, nil
}

func probe(path string) (info Info, err error) {
	f, size, err := openFile(path)
	if err != nil {
		return info, err
	}
	defer f.Close()
	feed, err := openFeed(f, size, 0)
	if err != nil {
		return info, err
	}
	form := feed.decoder.sound()
	var m measured
	err = guarded(func() (err error) { m, err = feed.decoder.measure(); return err })
	damage := feed.decoder.damaged()
	m.notice(damage.front > 0, "%d bytes in front are no sound and are left out", damage.front)
	m.notice(damage.why != nil, "its beginning cannot be decoded and is silence: %v", damage.why)
	if err == nil && m.frames <= 0 {
		err = errors.New("has a length of 0")
	}
	return Info{
		Format: form.name, Rate: form.rate, Channels: len(form.speakers),
		Frames: m.frames, Length: player.Ticks(m.frames) * player.TicksPerFrame, Notices: m.notices,
	}, err
}

// A Stream is the sound of a cut: 44.1 kHz, stereo, faded. It is not safe for
// concurrent use.
type Stream struct {
	path    string
	file    *os.File
	feed    *joined
	fade    fade
	frames  int64
	at      int64
	missing int64
}

// Open opens the sound of a cut at its start. An impossible cut, or a file without
// sound there, is an error of code invalid that names the file and the reason.
//
// A cut that begins within a file is decoded from the beginning of the file, except
// for WAV, so that in every format the first frame is exact to the sample. A minute of
// FLAC takes about 0.2 s.
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
	f, size, err := openFile(cut.File)
	if err != nil {
		return nil, err
	}
	feed, err := openFeed(f, size, int64(cut.Start/player.TicksPerFrame))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Stream{path: cut.File, file: f, feed: feed, fade: newFade(cut), frames: cut.Frames()}, nil
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

// Missing is how many of the frames delivered so far the file did not have. Those are
// silence.
func (s *Stream) Missing() int64 { return min(s.missing+s.feed.decoder.damaged().frames, s.at) }

// Broken returns why frames are missing. It is nil if the file just ended.
func (s *Stream) Broken() error {
	if err := s.feed.broken(); err != nil {
		return fmt.Errorf("audio: %s: %w", s.path, err)
	}
	return nil
}

// Read fills into. io.EOF follows the last frame of the cut. The frames do not depend
// on the sizes of the reads.
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

// Close closes the file. Closing again does nothing.
func (s *Stream) Close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// fade is how a cut begins and ends. Frame i of a fade of n frames has the loudness at
// t = i/n, in both directions. So a fade-out and a fade-in of equal length add up
// where they overlap.
type fade struct {
	in, out           int64 // lengths in frames
	from              int64 // first frame of the fade-out
	inCurve, outCurve player.Curve
}

func newFade(cut player.Cut) fade {
	out := int64(cut.FadeOut / player.TicksPerFrame)
	return fade{
		in: int64(cut.FadeIn / player.TicksPerFrame), out: out, from: cut.Frames() - out,
		inCurve: cut.InCurve, outCurve: cut.OutCurve,
	}
}

// apply fades frames; the first of them is frame number at of the cut.
func (f fade) apply(frames []player.Frame, at int64) {
	for i := range frames[:within(frames, f.in-at)] {
		scale(&frames[i], f.inCurve.In(float64(at+int64(i))/float64(f.in)))
	}
	for i := within(frames, f.from-at); i < len(frames); i++ {
		scale(&frames[i], f.outCurve.Out(float64(at+int64(i)-f.from)/float64(f.out)))
	}
}

// within limits n to a position in frames.
func within(frames []player.Frame, n int64) int { return int(min(max(n, 0), int64(len(frames)))) }

func scale(f *player.Frame, loudness float64) {
	f[0] *= float32(loudness)
	f[1] *= float32(loudness)
}
