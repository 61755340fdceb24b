package runner

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A progress shows on stderr how far a run is: a bar on a terminal, else plain lines.
type progress struct {
	mu  sync.Mutex
	to  io.Writer
	bar *progressbar.ProgressBar // nil without a terminal
}

func newProgress(to io.Writer, comparisons int) *progress {
	p := &progress{to: to}
	if file, ok := terminal(to); ok {
		p.bar = progressbar.NewOptions(comparisons, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription("comparisons"),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetRenderBlankState(true))
	}
	return p
}

// say writes a line, above the bar if there is one.
func (p *progress) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.writer(), format+"\n", args...) // a closed terminal stops no run
}

// step counts a comparison.
func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// finish removes the bar.
func (p *progress) finish() {
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
