package external

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// mostBytes is the longest output or body that is compared.
const mostBytes = 16 << 20

// An answer is what came first: all that come later must be equal to it. So each is compared as it
// comes, by a comparison of memory, and only the first is kept and digested.
type answer struct {
	bytes []byte
	known bool // it is whole
}

// digest is that of the answer; "" if none is compared.
func (a *answer) digest() string {
	if !a.known {
		return ""
	}
	sum := sha256.Sum256(a.bytes)
	return fmt.Sprintf("%s, %d bytes", hex.EncodeToString(sum[:8]), len(a.bytes))
}

// What a transcript shows of an answer. The digest is of all of it.
const (
	shownLines = 1000
	shownBytes = 200
)

// lines are the first ones, cut.
func (a *answer) lines() (all []string) {
	for text := range strings.Lines(string(a.bytes[:min(len(a.bytes), shownLines*shownBytes)])) {
		if all = append(all, cut(strings.TrimRight(text, "\r\n"), shownBytes)); len(all) == shownLines {
			break
		}
	}
	return all
}

// A reading takes one answer after the other and compares each with the first. Without a first one
// to compare with, it only counts.
type reading struct {
	first  *answer // nil: nothing is compared
	buffer []byte
	length int
	differ int // where, from 0; -1: nowhere so far
}

func newReading(first *answer) *reading {
	return &reading{first: first, differ: -1}
}

// begin begins the next answer.
func (r *reading) begin() { r.length, r.differ = 0, -1 }

// errTooLong ends the reading of what is too long to compare.
var errTooLong = fmt.Errorf("it is longer than %d MiB, the most that is compared", mostBytes>>20)

// Write takes a part.
func (r *reading) Write(part []byte) (int, error) {
	at := r.length
	r.length += len(part)
	switch {
	case r.first == nil:
	case r.length > mostBytes:
		return 0, errTooLong
	case !r.first.known:
		r.first.bytes = append(r.first.bytes, part...)
	case r.differ >= 0:
	default:
		rest := r.first.bytes[min(at, len(r.first.bytes)):]
		if n := min(len(part), len(rest)); n < len(part) || !bytes.Equal(part, rest[:n]) {
			r.differ = at + shared(part, rest)
		}
	}
	return len(part), nil
}

// ReadFrom takes all, without memory of its own for each answer.
func (r *reading) ReadFrom(from io.Reader) (all int64, err error) {
	if r.buffer == nil {
		r.buffer = make([]byte, 32<<10)
	}
	for {
		n, err := from.Read(r.buffer)
		all += int64(n)
		if _, failed := r.Write(r.buffer[:n]); failed != nil {
			return all, failed
		}
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// end ends an answer and says in what it differs from the first.
func (r *reading) end() (difference string) {
	switch {
	case r.first == nil:
		return ""
	case !r.first.known:
		r.first.known = true
		return ""
	case r.differ < 0 && r.length < len(r.first.bytes):
		r.differ = r.length
	case r.differ < 0:
		return ""
	}
	return fmt.Sprintf("from byte %d on, in line %d, it is not what it was the first time (%d bytes now, %d then)",
		r.differ+1, 1+bytes.Count(r.first.bytes[:min(r.differ, len(r.first.bytes))], []byte("\n")), r.length, len(r.first.bytes))
}

// forget drops a first answer that is not whole.
func (r *reading) forget() {
	if r.first != nil && !r.first.known {
		r.first.bytes = r.first.bytes[:0]
	}
}

// shared is how many bytes two have in common from the start.
func shared(a, b []byte) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// A tail keeps the end of what a program says on stderr.
type tail struct{ text []byte }

const mostTail = 4 << 10

// Write never fails.
func (t *tail) Write(part []byte) (int, error) {
	t.text = append(t.text, part[max(0, len(part)-mostTail):]...)
	t.text = append(t.text[:0], t.text[max(0, len(t.text)-mostTail):]...)
	return len(part), nil
}

// last is the last line that is not empty, after a colon.
func (t *tail) last() string {
	all := strings.TrimSpace(string(t.text))
	if all == "" {
		return ""
	}
	return ": " + cut(all[strings.LastIndexByte(all, '\n')+1:], shownBytes)
}

// cut is the text, or its beginning and a sign that there is more, in at most so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}
