package tracedb_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite/tracedb"
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
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{})
	now := time.Now()
	if err := s.Append(queried(now)); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string][]uint64{
		"action = 'pd::Director::select'":                                    {3, 2},
		"action = 'pd::Director::select' AND took_us > 1000 AND err IS NULL": {2},
		"action <> 'pd::Director::select'":                                   {5, 4, 1},
		"rule LIKE 'Auto%'":                                                  {3, 2},
		"rule NOT LIKE 'Auto%'":                                              {5, 4, 1},
		"rule = 'Auto%'":                                                     nil,
		"rule GLOB '*[[]1]?'":                                                {5},
		"rule = ''":                                                          {1},
		"trigger GLOB 'ap::*'":                                               {3, 2},
		"err IS NOT NULL":                                                    {3},
		"err IS NULL":                                                        {5, 4, 2, 1},
		"err LIKE '%candidate'":                                              {3},
		`err = 'director: "no" candidate'`:                                   {3},
		"took_us <= 10":                                                      {5, 4},
		"took_us = 0.009":                                                    {5},
		"flow = 3":                                                           {5, 4},
		"flow >= 2 AND flow < 3":                                             {3},
		"id <> 1 AND cause = 1":                                              {2},
		"start >= datetime('now', '-2 minutes')":                             {5, 4, 3},
		"start <= datetime('now', '-2 minutes')":                             {2, 1},
		"start >= '" + now.Add(-10*time.Minute).UTC().Format(time.DateTime) + "'": {5, 4, 3},
		"field(input, 'seed') = 2":                                {2, 1},
		"field(input, 'seed') <> 2":                               nil,
		"(field(input, 'seed') = 2) IS NOT TRUE":                  {5, 4, 3},
		"field(input, 'target') < 0":                              {2},
		"field(input, 'target') >= 10":                            {3},
		"typeof(field(input, 'target')) = 'integer'":              {3, 2},
		"field(input, 'user') = 'ada l'":                          {4},
		"field(input, 'user') LIKE 'b%'":                          {5},
		"field(input, 'flavor') = 'flavor 00ff'":                  {2},
		"field(output, 'passage') = 42":                           {2},
		"err IS NOT NULL OR flow = 1 AND took_us >= 2000":         {3, 2},
		"(err IS NOT NULL OR flow = 1) AND took_us >= 2000":       {2},
		"NOT (err IS NOT NULL OR flow = 1)":                       {5, 4},
		"  err\tIS NOT\nNULL -- it failed":                        {3},
		"rule = ''';DROP/**/TABLE/**/runs;--'":                    nil,
		"flow IN (SELECT flow FROM actions WHERE took_us > 1500)": {2, 1},
		"seq = (SELECT max(seq) FROM actions)":                    {5},
	} {
		rows, err := s.Find(where, 0)
		var got []uint64
		for _, r := range rows {
			got = append(got, r.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: rows %v, %v, want %v", where, got, err, want)
		}
	}
	if rows, err := s.Find("took_us > 0", 2); err != nil || len(rows) != 2 || !rows[1].Start.Equal(queried(now)[3].Start) || stripped(rows[1]) != stripped(queried(now)[3]) {
		t.Errorf("limit 2: %+v, %v", rows, err)
	}
}

// A condition that cannot be answered says why, and one that does more than read is
// refused.
func TestTraceFindErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	s := openTrace(t, path, tracedb.Options{})
	var many []player.TraceRow
	for flow := range uint64(200) {
		many = append(many, selected(flow+1)...)
	}
	if err := s.Append(many); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{
		"":                                  "give 1 to 4096 bytes",
		" \n":                               "give 1 to 4096 bytes",
		strings.Repeat("1+", 2100):          "give 1 to 4096 bytes",
		"tok > 1":                           "no such column: tok, at byte 1. The columns are flow, id, cause,",
		"took_us > > 5":                     `near ">": syntax error, at byte 11`,
		"flow = 3 und err":                  `near "und": syntax error`,
		"(err IS NULL":                      "syntax error",
		"err IS NULL)":                      `near ")": syntax error`,
		"rule = 'open":                      "unrecognized token",
		"rule = open":                       "no such column: open",
		"fild(input, 'x') = 1":              "no such function: fild",
		"field(input) = 1":                  "wrong number of arguments to function field()",
		"flow = ?":                          "without ; or parameters",
		"flow = :flow":                      "without ; or parameters",
		"true; DROP TABLE runs":             "without ; or parameters",
		"DELETE FROM runs":                  "syntax error",
		"abs(-9223372036854775807 - 1) > 0": "integer overflow",
		"length(zeroblob(2000000000)) > 0":  "too big",
		"(SELECT count(*) FROM pragma_user_version) = 1": "not authorized",
		"load_extension('x')":                            "not authorized",
		"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0": "not authorized",
	} {
		rows, err := s.Find(where, 0)
		if player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), want) || len(rows) > 0 {
			t.Errorf("%q: %d rows, %v (%s), want %q", where, len(rows), err, player.CodeOf(err), want)
		}
	}
	hasty := openTrace(t, path, tracedb.Options{ReadOnly: true, Patience: time.Millisecond})
	_, err := hasty.Find("(SELECT count(*) FROM actions a, actions b, actions c) > 1", 0)
	if refused(t, err, "no answer within 1ms: ask for less"); player.CodeOf(err) != player.Invalid {
		t.Errorf("%v has code %s", err, player.CodeOf(err))
	}
	if rows, err := s.Find("true", 10_000); err != nil || len(rows) != len(many) {
		t.Errorf("afterwards there are %d rows of %d, %v", len(rows), len(many), err)
	}
}

// No condition changes the trace, and none fails but as Invalid.
func FuzzTraceFind(f *testing.F) {
	for _, where := range []string{
		"err IS NULL", "NOT (err IS NOT NULL OR took_us > 1000) AND field(input, 'seed') = 2", "rule LIKE 'A%' OR start > '2026'",
		"true; DELETE FROM runs", "1) OR (1", "flow IN (SELECT flow FROM rows_0)", "field(input, x'00') = ?", "rule GLOB '[*'", "\x00", "action = '\xff'",
	} {
		f.Add(where)
	}
	s, err := tracedb.Open(filepath.Join(f.TempDir(), "trace.db"), tracedb.Options{Busy: 10 * time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	rows := queried(noon)
	if err := s.Append(rows); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, where string) {
		if _, err := s.Find(where, 0); err != nil && player.CodeOf(err) != player.Invalid {
			t.Fatalf("%q: %v has code %s", where, err, player.CodeOf(err))
		}
		if all, err := s.Find("true", 0); err != nil || len(all) != len(rows) {
			t.Fatalf("after %q there are %d rows of %d, %v", where, len(all), len(rows), err)
		}
	})
}

// field reads values that may look like fields themselves.
func TestField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, name, want string }{
		{"a=1 b=2", "b", "2"}, {"a=1 b=2", "c", ""}, {"flavor=flavor 00ff seed=2", "flavor", "flavor 00ff"},
		{`a="x b=3" b=4`, "b", "4"}, {`a="open b=3`, "b", "3"}, {"", "a", ""}, {"a", "a", ""}, {"a=", "a", ""}, {"a=b=c", "a", "b=c"},
	} {
		if got := tracedb.Field(c.text, c.name); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.name, c.text, got, c.want)
		}
	}
}
