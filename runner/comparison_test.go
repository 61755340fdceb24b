package runner

import (
	"rubato/results"
	"time"

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

// What an arm does in others' turns counts from the third trial on, if it does so in half of them: on a
// busy machine chance makes a trial busy.
func TestWorkInOthersTurns(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for busy, want := range map[string]int{ // by trial: which is the first after which the arm is invalid
		"......": 0, "xx....": 0, "x..x..": 0, "xxx": 3, "x.x.x": 5, "..xxx": 5, ".....xx": 0, "x....x..x": 0,
	} {
		base, other := &arm{cell: &results.Cell{}}, &arm{cell: &results.Cell{}}
		c, got := &comparison{arms: []*arm{base, other}, turned: 500 * ms}, 0
		for i, does := range busy {
			of := map[*arm]*results.Block{base: {User: 100 * ms, Stimuli: 1, Ops: 1, Waiting: 5 * ms}, other: {Waiting: 10 * ms}}
			if does == 'x' {
				of[other].Waiting = 200 * ms
			}
			if c.checkWaiting(of); other.invalid() && got == 0 {
				got = i + 1
			}
		}
		if got != want || base.invalid() {
			t.Errorf("%s: invalid after trial %d, want %d; the baseline: %q", busy, got, want, base.cell.Why)
		}
	}
}
