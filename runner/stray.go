package runner

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A stray is what a measured process prints to its stdout, which is the runner's. It goes to stderr.
// Printing is work that the other arms do not do, so the arm is invalid.
type stray struct {
	mu   sync.Mutex
	head []byte // the beginning, for the reason
}

// maxStray bounds the part that the reason quotes.
const maxStray = 80

// catchStdout has os.Stdout be a pipe that is read until the process ends.
func catchStdout() (*stray, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for what styles print: %w", err)
	}
	os.Stdout = w
	s := &stray{}
	go func() { _, _ = io.Copy(s, r) }()
	return s, nil
}

// Write passes on what was printed. It never fails: the printing must not block.
func (s *stray) Write(text []byte) (int, error) {
	s.mu.Lock()
	s.head = append(s.head, text[:min(len(text), maxStray-len(s.head))]...)
	s.mu.Unlock()
	_, _ = os.Stderr.Write(text)
	return len(text), nil
}

// wrong says what was printed; "" if nothing was. Of nil it is "".
func (s *stray) wrong() string {
	if s == nil {
		return ""
	}
	<-time.After(time.Millisecond) // for the pipe to be read
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.head) == 0 {
		return ""
	}
	return fmt.Sprintf("it prints to stdout, as in %.80q: send that to stderr, outside of what is timed, or leave it out", s.head)
}
