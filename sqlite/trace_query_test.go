package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite"
)

// queried are rows that differ in what queries ask for; their ids name them.
func queried(now time.Time) []player.TraceRow {
	at := func(ago time.Duration) time.Time { return now.Add(-ago).Truncate(time.Microsecond) }
	return []player.TraceRow{
		{Flow: 1, ID: 1, Action: "ap::Queue::playDown", Start: at(time.Hour), Took: time.Millisecond, In: "at=1 seed=2"},
		{Flow: 1, ID: 2, Cause: 1, Rule: "AutoSelect", Trigger: "ap::Queue::depthChanged", Action: "pd::Director::select",
			Start: at(time.Hour), Took: 2 * time.Millisecond, In: "target=-5 flavor=flavor 00ff seed=2", Out: "passage=42 length=9"},
		{Flow: 2, ID: 3, Cause: 9, Rule: "AutoSelect", Trigger: "ap::Queue::depthChanged", Action: "pd::Director::select",
			Start: at(time.Minute), Took: 50 * time.Microsecond, In: "target=10", Err: `director: "no" candidate`},
		{Flow: 3, ID: 4, Rule: "LogMessageWhenSaid", Action: "log::Messages::append", Start: at(time.Second),
			Took: 10 * time.Microsecond, In: `user="ada l" text="x seed=2 or=1" at=7`},
		{Flow: 3, ID: 5, Rule: "Odd[1]?", Action: "log::Users::count", Start: at(0), Took: 9, In: `user="bob"`},
	}
}

func TestTraceFind(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), sqlite.TraceOptions{})
	now := time.Now()
	if err := s.Append(queried(now)); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]uint64{
		"action=pd::Director::select":                          {3, 2},
		"action=pd::Director::select and took>1ms and not err": {2},
		"action!=pd::Director::select":                         {5, 4, 1},
		"rule=Auto*":                                           {3, 2},
		"rule!=Auto*":                                          {5, 4, 1},
		`rule="Auto*"`:                                         nil,
		"rule=*[1]?":                                           {5},
		"rule=\"\"":                                            {1},
		"trigger=ap::*":                                        {3, 2},
		"err":                                                  {3},
		"not err":                                              {5, 4, 2, 1},
		"err=*candidate":                                       {3},
		`err="director: \"no\" candidate"`:                     {3},
		"err!=other":                                           {3},
		"took<=10us":                                           {5, 4},
		"took=9ns":                                             {5},
		"flow=3":                                               {5, 4},
		"flow>=2 and flow<3":                                   {3},
		"id!=1 and cause=1":                                    {2},
		"since=2m":                                             {5, 4, 3},
		"until=2m":                                             {2, 1},
		"since=" + now.Add(-10*time.Minute).UTC().Format(time.RFC3339): {5, 4, 3},
		"in.seed=2":                       {2, 1},
		"in.seed!=2":                      nil,
		"not in.seed=2":                   {5, 4, 3},
		"in.target<0":                     {2},
		"in.target>=10":                   {3},
		"in.user>1":                       nil,
		`in.user="ada l"`:                 {4},
		"in.user=b*":                      {5},
		`in.flavor="flavor 00ff"`:         {2},
		"out.passage=42":                  {2},
		"err or flow=1 and took>=2ms":     {3, 2},
		"(err or flow=1) and took>=2ms":   {2},
		"not (err or flow=1)":             {5, 4},
		"not not err":                     {3},
		"  err\tor\nerr ":                 {3},
		"rule=';DROP/**/TABLE/**/runs;--": nil,
	} {
		rows, err := s.Find(query, 0)
		var got []uint64
		for _, r := range rows {
			got = append(got, r.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: rows %v, %v, want %v", query, got, err, want)
		}
	}
	if rows, err := s.Find("took>0s", 2); err != nil || len(rows) != 2 {
		t.Errorf("limit 2: %d rows, %v", len(rows), err)
	}
}

func TestTraceQueryErrors(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct {
		column int
		found  string
		expect string
	}{
		"":                              {1, "", `"not", "(", action, rule`},
		"  ":                            {3, "", "action, rule"},
		"tok>1":                         {1, "tok", "took"},
		"took 5":                        {6, "5", "= != < <= > >="},
		"took>5":                        {6, "5", "a duration as 50us"},
		"took>>5us":                     {5, ">>", "= != <"},
		"rule<x":                        {5, "<", "= !="},
		"rule=":                         {6, "", "a word, or text in double quotes"},
		"rule=(":                        {6, "(", "a word"},
		`rule="open`:                    {6, `"open`, "a word"},
		"flow=-1":                       {6, "-1", "a number"},
		"flow=99999999999999999999":     {6, "99999999999999999999", "a number"},
		"in.x>y":                        {6, "y", "a number"},
		"in.=1":                         {1, "in.", "in.NAME"},
		"in.a.b=1":                      {1, "in.a.b", "in.NAME"},
		"since=later":                   {7, "later", "how long ago as 10m"},
		"since>1m":                      {6, ">", "="},
		"since=-1m":                     {7, "-1m", "how long ago"},
		"(err":                          {5, "", `")"`},
		"err)":                          {4, ")", `"and", "or" or the end`},
		"err err":                       {5, "err", `"and", "or" or the end`},
		"err and":                       {8, "", "action"},
		"err and or err":                {9, "or", "action"},
		"not":                           {4, "", "action"},
		`"err"`:                         {1, `"err"`, "action"},
		strings.Repeat("(", 51):         {51, "(", "at most 50 parentheses"},
		strings.Repeat("err and ", 101): {801, "err", "at most 100 terms"},
	} {
		_, err := sqlite.ParseTraceQuery(query)
		var q *sqlite.QueryError
		if !errors.As(err, &q) || q.At+1 != want.column || q.Found != want.found || !strings.Contains(q.Expect, want.expect) {
			t.Errorf("%q: %v, want column %d, found %q, expected %q", query, err, want.column, want.found, want.expect)
		}
		if err != nil && (player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), fmt.Sprintf("column %d", want.column))) {
			t.Errorf("%q: %v has code %s", query, err, player.CodeOf(err))
		}
	}
}

// What parses is also run: no query makes SQLite fail, and a query and its not
// share the rows between them.
func FuzzTraceQuery(f *testing.F) {
	for _, q := range []string{
		"err", "not (err or took>1ms) and in.seed=2", `in.user="ada l" or rule=A*`, "since=2m until", "flow<=3 and out.passage!=1",
		"rule=[*", `err="\x00"`, "in.a>1e999", "until=2026-11-22T13:00:00Z", "((err)", "action=\xff*",
	} {
		f.Add(q)
	}
	path := filepath.Join(f.TempDir(), "trace.db")
	s, err := sqlite.OpenTrace(path, sqlite.TraceOptions{Busy: 10 * time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	rows := queried(noon)
	if err := s.Append(rows); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := sqlite.ParseTraceQuery(query); err != nil {
			var q *sqlite.QueryError
			if !errors.As(err, &q) || q.At < 0 || q.At > len(query) || q.Expect == "" {
				t.Fatalf("%q: %#v", query, err)
			}
			return
		}
		yes, err := s.Find(query, 0)
		if err != nil {
			t.Fatalf("%q parses and fails: %v", query, err)
		}
		if no, err := s.Find("not ("+query+")", 0); err == nil && len(yes)+len(no) != len(rows) {
			t.Errorf("%q: %d rows, its not %d, of %d", query, len(yes), len(no), len(rows))
		}
	})
}
