package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// openTerminal is a real terminal of so many columns: what is written to tty is read from screen.
func openTerminal(t *testing.T, columns uint16) (read *os.File, tty *os.File) {
	t.Helper()
	read, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	fd := int(read.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = errors.Join(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0), unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return read, tty
}

// TestLineOnATerminal: on a terminal one line says what is measured, with which interval so far,
// and how long it and the whole run still take. It is never wider than the terminal, whole lines
// stand above it, and at the end it is gone.
func TestLineOnATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	const columns = 96
	read, tty := openTerminal(t, columns)
	var mu sync.Mutex
	var seen bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		part := make([]byte, 4096)
		for {
			n, err := read.Read(part)
			mu.Lock()
			seen.Write(part[:n])
			mu.Unlock()
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	p := newProgress(screen{tty}, 3)
	p.begin("queue-low mode=\x1b[2J", "calibrating")
	p.show("queue-low", "4 trials", []ratio{{"other ×1.02 [0.84, 1.23]", ", ±9 % at the end"}}, 90*time.Second)
	p.show("queue-low with=a-long-name", "9 trials", []ratio{{soFar: "other ×1.02 [0.97, 1.06]"}, {soFar: "other ×1.02 [0.97, 1.06]"}}, 80*time.Second)
	p.say("a whole line")
	p.step()
	p.show("message-log", "2 trials", []ratio{{soFar: "other ×1.10"}}, 20*time.Second)
	goesOn := regexp.MustCompile(`×1\.10, 1?[0-9]s left`) // the time left goes on by itself
	for began := time.Now(); ; <-time.After(50 * time.Millisecond) {
		mu.Lock()
		on := goesOn.Match(seen.Bytes())
		mu.Unlock()
		if on || time.Since(began) > 30*time.Second {
			break
		}
	}
	p.finish()
	p.finish()
	p.say("the end")
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, syscall.EIO) { // as a terminal ends
		t.Error(err)
	}
	text := seen.String()
	for _, want := range []string{"calibrating", `mode=\u001b[2J`, "queue-low: 4 trials, other ×1.02 [0.84, 1.23], 1m30s left, 4m30s in all   0%", "queue-low with=a-…: 9 trials, other ×1.02 [0.97, 1.06], 1m20s left, 4m0s in all   0%",
		"\ra whole line\r\n", "message-log: 2 trials, other ×1.10, 20s left, 30s in all", "1/3", "\rthe end\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	if !goesOn.MatchString(text) {
		t.Errorf("the time left does not go on: %q", text)
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if n := utf8.RuneCountInString(part); n > columns {
			t.Errorf("%d columns of %d: %q", n, columns, part)
		}
	}
}

// TestPlainProgress: elsewhere there are plain lines, not one for each trial.
func TestPlainProgress(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p := newProgress(screen{write}, 2)
	p.begin("queue-low", "calibrating")
	for trial := range 50 {
		p.show("queue-low", plural(trial+1, "trial"), []ratio{{"other ×1.02 [0.97, 1.06]", ", ±3 % at the end"}}, 10*time.Second)
	}
	p.finish()
	write.Close()
	text, err := io.ReadAll(read)
	if err != nil || string(text) != "queue-low: 1 trial, other ×1.02 [0.97, 1.06], ±3 % at the end, 10s left, 20s in all\n" {
		t.Errorf("%q, %v", text, err)
	}
}
