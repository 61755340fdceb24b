package reports

import (
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"

	"rubato/results"
)

// A picture is what a reader sees of a plot: texts and shapes by their place, read from the SVG.
type picture struct {
	texts  []placed
	shapes []placed
}

type placed struct {
	text, style string
	kind        string // of a shape: line, ring, disc or other
	x, y        float64
	radius      float64
}

var (
	roundPath = regexp.MustCompile(`^M([\d.]+),([\d.]+)A([\d.]+),`)
	linePath  = regexp.MustCompile(`^M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)$`)
)

func pictureOf(t *testing.T, svg string) (p picture) {
	t.Helper()
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	in := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := in.Token()
		if err == io.EOF {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		e, is := token.(xml.StartElement)
		if !is {
			continue
		}
		of := map[string]string{}
		for _, a := range e.Attr {
			of[a.Name.Local] = a.Value
		}
		at := placed{style: of["style"]}
		switch e.Name.Local {
		case "text":
			content, err := in.Token()
			if err != nil {
				t.Fatal(err)
			}
			if s, is := content.(xml.CharData); is {
				at.text, at.x, at.y = string(s), number(of["x"]), -number(of["y"])
				p.texts = append(p.texts, at)
			}
		case "path":
			d := strings.TrimSpace(of["d"])
			if m := roundPath.FindStringSubmatch(d); m != nil {
				at.radius = number(m[3])
				at.kind, at.x, at.y = "disc", number(m[1])-at.radius, number(m[2])
				if strings.Contains(at.style, "fill:none") {
					at.kind = "ring"
				}
			} else if m := linePath.FindStringSubmatch(d); m != nil {
				at.kind, at.x, at.y = "line", (number(m[1])+number(m[3]))/2, (number(m[2])+number(m[4]))/2
			}
			p.shapes = append(p.shapes, at)
		}
	}
}

// of are the shapes of a kind in a colour.
func (p picture) of(kind string, c pageColour) (found []placed) {
	for _, s := range p.shapes {
		if s.kind == kind && strings.Contains(s.style, hexOf(c.light)) {
			found = append(found, s)
		}
	}
	return found
}

// value reads the horizontal axis at a place, from the labels of its ticks.
func (p picture) value(t *testing.T, x float64) float64 {
	t.Helper()
	ticks := map[float64]float64{}
	lowest := math.Inf(1)
	for _, text := range p.texts {
		if _, err := strconv.ParseFloat(text.text, 64); err == nil {
			lowest = min(lowest, text.y)
		}
	}
	for _, text := range p.texts {
		if v, err := strconv.ParseFloat(text.text, 64); err == nil && text.y < lowest+1 {
			middle := text.x + float64(words(ink).Width(text.text))/2
			ticks[middle] = v
		}
	}
	if len(ticks) < 2 {
		t.Fatalf("the axis has the ticks %v", ticks)
	}
	places := make([]float64, 0, len(ticks))
	for at := range ticks {
		places = append(places, at)
	}
	left, right := slices.Min(places), slices.Max(places)
	return ticks[left] + (x-left)/(right-left)*(ticks[right]-ticks[left])
}

// The forest plot has a ring for every trial at its ratio, a line at each budget's value, and a grey
// area as wide as what the run cannot find.
func TestForest(t *testing.T) {
	t.Parallel()
	run, d := fixture(t)
	run.Scenarios, run.Cells = run.Scenarios[:1], run.Cells[:3]
	Summarize(run, d)
	bus := &run.Cells[1]
	bus.Judged = []results.Judged{{Budget: "b", Quantity: "ratio", Limit: 1.05}, {Budget: "far", Quantity: "ratio", Limit: 40}, {Budget: "µs", Quantity: "overhead_ns", Limit: 1.08}}
	bus.Targets = []results.Judged{{Budget: "t", Quantity: "ratio", Limit: 1.02}}
	p := paletteOf(run)
	s := p.forestOf(run, "queue-low", byCell(d.Blocks))
	drawn, err := s.draw()
	if err != nil {
		t.Fatal(err)
	}
	pic := pictureOf(t, string(drawn.svg))
	for i, cost := range []float64{1: 1.01, 2: 1.12} { // as the fixture was made
		if i == 0 {
			continue
		}
		rings := pic.of("ring", styled[i])
		if len(rings) != 12 {
			t.Errorf("%s: %d rings, want one for each of 12 trials", run.Cells[i].Style, len(rings))
		}
		for _, r := range rings {
			if v := pic.value(t, r.x); math.Abs(v-cost) > 0.05 {
				t.Errorf("%s: a trial at %.3f, it costs %v", run.Cells[i].Style, v, cost)
			}
		}
		if discs := pic.of("disc", styled[i]); len(discs) != 1 || math.Abs(pic.value(t, discs[0].x)-run.Cells[i].Ratio.Median) > 0.005 {
			t.Errorf("%s: the middle is at %v, want %v", run.Cells[i].Style, discs, run.Cells[i].Ratio.Median)
		}
	}
	var limits []float64
	for _, line := range pic.of("line", limited) {
		if line.x > 30 { // the others are in the key
			limits = append(limits, math.Round(pic.value(t, line.x)*1000)/1000)
		}
	}
	if want := []float64{1.02, 1.05}; !slices.Equal(limits, want) {
		t.Errorf("limits at %v, want %v", limits, want)
	}
	if !slices.ContainsFunc(pic.texts, func(p placed) bool { return p.text == "×40.0 →" }) {
		t.Error("the budget beyond the plot is not named")
	}
}

// tailBlock has a latency of i µs for the i-th of 1 000 operations, in turns of ten.
func tailBlock(t *testing.T, marks results.Marks) results.Block {
	t.Helper()
	h := hdr.New(1, int64(time.Minute), 3)
	b := results.Block{Ops: 1000, SliceOps: 10, Wall: time.Second, Marks: marks}
	for turn := range 100 {
		for op := range 10 {
			if err := h.RecordValue(int64(10*turn+op+1) * 1000); err != nil {
				t.Fatal(err)
			}
		}
		b.Slices, b.Slowest = append(b.Slices, 10*time.Millisecond), append(b.Slowest, time.Duration(10*turn+10)*time.Microsecond)
	}
	encoded, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	b.Latency = string(encoded)
	return b
}

// The curve goes through the percentiles, which the operations were made to have, to the slowest of
// all. Slow turns are those above p99 and no others, with what happened in them.
func TestTail(t *testing.T) {
	t.Parallel()
	marks := results.Marks{results.MarkCheckpoint: {98, 3}, results.MarkGC: {99, 98, 4, 5, 6}, results.MarkTrace: {}}
	tail, err := tailOf([]results.Block{tailBlock(t, marks), tailBlock(t, marks)})
	if err != nil {
		t.Fatal(err)
	}
	points := tail.curve()
	for _, want := range []struct{ percent, us float64 }{{50, 500}, {90, 900}, {99, 990}, {99.9, 999}} {
		x := -math.Log10(1 - want.percent/100)
		at := slices.IndexFunc(points, func(p plotter.XY) bool { return p.X >= x })
		if got := points[at].Y / 1000; math.Abs(got-want.us) > want.us/50 {
			t.Errorf("p%v is drawn at %.0f µs, want %v", want.percent, got, want.us)
		}
	}
	if last := points[len(points)-1]; math.Abs(last.X-math.Log10(2000)) > 1e-9 || math.Abs(last.Y-1e6) > 1000 {
		t.Errorf("the curve ends at %v, want the slowest of 2 000: 1 ms", last)
	}
	if got := tail.ends(); !strings.Contains(got, "p99.9 999") || !strings.Contains(got, "max 1.00") {
		t.Errorf("said %q", got)
	}
	if n := len(tail.slow()); n != 2 { // of each trial the last turn, from 991 µs on
		t.Errorf("%d slow turns: %v", n, tail.slow())
	}
	want := "of 2 turns with an operation above p99, 0 had a checkpoint (2.00 % of all turns do), 2 had garbage collection (5.00 % of all turns do), 0 nothing that is recorded."
	if got := strings.ReplaceAll(tail.explained(), noBreak, " "); got != " : "+want {
		t.Errorf("explained as %q\nwant %q", got, want)
	}
	old := tailBlock(t, nil)
	old.GCs = 7
	unknown, err := tailOf([]results.Block{old})
	if err != nil || len(unknown.slowest()) != 0 || unknown.known || unknown.gcs != 7 {
		t.Errorf("an older run: %+v, %v", unknown, err)
	}
}

// What happened in a slow turn is drawn at its latency and in its style's colour.
func TestTailMarks(t *testing.T) {
	t.Parallel()
	run, d := fixtureRun(), results.Details{}
	run.Scenarios, run.Cells = run.Scenarios[:1], run.Cells[:2]
	for i, c := range run.Cells {
		marks := []results.Marks{{results.MarkCheckpoint: {99}}, {results.MarkGC: {1}}}[i]
		for round := range 3 {
			b := tailBlock(t, marks)
			b.Cell, b.Round = c.Key(), round
			d.Blocks = append(d.Blocks, b)
		}
	}
	s, err := paletteOf(run).latencyPlot(groups(run)[0], byCell(d.Blocks))
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := s.draw()
	if err != nil {
		t.Fatal(err)
	}
	said := func(want string) bool {
		return slices.ContainsFunc(pictureOf(t, string(drawn.svg)).texts, func(p placed) bool { return strings.Contains(p.text, want) })
	}
	for text, want := range map[string]bool{"with a checkpoint": true, "cause not known": true, "garbage collection": false, "trace": false} {
		if said(text) != want {
			t.Errorf("the key says %q: %v, want %v", text, !want, want)
		}
	}
	if rings := pictureOf(t, string(drawn.svg)).of("ring", styled[1]); len(rings) != 3 {
		t.Errorf("%d rings in the colour of bus, want one for the slow turn of each of 3 trials", len(rings))
	}
}

// A style has one colour in all plots of a run, whichever comparison it is in, and no two colours are
// the same: a dark page finds each by its light value.
func TestOneColourAStyle(t *testing.T) {
	t.Parallel()
	dir, run, _ := writtenFixture(t)
	p := paletteOf(run)
	for _, c := range run.Cells {
		for _, name := range entries(t, filepath.Join(dir, plotsFolder)) {
			if !strings.HasSuffix(name, ".svg") || !strings.Contains(name, "spread") {
				continue
			}
			pic := pictureOf(t, read(t, dir, filepath.Join(plotsFolder, name)))
			shown := slices.ContainsFunc(pic.texts, func(p placed) bool { return strings.HasPrefix(p.text, c.Style) })
			coloured := slices.ContainsFunc(pic.shapes, func(s placed) bool { return strings.Contains(s.style, hexOf(p.colour(c.Style))) })
			if shown != coloured {
				t.Errorf("%s: %s is named: %v, has its colour: %v", name, c.Style, shown, coloured)
			}
		}
	}
	seen := map[string]bool{"#000000": true}
	for _, c := range slices.Concat([]pageColour{paper, ink, soft, pale, unseen, limited}, styled) {
		if seen[hexOf(c.light)] {
			t.Errorf("%s is there twice, or black", hexOf(c.light))
		}
		seen[hexOf(c.light)] = true
		if !strings.Contains(plotCSS(), fmt.Sprintf("fill:%s\"] { fill: %s", hexOf(c.light), hexOf(c.dark))) {
			t.Errorf("no dark colour for %s", hexOf(c.light))
		}
	}
	for _, c := range slices.Concat([]pageColour{ink, soft, limited}, styled) {
		if light, dark := contrast(c.light, paper.light), contrast(c.dark, paper.dark); light < 3 || dark < 3 {
			t.Errorf("%s stands out from the page by %.1f, and by %.1f from a dark one", hexOf(c.light), light, dark)
		}
	}
}

// Every text of a plot is legible on a telephone, where a plot is about as wide as it says, and
// inside of it.
func TestPlotText(t *testing.T) {
	t.Parallel()
	dir, _, _ := writtenFixture(t)
	for _, name := range entries(t, filepath.Join(dir, plotsFolder)) {
		if !strings.HasSuffix(name, ".svg") {
			continue
		}
		svg := read(t, dir, filepath.Join(plotsFolder, name))
		for _, size := range regexp.MustCompile(`font-size:([\d.]+)px`).FindAllStringSubmatch(svg, -1) {
			if v, err := strconv.ParseFloat(size[1], 64); err != nil || v < 11 {
				t.Errorf("%s: text of %s", name, size[0])
			}
		}
		for _, text := range pictureOf(t, svg).texts {
			style := words(ink)
			if strings.Contains(text.style, "bold") || strings.Contains(text.style, "weight:700") {
				style = bold()
			}
			if right := text.x + float64(style.Width(text.text)); text.x < 0 || right > float64(plotWidth)+0.5 {
				t.Errorf("%s: %q reaches from %.0f to %.0f", name, text.text, text.x, right)
			}
		}
	}
}

// reports/fonts has the fonts that plots ask for, and not another one under their name.
func TestPlotFonts(t *testing.T) {
	t.Parallel()
	axes := newPlot("")
	for _, f := range []font.Font{words(ink).Font, bold().Font, axes.X.Label.TextStyle.Font, axes.Y.Tick.Label.Font} {
		const postScript = 6 // the name of a font in its file
		name, err := font.DefaultCache.Lookup(f, textSize).Face.Name(nil, postScript)
		if want := strings.TrimSuffix(f.Name(), "-Regular"); err != nil || name != want {
			t.Errorf("%s is drawn as %s, %v", want, name, err)
		}
	}
}

// contrast is the ratio of WCAG 2.
func contrast(a, b color.RGBA) float64 {
	luminance := func(c color.RGBA) (sum float64) {
		for i, v := range []uint8{c.R, c.G, c.B} {
			part := float64(v) / 255
			if part = part / 12.92; v > 10 {
				part = math.Pow((float64(v)/255+0.055)/1.055, 2.4)
			}
			sum += []float64{0.2126, 0.7152, 0.0722}[i] * part
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
