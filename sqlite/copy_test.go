package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/sqlite"
)

func TestCopyIsTheSameAndItsOwn(t *testing.T) {
	t.Parallel()
	from := library(t)
	to := from + ".copy"
	if err := sqlite.Copy(from, to); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the copy differs: %d and %d bytes, %v", len(a), len(b), err)
	}
	if err := say(open(t, to).Log(), "ada"); err != nil {
		t.Fatal(err)
	}
	if n := number(t, from, "SELECT count(*) FROM messages"); n != 0 {
		t.Error("what is written to the copy is in the original")
	}
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	from := library(t)
	dir := filepath.Dir(from)
	if err := say(open(t, from).Log(), "ada"); err != nil {
		t.Fatal(err)
	}
	clean := library(t)
	for name, c := range map[string]struct{ from, to, want string }{
		"open":      {from, filepath.Join(dir, "a"), "close whoever has it open"},
		"missing":   {filepath.Join(dir, "missing"), filepath.Join(dir, "a"), "no such file"},
		"a folder":  {dir, filepath.Join(dir, "a"), "no regular file"},
		"to itself": {clean, clean, "is there already"},
		"no folder": {clean, filepath.Join(dir, "missing", "a"), "no such file"},
	} {
		err := sqlite.Copy(c.from, c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "a")); err == nil {
			t.Errorf("%s: left a copy", name)
		}
	}
}
