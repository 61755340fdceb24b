package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
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
			"exits": exits, "serves": serves, "gets": gets, "fits": fits},
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
	program, err := os.Executable()
	ts.Check(err)
	var stderr bytes.Buffer
	c := &exec.Cmd{Path: program, Args: append([]string{"rubato", "serve"}, args...), Dir: ts.Getenv("WORK"), Stderr: &stderr}
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
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
