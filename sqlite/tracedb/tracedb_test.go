package tracedb_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite/tracedb"
)

func openTrace(t testing.TB, path string, options tracedb.Options) *tracedb.Store {
	t.Helper()
	if options.Busy == 0 {
		options.Busy = 20 * time.Millisecond
	}
	s, err := tracedb.Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// selected are rows of one flow as the player's rule leaves them, a second after
// those of the flow before.
func selected(flow uint64) []player.TraceRow {
	at := noon.Add(time.Duration(flow) * time.Second)
	id := flow * 10
	row := func(n uint64, action, in, out string) player.TraceRow {
		return player.TraceRow{Flow: flow, ID: id + n, Cause: id, Rule: "AutoSelectWhenQueueLow", Trigger: "ap::Queue::depthChanged",
			Action: action, Start: at.Add(time.Duration(n) * time.Microsecond), Took: time.Duration(n) * time.Microsecond, In: in, Out: out}
	}
	rows := []player.TraceRow{
		row(0, "ap::Queue::playDown", "at=1 seed=2", ""),
		row(1, "pd::Timeslots::flavorAt", "target=5", "flavor=flavor 00ff"),
		row(2, "pd::Director::select", "target=5 flavor=flavor 00ff seed=2", fmt.Sprintf("passage=%d length=9", flow%7)),
		row(3, "ap::Queue::enqueue", fmt.Sprintf("passage=%d length=9", flow%7), ""),
		row(4, "pd::Cooldowns::record", fmt.Sprintf("passage=%d target=5", flow%7), ""),
	}
	rows[0].Cause, rows[0].Rule, rows[0].Trigger = 0, "", ""
	return rows
}

func appendFlows(t *testing.T, s *tracedb.Store, first, last uint64) {
	t.Helper()
	for flow := first; flow <= last; flow++ {
		if err := s.Append(selected(flow)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTraceFlow(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{})
	want := selected(3)
	want[2].Err, want[2].Out = "director: select: no-candidate", ""
	shares := slices.Concat(selected(1), want[3:], selected(2), want[:3]) // as modules hand in their shares
	if err := s.Append(shares); err != nil {
		t.Fatal(err)
	}
	got, found, err := s.Flow(3)
	if err != nil || !found || got.Token != 3 || !slices.Equal(got.Rows, want) {
		t.Errorf("flow 3: %+v, %v, %v\nwant %+v", got, found, err, want)
	}
	if _, found, err := s.Flow(4); found || err != nil {
		t.Errorf("flow 4, which is not there: %v, %v", found, err)
	}
	if err := s.Append(nil); err != nil {
		t.Errorf("no rows: %v", err)
	}
}

func TestTraceWhy(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{})
	appendFlows(t, s, 1, 30)
	decoy := selected(31)[3]
	decoy.In = `passage=99 title="a passage=4 b"`
	if err := s.Append([]player.TraceRow{decoy}); err != nil {
		t.Fatal(err)
	}
	tokens := func(passage int64, limit int) (out []uint64) {
		flows, err := s.Why(passage, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flows {
			out = append(out, f.Token)
		}
		return out
	}
	if got := tokens(4, 0); !slices.Equal(got, []uint64{25, 18, 11, 4}) {
		t.Errorf("passage 4 came by flows %v", got)
	}
	if got := tokens(4, 2); !slices.Equal(got, []uint64{25, 18}) {
		t.Errorf("the newest two are %v", got)
	}
	if got := tokens(99, 0); !slices.Equal(got, []uint64{31}) {
		t.Errorf("passage 99 came by %v", got)
	}
	if got := tokens(1234, 0); got != nil {
		t.Errorf("passage 1234 came by %v", got)
	}
}

func TestTraceCaused(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{})
	appendFlows(t, s, 1, 10)
	at := func(flow int) time.Time { return noon.Add(time.Duration(flow) * time.Second) }
	for name, c := range map[string]struct {
		rule     string
		from, to time.Time
		limit    int
		want     []uint64 // flows of the rows
	}{
		"a period":   {"AutoSelectWhenQueueLow", at(4), at(6), 0, []uint64{5, 5, 5, 5, 4, 4, 4, 4}},
		"to its end": {"AutoSelectWhenQueueLow", at(4), at(5).Add(2 * time.Microsecond), 0, []uint64{5, 5, 4, 4, 4, 4}},
		"open ends":  {"AutoSelectWhenQueueLow", time.Time{}, time.Time{}, 3, []uint64{10, 10, 10}},
		"afterwards": {"AutoSelectWhenQueueLow", at(11), time.Time{}, 0, nil},
		"another":    {"LogMessageWhenSaid", time.Time{}, time.Time{}, 0, nil},
	} {
		rows, err := s.Caused(c.rule, c.from, c.to, c.limit)
		var got []uint64
		for _, r := range rows {
			got = append(got, r.Flow)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: flows %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestTraceRules(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{Keep: 64})
	for flow := range uint64(8) {
		rows := selected(flow + 1)
		if flow%2 == 0 {
			rows[4].Err = "disk full"
		}
		if err := s.Append(rows); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Rules()
	want := []player.RecordedRule{
		{Rule: "", Actions: 8},
		{Rule: "AutoSelectWhenQueueLow", Actions: 32, Failures: 4, Mean: 2500, Max: 4 * time.Microsecond},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("rules %+v, %v\nwant %+v", got, err, want)
	}
}

// The oldest rows are dropped an eighth at a time. An Append is never kept in part.
func TestTraceKeeps(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{1, 3, 40} { // flows an Append
		path := filepath.Join(t.TempDir(), "trace.db")
		s := openTrace(t, path, tracedb.Options{Keep: 80})
		for flow := uint64(1); flow <= 120; flow += size {
			var rows []player.TraceRow
			for i := range size {
				rows = append(rows, selected(flow+i)...)
			}
			if err := s.Append(rows); err != nil {
				t.Fatal(err)
			}
			kept, err := s.Find("took_us >= 0", 1000)
			if err != nil || len(kept) > 80 || (flow > 20 && len(kept) < 70) {
				t.Fatalf("%d flows an append: after flow %d, %d rows are kept, %v", size, flow, len(kept), err)
			}
			if last := kept[0]; last.Flow != flow+size-1 || last.ID%10 != 4 {
				t.Fatalf("%d flows an append: the newest row is %+v", size, last)
			}
		}
	}
}

// A smaller bound for the same file: the surplus is dropped in time.
func TestTraceKeepsLess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	s := openTrace(t, path, tracedb.Options{Keep: 800})
	appendFlows(t, s, 1, 200)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTrace(t, path, tracedb.Options{Keep: 80})
	appendFlows(t, s, 1, 40)
	kept, err := s.Runs()
	if err != nil || len(kept) != 1 || kept[0].ID != 2 || kept[0].Rows < 70 || kept[0].Rows > 80 {
		t.Errorf("runs %+v, %v, want the second with 70 to 80 rows", kept, err)
	}
}

// Tokens repeat from run to run, and flows are not mixed.
func TestTraceRuns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	first := openTrace(t, path, tracedb.Options{})
	appendFlows(t, first, 1, 5)
	second := openTrace(t, path, tracedb.Options{}) // while the first is still open
	appendFlows(t, second, 1, 2)
	appendFlows(t, first, 6, 6)
	reader := openTrace(t, path, tracedb.Options{ReadOnly: true})
	for run, want := range map[int64]int{0: 2, 1: 6, 2: 2} {
		reader.ChooseRun(run)
		rows, err := reader.Find("action = 'ap::Queue::enqueue'", 0)
		if err != nil || len(rows) != want {
			t.Errorf("run %d: %d flows, %v, want %d", run, len(rows), err, want)
		}
		if f, _, err := reader.Flow(2); err != nil || len(f.Rows) != 5 {
			t.Errorf("run %d: flow 2 has %d rows, %v", run, len(f.Rows), err)
		}
	}
	reader.ChooseRun(3)
	if _, err := reader.Rules(); player.CodeOf(err) != player.NotFound || !strings.Contains(err.Error(), "no run 3; the newest is 2") {
		t.Errorf("run 3: %v", err)
	}
	reader.ChooseRun(0)
	runs, err := reader.Runs()
	if err != nil || len(runs) != 2 || runs[0].ID != 2 || runs[0].Rows != 10 || runs[1].Rows != 30 || !runs[1].Last.Equal(noon.Add(6*time.Second+4*time.Microsecond)) {
		t.Errorf("runs %+v, %v", runs, err)
	}
	if err := reader.Append(selected(1)); err == nil || !strings.Contains(err.Error(), "without ReadOnly") {
		t.Errorf("appended for reading: %v", err)
	}
}

// Asking leaves nothing beside the trace, and changes nothing in it.
func TestTraceReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	s := openTrace(t, path, tracedb.Options{})
	appendFlows(t, s, 1, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader := openTrace(t, path, tracedb.Options{ReadOnly: true})
	if flows, err := reader.Why(4, 0); err != nil || len(flows) != 1 {
		t.Errorf("why: %+v, %v", flows, err)
	}
	after, err := os.ReadFile(path)
	files, _ := filepath.Glob(path + "*")
	if err != nil || !bytes.Equal(before, after) || len(files) != 1 {
		t.Errorf("asking changed the trace or left %v, %v", files, err)
	}
}

// Modules append and questions are asked, all at once.
func TestTraceAtOnce(t *testing.T) {
	t.Parallel()
	s := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{Keep: 400, Busy: 10 * time.Second})
	var wait sync.WaitGroup
	for module := range uint64(3) {
		wait.Go(func() {
			for flow := range uint64(40) {
				if err := s.Append(selected(module*100 + flow)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Go(func() {
		for range 20 {
			flows, err := s.Why(3, 5)
			if err != nil {
				t.Error(err)
			}
			for _, f := range flows {
				if len(f.Rows) == 0 {
					t.Errorf("flow %d without rows", f.Token)
				}
			}
		}
	})
	wait.Wait()
}
