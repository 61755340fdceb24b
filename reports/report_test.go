package reports

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"html"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"

	"rubato/results"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	dir, run, _ := writtenFixture(t)
	for _, name := range []string{"bench.txt", "report.md"} {
		golden(t, name, read(t, dir, name))
	}
	figures, err := figuresTable(run)
	if err == nil {
		t.Errorf("figures of a run with an invalid cell were written:\n%s", figures)
	}
}

// TestEmbed: figures are written between the markers and nowhere else, or nothing is.
func TestEmbed(t *testing.T) {
	t.Parallel()
	_, run, _ := writtenFixture(t)
	path := filepath.Join(t.TempDir(), "README.md")
	const before, after = "# title\n" + figuresBegin, figuresEnd + "\nrest\n"
	if err := os.WriteFile(path, []byte(before+"old\n"+after), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Embed(path, run); err == nil {
		t.Error("a run with an invalid cell was embedded")
	}
	whole := *run // the fixture belongs to other tests, too
	whole.Cells = slices.DeleteFunc(slices.Clone(run.Cells), func(c results.Cell) bool { return c.Verdict == results.Invalid })
	whole.Incomplete = ""
	if err := Embed(path, &whole); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "figures.md", string(data))
	if err := os.WriteFile(path, []byte("no markers"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Embed(path, run); err == nil {
		t.Error("a file without markers was written to")
	}
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readPage is the page without its own script, which its policy names and must be the only one.
func readPage(t testing.TB, dir string) string {
	t.Helper()
	page, own := read(t, dir, "report.html"), "<script>"+pageJS+"</script>"
	sum := sha256.Sum256([]byte(pageJS))
	policy := "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'\""
	if strings.Count(page, own) != 1 || !strings.Contains(html.UnescapeString(page), policy) {
		t.Errorf("%s: the page's own script, or its policy %s, is not there once", dir, policy)
	}
	return strings.Replace(page, own, "", 1)
}

// Nothing but the files promised is left, and none of them is empty.
func TestWriteLeavesNothingElse(t *testing.T) {
	t.Parallel()
	dir, _, _ := writtenFixture(t)
	var got []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if info, err := e.Info(); err != nil || info.Size() == 0 {
			t.Errorf("%s: empty, %v", path, err)
		}
		if name, _ := filepath.Rel(dir, path); filepath.Dir(name) == "." {
			got = append(got, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "bench.txt machine.json report.html report.md results.json results.jsonl"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriteSaysWhere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	put(t, filepath.Dir(file), "file", "in the way")
	if err := Write(filepath.Join(file, "out"), fixtureRun(), results.Details{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

// What benchstat -col /style does: one column a style, pooled over the rounds.
func TestBenchIsReadByBenchproc(t *testing.T) {
	t.Parallel()
	dir, _, _ := writtenFixture(t)
	filter, err := benchproc.NewFilter("*")
	if err != nil {
		t.Fatal(err)
	}
	var parser benchproc.ProjectionParser
	column, err := parser.Parse("/style", filter)
	if err != nil {
		t.Fatal(err)
	}
	table, err := parser.Parse(".fullname,.config", filter)
	if err != nil {
		t.Fatal(err)
	}
	rounds := map[string]int{}
	in := benchfmt.NewReader(strings.NewReader(read(t, dir, "bench.txt")), "bench.txt")
	for in.Scan() {
		result, ok := in.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("not a result: %v", in.Result())
		}
		rounds[fmt.Sprintf("%v %v", column.Project(result), table.Project(result))]++
		for _, unit := range []string{"sec/op", "p50-sec/op", "p99-sec/op", "cpu-sec/op", "B/op", "allocs/op"} {
			if v, ok := result.Value(unit); !ok || v <= 0 {
				t.Errorf("%s: %s is %v", result.Name, unit, v)
			}
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for key, n := range rounds {
		total += n
		if !strings.Contains(key, "goos:linux") || !strings.Contains(key, "pkg:rubato") || (n != 12 && n != 4) {
			t.Errorf("%s: %d rounds", key, n)
		}
	}
	if len(rounds) != 8 || total != 5*12+3*4 { // nats batched is invalid
		t.Errorf("%d cells, %d lines: %v", len(rounds), total, rounds)
	}
}

func TestCamel(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"queue-low": "QueueLow", "message-log": "MessageLog", "sse": "Sse", "": "", "a b/c=d": "ABCD", "été-2": "Été2"} {
		if got := camel(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

const hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;|`[x](javascript:alert(1))\n# head\x00\u202e"

// hostileRun has such names wherever a name can be; its profile is in dir.
func hostileRun(t testing.TB, dir string) (*results.Run, results.Details) {
	t.Helper()
	run, d := fixture(t)
	rename := map[string]string{}
	for i := range run.Cells {
		c := &run.Cells[i]
		was := c.Key()
		if c.Scenario == "message-log" {
			c.Scenario = hostile
			c.Options[hostile] = hostile
			c.Named = []string{hostile, "mode"}
		}
		if c.Style == "bus" {
			c.Style = hostile
		}
		rename[was] = c.Key()
	}
	for i := range d.Blocks {
		d.Blocks[i].Figures = map[string]float64{hostile: 1}
		d.Blocks[i].Cell = rename[d.Blocks[i].Cell]
	}
	for i := range d.Samples {
		d.Samples[i].Cell = rename[d.Samples[i].Cell]
	}
	run.Scenarios[0].Claims[0] = results.Claim{Text: hostile, Source: hostile, Kind: hostile, Quantity: hostile, Hi: 1}
	run.Scenarios[1] = results.Scenario{Name: hostile, Answers: hostile, Op: hostile,
		Measures: []results.Measure{{Name: hostile, Doc: hostile}}, Claims: []results.Claim{{Text: "x", Quantity: results.MeasurePrefix + hostile}}}
	run.Machine.CPU, run.Machine.Warnings, run.Incomplete, run.Command = hostile, []string{hostile}, hostile, []string{hostile}
	writeProfile(t, filepath.Join(dir, "p.pb.gz"), map[string]int64{hostile: 5})
	d.Profiles = []results.Profile{{Cell: run.Cells[1].Key(), Kind: "cpu", Path: "p.pb.gz"}}
	Summarize(run, d)
	run.Cells[0].Warn(hostile)
	return run, d
}

// Names come from whoever wrote the scenario, or the results: none may become markup.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run, d := hostileRun(t, dir)
	if err := Write(dir, run, d); err != nil {
		t.Fatal(err)
	}
	page := readPage(t, dir)
	for _, bad := range []string{"<script", "<img", "\u202e", "\x00"} {
		if strings.Contains(page, bad) {
			t.Errorf("report.html contains %q", bad)
		}
	}
	// Text and quoted values may say onerror; an element may not.
	unquoted := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(page, "")
	if m := regexp.MustCompile(`<[^>]*\son\w+=`).FindString(unquoted); m != "" {
		t.Errorf("report.html: %s", m)
	}
	md := read(t, dir, "report.md")
	for _, bad := range []string{"<script", "<img", " [x]", "`[x]", "\n# head", "\u202e"} {
		if strings.Contains(md, bad) {
			t.Errorf("report.md contains %q", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(md, "&lt;script&gt;") {
		t.Error("the name is not shown")
	}
	for _, e := range entries(t, filepath.Join(dir, plotsFolder)) {
		if !regexp.MustCompile(`^[a-z0-9-]+\.(svg|png)$`).MatchString(e) {
			t.Errorf("plot named %q", e)
		}
	}
	plotsAreValid(t, dir)
}

func entries(t testing.TB, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// The page asks for nothing beyond itself.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	dir, _, _ := writtenFixture(t)
	page := readPage(t, dir)
	if m := regexp.MustCompile(`(?i)(src|href)\s*=\s*"[^#"][^"]*"|url\(|@import|<link|<script|<iframe`).FindString(page); m != "" {
		t.Errorf("found %q", m)
	}
	if n := strings.Count(page, "<svg role="); n != 8 {
		t.Errorf("%d drawings, want 8", n)
	}
	for _, want := range []string{"prefers-color-scheme: dark", "@media print", "Content-Security-Policy", "invalid: round 11: 2 of 400"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.TrimPrefix(want, "invalid: ")) {
			t.Errorf("lacks %q", want)
		}
	}
}

// An invalid cell has no time anywhere: not in the page, the lines or the summary.
func TestVoidCellHasNoFigure(t *testing.T) {
	t.Parallel()
	dir, run, d := writtenFixture(t)
	var invalid *results.Cell
	for i := range run.Cells {
		if run.Cells[i].Verdict == results.Invalid {
			invalid = &run.Cells[i]
		}
	}
	if invalid == nil || invalid.Style != "nats" || invalid.Options["mode"] != "batched" {
		t.Fatalf("invalid: %+v", invalid)
	}
	b := roundsOf(invalid, d.Blocks)[0]
	time := nanoseconds(float64(b.Wall) / float64(b.Ops))
	for _, name := range []string{"report.html", "report.md", "bench.txt"} {
		for line := range strings.Lines(read(t, dir, name)) {
			if strings.Contains(line, "nats") && strings.Contains(line, "batched") && strings.Contains(line, time) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
	if bench := read(t, dir, "bench.txt"); strings.Contains(bench, "style=nats/mode=batched") || !strings.Contains(bench, "# invalid: message-log/nats/mode=batched") {
		t.Error("bench.txt does not treat the cell as invalid")
	}
	if svg := read(t, dir, "plots/message-log-mode-batched-latency.svg"); strings.Contains(svg, "nats") {
		t.Error("the invalid cell is drawn")
	}
}

func TestPlots(t *testing.T) {
	t.Parallel()
	dir, _, _ := writtenFixture(t)
	plotsAreValid(t, dir)
	svg := read(t, dir, "plots/queue-low-ratio.svg")
	for _, want := range []string{"time against direct", "bus", "nats", "×1.12", "µs", "a trial", "prefers-color-scheme: dark"} {
		if !strings.Contains(svg, want) {
			t.Errorf("ratio lacks %q", want)
		}
	}
	for _, want := range []string{"99.9\u00a0%", "p99.9 ", "max ", "direct"} {
		if !strings.Contains(read(t, dir, "plots/queue-low-latency.svg"), want) {
			t.Errorf("latency lacks %q", want)
		}
	}
}

// plotsAreValid decodes each: an SVG with text and paths, a PNG with several colours.
func plotsAreValid(t *testing.T, dir string) {
	t.Helper()
	names := entries(t, filepath.Join(dir, plotsFolder))
	if len(names) != 16 {
		t.Errorf("%d plots, want 16: %q", len(names), names)
	}
	for _, name := range names {
		data := read(t, dir, filepath.Join(plotsFolder, name))
		if strings.HasSuffix(name, ".svg") {
			svgIsValid(t, name, data)
			continue
		}
		img, err := png.Decode(strings.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		colours := map[color.Color]bool{}
		for y := 0; y < img.Bounds().Dy() && len(colours) < 10; y++ {
			for x := range img.Bounds().Dx() {
				colours[img.At(x, y)] = true
			}
		}
		if len(colours) < 10 || img.Bounds().Dx() < 1000 {
			t.Errorf("%s: %d colours, %v", name, len(colours), img.Bounds())
		}
	}
}

func svgIsValid(t *testing.T, name, data string) {
	t.Helper()
	in, seen := xml.NewDecoder(strings.NewReader(data)), map[string]int{}
	for {
		token, err := in.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if e, ok := token.(xml.StartElement); ok {
			seen[e.Name.Local]++
		}
	}
	if seen["svg"] != 1 || seen["text"] < 5 || seen["path"] < 5 || seen["script"] > 0 {
		t.Errorf("%s: %v", name, seen)
	}
}
