//go:build browser

// The page in a real browser, over the real player and stores: make test-browser.
// It needs Debian's chromium; RUBATO_SHOTS=DIR keeps pictures of what it saw.
package live_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rubato/web"
	"rubato/web/live"
)

// complaints are the errors and warnings of a browser about a page.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		c.list = append(c.list, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			c.list = append(c.list, fmt.Sprintf("console.%s: %s %s", e.Type, a.Value, a.Description))
		}
	case *log.EventEntryAdded:
		c.list = append(c.list, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
	}
}

func (c *complaints) none(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.list {
		t.Error(text)
	}
}

// browse opens a browser of its own.
func browse(t *testing.T) (context.Context, *complaints) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium; install Debian's package chromium")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox,
		chromedp.WindowSize(1280, 1100)}
	for _, name := range []string{"headless", "no-first-run", "disable-gpu", "disable-quic", "disable-background-networking",
		"disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	heard := &complaints{}
	ctx, leave := chromedp.NewContext(ctx, chromedp.WithListener(heard.hear))
	t.Cleanup(leave)
	// The browser lives as long as the context of its first action.
	err = chromedp.Do(ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		return chromedp.Void{}, err
	})
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx, heard
}

// do runs actions that must work, all within half a minute.
func do(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func get[T any](t *testing.T, ctx context.Context, what string, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return v
}

// wait lets the page go on until an expression holds.
func wait(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	get(t, ctx, expression, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(50*time.Millisecond)))
}

func value[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	return get(t, ctx, expression, chromedp.Evaluate[T](expression))
}

func click(t *testing.T, ctx context.Context, element string) {
	t.Helper()
	value[bool](t, ctx, "("+element+".click(), true)")
}

// shoot saves a picture if RUBATO_SHOTS names a folder.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	png := get(t, ctx, "screenshot", chromedp.FullScreenshot(100))
	dir := os.Getenv("RUBATO_SHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func scheme(name string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return chromedp.Void{}, err
	}
}

const activations = `Number(document.querySelector("tr[data-rule=LogMessageWhenSaid]")?.children[1].textContent.replaceAll(",", ""))`

// flowOf is the button of the newest flow in which a rule ran. Without the rule, the newest
// flow may be of anything: people also set the volume and press buttons.
func flowOf(t *testing.T, ctx context.Context, rule string) string {
	t.Helper()
	button := fmt.Sprintf(`[...document.querySelectorAll("#flows button")].find((b) => b.textContent.includes(%q))`, rule)
	wait(t, ctx, button)
	return button
}

func TestBrowser(t *testing.T) {
	l := serve(t, real(), "-dev", "-data", t.TempDir(), "-passages", "1000", "-rate", "6")
	ctx, heard := browse(t)
	do(t, ctx, "open", scheme("light"), chromedp.Navigate(l.url+"/"))

	wait(t, ctx, activations+" > 0")
	before := value[float64](t, ctx, activations)
	wait(t, ctx, fmt.Sprintf("%s > %v", activations, before)) // figures change
	wait(t, ctx, `document.querySelectorAll("#events li").length > 3`)
	wait(t, ctx, `document.getElementById("state").textContent === "live, nothing lost"`)

	t.Run("sorted", func(t *testing.T) {
		click(t, ctx, `document.querySelector("#rules th button")`)
		names := value[[]string](t, ctx, `[...document.querySelectorAll("#rules tbody tr")].map((r) => r.dataset.rule)`)
		if len(names) < 3 || !strings.HasPrefix(names[0], "A") || value[string](t, ctx, `document.querySelector("#rules th").ariaSort`) != "ascending" {
			t.Errorf("by name: %v", names)
		}
	})
	t.Run("flow", func(t *testing.T) {
		click(t, ctx, flowOf(t, ctx, "AutoSelectWhenQueueLow"))
		seesFlow(t, ctx, "pd::Director::select")
	})
	t.Run("looks", func(t *testing.T) {
		shoot(t, ctx, "light")
		do(t, ctx, "dark", scheme("dark"))
		shoot(t, ctx, "dark")
		do(t, ctx, "narrow", chromedp.EmulateViewport(400, 800, chromedp.EmulateMobile), scheme("light"))
		shoot(t, ctx, "narrow")
		if w, room := value[int](t, ctx, "document.documentElement.scrollWidth"), value[int](t, ctx, "innerWidth"); w > room || room != 400 {
			t.Errorf("at %d px, of 400, the page is %d px wide", room, w)
		}
		do(t, ctx, "wide again", chromedp.EmulateViewport(1280, 1100))
	})
	t.Run("keyboard", func(t *testing.T) { byKeyboard(t, ctx) })
	t.Run("hostile", func(t *testing.T) { isInert(t, ctx) })
	heard.none(t)
	l.stop(t)
	wait(t, ctx, `document.getElementById("state").textContent.startsWith("not connected")`)
}

// The player's part of the page: it shows what plays as it goes on, and its buttons do
// what they say, in a style that has no inside to show.
func TestBrowserPlayer(t *testing.T) {
	l := serve(t, sounding(t), "-style", "direct", "-data", t.TempDir(), "-passages", "300", "-rate", "2")
	ctx, heard := browse(t)
	do(t, ctx, "open", scheme("light"), chromedp.Navigate(l.url+"/"))
	text := func(id string) string { return fmt.Sprintf("document.getElementById(%q).textContent", id) }
	wait(t, ctx, text("now")+`.startsWith("Chords in ")`) // as the made tracks are called
	wait(t, ctx, text("number")+`.startsWith("#")`)
	wait(t, ctx, text("position")+`.includes("0:01 of 0:0")`)
	do(t, ctx, "wish", chromedp.Focus(chromedp.CSS("#passage")), chromedp.KeyEvent("8"), chromedp.KeyEvent("\r"))
	wait(t, ctx, text("queue")+`.includes("#8")`)
	wait(t, ctx, text("report")+`.match(/^Chords in .* waits\.$/)`)
	do(t, ctx, "wish again", chromedp.Focus(chromedp.CSS("#passage")), chromedp.KeyEvent("\r"))
	wait(t, ctx, text("report")+`.includes("in the queue already")`)
	shoot(t, ctx, "player")
	click(t, ctx, `document.getElementById("pause")`)
	wait(t, ctx, text("playback")+` === "paused"`)
	value[bool](t, ctx, `(document.getElementById("volume").value = 80, document.getElementById("volume").dispatchEvent(new Event("change")))`)
	c := client{web.NewClient(l.url, "")}
	defer c.Close()
	eventually(t, "the volume is set", func() bool { s, err := c.Status(ctx); return err == nil && s.Volume == 80 })
	do(t, ctx, "say", chromedp.Focus(chromedp.CSS("#username")), chromedp.KeyEvent("a"), chromedp.Focus(chromedp.CSS("#message")),
		chromedp.KeyEvent("b"), chromedp.KeyEvent("\r"))
	wait(t, ctx, text("report")+` === "Said."`)
	do(t, ctx, "dark and narrow", chromedp.EmulateViewport(400, 800, chromedp.EmulateMobile), scheme("dark"))
	shoot(t, ctx, "player-narrow")
	if w := value[int](t, ctx, "document.documentElement.scrollWidth"); w > 400 {
		t.Errorf("at 400 px the page is %d px wide", w)
	}
	refused := 0 // which the browser writes to its console, rightly
	heard.mu.Lock()
	for _, text := range heard.list {
		if strings.Contains(text, "409") {
			refused++
		}
	}
	if len(heard.list) != refused || refused != 1 {
		t.Errorf("%q", heard.list)
	}
	heard.mu.Unlock()
	l.stop(t)
	wait(t, ctx, text("report")+`.startsWith("not connected")`)
}

// seesFlow looks at the picture and the tree of the chosen flow.
func seesFlow(t *testing.T, ctx context.Context, action string) {
	t.Helper()
	wait(t, ctx, `document.getElementById("picture").complete && document.getElementById("picture").naturalWidth > 100`)
	wait(t, ctx, fmt.Sprintf("document.getElementById('tree').textContent.includes(%q)", action))
	do(t, ctx, "seen", chromedp.WaitVisible(chromedp.CSS("#picture")), chromedp.WaitVisible(chromedp.CSS("#tree")))
}

// byKeyboard chooses another flow, a message's, without a pointer.
func byKeyboard(t *testing.T, ctx context.Context) {
	was := value[string](t, ctx, "location.hash")
	do(t, ctx, "pause", chromedp.Focus(chromedp.CSS("#hold")), chromedp.KeyEvent(" "))
	if value[string](t, ctx, `document.getElementById("hold").getAttribute("aria-pressed")`) != "true" {
		t.Error("the space bar does not press Pause")
	}
	value[bool](t, ctx, "("+flowOf(t, ctx, "LogMessageWhenSaid")+".focus(), true)")
	do(t, ctx, "choose", chromedp.KeyEvent("\r"))
	wait(t, ctx, fmt.Sprintf("location.hash !== %q", was))
	seesFlow(t, ctx, "log::Messages::append")
	do(t, ctx, "go on", chromedp.Focus(chromedp.CSS("#hold")), chromedp.KeyEvent(" "))
}

// isInert checks that what mallory said is text in the events, the tree and the picture.
func isInert(t *testing.T, ctx context.Context) {
	wait(t, ctx, `document.getElementById("tree").textContent.includes("<script>document.title=")`)
	wait(t, ctx, `document.getElementById("events").textContent.includes("onerror=")`)
	for expression, want := range map[string]int{
		`document.querySelectorAll("#events img, #events script, #tree img, #tree script, #flows img").length`: 0,
		`document.querySelectorAll("body script").length`:                                                      0,
		`document.title === "bitten" ? 1 : 0`:                                                                  0,
	} {
		if got := value[int](t, ctx, expression); got != want {
			t.Errorf("%s is %d", expression, got)
		}
	}
	shoot(t, ctx, "hostile")
	was := value[string](t, ctx, "location.href")
	svg := value[string](t, ctx, `document.getElementById("picture").src`)
	do(t, ctx, "the picture by itself", chromedp.Navigate(svg))
	title := value[string](t, ctx, `document.querySelectorAll("script, img, foreignObject").length + " " + document.title`)
	if !strings.HasPrefix(title, "0 ") || strings.Contains(title, "bitten") {
		t.Errorf("the picture by itself: %s", title)
	}
	do(t, ctx, "back", chromedp.Navigate(was))
	wait(t, ctx, activations+" > 0")
}

// A past run beside the player: the report is in its frame and inert, whatever is in it; the
// figures change; and on a phone one stands below the other.
func TestBrowserRuns(t *testing.T) {
	runs, deps := t.TempDir(), real()
	name := `<img src=x onerror="document.title='bitten'">`
	if err := os.MkdirAll(filepath.Join(runs, name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(runs, name, "results.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	names := func(fs.FS) live.RunLine {
		return live.RunLine{Effort: hostile, Styles: []string{"telepathy"}, Scenarios: []string{hostile}, Lacks: []string{hostile}}
	}
	const own = "document.title = 'as drawn'"
	hash := sha256.Sum256([]byte(own))
	deps.Runs = live.Runs{Script: "sha256-" + base64.StdEncoding.EncodeToString(hash[:]), Names: names, Whole: func(*os.Root) live.RunLine { return names(nil) }, Report: func(*os.Root) ([]byte, error) {
		return []byte(`<!doctype html><style>h1 { color: rgb(1, 2, 3) }</style><title>report</title><h1>as measured</h1>` + hostile +
			`<script>top.document.title = "bitten"</script><script>` + own + `</script>`), nil
	}}
	l := serve(t, deps, "-style", "direct", "-data", t.TempDir(), "-passages", "300", "-rate", "15", "-runs", runs)
	ctx, heard := browse(t)
	do(t, ctx, "open", scheme("light"), chromedp.Navigate(l.url+"/runs/"))
	wait(t, ctx, `document.querySelector(".runs li a")?.textContent.includes("onerror")`)
	do(t, ctx, "look", chromedp.EmulateViewport(1280, 900))
	shoot(t, ctx, "runs")
	do(t, ctx, "follow the link", chromedp.Navigate(value[string](t, ctx, `document.querySelector(".runs li a").href`)))
	wait(t, ctx, `document.querySelector("#figures td:nth-child(5)")?.textContent > 0`)
	before := value[string](t, ctx, `document.querySelector("#figures td:nth-child(5)").textContent`)
	wait(t, ctx, fmt.Sprintf(`document.querySelector("#figures td:nth-child(5)").textContent !== %q`, before))
	wait(t, ctx, `document.querySelector("header").textContent.includes("style telepathy is not in this program")`)
	const sideBySide = `(() => { const a = document.querySelector("iframe").getBoundingClientRect(), b = document.querySelector(".now").getBoundingClientRect();
		return a.right <= b.left ? "beside" : a.bottom <= b.top ? "below" : "over"; })()`
	if at := value[string](t, ctx, sideBySide); at != "beside" {
		t.Errorf("at 1280 px the player is %s", at)
	}
	shoot(t, ctx, "run")
	do(t, ctx, "narrow", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	if at, w := value[string](t, ctx, sideBySide), value[int](t, ctx, "document.documentElement.scrollWidth"); at != "below" || w > 390 {
		t.Errorf("at 390 px the player is %s, and the page %d px wide", at, w)
	}
	shoot(t, ctx, "run-narrow")
	if title := value[string](t, ctx, "document.title"); title != "rubato: run "+name {
		t.Errorf("the title is %q", title)
	}
	heard.mu.Lock() // the browser may say what it does not let the report do
	for _, text := range heard.list {
		if !strings.Contains(text, "sandboxed") && !strings.Contains(text, "Content Security Policy") {
			t.Error(text)
		}
	}
	heard.mu.Unlock()
	do(t, ctx, "the report alone", chromedp.Navigate(l.url+"/runs/"+url.PathEscape(name)+"/report"))
	if seen := value[string](t, ctx, `document.title + " " + getComputedStyle(document.querySelector("h1")).color`); seen != "as drawn rgb(1, 2, 3)" {
		t.Errorf("the report alone: %s", seen)
	}
	l.stop(t)
}
