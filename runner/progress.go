package runner

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress shows on stderr how far a run is: a line that changes on a terminal, else plain
// lines now and then.
type progress struct {
	mu     sync.Mutex
	to     io.Writer
	bar    *progressbar.ProgressBar // nil without a terminal
	width  func() int               // of the terminal
	beside int                      // columns that the bar takes
	still  func()                   // ends the clock of the line
	all    int                      // comparisons
	done   int                      // of these
	began  time.Time
	now    standing
	said   time.Time // when a plain line about it was written
}

// A standing is where a comparison stands.
type standing struct {
	name   string    // of the comparison
	step   string    // "9 trials"
	ratios []ratio   // of the styles so far
	until  time.Time // when it will end at the latest; zero: not known
}

// A ratio is that of a style so far, with its interval, and how narrow that will be at the end.
type ratio struct{ soFar, atEnd string }

// The line on a terminal has a bar at its end if there is room for it.
const (
	roomForBar = 120 // columns
	barWidth   = 10
	besideText = 16 // columns: share and count, without the bar
	leastName  = 12
)

func newProgress(to io.Writer, comparisons int) *progress {
	p := &progress{to: to, all: comparisons, began: time.Now(), still: func() {}}
	if file, ok := terminal(to); ok {
		p.width = func() int {
			columns, _, err := term.GetSize(int(file.Fd()))
			if err != nil || columns == 0 {
				return 80
			}
			return columns
		}
		theme, bar := progressbar.Theme{Saucer: "█", SaucerPadding: " ", BarStart: "|", BarEnd: "|"}, barWidth
		if p.width() < roomForBar {
			theme, bar = progressbar.Theme{}, 1 // of no characters
		}
		p.beside = besideText + bar
		p.bar = progressbar.NewOptions(comparisons, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription("starting"),
			progressbar.OptionSetWidth(bar), progressbar.OptionSetTheme(theme), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetRenderBlankState(true))
		p.still = p.tick()
	}
	return p
}

// tick draws the line again every second, so that the time left goes on, until stop is called.
func (p *progress) tick() (stop func()) {
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		each := time.NewTicker(time.Second)
		defer each.Stop()
		for {
			select {
			case <-each.C:
				p.draw()
			case <-ended:
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(ended); <-gone })
}

// draw draws the line on a terminal.
func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && p.now.name != "" {
		p.bar.Describe(p.now.within(p.left(time.Now()), p.width()-p.beside, time.Now().Second()))
	}
}

// begin says what a comparison does next, on a terminal.
func (p *progress) begin(name, step string) {
	p.mu.Lock()
	p.now = standing{name: name, step: step}
	p.mu.Unlock()
	p.draw()
}

// show says where a comparison stands, and how long it still takes.
func (p *progress) show(name, step string, ratios []ratio, left time.Duration) {
	p.mu.Lock()
	p.now = standing{name, step, ratios, time.Now().Add(left)}
	plain := p.bar == nil && time.Since(p.said) > sayEvery
	if plain {
		p.said = time.Now()
	}
	text := p.now.plain(p.left(time.Now()))
	p.mu.Unlock()
	if plain {
		p.say("%s", text)
	}
	p.draw()
}

// left says how long the comparison and the whole run still take; "" if that is not known.
func (p *progress) left(now time.Time) string {
	if p.now.until.IsZero() {
		return ""
	}
	own := max(0, p.now.until.Sub(now))
	text := fmt.Sprintf(", %v left", own.Round(time.Second))
	if later := p.all - p.done - 1; later > 0 { // as long as those so far, on average
		each := (now.Sub(p.began) + own) / time.Duration(p.done+1)
		text += fmt.Sprintf(", %v in all", (own + each*time.Duration(later)).Round(time.Second))
	}
	return text
}

// plain is all of it.
func (s standing) plain(left string) string {
	text := s.name + ": " + s.step
	for i, r := range s.ratios {
		text += []string{", ", "; "}[min(i, 1)] + r.soFar + r.atEnd
	}
	return text + left
}

// within is as much of it as fits into so many columns. Where there is no room for all ratios, they
// are shown by turns; where there is none for that, the name is cut.
func (s standing) within(left string, columns, turn int) string {
	ratios := ""
	for _, r := range s.ratios {
		ratios += ", " + r.soFar
	}
	room := func() int { return columns - utf8.RuneCountInString(s.step+ratios+left) - len(": ") }
	if n := len(s.ratios); n > 1 && room() < utf8.RuneCountInString(s.name) {
		ratios = ", " + s.ratios[turn%n].soFar
	}
	var shown bytes.Buffer // a name may hold commands for the terminal
	_, _ = screen{&shown}.Write([]byte(strings.Join(strings.Fields(cut(s.name, max(leastName, room()))), " ")))
	return cut(shown.String()+": "+s.step+ratios+left, columns)
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(0, most-1)]) + "…"
}

// say writes a line, above the bar if there is one.
func (p *progress) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.writer(), format+"\n", args...) // a closed terminal stops no run
}

// step counts a comparison.
func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// finish removes the bar.
func (p *progress) finish() {
	p.still()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// writer is for whole lines, which appear above the bar.
func (p *progress) writer() io.Writer { return aboveBar{p} }

type aboveBar struct{ *progress }

func (w aboveBar) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bar == nil {
		return w.to.Write(text)
	}
	_ = w.bar.Clear()
	n, err := w.to.Write(text)
	_ = w.bar.RenderBlank()
	return n, err
}

// How often a line is written while a block lasts.
const (
	firstWord  = 30 * time.Second
	rarestWord = 5 * time.Minute
)

// patiently writes a line now and then, ever more rarely, until done is called.
func (p *progress) patiently(what string) (done func()) {
	start, next := time.Now(), time.NewTimer(firstWord)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-next.C:
				spent := time.Since(start)
				p.say("%s: at work for %v", what, spent.Round(time.Second))
				next.Reset(min(spent, rarestWord))
			case <-stop:
				return
			}
		}
	}()
	return func() {
		next.Stop()
		close(stop)
		<-stopped
	}
}
