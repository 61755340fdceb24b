package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"rubato/natsbus"
	"rubato/web"
)

// The test binary is the program, in transcripts and as every child.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rubato": main})
}

// The program as a user meets it: all styles, the real stores, HTTP.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serves": serves, "gets": gets, "fits": fits, "natsfor": natsFor},
	})
}

// exits CODE COMMAND… runs the command, which must end with that code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	got := "0"
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit %s, want %s", got, args[0])
	}
}

// serves ARG… starts rubato serve, which the end of the script interrupts. $PAGES are the
// addresses that it prints.
func serves(ts *testscript.TestScript, _ bool, args []string) {
	var stderr bytes.Buffer
	c, out, err := serve(ts.Getenv("WORK"), &stderr, args...)
	ts.Check(err)
	ts.Defer(func() {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			ts.Logf("serve ended with %v: %s", err, &stderr)
		}
	})
	said := make([]byte, 4096)
	n, err := out.Read(said) // all addresses are one write
	ts.Check(err)
	ts.Setenv("PAGES", strings.TrimSpace(string(said[:n])))
}

// serve starts the program as rubato serve in a folder.
func serve(dir string, stderr io.Writer, args ...string) (*exec.Cmd, io.Reader, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	c := &exec.Cmd{Path: program, Args: append([]string{"rubato", "serve"}, args...), Dir: dir, Stderr: stderr}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return c, out, c.Start()
}

// natsFor USER PASSWORD starts a NATS server that knows this user alone. $NATS is its host and
// port. It ends with the script.
func natsFor(ts *testscript.TestScript, _ bool, args []string) {
	program, err := os.Executable()
	ts.Check(err)
	c := &exec.Cmd{Path: program, Args: []string{"rubato", natsbus.ServerCommand}}
	in, err := c.StdinPipe()
	ts.Check(err)
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() { _ = errors.Join(in.Close(), c.Wait()) })
	told, err := json.Marshal(map[string]any{"users": []map[string]string{{"user": args[0], "password": args[1]}}})
	ts.Check(err)
	_, err = in.Write(append(told, '\n'))
	ts.Check(err)
	var at struct{ URL string }
	ts.Check(json.NewDecoder(out).Decode(&at))
	ts.Setenv("NATS", strings.TrimPrefix(at.URL, "nats://"))
}

// gets PATH PATTERN asks every one of $PAGES, with $TOKEN, until the answer matches.
func gets(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[1])
	for _, page := range strings.Fields(ts.Getenv("PAGES")) {
		body := ""
		for deadline := time.Now().Add(20 * time.Second); !want.MatchString(body); <-time.After(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				ts.Fatalf("%s%s: %s, want %s", page, args[0], body, want)
			}
			body = answer(ts, page+args[0])
		}
	}
}

func answer(ts *testscript.TestScript, url string) string {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	ts.Check(err)
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN"))
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	return string(body)
}

// fits ROWS COLUMNS FILE fails if the file is larger than such a screen.
func fits(ts *testscript.TestScript, _ bool, args []string) {
	rows, columns := atoi(ts, args[0]), atoi(ts, args[1])
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[2])), "\n")
	if len(lines) > rows {
		ts.Fatalf("%d rows", len(lines))
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > columns {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}

func atoi(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
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
	var stderr bytes.Buffer
	served, stdout, err := serve("", &stderr, "-music", folder, "-data", data, "-passages", "300")
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
