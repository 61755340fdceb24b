package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that is built again while it runs starts no children of the new one.
func TestBuiltAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program")
	write := func(text string) *build {
		if err := os.WriteFile(path+"-new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"-new", path); err != nil {
			t.Fatal(err)
		}
		b, err := buildAt(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	was := write("1")
	if _, err := was.file(); err != nil {
		t.Error(err)
	}
	write("2")
	if _, err := was.file(); err == nil || !strings.Contains(err.Error(), "built again") {
		t.Errorf("got %v", err)
	}
}
