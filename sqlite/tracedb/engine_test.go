package tracedb_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rubato/orchestrated"
	"rubato/player"
	"rubato/sqlite"
	"rubato/sqlite/tracedb"
)

// A real player, traced into a file while its queue runs low: why did each of its
// passages play?
func TestTraceOfPlayer(t *testing.T) {
	t.Parallel()
	trace := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{})
	p, err := orchestrated.Open(player.Config{Store: open(t, library(t)), Trace: player.Tracing{On: true, Sink: trace}})
	if err != nil {
		t.Fatal(err)
	}
	const flows = 20
	for i := range uint64(flows) {
		s := player.Stimulus{Kind: player.QueueLow, Seq: i + 1, At: sqlite.Epoch + player.Ticks(i)*player.Hour, Seed: i}
		if err := p.Do(s); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := p.Observe()
	if err != nil {
		t.Fatal(err)
	}
	live, ok := p.(player.Inspected).Flow(flows)
	if err := p.Close(); err != nil || !ok {
		t.Fatal(err, ok)
	}
	last := seen.Queue[len(seen.Queue)-1].Passage
	why, err := trace.Why(last, 0)
	if err != nil || len(why) == 0 {
		t.Fatalf("why passage %d: %v, %v", last, why, err)
	}
	if why[0].Token != flows || len(why[0].Rows) != len(live.Rows) {
		t.Errorf("stored %+v\nlive %+v", why[0], live)
	}
	for i, r := range why[0].Rows {
		if want := live.Rows[i]; !r.Start.Equal(want.Start) || stripped(r) != stripped(want) {
			t.Errorf("row %d: stored %+v, live %+v", i, r, want)
		}
	}
	root, enqueued := why[0].Rows[0], find(why[0], "ap::Queue::enqueue")
	if root.Cause != 0 || enqueued.Cause != root.ID || enqueued.Rule != "AutoSelectWhenQueueLow" ||
		!strings.Contains(enqueued.In, "passage="+strconv.FormatInt(last, 10)+" ") {
		t.Errorf("no way from root %+v to %+v", root, enqueued)
	}
	caused, err := trace.Caused("AutoSelectWhenQueueLow", time.Time{}, time.Time{}, 1000)
	if err != nil || len(caused) < flows*4 {
		t.Errorf("the rule caused %d rows, %v, want %d at least", len(caused), err, flows*4)
	}
}

func stripped(r player.TraceRow) player.TraceRow { r.Start = time.Time{}; return r }

func find(f player.Flow, action string) player.TraceRow {
	for _, r := range f.Rows {
		if r.Action == action {
			return r
		}
	}
	return player.TraceRow{}
}

// A locked trace costs the player nothing but rows, which are counted; recording
// resumes when the lock is gone.
func TestTraceOfPlayerLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	trace := openTrace(t, path, tracedb.Options{})
	p, err := orchestrated.Open(player.Config{Store: open(t, library(t)), Trace: player.Tracing{On: true, Sink: trace}})
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(0)
	say := func() {
		seq++
		s := player.Stimulus{Kind: player.MessageSaid, Seq: seq, Message: player.Message{Username: "ada", Text: "hear", At: sqlite.Epoch}}
		if err := p.Do(s); err != nil {
			t.Fatal(err)
		}
	}
	// until says something every few milliseconds until the loss is as wanted.
	until := func(what string, wanted func(player.Loss) bool) {
		ticker, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
		defer ticker.Stop()
		for !wanted(p.(player.Inspected).Lost()) {
			select {
			case <-ticker.C:
				say()
			case <-late:
				t.Fatalf("%s: %+v", what, p.(player.Inspected).Lost())
			}
		}
	}
	release := lock(t, path)
	until("a loss is reported", func(l player.Loss) bool { return l.Rows > 0 && strings.Contains(l.Err, "locked") })
	release()
	until("recovery is reported", func(l player.Loss) bool { return l.Err == "" })
	say()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	f, found, err := trace.Flow(seq)
	if err != nil || !found || find(f, "log::Users::count").Rule != "CountUserWhenSaid" {
		t.Errorf("flow %d: %+v, %v, %v", seq, f, found, err)
	}
	if seen, err := p.Observe(); err != nil || seen.Stored.Messages != int64(seq) {
		t.Errorf("of %d messages %d are stored, %v", seq, seen.Stored.Messages, err)
	}
}

// TestTraceOfSelection: a stored selection says what was asked and what was chosen. What it
// was chosen from is not in it, so it is as long for a large library as for a small one.
func TestTraceOfSelection(t *testing.T) {
	t.Parallel()
	size := func(passages int) (rows, bytes int) {
		trace := openTrace(t, filepath.Join(t.TempDir(), "trace.db"), tracedb.Options{})
		p, err := orchestrated.Open(player.Config{Store: open(t, made(t, passages)), Trace: player.Tracing{On: true, Sink: trace}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.Do(player.Stimulus{Kind: player.Suggestion, Seq: 1, At: sqlite.Epoch + player.Hour, Seed: 1}), p.Close()); err != nil {
			t.Fatal(err)
		}
		flow, found, err := trace.Flow(1)
		if err != nil || !found || !strings.HasPrefix(find(flow, "pd::Director::select").Out, "passage=") {
			t.Fatalf("%+v, %v", flow, err)
		}
		for _, r := range flow.Rows {
			bytes += len(r.In) + len(r.Out) + len(r.Err)
		}
		return len(flow.Rows), bytes
	}
	few, short := size(200)
	many, long := size(4000)
	const digits = 8 // more, of a longer number of a passage or of its length, in two rows
	if many != few || long > short+digits || short > 500 {
		t.Errorf("from 200 passages %d rows of %d bytes, from 4000 %d of %d", few, short, many, long)
	}
}

// TestPagesOfOneSize: the trace has pages as large as the library's; sqlite.PageSize says why.
func TestPagesOfOneSize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace.db")
	openTrace(t, path, tracedb.Options{})
	const pragma = "SELECT page_size FROM pragma_page_size"
	if trace, library := number(t, path, pragma), number(t, library(t), pragma); trace != library {
		t.Errorf("pages of %d bytes beside pages of %d", trace, library)
	}
}
