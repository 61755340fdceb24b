package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"
)

// An output remembers its first failure, so that no command succeeds whose answer was lost.
// A reader that goes away has read what it wanted.
type output struct {
	to  io.Writer
	mu  sync.Mutex
	err error
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.to.Write(text)
	if o.err == nil && !errors.Is(err, syscall.EPIPE) {
		o.err = err
	}
	return n, err
}

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// screen is stdout or stderr. What comes from outside, such as names of files and budgets,
// messages and the words of child processes, may hold commands for the terminal. So a
// character that is none to see is written as JSON writes it, \u001b, in every command
// alike, and JSON stays JSON. Line ends and tabs stay.
type screen struct{ io.Writer }

func (s screen) Write(text []byte) (int, error) {
	shown := make([]byte, 0, len(text)+64)
	for rest := text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		rest = rest[n:]
		switch {
		case r == '\n' || r == '\t' || unicode.IsGraphic(r):
			shown = utf8.AppendRune(shown, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			shown = fmt.Appendf(shown, `\u%04x\u%04x`, high, low)
		default:
			shown = fmt.Appendf(shown, `\u%04x`, r)
		}
	}
	if _, err := s.Writer.Write(shown); err != nil {
		return 0, err
	}
	return len(text), nil
}

// terminal is the file behind w, for a bar that moves the cursor itself, and for colours; false if w is none,
// or if NO_COLOR asks for plain output (no-color.org).
func terminal(w io.Writer) (*os.File, bool) {
	if o, ok := w.(*output); ok {
		w = o.to
	}
	if s, ok := w.(screen); ok {
		w = s.Writer
	}
	file, ok := w.(*os.File)
	return file, ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
