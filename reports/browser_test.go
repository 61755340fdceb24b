//go:build browser

// The report in a real browser: make test-browser. It needs Debian's chromium. RUBATO_SHOTS=DIR
// keeps pictures of what it saw; RUBATO_RUN=DIR is the folder of a run to look at, in place of a
// new one.
package reports

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	printer "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core, which looks for what readers with a screen reader, without a mouse or with
// weak eyes cannot use.
//
//go:embed testdata/axe-core/axe.min.js
var axe string

// A browser shows one page at a time.
type browser struct {
	ctx context.Context
	mu  sync.Mutex
	bad []string // what it complained about
}

func browse(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium; install Debian's package chromium")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.WindowSize(1280, 1100)}
	for _, name := range []string{"headless", "no-first-run", "disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	b := &browser{}
	var leave func()
	b.ctx, leave = chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	t.Cleanup(leave)
	b.do(t, call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		return err
	}))
	return b
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.bad = append(b.bad, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
	}
}

func (b *browser) quiet(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.bad {
		t.Error(text)
	}
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// ever lets the page go on until an expression holds.
func (b *browser) ever(t *testing.T, expression string) {
	t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(50*time.Millisecond))); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
}

// call is one command of the browser's protocol.
func call(f func(context.Context, *chromedp.Target) error) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, f(ctx, target)
	}
}

func scheme(name string) chromedp.Action[chromedp.Void] {
	return call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return err
	})
}

func scripts(off bool) chromedp.Action[chromedp.Void] {
	return call(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
		return err
	})
}

func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("RUBATO_SHOTS") == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	keep(t, name+".png", picture)
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if dir := os.Getenv("RUBATO_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pages prints the page and counts the sheets.
func (b *browser) pages(t *testing.T, name string) int {
	t.Helper()
	var pdf []byte
	b.do(t, call(func(ctx context.Context, target *chromedp.Target) error {
		printed, err := cdp.Call(ctx, target, printer.PrintToPDF, printer.PrintToPDFParams{PrintBackground: new(true), PreferCSSPageSize: new(true)})
		if err == nil {
			pdf = printed.Data
		}
		return err
	}))
	keep(t, name+".pdf", pdf)
	return len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1))
}

// sound lets axe-core look at the page: nothing is serious or critical.
func (b *browser) sound(t *testing.T, when string) {
	t.Helper()
	ask[bool](t, b, axe+"; true")
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run().then((r) => JSON.stringify(r.violations.map((v) =>
		({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + " " + n.failureSummary)}))))`,
		func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		t.Fatalf("%s: axe-core: %v", when, err)
	}
	var violations []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		say := t.Logf
		if v.Impact == "serious" || v.Impact == "critical" {
			say = t.Errorf
		}
		say("%s: %s: %s, %s\n%s", when, v.Impact, v.ID, v.Help, strings.Join(v.Nodes, "\n"))
	}
}

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
	with := ask[[]string](t, b, words)
	t.Run("without JavaScript", func(t *testing.T) { b.plain(t, dir, with) })
}

// fits checks that a phone shows it all without scrolling sideways, verdicts and plots included.
func (b *browser) fits(t *testing.T) {
	t.Helper()
	if w := ask[int](t, b, "document.documentElement.scrollWidth"); w != 390 {
		t.Errorf("at 390 px the page is %d px wide", w)
	}
	ask[bool](t, b, `(document.querySelectorAll("details").forEach((d) => { d.open = true }), true)`)
	const wide = `[...document.querySelectorAll(".wide:not(.scrolls)")].filter((w) => w.scrollWidth > w.clientWidth).map((w) => w.ariaLabel + " " + w.scrollWidth)`
	if out := ask[[]string](t, b, wide); len(out) > 0 {
		t.Errorf("tables that scroll sideways: %q", out)
	}
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
	const pale = `[...document.querySelectorAll("figure svg *")].filter((p) => p.style.opacity !== "").length`
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

// words are all that there is to read, but for the tools.
const words = `[...document.querySelectorAll("h1, h2, p:not(#tools), td, th, li, summary, figcaption, svg text")].map((e) => e.textContent.replace(/ Enlarge$/, ""))`

// plain opens the page without JavaScript: the words are the same, but for those of buttons.
func (b *browser) plain(t *testing.T, dir string, with []string) {
	b.do(t, scripts(true))
	b.open(t, dir)
	b.shoot(t, "report-plain")
	if n := ask[int](t, b, `document.querySelectorAll("button, select").length`); n != 0 {
		t.Errorf("%d controls that do nothing", n)
	}
	if without := ask[[]string](t, b, words); len(with) < 500 || !slices.Equal(with, without) {
		t.Errorf("%d words without JavaScript, %d with it", len(without), len(with))
	}
	b.do(t, scripts(false))
}
