package tracedb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite/tracedb"
)

// resumes checks that what is appended now can be read.
func resumes(t *testing.T, s *tracedb.Store, flow uint64) {
	t.Helper()
	appendFlows(t, s, flow, flow)
	if f, found, err := s.Flow(flow); err != nil || !found || len(f.Rows) != 5 {
		t.Errorf("recording has not resumed: flow %d is %+v, %v, %v", flow, f, found, err)
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
}

func TestTraceLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	s := openTrace(t, path, tracedb.Options{})
	appendFlows(t, s, 1, 1)
	release := lock(t, path)
	refused(t, s.Append(selected(2)), "another process has it locked")
	refused(t, s.Append(selected(3)), "another process has it locked")
	if f, found, err := s.Flow(1); !found || err != nil {
		t.Errorf("while another process writes, flow 1 is %+v, %v", f, err)
	}
	release()
	resumes(t, s, 4)
	if _, found, err := s.Flow(2); found || err != nil {
		t.Errorf("a refused append left rows, or %v", err)
	}
	if runs, err := s.Runs(); err != nil || len(runs) != 1 {
		t.Errorf("runs %+v, %v, want one: the player did not start again", runs, err)
	}
}

func TestTraceGone(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "other.db")
	foreign := openTrace(t, other, tracedb.Options{})
	appendFlows(t, foreign, 50, 50)
	if err := foreign.Close(); err != nil {
		t.Fatal(err)
	}
	for name, harm := range map[string]func(path string) error{
		"removed":     os.Remove,
		"moved":       func(path string) error { return os.Rename(path, path+".old") },
		"replaced":    func(path string) error { return os.Rename(other, path) },
		"all removed": func(path string) error { return os.RemoveAll(filepath.Dir(path) + "/") },
	} {
		path := filepath.Join(t.TempDir(), "in", "trace.db")
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		s := openTrace(t, path, tracedb.Options{})
		appendFlows(t, s, 1, 3)
		if err := harm(path); err != nil {
			t.Fatal(name, err)
		}
		if name == "all removed" {
			refused(t, s.Append(selected(4)), "no such file")
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		resumes(t, s, 5)
		if _, found, err := s.Flow(1); found || err != nil {
			t.Errorf("%s: the new file has what was in the old one, or %v", name, err)
		}
	}
}

// A file that becomes unreadable while the player runs is refused until it is removed.
func TestTraceSpoilt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	s := openTrace(t, path, tracedb.Options{})
	appendFlows(t, s, 1, 1)
	text := path + ".text"
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(text, path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		refused(t, s.Append(selected(2)), "not an intact SQLite database: move it away")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	resumes(t, s, 3)
}

func TestOpenTraceRefuses(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(t.TempDir(), "later.db")
	if err := openTrace(t, later, tracedb.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	number(t, later, "PRAGMA user_version = 7")
	reading := tracedb.Options{ReadOnly: true}
	for name, c := range map[string]struct {
		path    string
		options tracedb.Options
		want    string
	}{
		"text":             {text, tracedb.Options{}, "not an intact SQLite database: move it away"},
		"a library":        {library(t), tracedb.Options{}, "not a trace of rubato: give another path"},
		"another schema":   {later, tracedb.Options{}, "schema version 7, this program knows 1: move it away"},
		"a folder":         {t.TempDir(), tracedb.Options{}, "not a regular file"},
		"memory":           {":memory:", tracedb.Options{}, "names no file"},
		"no folder":        {filepath.Join(t.TempDir(), "no", "trace.db"), tracedb.Options{}, "no such file, or its folder"},
		"read missing":     {filepath.Join(t.TempDir(), "missing.db"), reading, "no such file"},
		"read empty":       {empty, reading, "is empty"},
		"read text":        {text, reading, "not an intact SQLite database"},
		"read a library":   {library(t), reading, "not a trace of rubato"},
		"read other later": {later, reading, "schema version 7"},
	} {
		s, err := tracedb.Open(c.path, c.options)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: error %v, want the path and %q in it", name, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(later), "missing.db")); err == nil {
		t.Error("reading made a file")
	}
}

// Opening a file that is not a trace does not change it.
func TestTraceLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	path := library(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tracedb.Open(path, tracedb.Options{}); err == nil {
		t.Fatal("a library was opened as a trace")
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the library was changed, or %v", err)
	}
}

func TestTraceClosed(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{Busy: time.Second})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, _, flow := s.Flow(1)
	for name, err := range map[string]error{"Append": s.Append(selected(1)), "Flow": flow} {
		if player.CodeOf(err) != player.Closed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// An append that fails halfway leaves no rows, kinds or numbers behind.
func TestTraceFullHalfway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	s := openTrace(t, path, tracedb.Options{})
	appendFlows(t, s, 1, 1)
	if err := tracedb.LimitTrace(s, number(t, path, "PRAGMA page_count")+2); err != nil {
		t.Fatal(err)
	}
	var rows []player.TraceRow
	for flow := range uint64(1000) {
		rows = append(rows, selected(flow+2)...)
		rows[len(rows)-1].Action = "pd::Cooldowns::renew" // a new kind
	}
	for range 2 {
		refused(t, s.Append(rows), "the disk is full: free some space")
	}
	if err := tracedb.LimitTrace(s, 1<<30); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(rows[:10]); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Find("true", 100); err != nil || len(all) != 15 {
		t.Errorf("%d rows, %v, want 15", len(all), err)
	}
	if last := number(t, path, "SELECT max(seq) FROM rows_0"); last != 15 {
		t.Errorf("the last row has number %d, want 15: numbers without gaps", last)
	}
	if runs, err := s.Runs(); err != nil || len(runs) != 1 {
		t.Errorf("runs %+v, %v, want one", runs, err)
	}
}
