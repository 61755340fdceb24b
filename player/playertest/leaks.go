package playertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"rubato/player"
)

// leaks: after Close, as many goroutines and sockets as before Open. Tests of one
// suite run one after the other, so whatever is more is this player's.
func (s subject) leaks(t *testing.T) {
	store := s.Store(t)
	goroutines := goleak.IgnoreCurrent()
	before := sockets(t)
	p, err := s.style.Open(player.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	during := sockets(t)
	for _, stimulus := range s.script(12) {
		if err := p.Do(stimulus); err != nil {
			t.Error(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error("close:", err)
	}
	goleak.VerifyNone(t, goroutines)
	if after := sockets(t); after != before {
		t.Errorf("%d sockets after Close, %d before Open", after, before)
	}
	if s.networked() && during == before {
		t.Error("a networked style opened no socket: the count sees nothing")
	}
}

// networked tells whether the style opens sockets, which a leak check must see.
func (s subject) networked() bool { return s.style.Name == "nats" }

// sockets counts this process's open sockets.
func sockets(t testing.TB) (n int) {
	t.Helper()
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(descriptors) == 0 {
		t.Fatalf("cannot list open files: %v", err)
	}
	for _, d := range descriptors {
		if to, err := os.Readlink(d); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
