package web

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"rubato/player"
)

// storedTrace is where rubato serve keeps its trace.
const storedTrace = "data/trace.db"

const traceHelp = `Usage: rubato trace [flags] why PASSAGE | caused RULE | show FLOW | find QUERY | rules | runs

Asks a stored trace, also while a player writes it.

  why PASSAGE   the flows in which this passage was enqueued, as trees
  caused RULE   actions that this rule caused
  show FLOW     one flow, by its number
  find QUERY    actions for which a query holds, such as
                'action=pd::Director::select and took>1ms and not err'
  rules         each rule: actions, failures, mean and longest time
  runs          the runs of the player in this file

  -db FILE      the trace (default ` + storedTrace + `, where rubato serve keeps it)
  -run N        the run that is asked (default 0: the newest; flows are numbered
                anew in each run)
  -limit N      answers at most, 1 to 10000 (default 20)
  -since WHEN   caused: how long ago, 10m, or a time, 2026-11-22T13:00:00Z
  -until WHEN   caused: likewise
  -format F     why, show: text (default), dot or svg; why draws the newest flow
  -o FILE       write there instead of stdout

A query joins terms by and, or, not and parentheses:
  action= rule= trigger= err=   text; * stands for any: action=pd::*  (also !=)
  in.NAME= out.NAME=            an input or output: in.passage=42  (also != < <= > >=)
  took> flow= id= cause=        took>50us, flow>=100  (= != < <= > >=)
  since=10m until=2026-11-22T13:00:00Z
  err                           it failed

Examples:
  rubato trace why 42
  rubato trace caused AutoSelectWhenQueueLow -since 10m
  rubato trace show 1234 -format svg -o flow.svg
  rubato trace -db out/t.db find 'rule=AutoSelect* and (err or took>2ms)'
`

// errUsage marks what the user can put right.
var errUsage = errors.New("usage")

func misused(format string, args ...any) error {
	return fmt.Errorf("%w%s", errUsage, fmt.Sprintf(format, args...))
}

// TraceCommand is rubato trace, over stored traces that open opens for reading.
func TraceCommand(open func(path string) (TraceReader, error)) func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return func(_ context.Context, args []string, stdout, stderr io.Writer) int {
		q, err := parseTrace(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, traceHelp)
			return exitPass
		}
		if err == nil {
			err = q.put(open, stdout, stderr)
		}
		if err == nil {
			return exitPass
		}
		text := strings.TrimPrefix(err.Error(), errUsage.Error())
		fmt.Fprintf(stderr, "rubato trace: %s\n", strings.ReplaceAll(text, "\n", "; "))
		if errors.Is(err, errUsage) || player.CodeOf(err) == player.NotFound {
			return exitUsage
		}
		return exitFailed
	}
}

// traceQuestion is a command line, checked.
type traceQuestion struct {
	verb, subject  string
	db             string
	given          bool // db was
	run            int64
	limit          int
	since, until   time.Time
	format, output string
}

// takesSubject says what each word is asked about, "" for nothing.
var takesSubject = map[string]string{"why": "PASSAGE", "caused": "RULE", "show": "FLOW", "find": "QUERY", "rules": "", "runs": ""}

func parseTrace(args []string) (*traceQuestion, error) {
	q := &traceQuestion{}
	flags := flag.NewFlagSet("trace", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&q.db, "db", storedTrace, "")
	flags.Int64Var(&q.run, "run", 0, "")
	flags.IntVar(&q.limit, "limit", 20, "")
	since, until := flags.String("since", "", ""), flags.String("until", "", "")
	flags.StringVar(&q.format, "format", "text", "")
	flags.StringVar(&q.output, "o", "", "")
	words, err := wordsAmong(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		return nil, err
	}
	if err != nil {
		return nil, misused("%v; rubato trace -h shows them all", err)
	}
	flags.Visit(func(f *flag.Flag) { q.given = q.given || f.Name == "db" })
	now := time.Now()
	var sinceErr, untilErr error
	q.since, sinceErr = instant(*since, now)
	q.until, untilErr = instant(*until, now)
	switch {
	case sinceErr != nil:
		return nil, misused("-since %v", sinceErr)
	case untilErr != nil:
		return nil, misused("-until %v", untilErr)
	case q.limit < 1 || q.limit > 10_000:
		return nil, misused("-limit %d: give 1 to 10000", q.limit)
	case q.run < 0:
		return nil, misused("-run %d: give 0 for the newest, or one that rubato trace runs lists", q.run)
	case !slices.Contains([]string{"text", "dot", "svg"}, q.format):
		return nil, misused("-format %q is none of text, dot, svg", q.format)
	}
	return q, q.words(words)
}

// wordsAmong parses flags wherever they stand, and returns the words between them.
func wordsAmong(flags *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if used := len(args) - len(rest); used > 0 && args[used-1] == "--" {
			return append(words, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		words, args = append(words, rest[0]), rest[1:]
	}
	return words, nil
}

func (q *traceQuestion) words(words []string) error {
	if len(words) == 0 {
		return misused("say what to ask: why PASSAGE, caused RULE, show FLOW, find QUERY, rules or runs; rubato trace -h explains")
	}
	subject, known := takesSubject[words[0]]
	switch {
	case !known:
		return misused("%q is none of why, caused, show, find, rules, runs; rubato trace -h explains", words[0])
	case subject == "" && len(words) > 1:
		return misused("%s takes nothing more, not %q", words[0], words[1])
	case subject != "" && len(words) != 2:
		return misused("%s takes one %s, not %d words; quote it if it has spaces", words[0], subject, len(words)-1)
	}
	if q.verb = words[0]; subject != "" {
		q.subject = words[1]
	}
	return nil
}

// overwrites tells whether the answer would go to the trace itself, or to one of the
// files that SQLite keeps beside it.
func (q *traceQuestion) overwrites() bool {
	to, err := os.Stat(q.output)
	if err != nil {
		return false
	}
	for _, ending := range []string{"", "-wal", "-shm", "-journal"} {
		if of, err := os.Stat(q.db + ending); err == nil && os.SameFile(of, to) {
			return true
		}
	}
	return false
}

// put opens the trace, asks, and writes the answer to where it belongs.
func (q *traceQuestion) put(open func(string) (TraceReader, error), stdout, stderr io.Writer) error {
	if _, err := os.Stat(q.db); errors.Is(err, os.ErrNotExist) {
		if q.given {
			return misused("there is no file %s: -db names the trace.db that rubato serve keeps in its -data folder", q.db)
		}
		return misused("looked for %s, where rubato serve keeps its trace, and found none: name the file by -db FILE", q.db)
	}
	if q.overwrites() {
		return misused("-o %s would overwrite the trace: name another file", q.output)
	}
	reader, err := open(q.db)
	if err != nil {
		return err
	}
	reader.ChooseRun(q.run)
	var out strings.Builder
	err = errors.Join(q.ask(reader, &out, stderr), reader.Close())
	if err != nil {
		return err
	}
	if q.output != "" {
		return os.WriteFile(q.output, []byte(out.String()), 0o644)
	}
	_, err = io.WriteString(stdout, out.String())
	return err
}
