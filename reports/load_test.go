package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rubato/results"
)

func writeRaw(t testing.TB, dir string, run *results.Run, d results.Details) {
	header := *run
	header.Cells = nil
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	lines := []results.Line{{Run: &header}}
	for i := range d.Blocks {
		lines = append(lines, results.Line{Block: &d.Blocks[i]})
	}
	for i := range d.Samples {
		lines = append(lines, results.Line{Sample: &d.Samples[i]})
	}
	for i := range d.Profiles {
		lines = append(lines, results.Line{Profile: &d.Profiles[i]})
	}
	lines = append(lines, results.Line{Run: run})
	for _, l := range lines {
		if err := out.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, results.RawFile), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir, run, d := writtenFixture(t)
	got, details, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(details, d) {
		t.Error("details came back different")
	}
	same(t, "loaded", got, run)
	Summarize(got, details)
	same(t, "loaded and summarized again", got, run)
}

func same(t *testing.T, what string, got, want *results.Run) {
	t.Helper()
	g, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.MarshalIndent(want, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if string(g) != string(w) {
		t.Errorf("%s: %s", what, firstDifference(string(g), string(w)))
	}
}

// A run that was killed has no summary and half a last line: what it had stays readable.
func TestBrokenRun(t *testing.T) {
	t.Parallel()
	from, whole, d := writtenFixture(t)
	dir, data := t.TempDir(), read(t, from, results.RawFile)
	closing := strings.LastIndex(strings.TrimSuffix(data, "\n"), "\n") + 1
	put(t, dir, results.RawFile, data[:closing-20])
	for _, p := range d.Profiles[:len(d.Profiles)-1] {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, p.Path)), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, dir, p.Path, read(t, from, p.Path))
	}
	run, details, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(run.Incomplete, "middle of line") {
		t.Errorf("incomplete: %q", run.Incomplete)
	}
	if len(details.Profiles) != len(d.Profiles)-1 || len(details.Blocks) != len(d.Blocks) {
		t.Errorf("%d profiles, %d blocks", len(details.Profiles), len(details.Blocks))
	}
	Summarize(run, details)
	for i, c := range run.Cells {
		if w := whole.Cells[i]; c.Key() != w.Key() || c.NsOp != w.NsOp || c.Verdict != w.Verdict || !reflect.DeepEqual(c.Named, w.Named) {
			t.Errorf("cell %s %v %s %q, want %s %v %s %q", c.Key(), c.NsOp, c.Verdict, c.Named, w.Key(), w.NsOp, w.Verdict, w.Named)
		}
	}
	if err := Write(dir, run, details); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, []byte("This run is incomplete: ")) {
		t.Error("the report does not say that the run is incomplete")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const first = `{"run":{"schema":1,"baseline":"direct"}}` + "\n"
	for name, c := range map[string]struct{ raw, summary, want string }{
		"nothing":             {"", "", "empty"},
		"later schema":        {`{"run":{"schema":3,"cells":7}}` + "\n", "", "line 1: schema 3 is later than 2"},
		"no schema":           {`{"run":{}}` + "\n", "", "names no schema"},
		"block first":         {`{"block":{"cell":"a/b"}}` + "\n", "", "line 1: the first line must be the run"},
		"two fields":          {first + `{"block":{},"sample":{}}` + "\n", "", "line 2: 2 of run"},
		"no field":            {first + "{}\n", "", "line 2: 0 of run"},
		"broken in the midst": {first + `{"block":` + "\n" + first, "", "line 2: unexpected end"},
		"wrong kind":          {first + `{"block":{"ops":"many"}}` + "\n", "", "line 2: json: cannot unmarshal string"},
		"cut first line":      {`{"run":{"sche`, "", "line 1: unexpected end"},
		"bad key":             {first + `{"block":{"cell":"only"}}` + "\n", "", `cell "only": want scenario/style`},
		"key of another":      {first + `{"block":{"cell":"a/b/z=1/c=2"}}` + "\n", "", "not a key that rubato writes"},
		"profile outside":     {first + `{"profile":{"path":"../../etc/passwd"}}` + "\n", "", "outside the folder"},
		"long line":           {first + `{"block":"` + strings.Repeat("x", results.MaxLine) + `"}` + "\n", "", "line 2: over 8388608 bytes"},
		"negative round":      {first + `{"block":{"cell":"a/b","round":-1,"ops":1,"wall":1}}` + "\n", "", "line 2: block of cell a/b, round -1: a number or time is -1, below zero"},
		"negative ops":        {first + `{"block":{"cell":"a/b","ops":-4,"wall":1}}` + "\n", "", "-4, below zero"},
		"negative slice":      {first + `{"block":{"cell":"a/b","ops":4,"wall":1,"slices":[3,-2],"slice_ops":2}}` + "\n", "", "-2, below zero"},
		"another run":         {first + `{"run":{"schema":1,"started":"2026-01-02T03:04:05Z"}}` + "\n", "", "line 2: a second run begins here"},
		"twice":               {first + first + first, "", "line 3: a second run begins here"},
		"more after the end":  {first + first + `{"block":{"cell":"a/b","ops":1,"wall":1}}` + "\n", "", "line 3: a second run begins here"},
		"summary: of another": {first, `{"schema":2,"started":"2026-01-02T03:04:05Z"}`, "are of two runs"},
		"summary: rounds":     {first, `{"schema":2,"cells":[{"scenario":"s","style":"d","rounds":-3}]}`, "cell s/d: a number of rounds or operations is -3"},
		"summary: later":      {first, `{"schema":9}`, "schema 9 is later"},
		"summary: not JSON":   {first, "{\n\"schema\": 1,\n\"cells\": oops}", "results.json: line 3: invalid character 'o'"},
		"summary: kind":       {first, "{\"schema\": 2,\n\"cells\": 5}", "results.json: line 2: json: cannot unmarshal number"},
		"summary: outside":    {first, `{"schema":1,"profiles":[{"path":"/etc/passwd"}]}`, "outside the folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir, results.RawFile, c.raw)
			if c.summary != "" {
				put(t, dir, results.SummaryFile, c.summary)
			}
			_, _, err := results.Load(dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && !strings.Contains(err.Error(), dir) {
				t.Errorf("%v: does not name the file", err)
			}
		})
	}
	if _, _, err := results.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "give the folder of a run") {
		t.Errorf("empty folder: %v", err)
	}
}

func put(t *testing.T, dir, name, data string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What is between is what was known of the cells by then: a run killed after it
// keeps that, and adds what came later.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, results.RawFile, `{"run":{"schema":1,"baseline":"d"}}`+"\n"+
		`{"run":{"schema":1,"baseline":"d","incomplete":"stopped","cells":[{"scenario":"s","style":"d","options":{},"named":["x"],"work":{"digest":"e"}}]}}`+"\n"+
		`{"block":{"cell":"s/late"}}`+"\n"+`{"blo`)
	run, _, err := results.Load(dir)
	if err != nil || len(run.Cells) != 2 || run.Cells[0].Work.Digest != "e" || run.Cells[0].Named[0] != "x" || run.Cells[1].Style != "late" {
		t.Errorf("run %+v, error %v", run, err)
	}
	if run.Incomplete != "stopped; results.jsonl ends in the middle of line 4" {
		t.Errorf("incomplete: %q", run.Incomplete)
	}
}

// ownFixture is a copy of the fixture, to change.
func ownFixture(t *testing.T) (string, *results.Run) {
	t.Helper()
	from, run, _ := writtenFixture(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir, run
}

// Raw results without their closing record are those of a run that was cut off, whatever the
// summary says; and a summary that holds more than they do is fuller.
func TestNoClosingRecord(t *testing.T) {
	t.Parallel()
	dir, run := ownFixture(t)
	_, _, details := writtenFixture(t)
	if loses := results.Poorer(dir, run, details); loses != nil {
		t.Errorf("a run is poorer than its own summary: %q", loses)
	}
	lines := strings.SplitAfter(read(t, dir, results.RawFile), "\n")
	for name, left := range map[string][]string{"without the last line": lines[:len(lines)-2], "without any block": lines[:1]} {
		put(t, dir, results.RawFile, strings.Join(left, ""))
		got, details, err := results.Load(dir)
		if err != nil || !strings.Contains(got.Incomplete, "without its closing record") {
			t.Fatalf("%s: incomplete %q, %v", name, got.Incomplete, err)
		}
		Summarize(got, details)
		summary := read(t, dir, results.SummaryFile)
		if err := Write(dir, got, details); err == nil || !strings.Contains(err.Error(), "lacks the end of the run") || !strings.Contains(err.Error(), "move ") {
			t.Errorf("%s: %v", name, err)
		}
		if read(t, dir, results.SummaryFile) != summary {
			t.Errorf("%s: the summary was overwritten", name)
		}
	}
}

// A mark of the byte order, which editors of other systems put first, is no part of the text.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	dir, want := ownFixture(t)
	for _, name := range []string{results.SummaryFile, results.RawFile} {
		put(t, dir, name, "\ufeff"+strings.ReplaceAll(read(t, dir, name), "\n", "\r\n"))
	}
	got, _, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "with marks and carriage returns", got, want)
	if err := os.Remove(filepath.Join(dir, results.SummaryFile)); err != nil {
		t.Fatal(err)
	}
	if got, _, err = results.Load(dir); err != nil || got.Incomplete != "" {
		t.Errorf("raw: %v, incomplete %q", err, got.Incomplete)
	}
}

// The raw results carry the run when its summary is gone.
func TestLastLineCarriesTheRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, results.RawFile, `{"run":{"schema":1}}`+"\n\n"+`{"run":{"schema":1,"cells":[{"scenario":"s","style":"d"}]}}`)
	run, _, err := results.Load(dir)
	if err != nil || len(run.Cells) != 1 || run.Incomplete != "" {
		t.Errorf("run %+v, error %v", run, err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestReadErrorIsNotTheEnd(t *testing.T) {
	t.Parallel()
	if _, err := results.ParseRaw(brokenReader{}); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("got %v", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cell       results.Cell
		key, group string
	}{
		{results.Cell{Scenario: "message-log", Style: "bus", Options: map[string]string{"window": "1", "mode": "closed"}},
			"message-log/bus/mode=closed/window=1", "message-log/mode=closed/window=1"},
		{results.Cell{Scenario: "a", Style: "b"}, "a/b", "a"},
		{results.Cell{Scenario: "a/b", Style: "c=d", Options: map[string]string{"e": "f/g=h %"}},
			"a%2Fb/c%3Dd/e=f%2Fg%3Dh%20%25", "a%2Fb/e=f%2Fg%3Dh%20%25"},
	} {
		if c.cell.Key() != c.key || c.cell.GroupKey() != c.group {
			t.Errorf("%q and %q, want %q and %q", c.cell.Key(), c.cell.GroupKey(), c.key, c.group)
		}
		back, err := results.ParseKey(c.key)
		if err != nil || back.Key() != c.key || back.Scenario != c.cell.Scenario || back.Style != c.cell.Style {
			t.Errorf("%q reads back as %+v, %v", c.key, back, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("message-log/bus/mode=closed")
	f.Add("a%2/b")
	f.Fuzz(func(t *testing.T, key string) {
		c, err := results.ParseKey(key)
		if err != nil {
			return
		}
		again, err := results.ParseKey(c.Key())
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%q: %+v, then %+v, %v", key, c, again, err)
		}
	})
}

// Whatever a file holds, reading it ends in an error or in a run that can be summarized.
func FuzzLoadLines(f *testing.F) {
	f.Add([]byte(`{"run":{"schema":1,"baseline":"d"}}` + "\n" + `{"block":{"cell":"s/d","ops":1,"wall":5,"latency":"AAAA"}}` + "\n" + `{"sam`))
	f.Add([]byte(`{"run":{"schema":1}}` + "\n" + `{"profile":{"path":"a"}}` + "\n" + `{"sample":{"cell":"s/d"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := results.ParseRaw(bytes.NewReader(data))
		if err != nil {
			return
		}
		run, err := r.Run()
		if err != nil {
			return
		}
		Summarize(run, r.Details)
		for _, c := range run.Cells {
			if c.Verdict == results.Measured && !(c.NsOp.Median > 0) {
				t.Errorf("%s: measured, at %v", c.Key(), c.NsOp)
			}
		}
		if _, err := json.Marshal(run); err != nil {
			t.Errorf("cannot be written: %v", err)
		}
	})
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(`{"schema":1,"cells":[{"ns_op":{"median":1,"lo":null,"hi":2}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, _, err := results.ParseSummary(data)
		if err != nil {
			return
		}
		if _, err := json.Marshal(run); err != nil {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

// A page of what is left: lost profiles are named and not the end, names are text, and nothing
// is written.
func TestPageOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	dir, _ := ownFixture(t)
	const hostile = `<script>alert(1)</script>`
	key := strings.TrimPrefix((&results.Cell{Scenario: "s", Style: hostile}).Key(), "s")
	renamed := strings.NewReplacer(`"style": "bus"`, `"style": "`+hostile+`"`, `"style":"bus"`, `"style":"`+hostile+`"`, `/bus"`, key+`"`, `/bus/`, key+`/`)
	for _, name := range []string{results.SummaryFile, results.RawFile} {
		put(t, dir, name, renamed.Replace(read(t, dir, name)))
	}
	past, err := results.Read(os.DirFS(dir))
	if err != nil || len(past.Details.Profiles) < 2 {
		t.Fatal(err, len(past.Details.Profiles))
	}
	broken, outside := past.Details.Profiles[0].Path, past.Details.Profiles[1].Path
	put(t, dir, broken, "no profile")
	if err := errors.Join(os.Remove(filepath.Join(dir, outside)), os.Symlink("/etc/passwd", filepath.Join(dir, outside))); err != nil {
		t.Fatal(err)
	}
	past.Lacks = append(past.Lacks, "what is "+hostile)
	was := read(t, dir, results.SummaryFile)
	Summarize(past.Run, past.Details)
	page, err := Page(dir, past)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	if strings.Contains(text, hostile) || !strings.Contains(text, "&lt;script&gt;") {
		t.Error("a name is markup, or is not shown")
	}
	for _, want := range []string{broken + ", " + outside + ": the profile cannot be read", "<b>missing</b> what is &lt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if read(t, dir, results.SummaryFile) != was {
		t.Error("a page was written")
	}
	err = Write(dir, past.Run, past.Details)
	if err == nil || !strings.Contains(err.Error(), "lacks ") || !strings.Contains(err.Error(), broken) || read(t, dir, results.SummaryFile) != was {
		t.Errorf("the report was overwritten by one without profiles: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, results.ReportFile)); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, past.Run, past.Details); err != nil || !strings.Contains(read(t, dir, results.SummaryFile), `"lost": "cannot be read"`) {
		t.Errorf("nothing better is there any more: %v", err)
	}
	if err := Write(dir, past.Run, past.Details); err != nil {
		t.Errorf("a second time: %v", err)
	}
}
