package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
)

func tracks() []sqlite.Track {
	return []sqlite.Track{
		{Path: "/music/a.flac", Title: "A", Length: 20 * player.Second},
		{Path: "/music/b.ogg", Length: 3 * player.Second},
		{Path: "/music/ü c.mp3", Title: "C", Length: 640},
	}
}

func cutOf(t *testing.T, store *sqlite.Store, passage int64) player.Cut {
	t.Helper()
	cut, err := store.Cuts().Cut(passage)
	if err != nil {
		t.Fatal(err)
	}
	return cut
}

// Without tracks a cut is the passage as it was made, without a file.
func TestCutOfSilentLibrary(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	for id := int64(1); id <= 1000; id++ {
		cut := cutOf(t, store, id)
		p, err := store.Director().Passage(id)
		if err != nil {
			t.Fatal(err)
		}
		if cut.Passage != id || cut.File != "" || cut.Start != p.Start || cut.End != p.End {
			t.Fatalf("cut %+v of passage %+v", cut, p)
		}
		checkCut(t, path, cut)
	}
}

// Whoever decodes may rely on this.
func checkCut(t *testing.T, path string, cut player.Cut) {
	t.Helper()
	length := cut.End - cut.Start
	if cut.Start < 0 || length <= 0 || !cut.InCurve.Valid() || !cut.OutCurve.Valid() {
		t.Errorf("cut %+v", cut)
	}
	for name, span := range map[string]player.Ticks{
		"fade in": cut.FadeIn, "fade out": cut.FadeOut, "lead in": cut.LeadIn, "lead out": cut.LeadOut,
	} {
		if span < 0 || span > length/2 {
			t.Errorf("passage %d: %s of %d in %d", cut.Passage, name, span, length)
		}
	}
	songs := number(t, path, fmt.Sprintf("SELECT count(*) FROM passage_songs WHERE passage = %d", cut.Passage))
	if len(cut.Boundaries) != int(max(songs, 1))-1 {
		t.Errorf("passage %d of %d songs has the boundaries %v", cut.Passage, songs, cut.Boundaries)
	}
	for i, b := range cut.Boundaries {
		part := length * player.Ticks(i+1) / player.Ticks(songs)
		if b%player.TicksPerFrame != 0 || b > part || part-b > 2*player.TicksPerFrame {
			t.Errorf("passage %d: boundary %d at %d, want whole frames near %d", cut.Passage, i, b, part)
		}
	}
}

// With tracks each passage plays one of them whole, in turn.
func TestCutOfTracks(t *testing.T) {
	t.Parallel()
	path := makeLibrary(t, sqlite.Library{Passages: 200, Seed: 1, Tracks: tracks()})
	silent := makeLibrary(t, sqlite.Library{Passages: 200, Seed: 1})
	store, without := open(t, path), open(t, silent)
	for id := int64(1); id <= 200; id++ {
		track := tracks()[(id-1)%3]
		cut := cutOf(t, store, id)
		if cut.File != track.Path || cut.Start != 0 || cut.End != track.Length {
			t.Errorf("cut %+v, want the whole of %+v", cut, track)
		}
		checkCut(t, path, cut)
		title := track.Title
		if title == "" {
			p, err := without.Director().Passage(id)
			if err != nil {
				t.Fatal(err)
			}
			title = p.Title
		}
		if p, err := store.Director().Passage(id); err != nil || p.Title != title || p.Length() != track.Length {
			t.Errorf("%+v, %v: want %q", p, err, title)
		}
	}
}

// What a selection scans is the same with tracks and without.
func TestTracksLeaveTheSelectionAlone(t *testing.T) {
	t.Parallel()
	with := makeLibrary(t, sqlite.Library{Passages: 200, Seed: 1, Tracks: tracks()})
	without := makeLibrary(t, sqlite.Library{Passages: 200, Seed: 1})
	for _, table := range text(t, with, "SELECT name FROM sqlite_schema WHERE type = 'table'") {
		rows, digest := content(t, with, table)
		_, silent := content(t, without, table)
		own := slices.Contains([]string{"passages", "recordings", "passage_recordings"}, table)
		if (digest == silent) == own {
			t.Errorf("%s: %d rows, digest %x with tracks, %x without", table, rows, digest, silent)
		}
	}
	flavors := func(path string) (all []string) {
		query(t, path, "SELECT flavor FROM passages ORDER BY id", func(row *driver.Stmt) { all = append(all, string(bytesOf(row, 0))) })
		return all
	}
	if !slices.Equal(flavors(with), flavors(without)) {
		t.Error("the flavors differ")
	}
}

func TestTracksRefused(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]sqlite.Track{
		"no path": {Length: 640}, "no length": {Path: "a"}, "negative": {Path: "a", Length: -640}, "part of a frame": {Path: "a", Length: 641},
	} {
		err := sqlite.Library{Tracks: append(tracks(), bad)}.Check()
		if err == nil || !strings.Contains(err.Error(), "track 4") || !strings.Contains(err.Error(), "whole frames") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (sqlite.Library{Tracks: tracks()}).Check(); err != nil {
		t.Error(err)
	}
}

func TestUnknownPassage(t *testing.T) {
	t.Parallel()
	store := open(t, library(t))
	var flavor player.Flavor
	for _, id := range []int64{0, -1, 1001, 1 << 62} {
		if _, err := store.Cuts().Cut(id); player.CodeOf(err) != player.NotFound {
			t.Errorf("cut %d: %v", id, err)
		}
		if err := store.Director().FlavorOf(id, &flavor); player.CodeOf(err) != player.NotFound {
			t.Errorf("flavor of %d: %v", id, err)
		}
	}
}

func TestFlavorOf(t *testing.T) {
	t.Parallel()
	d := open(t, library(t)).Director()
	var want, got player.Flavor
	err := d.Flavors(func(passage int64, packed []byte) error { return want.Unpack(packed) }) // the last one's
	if err != nil {
		t.Fatal(err)
	}
	if err := d.FlavorOf(1000, &got); err != nil || got != want {
		t.Errorf("%v, %+v, want %+v", err, got, want)
	}
}

func TestFlavorOfBroken(t *testing.T) {
	t.Parallel()
	path := library(t)
	change(t, path, "UPDATE passages SET flavor = x'00';")
	var flavor player.Flavor
	if err := open(t, path).Director().FlavorOf(1, &flavor); player.CodeOf(err) != player.Invalid {
		t.Errorf("%v, want code invalid", err)
	}
}

// A closed store says so.
func TestCutOfClosedStore(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(library(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Cuts().Cut(1); player.CodeOf(err) != player.Closed {
		t.Errorf("%v, want code closed", err)
	}
}
