//go:build browser

// The report in a real browser: make test-browser. It needs Debian's chromium. RUBATO_SHOTS=DIR
// keeps pictures of what it saw; RUBATO_RUN=DIR is the folder of a run to look at, in place of a
// new one.
package reports

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// realRun is the folder of a run of this program, made for this test.
func realRun(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("RUBATO_RUN"); dir != "" {
		return dir
	}
	program, dir := filepath.Join(t.TempDir(), "rubato"), filepath.Join(t.TempDir(), "run")
	if out, err := exec.Command("go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// What it finds is not the question, but that it wrote its report.
	out, err := exec.Command(program, "run", "-quick", "-controls", "-time", "1s", "-out", dir, "queue-low", "conversation", "message-log").CombinedOutput()
	if _, missing := os.Stat(filepath.Join(dir, "report.html")); missing != nil {
		t.Fatalf("%v, %v\n%s", err, missing, out)
	}
	return dir
}

func (b *browser) open(t *testing.T, dir string) {
	t.Helper()
	b.do(t, chromedp.Navigate("file://"+filepath.Join(dir, "report.html")))
	b.ever(t, `document.readyState === "complete"`)
}

func TestBrowserReport(t *testing.T) {
	dir := realRun(t)
	if info, err := os.Stat(filepath.Join(dir, "report.html")); err != nil || info.Size() > 3_000_000 {
		t.Errorf("the page: %v, %v", info, err)
	}
	b := browse(t)
	b.do(t, scheme("light"))
	b.open(t, dir)
	b.shoot(t, "report")
	b.sound(t, "light")
	b.wide(t, "1280")
	t.Run("sort", b.sorts)
	t.Run("scenario", b.shows)
	t.Run("plots", b.enlarges)
	b.do(t, scheme("dark"))
	b.shoot(t, "report-dark")
	b.sound(t, "dark")
	if n := b.pages(t, "report"); n == 0 || n >= 12 {
		t.Errorf("it prints in %d pages", n)
	}
	t.Run("phone", func(t *testing.T) {
		b.do(t, scheme("light"), chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
		b.open(t, dir)
		b.shoot(t, "report-phone")
		b.fits(t)
		b.sound(t, "phone")
		b.do(t, chromedp.EmulateViewport(1280, 1100))
	})
	b.quiet(t)
	with := ask[[]string](t, b, everyWord)
	t.Run("without JavaScript", func(t *testing.T) { b.plain(t, dir, with) })
}

// fits checks that a phone shows it all without scrolling sideways, verdicts and plots included.
func (b *browser) fits(t *testing.T) {
	t.Helper()
	if w := ask[int](t, b, "document.documentElement.scrollWidth"); w != 390 {
		t.Errorf("at 390 px the page is %d px wide", w)
	}
	ask[bool](t, b, `(document.querySelectorAll("details").forEach((d) => { d.open = true }), true)`)
	b.wide(t, "390")
	const verdicts = `[...document.querySelectorAll("table")].filter((t) => /^(answer|verdict|here)/.test([...t.tHead.rows[0].cells].at(-1).textContent))
		.flatMap((t) => [...t.tBodies[0].rows]).map((r) => [...r.cells].at(-1))`
	if n := ask[int](t, b, verdicts+".length"); n < 10 {
		t.Errorf("%d verdicts", n)
	}
	if out := ask[[]string](t, b, verdicts+`.filter((c) => { const r = c.getBoundingClientRect(); return c.textContent && (r.left < 0 || r.right > 390 || r.width === 0) }).map((c) => c.textContent)`); len(out) > 0 {
		t.Errorf("verdicts that are off-screen: %q", out)
	}
	const small = `[...document.querySelectorAll("figure svg text")].map((x) => ({ x, px: parseFloat(getComputedStyle(x).fontSize) * x.getScreenCTM().a }))
		.filter((s) => !(s.px >= 9)).map((s) => s.px.toFixed(1) + " px: " + s.x.textContent)`
	if out := ask[[]string](t, b, small); len(out) > 0 {
		t.Errorf("%d words in plots are too small: %q", len(out), out[:min(len(out), 3)])
	}
}

// wide finds tables that scroll sideways.
func (b *browser) wide(t *testing.T, at string) {
	t.Helper()
	if out := ask[[]string](t, b, `[...document.querySelectorAll(".wide:not(.scrolls)")].filter((w) => w.scrollWidth > w.clientWidth).map((w) => w.ariaLabel + " " + w.scrollWidth)`); len(out) > 0 {
		t.Errorf("at %s px tables scroll sideways: %q", at, out)
	}
}

// sorts clicks on a head, and then uses the keyboard.
func (b *browser) sorts(t *testing.T) {
	const head = `document.querySelector("header table thead th:nth-child(3)")`
	const column = `[...document.querySelectorAll("header table tbody")][0]`
	values := func() []string {
		return ask[[]string](t, b, `[...`+column+`.rows].map((r) => r.cells[2].textContent)`)
	}
	before := values()
	ask[bool](t, b, "("+head+`.querySelector("button").click(), true)`)
	up := values()
	if sort := ask[string](t, b, head+".ariaSort"); sort != "ascending" || strings.Join(up, "|") == strings.Join(before, "|") {
		t.Errorf("%s: %q, before %q", sort, up, before)
	}
	if first := up[0]; !strings.HasSuffix(first, "ns") && !strings.HasSuffix(first, "µs") {
		t.Errorf("the least time is %q of %q", first, up)
	}
	ask[bool](t, b, "("+head+`.querySelector("button").focus(), true)`)
	b.do(t, chromedp.KeyEvent("\r"))
	if down := values(); ask[string](t, b, head+".ariaSort") != "descending" || down[0] == up[0] || len(down) != len(before) {
		t.Errorf("by the keyboard: %q", down)
	}
}

// shows chooses one scenario, and all again.
func (b *browser) shows(t *testing.T) {
	const shown = `[...document.querySelectorAll("main > section")].filter((s) => s.offsetParent).map((s) => s.dataset.scenario ?? "")`
	const rows = `[...document.querySelectorAll("header table tbody")][0].querySelectorAll("tr:not([hidden])").length`
	choose := func(name string) ([]string, int) {
		ask[bool](t, b, fmt.Sprintf(`(document.getElementById("scenario").value = %q, document.getElementById("scenario").dispatchEvent(new Event("change")))`, name))
		return ask[[]string](t, b, shown), ask[int](t, b, rows)
	}
	all, every := choose("")
	sections, few := choose("queue-low")
	if few == 0 || few >= every || len(sections) >= len(all) || !slices.Contains(sections, "queue-low") || slices.Contains(sections, "message-log") {
		t.Errorf("%d of %d rows, sections of %q", few, every, sections)
	}
	b.shoot(t, "report-one")
	if again, n := choose(""); n != every || len(again) != len(all) {
		t.Errorf("%d of %d rows, %d of %d sections", n, every, len(again), len(all))
	}
}

// enlarges opens a plot and closes it by keyboard; a style's button leaves its curves alone.
func (b *browser) enlarges(t *testing.T) {
	ask[bool](t, b, `(document.querySelector("figcaption button").focus(), true)`)
	b.do(t, chromedp.KeyEvent("\r"))
	was := ask[float64](t, b, `document.querySelector("figure svg").getBoundingClientRect().width`)
	if is := ask[float64](t, b, `document.querySelector("dialog[open] svg").getBoundingClientRect().width`); is < 1.5*was {
		t.Errorf("%v px wide, was %v", is, was)
	}
	b.shoot(t, "report-enlarged")
	b.do(t, chromedp.KeyEvent("\x1b"))
	b.ever(t, `!document.querySelector("dialog")`)
	const pale = `document.querySelectorAll("figure svg .pale").length`
	const button = `[...document.querySelectorAll(".legend button")].at(-1)`
	ask[bool](t, b, "("+button+".click(), true)")
	if n := ask[int](t, b, pale); n == 0 || ask[string](t, b, button+".ariaPressed") != "true" {
		t.Errorf("%d parts are pale", n)
	}
	ask[bool](t, b, "("+button+".click(), true)")
	if n := ask[int](t, b, pale); n != 0 {
		t.Errorf("%d parts are still pale", n)
	}
	b.hovers(t, pale)
}

// hovers moves the pointer onto a curve.
func (b *browser) hovers(t *testing.T, pale string) {
	at := ask[[]float64](t, b, `(() => {
		const svg = [...document.querySelectorAll("figure svg")].find((s) => s.ariaLabel.includes("latency"));
		svg.scrollIntoView({block: "center"});
		const line = [...svg.querySelectorAll("path")].filter((p) => p.style.fill === "none" && p.getTotalLength() > 200 && p.style.strokeWidth === "1.6").at(0);
		const p = line.getPointAtLength(60), m = line.getScreenCTM();
		return [m.a * p.x + m.c * p.y + m.e, m.b * p.x + m.d * p.y + m.f];
	})()`)
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	b.ever(t, `!document.querySelector(".tip").hidden && document.querySelector(".tip").textContent !== ""`)
	if n := ask[int](t, b, pale); n == 0 {
		t.Error("the other curves are not pale")
	}
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 2, 2))
	b.ever(t, `document.querySelector(".tip").hidden`)
}

// everyWord is all that there is to read, but for the tools.
const everyWord = `[...document.querySelectorAll("h1, h2, p:not(#tools), td, th, li, summary, figcaption, svg text")].map((e) => e.textContent.replace(/ Enlarge$/, ""))`

// plain opens the page without JavaScript: the words are the same, but for those of buttons.
func (b *browser) plain(t *testing.T, dir string, with []string) {
	b.do(t, scripts(true))
	b.open(t, dir)
	b.shoot(t, "report-plain")
	if n := ask[int](t, b, `document.querySelectorAll("button, select").length`); n != 0 {
		t.Errorf("%d controls that do nothing", n)
	}
	if without := ask[[]string](t, b, everyWord); len(with) < 500 || !slices.Equal(with, without) {
		t.Errorf("%d words without JavaScript, %d with it", len(without), len(with))
	}
	b.do(t, scripts(false))
}

// Names of a run are text, whatever they say: nothing of them runs, in no tool either.
func TestBrowserHostile(t *testing.T) {
	dir := t.TempDir()
	run, d := hostileRun(t, dir)
	if err := Write(dir, run, d); err != nil {
		t.Fatal(err)
	}
	b := browse(t)
	b.do(t, chromedp.Navigate("about:blank"))
	b.open(t, dir)
	ask[bool](t, b, `(window.alert = () => { document.title = "bitten" }, true)`)
	name := ask[string](t, b, `document.querySelectorAll("#scenario option")[2].value`)
	if !strings.HasPrefix(name, "<script>alert(1)</script>") {
		t.Errorf("the scenario is called %q", name)
	}
	ask[bool](t, b, `(document.getElementById("scenario").selectedIndex = 2, document.getElementById("scenario").dispatchEvent(new Event("change")))`)
	ask[bool](t, b, `(document.querySelectorAll("figcaption button, .legend button, thead button").forEach((x) => x.click()), true)`)
	for expression, want := range map[string]int{
		`document.querySelectorAll("img, iframe, object, foreignObject").length`: 0,
		`document.scripts.length`:                                          1,
		`document.title === "bitten" ? 1 : 0`:                              0,
		`document.querySelectorAll("dialog[open] svg").length > 3 ? 1 : 0`: 1,
	} {
		if got := ask[int](t, b, expression); got != want {
			t.Errorf("%s is %d", expression, got)
		}
	}
	for _, svg := range entries(t, filepath.Join(dir, plotsFolder)) {
		if strings.HasSuffix(svg, ".svg") {
			b.do(t, chromedp.Navigate("file://"+filepath.Join(dir, plotsFolder, svg)))
			if n := ask[int](t, b, `document.querySelectorAll("script, img, foreignObject").length`); n != 0 {
				t.Errorf("%s: %d elements that are none of a plot", svg, n)
			}
		}
	}
	b.quiet(t)
}

// A page of a hundred scenarios opens, can be searched and says how long it took.
func TestBrowserHundred(t *testing.T) {
	_, p := madeUp(t, 100, numbered)
	var w bytes.Buffer
	if err := p.html(&w); err != nil || w.Len() > pageRoom {
		t.Fatalf("%d bytes, %v", w.Len(), err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "report.html"), w.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	b := browse(t)
	b.open(t, dir)
	const took = `(() => { const n = performance.getEntriesByType("navigation")[0]; return n.loadEventEnd - n.startTime })()`
	b.ever(t, took+" > 0")
	t.Logf("%d bytes are complete in %.0f ms", w.Len(), ask[float64](t, b, took))
	if n := ask[int](t, b, `document.querySelectorAll("#scenario option").length`); n != 101 {
		t.Errorf("%d scenarios to choose from", n)
	}
	ask[bool](t, b, `(document.getElementById("scenario").value = "scenario-042", document.getElementById("scenario").dispatchEvent(new Event("change")))`)
	if rows := ask[int](t, b, `document.querySelectorAll("header tbody tr:not([hidden])").length`); rows < 3 || rows > 20 {
		t.Errorf("%d rows of one scenario", rows)
	}
	b.quiet(t)
}
