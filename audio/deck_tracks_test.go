package audio

import (
	"path/filepath"
	"testing"

	"rubato/player"
)

// TestDeckToFileAndBack plays two real files across a crossfade into a WAV file, and
// reads that back: the samples are those of the digest.
func TestDeckToFileAndBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tracks, err := MakeTracks(dir, 7, []player.Ticks{3 * player.Second, 2 * player.Second})
	must(t, err)
	path := filepath.Join(dir, "out.wav")
	out, err := CreateWAV(path, Float32)
	must(t, err)
	d, err := NewDeck(DeckOptions{Output: out, Wait: true})
	must(t, err)
	for i, track := range tracks {
		must(t, d.Load(player.Cut{
			Passage: int64(i) + 1, File: track.Path, End: track.Length,
			FadeIn: player.Second, FadeOut: player.Second, LeadIn: player.Second, LeadOut: player.Second,
			InCurve: player.EqualPower, OutCurve: player.EqualPower,
		}))
	}
	must(t, d.Load(player.Cut{Passage: 3, File: filepath.Join(dir, "none.flac"), End: player.Second}))
	must(t, d.Load(player.Cut{Passage: 4, End: player.Second}))
	p := d.Prepared(true)
	if len(p) != 4 || p[0].Err != nil || p[1].Err != nil || p[2].Err == nil || p[3].Err == nil {
		t.Fatalf("prepared %v", p)
	}
	must(t, d.Play(1))
	must(t, d.Cue(2))
	for range 400 {
		_, err := d.Mix(StrictFrames)
		must(t, err)
	}
	must(t, d.Close())
	sound := d.Delivered()
	if sound.Frames != 4*player.SampleRate || sound.Starved != 0 || d.Missing() != 0 {
		t.Errorf("delivered %+v, %d missing", sound, d.Missing())
	}
	s, err := Open(player.Cut{Passage: 1, File: path, End: 4 * player.Second})
	must(t, err)
	frames := make([]player.Frame, s.Frames())
	n, err := s.Read(frames)
	must(t, err)
	must(t, s.Close())
	if got := digest(0, frames[:n]); n != len(frames) || got != sound.Digest {
		t.Errorf("%d frames with digest %x, want %d with %x", n, got, len(frames), sound.Digest)
	}
	if silent := digest(0, make([]player.Frame, len(frames))); silent == sound.Digest {
		t.Error("all is silence")
	}
}
