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

func counts(t *testing.T, path string) [2]int64 {
	t.Helper()
	return [2]int64{
		number(t, path, "SELECT count(*) FROM messages"),
		number(t, path, "SELECT coalesce(sum(messages), 0) FROM users"),
	}
}

func write(t *testing.T, log player.LogStore, username string) {
	t.Helper()
	if err := log.AppendMessage(player.Message{Username: username, Text: "", At: 5}); err != nil {
		t.Fatal(err)
	}
	if err := log.CountUser(username); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsDurableBeforeCommit(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	if err := log.Commit(); err != nil {
		t.Errorf("Commit with nothing pending: %v", err)
	}
	write(t, log, "ada")
	write(t, log, "ada")
	write(t, log, "bo")
	if got := counts(t, path); got != [2]int64{} {
		t.Errorf("durable before Commit: %v", got)
	}
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := counts(t, path); got != [2]int64{3, 3} {
		t.Errorf("durable after Commit: %v, want 3 and 3", got)
	}
	if got := strings.Join(text(t, path, "SELECT username || messages FROM users ORDER BY 1"), " "); got != "ada2 bo1" {
		t.Errorf("users %s", got)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	if err := log.Rollback(); err != nil {
		t.Errorf("Rollback with nothing pending: %v", err)
	}
	write(t, log, "ada")
	if err := log.Rollback(); err != nil {
		t.Fatal(err)
	}
	write(t, log, "bo")
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := text(t, path, "SELECT username FROM messages"); len(got) != 1 || got[0] != "bo" {
		t.Errorf("messages of %v, want bo alone", got)
	}
}

// Bytes that are not text, and NUL, are read back unchanged.
func TestMessagesAreKeptExactly(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	want := player.Message{Username: "Zoë", Text: "a\x00b'\"\xff\n♪", At: -3}
	if err := log.AppendMessage(want); err != nil {
		t.Fatal(err)
	}
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	n := number(t, path, "SELECT count(*) FROM messages WHERE username = 'Zoë' AND timestamp = -3 AND hex(message) = '61006227"+
		"22FF0AE299AA'")
	if n != 1 {
		t.Errorf("kept as %q", text(t, path, "SELECT hex(message) FROM messages"))
	}
}

func TestFirstWriteWaitsForTheLock(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	release := lock(t, path)
	err := log.AppendMessage(player.Message{Username: "ada"})
	if err == nil || !strings.Contains(err.Error(), "another process has it locked") {
		t.Errorf("write past a lock: %v", err)
	}
	release()
	if err := say(log, "ada"); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	if got := counts(t, path); got != [2]int64{1, 1} {
		t.Errorf("durable: %v, want the second message alone", got)
	}
}

// A write that fails halfway discards the earlier ones. They must not be reported as
// durable.
func TestFailedWriteFailsTheCommit(t *testing.T) {
	t.Parallel()
	path := library(t)
	change(t, path, `CREATE TRIGGER refuse BEFORE INSERT ON users WHEN new.username = 'eve'
		BEGIN SELECT raise(ROLLBACK, 'not you'); END`)
	log := open(t, path).Log()
	for name, recover := range map[string]func() error{
		"commit": func() error {
			if err := log.Commit(); err == nil {
				t.Error("committed what was lost")
			}
			return nil
		},
		"rollback":             log.Rollback,
		"write, then rollback": func() error { write(t, log, "bo"); return log.Rollback() },
		"write, then commit": func() error {
			write(t, log, "bo")
			if err := log.Commit(); err == nil {
				t.Error("committed although earlier writes were lost")
			}
			return nil
		},
	} {
		write(t, log, "ada")
		if err := log.CountUser("eve"); err == nil {
			t.Fatal("the trigger lets eve in")
		}
		if err := recover(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := counts(t, path); got != [2]int64{} {
			t.Errorf("%s: durable: %v, want nothing", name, got)
		}
	}
	if err := log.CountUser("eve"); err == nil { // alone: nothing else is lost
		t.Fatal("the trigger lets eve in")
	}
	if err := say(log, "ada"); err != nil {
		t.Errorf("after all failures: %v", err)
	}
}

func TestFailedCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	path := library(t)
	// A deferred constraint shows at commit only.
	change(t, path, `CREATE TABLE ghosts (id INTEGER REFERENCES passages DEFERRABLE INITIALLY DEFERRED) STRICT;
		CREATE TRIGGER haunt AFTER INSERT ON messages WHEN new.username = 'eve' BEGIN INSERT INTO ghosts VALUES (-1); END`)
	store := open(t, path)
	if err := sqlite.EnforceForeignKeys(store); err != nil {
		t.Fatal(err)
	}
	if err := say(store.Log(), "eve"); err == nil {
		t.Error("committed a ghost")
	}
	if err := say(store.Log(), "ada"); err != nil {
		t.Errorf("after a failed commit: %v", err)
	}
	if got := counts(t, path); got != [2]int64{1, 1} {
		t.Errorf("durable: %v, want ada's message alone", got)
	}
}

// TestDiary: plays are appended, a setting replaces its previous value, and both are
// durable after Commit and not before.
func TestDiary(t *testing.T) {
	t.Parallel()
	store := open(t, library(t))
	log := store.Log()
	before, err := store.Stored()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		log.AppendPlay(7, sqlite.Epoch, sqlite.Epoch+player.Minute),
		log.PutSetting("volume", "50"), log.PutSetting("volume", "70"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if pending, err := store.Stored(); err != nil || pending != before {
		t.Errorf("before Commit: %+v, want %+v, error %v", pending, before, err)
	}
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	first, err := store.Stored()
	if err != nil || first.Plays != 1 || first.Settings == before.Settings {
		t.Errorf("stored %+v, error %v", first, err)
	}
	if err := log.PutSetting("volume", "70"); err != nil {
		t.Fatal(err)
	}
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	if again, err := store.Stored(); err != nil || again != first {
		t.Errorf("the same setting again: %+v, want %+v, error %v", again, first, err)
	}
}

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

// Decoders may rely on this.
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
