package runner

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
)

// How much of what a child says on stderr is passed on, and kept for its obituary.
const (
	maxPassed = 64 << 10
	maxKept   = 4 << 10
)

// An excerpt passes a child's stderr on up to a limit, and remembers its beginning
// and its end: a panic says its reason first, a log last.
type excerpt struct {
	mu     sync.Mutex
	name   string
	to     io.Writer
	passed int
	head   []byte
	tail   []byte
}

func newExcerpt(name string, to io.Writer) *excerpt { return &excerpt{name: name, to: to} }

// Write never fails: a child must not die of a closed terminal.
func (e *excerpt) Write(text []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.head = append(e.head, text[:min(len(text), maxKept-len(e.head))]...)
	e.tail = append(e.tail, text[max(0, len(text)-maxKept):]...)
	e.tail = bytes.Clone(e.tail[max(0, len(e.tail)-maxKept):])
	if e.passed < maxPassed {
		pass := text[:min(len(text), maxPassed-e.passed)]
		e.passed += len(pass)
		_, _ = e.to.Write(pass)
		if e.passed == maxPassed {
			fmt.Fprintf(e.to, "\n%s: says more than %d bytes; the rest is dropped\n", e.name, maxPassed)
		}
	}
	return len(text), nil
}

// note adds a line of the runner's own.
func (e *excerpt) note(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tail = append(e.tail, "\n"+text...)
}

// telling is the line that tells why the child died: that of a panic, else the last.
func (e *excerpt) telling() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for line := range strings.Lines(string(e.head)) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return strings.TrimSpace(line)
		}
	}
	all := strings.TrimSpace(string(e.tail))
	return all[strings.LastIndexByte(all, '\n')+1:]
}
