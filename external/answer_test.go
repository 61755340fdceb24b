package external

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReading: an answer is compared with the first, however it comes in parts.
func TestReading(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, then, want string }{
		{"one\ntwo\n", "one\ntwo\n", ""},
		{"", "", ""},
		{"one\ntwo\n", "one\nTwo\n", "from byte 5 on, in line 2, "},
		{"one\ntwo\n", "one\n", "from byte 5 on, in line 2, it is not what it was the first time (4 bytes now, 8 then)"},
		{"one\n", "one\ntwo\n", "from byte 5 on, in line 2, it is not what it was the first time (8 bytes now, 4 then)"},
		{"", "x", "from byte 1 on, in line 1, "},
	} {
		for _, parts := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			r := newReading(&answer{})
			for i, text := range []string{c.first, c.then} {
				r.begin()
				if n, err := r.ReadFrom(parts(strings.NewReader(text))); err != nil || n != int64(len(text)) {
					t.Fatalf("%q: %d bytes, %v", text, n, err)
				}
				got := r.end()
				if i == 0 && got != "" || i == 1 && (!strings.HasPrefix(got, c.want) || (c.want == "") != (got == "")) {
					t.Errorf("%q, then %q: %q, want %q", c.first, c.then, got, c.want)
				}
			}
		}
	}
}

// TestReadingTooLong: a first answer that cannot be kept whole is none.
func TestReadingTooLong(t *testing.T) {
	t.Parallel()
	r := newReading(&answer{})
	if _, err := io.Copy(r, io.LimitReader(endless{}, mostBytes+1)); !errors.Is(err, errTooLong) {
		t.Errorf("%v", err)
	}
	r.forget()
	if r.first.digest() != "" || len(r.first.bytes) > 0 {
		t.Error("half an answer was kept")
	}
	uncompared := newReading(nil)
	if _, err := io.Copy(uncompared, io.LimitReader(endless{}, mostBytes+1)); err != nil || uncompared.length != mostBytes+1 || uncompared.end() != "" {
		t.Errorf("what is not compared has no bound: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestTail(t *testing.T) {
	t.Parallel()
	var said tail
	for range 1000 {
		_, _ = io.WriteString(&said, "and so on, and so on\n")
	}
	_, _ = io.WriteString(&said, strings.Repeat("x", mostTail)+"\nno such file\n\n")
	if got := said.last(); got != ": no such file" || len(said.text) > mostTail {
		t.Errorf("%q, %d bytes", got, len(said.text))
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"short": "short", "0123456789": "0123456789", "01234567890": "0123456…", "012345µµµ": "012345…"} {
		if got := cut(text, 10); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
