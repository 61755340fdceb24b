package sqlite

import (
	"fmt"

	"rubato/player"
)

// A Track is a file of sound that passages of a library play.
type Track struct {
	Path   string       // as whoever decodes it will open it: best absolute
	Title  string       // "": the passage keeps the one it was given
	Length player.Ticks // whole frames
}

// checkTracks says which track cannot be played.
func checkTracks(list []Track) error {
	for i, t := range list {
		if t.Path == "" || t.Length <= 0 || t.Length%player.TicksPerFrame != 0 {
			return fmt.Errorf("track %d, %q of %d ticks: give a path, and a length in whole frames of %d ticks",
				i+1, t.Path, t.Length, player.TicksPerFrame)
		}
	}
	return nil
}

// sound has every passage play a track, in turn, from its beginning to its end.
// The plan's draws stay as they are: whatever a selection reads is the same with
// tracks and without.
func (p *plan) sound(tracks []Track) {
	for i := range p.passages {
		if len(tracks) == 0 {
			return
		}
		x, t := &p.passages[i], &tracks[i%len(tracks)]
		x.begins, x.ends = 0, t.Length
		x.lead, x.fade = min(x.lead, t.Length/2), min(x.fade, t.Length/2)
		if t.Title != "" {
			x.title = t.Title
		}
	}
}

// tracks writes which passage sounds from which file. They have tables of their
// own, so that what a selection scans stays as short as it was.
func (w *writer) tracks(list []Track, passages int) {
	if len(list) == 0 {
		return
	}
	w.insert("recordings", 2)
	for i, t := range list {
		w.row(int64(i)+1, t.Path)
	}
	w.insert("passage_recordings", 2)
	for i := range passages {
		w.row(int64(i)+1, int64(i%len(list))+1)
	}
}
