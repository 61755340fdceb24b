// Package external measures what is not written in Go: commands (rubato commands) and HTTP
// services (rubato urls). Each is a style of a suite of its own, which the runner measures like
// any other: trials, turns, controls, statistics and report are the same.
//
// It has no clock and no statistics, and knows nothing of the player. It sees a program from outside
// only: what it prints or answers is its work, so work that leaves no trace there is not compared.
//
// external.go reads arguments and meets the runner, answer.go compares what came with what came
// first. commands.go and process.go run commands; urls.go asks services, load.go at times of its own.
package external

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rubato/command"
	"rubato/runner"
)

// Exit codes beside those of a run.
const (
	exitPass   = 0
	exitUsage  = 2
	exitFailed = 5
)

// childArgument comes before what a child is told, as JSON.
const childArgument = "-child"

// Commands are rubato commands and rubato urls.
func Commands() []runner.Command {
	return []runner.Command{
		{Name: "commands", Doc: "compare what commands cost: any programs that print the same", Interrupts: true, Run: measure("commands", commandsHelp, parseCommands)},
		{Name: "urls", Doc: "compare HTTP services that answer the same", Interrupts: true, Run: measure("urls", urlsHelp, parseURLs)},
	}
}

// asked is what a command line asks for. It is told to the children as JSON.
type asked interface{ suite() runner.Suite }

// A line is what parsing a command line gives: run are the flags of the run itself, shown is the
// whole without secrets.
type line struct{ run, shown []string }

// measure measures in the runner's way: it is the run, and each of its children.
func measure[A asked](name, help string, parse func(args []string) (A, line, error)) func(context.Context, []string, io.Writer, io.Writer) int {
	return func(_ context.Context, args []string, stdout, stderr io.Writer) int {
		var ask A
		if len(args) > 1 && args[0] == childArgument {
			if err := json.Unmarshal([]byte(args[1]), &ask); err != nil {
				fmt.Fprintf(stderr, "rubato: what to measure: %v\n", err)
				return exitFailed
			}
			return runner.Main(ask.suite(), args[2:])
		}
		ask, typed, err := parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, help)
			return exitPass
		}
		told, failed := json.Marshal(ask)
		if err = errors.Join(err, failed); err != nil {
			fmt.Fprintf(stderr, "rubato: %v\n", err)
			return exitUsage
		}
		suite := ask.suite()
		suite.Child, suite.Asked = []string{name, childArgument, string(told)}, append([]string{name}, typed.shown...)
		return runner.Main(suite, append([]string{"run"}, typed.run...))
	}
}

// flags are those of both commands: the run's own are passed on as they are typed.
func (l *line) flags(name string) *flag.FlagSet {
	flags := command.Flags(name)
	for _, of := range []string{"quick", "full", "controls", "decide"} {
		flags.BoolFunc(of, "", func(text string) error {
			on, err := strconv.ParseBool(text)
			l.run = append(l.run, "-"+of+"="+strconv.FormatBool(on))
			return err
		})
	}
	for _, of := range []string{"time", "precision", "out", "seed", "margin", "slowdown", "set"} {
		flags.Func(of, runFlags[of], func(text string) error { l.run = append(l.run, "-"+of, text); return nil })
	}
	return flags
}

// runFlags are what those flags want.
var runFlags = map[string]string{"time": "a time, such as 90s", "precision": "a share, such as 1%", "out": "a new folder, such as out/before",
	"seed": "a whole number, such as 7", "margin": "a share, such as 2%", "slowdown": "a share, such as 10%", "set": "caches=hot, cold or both"}

const runFlagsHelp = `
Flags of the run, as for rubato run (rubato run -h says more):
  -time 90s        longest time for the trials (default 25s; -quick 5s, -full 2m)
  -precision 1%    go on until every ratio is known to within this share
  -quick           shorter
  -full            longer
  -controls        the first also as an A/A control and with an injected slowdown: could this run
                   see a difference?
  -slowdown 10%    -controls: size of the slowdown
  -decide          exit 3 if a verdict is open when the time is up
  -margin 2%       a ratio that is certainly this near to 1 is no change
  -set caches=hot  run each once, untimed, before each timed slice (cold: do not)
  -out DIR         folder for the results (default out/<time>)
  -seed N          repeat the same order
`

// A style is a command or a URL under its name.
type style struct{ Name, Text string }

// mostStyles bounds how many stand side by side: a turn has a slice of each.
const mostStyles = 32

// named gives each text its name: the wanted one or, without one, its own beginning.
func named(what string, texts, names []string) (all []style, err error) {
	switch {
	case len(texts) == 0:
		return nil, fmt.Errorf("no %s is given: rubato %ss -h shows how", what, what)
	case len(texts) > mostStyles:
		return nil, fmt.Errorf("%d %ss, at most %d fit a run", len(texts), what, mostStyles)
	}
	seen := map[string]bool{}
	for i, text := range texts {
		if strings.TrimSpace(text) == "" || !utf8.ValidString(text) {
			return nil, fmt.Errorf("%s %d, %q: want text in UTF-8", what, i+1, text)
		}
		name := brief(text)
		if i < len(names) && names[i] != "" {
			if name = names[i]; len(name) > longestName || name != brief(name) {
				return nil, fmt.Errorf("name %q: want at most %d bytes that can be seen, on one line", name, longestName)
			}
			if seen[name] {
				return nil, fmt.Errorf("name %q is given twice", name)
			}
		}
		for n := 2; seen[name]; n++ {
			name = fmt.Sprintf("%s #%d", brief(text), n)
		}
		seen[name] = true
		all = append(all, style{name, text})
	}
	return all, nil
}

// longestName is that of a name in bytes: file names contain it, escaped.
const longestName = 40

// brief is a text as a name: one line, at most longestName bytes.
func brief(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }), " ")
	return cut(text, longestName)
}

// styles are those of the suite. Where the name is the whole text, how says what the style is.
func styles(of []style, how string) (all []runner.Style) {
	for _, s := range of {
		doc := s.Text
		if doc == s.Name {
			doc = how
		}
		all = append(all, runner.Style{Name: s.Name, Doc: doc})
	}
	return all
}

// textOf is the text of a style that the runner names.
func textOf(of []style, name string) (string, error) {
	i := slices.IndexFunc(of, func(s style) bool { return s.Name == name })
	if i < 0 {
		return "", fmt.Errorf("there is no %q to measure", name)
	}
	return of[i].Text, nil
}

// Bounds of -limit.
const (
	leastLimit = time.Millisecond
	mostLimit  = time.Hour
)

const limitWanted = "a time from 1ms to 1h, such as 30s"

// patient is how long the runner waits for a block, in which each operation has its limit: an
// arm that hangs fails by its own limit, with its own reason.
func patient(limit time.Duration) time.Duration { return 2*time.Minute + 3*limit }

// quoted is a command line as a shell reads it.
func quoted(args []string) (all []string) {
	for _, a := range args {
		plain := a != "" && strings.IndexFunc(a, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_=+./:,%@", r)
		}) < 0
		if !plain {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		all = append(all, a)
	}
	return all
}
