package live

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rubato/command"
	"rubato/player"
)

// storedTrace is where rubato serve keeps its trace.
const storedTrace = "data/trace.db"

const traceHelp = `Usage: rubato trace [flags] why PASSAGE | caused RULE | show FLOW | find | rules | runs

Asks a stored trace, also while a player writes it.

  why PASSAGE   the flows that enqueued this passage, as trees
  caused RULE   the actions that this rule caused
  show FLOW     one flow, by its number
  find          the actions for which -where holds
  rules         each rule: actions, failures, mean and longest time
  runs          the runs of the player in this file

  -db FILE      the trace (default ` + storedTrace + `, where rubato serve keeps it)
  -run N        the run that is asked (default 0: the newest; each run
                numbers its flows from 1)
  -limit N      the largest number of answers, 1 to 10000 (default 20)
  -where SQL    find: a condition in SQLite's SQL on the columns of an action
  -since WHEN   caused: how long ago, 10m, or a time, 2026-11-22T13:00:00Z
  -until WHEN   caused: likewise
  -format F     why, show: text (default), dot or svg; why draws the newest flow
  -o FILE       write to this file instead of stdout

Columns of an action:
  rule trigger action   text: action = 'pd::Director::select'
  flow id cause seq     numbers: flow, action, the action that caused it, order of arrival
  start                 UTC, as text: start > datetime('now', '-10 minutes')
  took_us               microseconds
  input output err      text; err and output are NULL where there is none.
                        field(input, 'passage') is one value of input or output

Exit codes: 0 found, 1 nothing found (the nearest that exists is suggested), 2 usage or bad
input, 5 the trace cannot be read.

Examples:
  rubato trace why 42
  rubato trace caused AutoSelectWhenQueueLow -since 10m
  rubato trace show 1234 -format svg -o flow.svg
  rubato trace find -where "action = 'pd::Director::select' AND took_us > 1000 AND err IS NULL"
  rubato trace find -where "flow IN (SELECT flow FROM actions WHERE err IS NOT NULL)"
`

// errUsage marks what the user can correct, errNothing a question without an answer.
var (
	errUsage   = errors.New("usage")
	errNothing = errors.New("nothing")
)

func nothing(format string, args ...any) error {
	return fmt.Errorf("%w%s", errNothing, fmt.Sprintf(format, args...))
}

func misused(format string, args ...any) error {
	return fmt.Errorf("%w%w", errUsage, fmt.Errorf(format, args...))
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
		return finished("trace", err, stderr)
	}
}

// traceQuestion is a command line, checked.
type traceQuestion struct {
	verb, subject  string
	db             string
	given          bool // -db was
	run            int64
	limit          int
	where          string
	since, until   time.Time
	format, output string
}

var questions = []string{"why", "caused", "show", "find", "rules", "runs"}

// takesSubject is the argument of each word, "" for none.
var takesSubject = map[string]string{"why": "PASSAGE", "caused": "RULE", "show": "FLOW", "find": "", "rules": "", "runs": ""}

const whenWanted = "how long ago, such as 10m, or a time, such as 2026-01-02T15:04:05Z"

func parseTrace(args []string) (*traceQuestion, error) {
	q := &traceQuestion{}
	flags := command.Flags("trace")
	flags.StringVar(&q.db, "db", storedTrace, "a file, such as "+storedTrace)
	flags.Int64Var(&q.run, "run", 0, "a whole number: 0 for the newest run, or one that rubato trace runs lists")
	flags.IntVar(&q.limit, "limit", 20, "a whole number from 1 to 10000, such as 20")
	flags.StringVar(&q.where, "where", "", "a condition in SQL, such as \"err IS NOT NULL\"")
	since, until := flags.String("since", "", whenWanted), flags.String("until", "", whenWanted)
	flags.StringVar(&q.format, "format", "text", "text, dot or svg")
	flags.StringVar(&q.output, "o", "", "a file, such as flow.svg")
	words, err := command.Parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		return nil, err
	}
	if err != nil {
		return nil, misused("%v; rubato trace -h explains", err)
	}
	flags.Visit(func(f *flag.Flag) { q.given = q.given || f.Name == "db" })
	now := time.Now()
	var sinceErr, untilErr error
	q.since, sinceErr = instant(*since, now)
	q.until, untilErr = instant(*until, now)
	switch {
	case sinceErr != nil:
		return nil, misused("%v", command.Wrong(flags, "since"))
	case untilErr != nil:
		return nil, misused("%v", command.Wrong(flags, "until"))
	case q.limit < 1 || q.limit > 10_000:
		return nil, misused("%v", command.Wrong(flags, "limit"))
	case q.run < 0:
		return nil, misused("%v", command.Wrong(flags, "run"))
	case !slices.Contains([]string{"text", "dot", "svg"}, q.format):
		return nil, misused("%v", command.Wrong(flags, "format"))
	}
	return q, q.words(words)
}

func (q *traceQuestion) words(words []string) error {
	if len(words) == 0 {
		return misused("say what to ask: why PASSAGE, caused RULE, show FLOW, find, rules or runs; rubato trace -h explains")
	}
	subject, known := takesSubject[words[0]]
	switch {
	case !known:
		return misused("%v; rubato trace -h explains", command.Unknown("question", words[0], questions))
	case words[0] == "find" && len(words) > 1:
		return misused("find takes its condition as SQL with -where, not %q", words[1])
	case subject == "" && len(words) > 1:
		return misused("%s takes nothing more, not %q", words[0], words[1])
	case subject != "" && len(words) != 2:
		return misused("%s takes one %s, not %d words; quote it if it has spaces", words[0], subject, len(words)-1)
	}
	if q.verb = words[0]; subject != "" {
		q.subject = words[1]
	}
	if (q.verb == "find") != (q.where != "") {
		return misused("find and -where need each other: rubato trace find -where \"err IS NOT NULL\"")
	}
	return nil
}

// overwrites reports whether the answer would go to the trace itself, or to one of the
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

// put opens the trace, asks, and writes the answer to stdout or the file.
func (q *traceQuestion) put(open func(string) (TraceReader, error), stdout, stderr io.Writer) error {
	at, err := os.Stat(q.db)
	if err == nil && !at.Mode().IsRegular() {
		return misused("-db %s is no file: name the trace.db that rubato serve keeps in its -data folder", q.db)
	}
	if errors.Is(err, os.ErrNotExist) {
		if q.given {
			return misused("there is no file %s: -db names the trace.db that rubato serve keeps in its -data folder", q.db)
		}
		return misused("there is no trace at %s, where rubato serve keeps it: name the file with -db FILE", q.db)
	}
	if q.overwrites() {
		return misused("-o %s would overwrite the trace: name another file", q.output)
	}
	if _, err := os.Stat(filepath.Dir(q.output)); q.output != "" && err != nil {
		return misused("-o cannot be written: %w", err)
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

// ask asks, and writes the answer to out and remarks to stderr.
func (q *traceQuestion) ask(r TraceReader, out *strings.Builder, stderr io.Writer) error {
	switch q.verb {
	case "why":
		return q.why(r, out)
	case "show":
		return q.show(r, out)
	case "rules":
		return writeRules(r, out)
	case "runs":
		return writeRuns(r, out)
	}
	var rows []player.TraceRow
	var err error
	if q.verb == "find" {
		rows, err = r.Find(q.where, q.limit)
	} else {
		rows, err = r.Caused(q.subject, q.since, q.until, q.limit)
	}
	if player.CodeOf(err) == player.Invalid { // the condition is wrong; the trace can be read
		return misused("%v", err)
	}
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return nothing("nothing found%s%s", q.elsewhere(r), q.hint(r))
	}
	for _, row := range rows {
		writeRow(out, row)
	}
	if len(rows) == q.limit {
		fmt.Fprintf(stderr, "the newest %d; -limit shows more\n", q.limit)
	}
	return nil
}

func (q *traceQuestion) why(r TraceReader, out *strings.Builder) error {
	passage, err := strconv.ParseInt(q.subject, 10, 64)
	if err != nil {
		return misused("passage %q is not a number", q.subject)
	}
	limit := q.limit
	if q.format != "text" {
		limit = 1
	}
	flows, err := r.Why(passage, limit)
	if err != nil {
		return err
	}
	if len(flows) == 0 {
		return nothing("passage %d was not enqueued, as far back as the trace goes%s%s", passage, q.elsewhere(r), q.hint(r))
	}
	for i, f := range flows {
		if i > 0 {
			out.WriteByte('\n')
		}
		q.draw(f, out)
	}
	return nil
}

func (q *traceQuestion) show(r TraceReader, out *strings.Builder) error {
	token, err := strconv.ParseUint(q.subject, 10, 64)
	if err != nil {
		return misused("flow %q is not a number", q.subject)
	}
	f, found, err := r.Flow(token)
	if err != nil {
		return err
	}
	if !found {
		return nothing("there is no flow %d, or no longer%s%s", token, q.elsewhere(r), q.hint(r))
	}
	q.draw(f, out)
	return nil
}

// draw writes a flow in the format asked for.
func (q *traceQuestion) draw(f player.Flow, out *strings.Builder) {
	switch q.format {
	case "dot":
		out.WriteString(FlowDOT(f))
	case "svg":
		out.Write(FlowSVG(f))
	default:
		out.WriteString(FlowText(f))
	}
}

const traceTime = "2006-01-02 15:04:05.000000"

// writeRow writes "time flow N [Rule] action took (inputs) → outputs".
func writeRow(out *strings.Builder, r player.TraceRow) {
	fmt.Fprintf(out, "%s flow %d ", r.Start.UTC().Format(traceTime), r.Flow)
	branch(out, &r)
}

func writeRules(r TraceReader, out *strings.Builder) error {
	rules, err := r.Rules()
	if err != nil {
		return err
	}
	if len(rules) == 0 {
		return nothing("nothing found: this run has no actions, or no longer; rubato trace runs lists the runs")
	}
	width := len("(called from outside)")
	for _, x := range rules {
		width = max(width, len([]rune(shortened(x.Rule, longestLine))))
	}
	fmt.Fprintf(out, "%-*s  %10s  %10s  %12s  %12s\n", width, "rule", "actions", "failures", "mean", "longest")
	for _, x := range rules {
		name := shortened(x.Rule, longestLine)
		if name == "" {
			name = "(called from outside)"
		}
		fmt.Fprintf(out, "%-*s  %10d  %10d  %12v  %12v\n", width, name, x.Actions, x.Failures, x.Mean, x.Max)
	}
	return nil
}

func writeRuns(r TraceReader, out *strings.Builder) error {
	runs, err := r.Runs()
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return nothing("nothing found: no run has actions, or no longer")
	}
	fmt.Fprintf(out, "%6s  %-19s  %-19s  %10s   (UTC)\n", "run", "started", "newest action", "actions")
	for _, x := range runs {
		fmt.Fprintf(out, "%6d  %s  %s  %10d\n", x.ID, x.Started.UTC().Format(time.DateTime), x.Last.UTC().Format(time.DateTime), x.Rows)
	}
	return nil
}

// A TraceReader answers questions about a stored trace, from one run of the player: the
// newest, unless ChooseRun says otherwise. An answer has at most limit items, newest first;
// limit 0 means 100. Methods may be called from any goroutine, while the trace is written.
type TraceReader interface {
	// Flow is one flow; false when the run does not have it, or no longer.
	Flow(token uint64) (player.Flow, bool, error)
	// Why are the flows in which the passage was enqueued.
	Why(passage int64, limit int) ([]player.Flow, error)
	// Caused are the rows that a rule caused and that started in a period; a zero
	// time leaves its end open.
	Caused(rule string, from, to time.Time, limit int) ([]player.TraceRow, error)
	// Find are the rows for which an SQL condition holds; player.Invalid says what is
	// wrong with one.
	Find(where string, limit int) ([]player.TraceRow, error)
	// Rules sums up each rule, in order of name.
	Rules() ([]player.RecordedRule, error)
	Runs() ([]player.RecordedRun, error)
	// ChooseRun says which run is asked from now on; 0 is the newest there is.
	ChooseRun(run int64)
	Close() error
}
