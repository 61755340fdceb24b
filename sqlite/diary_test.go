package sqlite_test

import (
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

// TestDiary: plays are appended, a setting replaces what was there, and both are
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
