package runner

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress tells on stderr how far a run is: a bar on a terminal, else plain lines.
type progress struct {
	mu  sync.Mutex
	to  io.Writer
	bar *progressbar.ProgressBar // nil without a terminal
}

func newProgress(to io.Writer, rounds int) *progress {
	p := &progress{to: to}
	if isTerminal(to) {
		p.bar = progressbar.NewOptions(rounds, progressbar.OptionSetWriter(to), progressbar.OptionSetDescription("rounds"),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetRenderBlankState(true))
	}
	return p
}

// isTerminal also answers no where NO_COLOR asks for plain output (no-color.org).
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// say writes a line, above the bar if there is one.
func (p *progress) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.writer(), format+"\n", args...) // a closed terminal stops no run
}

// step counts a round.
func (p *progress) step() { p.skip(1) }

// skip counts rounds that will not be measured, too.
func (p *progress) skip(rounds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Add(rounds)
	}
}

// finish takes the bar away.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// writer is for whole lines: the bar makes way for them.
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

// How often something is said while a block lasts: first, and at most.
const (
	firstWord  = 30 * time.Second
	rarestWord = 5 * time.Minute
)

// patiently says now and then, ever more rarely, that something is still at work,
// until done is called.
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

// plural is a number of things.
func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
