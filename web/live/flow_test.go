package live_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/web/live"
)

// drawing is a row of a flow that is to be drawn.
func drawing(id, cause uint64, rule, trigger, action, in, out, failure string, took time.Duration) player.TraceRow {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return player.TraceRow{Flow: 7, ID: id, Cause: cause, Rule: rule, Trigger: trigger, Action: action, In: in, Out: out, Err: failure,
		Took: took, Start: at.Add(time.Duration(id) * time.Microsecond)}
}

func drawnFlows() map[string]player.Flow {
	const rule, low = "AutoSelectWhenQueueLow", "ap::Queue::depthChanged"
	us := time.Microsecond
	down := drawing(1, 0, "", "", "ap::Queue::playDown", "at=50803200000000 seed=12345", "", "", 700)
	return map[string]player.Flow{
		"empty": {Token: 7},
		"selection": {Token: 7, Rows: []player.TraceRow{
			down,
			drawing(2, 1, rule, low, "pd::Timeslots::flavorAt", "target=50803200000000", "flavor=flavor 0123456789abcdef", "", 104*us),
			drawing(3, 1, rule, low, "pd::Director::select", "target=50803200000000 flavor=flavor 0123456789abcdef seed=12345", "passage=42 length=6773760000", "", 3104*us),
			drawing(4, 1, rule, low, "ap::Queue::enqueue", "passage=42 length=6773760000", "", "", 2*us),
			drawing(6, 4, "RequestDecodeWhenEnqueued", "ap::Queue::enqueue", "ap::Decoder::request", "passage=42", "", "", 2*us),
			drawing(5, 1, rule, low, "pd::Cooldowns::record", "passage=42 target=50803200000000", "", `cooldowns: record: unavailable: <disk> & "full" \`, 90*us),
		}},
		"lost": {Token: 7, Rows: []player.TraceRow{ // its module's rows are gone
			drawing(9, 8, "NotifyWhenSelectionFails", "pd::Director::failed", "ui::Notices::show", "text=\"</text><script>alert(1)</script>\"", "", "", 90*us),
			drawing(10, 9, "LogIt", "ui::Notices::shown", "log::Messages::append", "text=\"\x1b[31m\xff\u202e\"", "", "", 9*us),
			drawing(11, 10, "Odd", "x", "Unnamed", "", "", "", 9*us),
		}},
		"circle": {Token: 7, Rows: []player.TraceRow{
			down,
			drawing(2, 3, "A", "b", "ap::A::a", "", "", "", us),
			drawing(3, 2, "B", "a", "ap::B::b", "", "", "", us),
			drawing(4, 4, "Self", "s", "pd::S::s", "", "", "", us),
			drawing(1, 1, "Twin", "t", "pd::T::t", "", "", "", us), // an id twice
		}},
	}
}

func TestFlowDrawings(t *testing.T) {
	t.Parallel()
	for name, f := range drawnFlows() {
		golden(t, "flow_"+name+".txt", []byte(live.FlowText(f)))
		golden(t, "flow_"+name+".dot", []byte(live.FlowDOT(f)))
		golden(t, "flow_"+name+".svg", live.FlowSVG(f))
		wellFormed(t, name, live.FlowSVG(f))
	}
}

// golden compares with a file of testdata, or writes it when the tests were run
// with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not as it was, or %v; look, and run with -update\n%s", path, err, got)
	}
}

// wellFormed checks that a picture is XML and holds nothing that could run.
func wellFormed(t *testing.T, name string, svg []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok && !strings.Contains(" svg title style rect path text g ", " "+e.Name.Local+" ") {
			t.Errorf("%s: element %s", name, e.Name.Local)
		}
	}
}

// The drawing of a flow of any size or depth is bounded, and counts the rest.
func TestFlowBounds(t *testing.T) {
	t.Parallel()
	wide := player.Flow{Token: 7, Rows: []player.TraceRow{drawing(1, 0, "", "", "ap::A::a", "", "", "", 1)}}
	deep := wide
	deep.Rows = append([]player.TraceRow(nil), wide.Rows...)
	long := strings.Repeat("x", 10_000)
	for i := uint64(2); i <= 20_000; i++ {
		wide.Rows = append(wide.Rows, drawing(i, 1, "R", "t", "ap::A::a", long, long, long, 1))
		deep.Rows = append(deep.Rows, drawing(i, i-1, "R", "t", "ap::A::a", "", "", "", 1))
	}
	for _, c := range []struct {
		name string
		flow player.Flow
		text int
		svg  int
	}{{"wide", wide, 18_000, 19_800}, {"deep", deep, 19_936, 19_936}} {
		text, dot, svg := live.FlowText(c.flow), live.FlowDOT(c.flow), string(live.FlowSVG(c.flow))
		if want := fmt.Sprintf("… and %d actions more, not drawn", c.text); !strings.Contains(text, want) {
			t.Errorf("%s: text does not say %q", c.name, want)
		}
		for kind, drawn := range map[string]string{"dot": dot, "svg": svg} {
			if want := fmt.Sprintf("%d actions more, not drawn", c.svg); !strings.Contains(drawn, want) {
				t.Errorf("%s: %s does not say %q", c.name, kind, want)
			}
		}
		if len(text) > 3<<20 || len(dot) > 1<<20 || len(svg) > 1<<20 {
			t.Errorf("%s: text of %d, DOT of %d, SVG of %d bytes", c.name, len(text), len(dot), len(svg))
		}
		wellFormed(t, c.name, []byte(svg))
	}
	broken := strings.Repeat("\xff", 10_000) + "the end" // is one sign, and more than is looked at
	if text := live.FlowText(player.Flow{Rows: []player.TraceRow{drawing(1, 0, "", "", "ap::A::a", broken, "", "", 1)}}); !strings.Contains(text, "(\uFFFD…)") {
		t.Errorf("text does not say that it is cut: %q", text)
	}
}

// No text that a user may have said breaks a picture.
func FuzzFlowSVG(f *testing.F) {
	f.Add("ap::Queue::enqueue", "passage=1", "<script>", uint64(3))
	f.Add("\x00\xff", "]]>&amp;", "\u202e\ufffe", uint64(0))
	f.Fuzz(func(t *testing.T, action, in, failure string, cause uint64) {
		flow := player.Flow{Rows: []player.TraceRow{drawing(1, cause, in, action, action, in, in, failure, 1), drawing(cause, 1, action, in, in, action, failure, "", 2)}}
		wellFormed(t, "fuzzed", live.FlowSVG(flow))
		if text := live.FlowText(flow); strings.Count(text, "\n") > 4 || strings.ContainsAny(text, "\x1b\r\x00") {
			t.Errorf("text steers a terminal: %q", text)
		}
		if dot := live.FlowDOT(flow); strings.Count(dot, "\n") > 12 {
			t.Errorf("a label broke out: %q", dot)
		}
	})
}
