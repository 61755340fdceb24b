package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/web"
)

// asProgram makes the test binary the program itself.
const asProgram = "RUBATO_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestStrangersWords: what a file is called, and what a foreign library logs, leaves the
// terminal alone. A library logged a line for every frame of a FLAC file of 24 kHz, and the
// name of a file went to the terminal as it was: with ESC [2J in it, which clears the screen,
// and with a line end, behind which it can say what it likes.
func TestStrangersWords(t *testing.T) {
	t.Parallel()
	folder, data := t.TempDir(), t.TempDir()
	track, err := os.ReadFile("audio/decode/testdata/mono-24000.flac")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"track.flac": track, "clears\x1b[2J.mp3": nil, "ends\nrubato: all is well.mp3": nil,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	served := exec.Command(os.Args[0], "serve", "-music", folder, "-data", data, "-passages", "200")
	served.Env = append(os.Environ(), asProgram+"=1")
	var stderr bytes.Buffer
	served.Stderr = &stderr
	stdout, err := served.StdoutPipe()
	if err == nil {
		err = served.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		untilItPlays(t, strings.TrimSpace(address))
	}
	_ = served.Process.Signal(os.Interrupt)
	if ended := served.Wait(); err != nil || ended != nil {
		t.Fatalf("%v, %v: %s", err, ended, &stderr)
	}
	for line := range strings.Lines(stderr.String()) {
		known := strings.HasPrefix(line, "making a library") || strings.HasPrefix(line, `skipped: "`) || strings.HasPrefix(line, "1 files to play, 2 skipped")
		if !known || strings.ContainsAny(line, "\x1b\x07") {
			t.Errorf("on the terminal: %q", line)
		}
	}
	if !strings.Contains(stderr.String(), `clears\x1b[2J.mp3`) || !strings.Contains(stderr.String(), `ends\nrubato: all is well.mp3`) {
		t.Errorf("the files are not named: %s", &stderr)
	}
}

// untilItPlays waits until frames of the track have been decoded.
func untilItPlays(t *testing.T, address string) {
	t.Helper()
	c := web.NewClient(address, "")
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		var s struct {
			Position int64 `json:"position_ms"`
		}
		if err := c.Ask(ctx, "GET", "/api/status", nil, &s); err != nil {
			t.Error(err)
			return
		}
		if s.Position > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("nothing plays")
}
