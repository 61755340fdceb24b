package live_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite/tracedb"
	"rubato/web/live"
)

var update = flag.Bool("update", false, "write what is drawn to testdata")

func openStored(path string) (live.TraceReader, error) {
	return tracedb.Open(path, tracedb.Options{ReadOnly: true})
}

// traced is a file with two runs: one of an old flow, one of all that is drawn.
func traced(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace.db")
	f := drawnFlows()
	said := player.TraceRow{Flow: 8, ID: 20, Rule: "LogMessageWhenSaid", Trigger: "ui::Chat::said", Action: "log::Messages::append",
		Start: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC), Took: 5 * time.Microsecond, In: `user="ada"`, Err: "messages: append: invalid"}
	for _, rows := range [][]player.TraceRow{f["lost"].Rows, append(f["selection"].Rows, said)} {
		s, err := tracedb.Open(path, tracedb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Append(rows), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func trace(args ...string) (code int, stdout, stderr string) {
	var out, failed bytes.Buffer
	code = live.TraceCommand(openStored)(context.Background(), args, &out, &failed)
	return code, out.String(), failed.String()
}

func TestTraceCommand(t *testing.T) {
	t.Parallel()
	path := traced(t)
	selection := live.FlowText(drawnFlows()["selection"])
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // what they hold; "" is nothing
	}{
		"why":            {[]string{"why", "42"}, 0, selection, ""},
		"why as svg":     {[]string{"why", "42", "-format=svg"}, 0, "<svg ", ""},
		"why never":      {[]string{"why", "43"}, 1, "", "passage 43 was not enqueued, as far back as the trace goes; only run 2 was asked, of 2: -run N asks another, rubato trace runs lists them; enqueued last: 42"},
		"why what":       {[]string{"why", "x"}, 2, "", `passage "x" is not a number`},
		"show":           {[]string{"show", "7"}, 0, selection, ""},
		"show as dot":    {[]string{"show", "--format", "dot", "7"}, 0, "digraph flow {", ""},
		"show of run 1":  {[]string{"-run", "1", "show", "7"}, 0, "(not recorded)\n└─ [NotifyWhenSelectionFails]", ""},
		"show no more":   {[]string{"show", "99"}, 1, "", "there is no flow 99, or no longer; only run 2 was asked, of 2: -run N asks another, rubato trace runs lists them; the newest flows: 8, 7"},
		"no such run":    {[]string{"-run", "9", "show", "7"}, 1, "", "it has no run 9; the newest is 2"},
		"caused":         {[]string{"caused", "LogMessageWhenSaid"}, 0, `2026-11-22 13:00:00.000000 flow 8 [LogMessageWhenSaid on ui::Chat::said] log::Messages::append 5µs (user="ada") ✗ messages: append: invalid` + "\n", ""},
		"caused when":    {[]string{"caused", "-until", "2026-11-22T12:30:00Z", "LogMessageWhenSaid"}, 1, "", "rubato trace runs lists them; without -since and -until this rule has 1 action"},
		"caused until":   {[]string{"caused", "AutoSelectWhenQueueLow", "-until=2026-11-22T12:30:00Z", "-limit=1"}, 0, "pd::Cooldowns::record", "the newest 1; -limit shows more"},
		"find":           {[]string{"find", "-where", "action LIKE 'pd::%' AND took_us > 1000 AND err IS NULL"}, 0, "pd::Director::select 3.104ms", ""},
		"find badly":     {[]string{"find", "-where", "action LIKE 'pd::%' und err"}, 2, "", `near "und": syntax error`},
		"find what":      {[]string{"find", "-where", "passage = 42"}, 2, "", "no such column: passage, at byte 1. The columns are flow, id, cause, rule, trigger, action, start, took_us, input, output, err, seq; field(input, 'NAME')"},
		"find all":       {[]string{"find"}, 2, "", "find and -where need each other"},
		"where to show":  {[]string{"show", "7", "-where", "true"}, 2, "", "find and -where need each other"},
		"find badly, -o": {[]string{"find", "-where", "x", "-o", path + ".out"}, 2, "", "no such column: x"},
		"rules":          {[]string{"rules"}, 0, "LogMessageWhenSaid                  1           1           5µs           5µs\n", ""},
		"runs":           {[]string{"runs"}, 0, "2026-11-22 12:00:00           3\n", ""},
		"help":           {[]string{"-h"}, 0, "rubato trace caused AutoSelectWhenQueueLow -since 10m", ""},
		"nothing":        {nil, 2, "", "say what to ask: why PASSAGE"},
		"what":           {[]string{"who"}, 2, "", `unknown question "who": did you mean "why"? Valid: why, caused, show, find, rules, runs; rubato trace -h explains`},
		"too little":     {[]string{"why"}, 2, "", "why takes one PASSAGE, not 0 words"},
		"unquoted":       {[]string{"caused", "not", "err"}, 2, "", "caused takes one RULE, not 2 words; quote it"},
		"a query":        {[]string{"find", "err"}, 2, "", `find takes its condition as SQL with -where, not "err"`},
		"too much":       {[]string{"rules", "x"}, 2, "", `rules takes nothing more, not "x"`},
		"bad flag":       {[]string{"rules", "-x"}, 2, "", "unknown flag \"-x\". Valid: -db, -format, -limit, -o, -run, -since, -until, -where; rubato trace -h explains"},
		"bad format":     {[]string{"show", "7", "-format", "png"}, 2, "", "-format png: want text, dot or svg"},
		"bad limit":      {[]string{"rules", "-limit", "0"}, 2, "", "-limit 0: want a whole number from 1 to 10000"},
		"bad since":      {[]string{"caused", "x", "-since", "later"}, 2, "", "-since later: want how long ago, such as 10m, or a time"},
		"dash":           {[]string{"caused", "--", "-x"}, 1, "", "nothing found; only run 2 was asked, of 2: -run N asks another, rubato trace runs lists them; rubato trace rules lists them\n"},
		"other rule":     {[]string{"caused", "LogMessageWenSaid"}, 1, "", `rubato trace rules lists them; did you mean "LogMessageWhenSaid"?`},
		"other action":   {[]string{"find", "-where", "action = 'pd::Director::selekt'"}, 1, "", `; did you mean "pd::Director::select"?`},
		"found nothing":  {[]string{"find", "-where", "field(input, 'passage') > 1000"}, 1, "", "nothing found; only run 2 was asked, of 2: -run N asks another, rubato trace runs lists them\n"},
	} {
		code, stdout, stderr := trace(append([]string{"-db", path}, c.args...)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) ||
			(c.stdout == "") != (stdout == "") || (c.stderr == "") != (stderr == "") || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: exit %d, want %d\nstdout %s\nwant %s\nstderr %s\nwant %s", name, code, c.code, stdout, c.stdout, stderr, c.stderr)
		}
	}
	if _, err := os.Stat(path + ".out"); err == nil {
		t.Error("a failed question left a file")
	}
}

func TestTraceCommandOutput(t *testing.T) {
	t.Parallel()
	path, picture := traced(t), filepath.Join(t.TempDir(), "flow.svg")
	code, stdout, stderr := trace("show", "7", "-db", path, "-format", "svg", "-o", picture)
	got, err := os.ReadFile(picture)
	if code != 0 || stdout+stderr != "" || err != nil || !bytes.HasPrefix(got, []byte("<svg ")) {
		t.Errorf("exit %d, %s%s, file %.20s, %v", code, stdout, stderr, got, err)
	}
	code, _, stderr = trace("show", "7", "-db", path, "-o", filepath.Join(picture, "x"))
	if code != 5 || !strings.Contains(stderr, "not a directory") {
		t.Errorf("into nowhere: exit %d, %s", code, stderr)
	}
}

func TestTraceCommandFiles(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "trace.db")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"rules"}, 2, "there is no trace at data/trace.db, where rubato serve keeps it: name the file with -db FILE"},
		{[]string{"rules", "-db", missing}, 2, fmt.Sprintf("there is no file %s", missing)},
		{[]string{"rules", "-db", filepath.Dir(text)}, 2, "is no file: name the trace.db"},
		{[]string{"rules", "-db", text}, 5, "not an intact SQLite database"},
	} {
		if code, _, stderr := trace(c.args...); code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %s, want %d, %s", c.args, code, stderr, c.code, c.want)
		}
	}
}
