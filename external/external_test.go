package external

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rubato/runner"
)

// The test binary is the program, in transcripts and as every child.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rubato": func() {
		os.Exit(runner.Main(runner.Suite{Name: "none", Commands: Commands()}, os.Args[1:]))
	}})
}

// TestTranscripts: real commands and services, as a user measures them.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "serves": serves}})
}

// exits CODE[,CODE] COMMAND… runs the command, which must end with one of these.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	got := "0"
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(args[0], ","), got) {
		ts.Fatalf("exit %s, want %s", got, args[0])
	}
}

// serves NAME STATUS BODY starts a service. $NAME is its address.
func serves(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, args[2])
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

// TestNamed: names are those given, or what a command begins with; no two are equal.
func TestNamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 20)
	for _, c := range []struct {
		texts, names []string
		want         string
	}{
		{[]string{"a b", "c"}, nil, "a b|c"},
		{[]string{"a", "a", "a"}, nil, "a|a #2|a #3"},
		{[]string{"a\n\tb"}, nil, "a b"},
		{[]string{long}, nil, "word word word word word word word wo…"},
		{[]string{"a", "b"}, []string{"old"}, "old|b"},
		{[]string{"a", "b"}, []string{"", "new"}, "a|new"},
		{[]string{"a", "b"}, []string{"x", "x"}, `name "x" is given twice`},
		{[]string{"a"}, []string{"x\ny"}, "want at most 40 bytes that can be seen"},
		{[]string{"a"}, []string{long}, "want at most 40 bytes"},
		{[]string{"a", " "}, nil, `command 2, " ": want text`},
		{[]string{"\xff"}, nil, "want text in UTF-8"},
		{nil, nil, "no command is given: rubato commands -h shows how"},
		{slices.Repeat([]string{"a"}, 33), nil, "33 commands, at most 32"},
	} {
		all, err := named("command", c.texts, c.names)
		var got []string
		for _, s := range all {
			got = append(got, s.Name)
		}
		if said := strings.Join(got, "|"); err == nil && said != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: %q, %v, want %q", c.texts, c.names, said, err, c.want)
		}
	}
}

// TestBadInput: each error says what is wanted.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"commands|-compare|body|a":                 "-compare body: want output or status",
		"commands|-limit|0s|a":                     "-limit 0s: want a time from 1ms to 1h, such as 30s",
		"commands|-limit|2h|a":                     "-limit 2h0m0s: want",
		"commands|-status|256|a":                   "-status 256: want an exit status from 0 to 255",
		"commands|-name|x|-name|y|a":               "2 names for 1 commands",
		"commands|-shel|sh|a":                      `unknown flag "-shel": did you mean "-shell"?`,
		"commands|-shell=|a":                       "-shell : want a shell",
		"urls|-compare|output|http://a":            "-compare output: want body or status",
		"urls|-status|99|http://a":                 "-status 99: want",
		"urls|-rate|0|http://a":                    "-rate 0: want rates a second from 1 to 100000",
		"urls|-rate|100,fast|http://a":             "-rate 100,fast: want",
		"urls|-rate|100|-controls|http://a":        "-controls and -rate exclude each other",
		"urls|-rate|100|-controls=T|http://a":      "-controls and -rate exclude each other",
		"urls|-rate|100|-time|10s|http://a":        "-time and -rate exclude each other",
		"urls|-rate|100|-decide=maybe|http://a":    "-decide",
		"urls|-controls=false|-rate|1|http://a|-h": flag.ErrHelp.Error(),
		"urls|-method|no method|http://a":          `-method "no method": want a method, such as POST`,
		"urls|-header|Accept|http://a":             "-header Accept, line 1: want NAME: VALUE",
		"urls|-header|A b: secret|http://a":        "-header A b: …, line 1: want NAME: VALUE",
		"urls|-header|@no-such-file|http://a":      "-header: open no-such-file: no such file",
		"urls|-body|no-such-file|http://a":         "-body: open no-such-file: no such file",
		"urls|localhost:8080":                      `url "localhost:8080": want one such as http://localhost:8080/`,
		"urls|a=ftp://b":                           `url "ftp://b": want one such as`,
		"urls|http://ada:secret@a":                 `url "http://ada:xxxxx@a": a password does not belong in it`,
		"urls|ftp://ada:secret@a":                  `url "…@a": want one such as`,
		"urls|a=http://a|a=http://b":               `name "a" is given twice`,
		"urls":                                     "no url is given: rubato urls -h shows how",
		"commands|old=./sort|new=./sort2":          `command "old=./sort" sets a variable and runs nothing: -name`,
		"commands":                                 "no command is given: rubato commands -h shows how",
		"urls|-compare|status|http://a/?b=c|-h":    flag.ErrHelp.Error(),
	} {
		args := strings.Split(typed, "|")
		var err error
		if args[0] == "commands" {
			_, _, err = parseCommands(args[1:])
		} else {
			_, _, err = parseURLs(args[1:])
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %s", typed, err, want)
		}
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	got := strings.Join(quoted([]string{"-quick", "sleep 1", "it's", "", "a=http://b:1/c%20d", "$x"}), " ")
	if want := `-quick 'sleep 1' 'it'\''s' '' a=http://b:1/c%20d '$x'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
