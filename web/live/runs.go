package live

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/web"
)

// Runs reads the folders of past runs. All show what can be shown, and name what is missing.
type Runs struct {
	Names func(folder fs.FS) RunLine    // quickly, for a list: what is missing only as far as it is seen at once
	Whole func(folder *os.Root) RunLine // with all that is missing
	// Report is a page that loads nothing else. It is empty for a run that only a newer rubato can read.
	Report func(folder *os.Root) ([]byte, error)
	Script string // hash of the one script that a report may run: "sha256-…"; "": none
}

// RunLine is a past run in short.
type RunLine struct {
	Name      string // of its folder
	Started   time.Time
	Took      time.Duration
	Effort    string
	Styles    []string
	Scenarios []string
	Lacks     []string // what is missing, in words
}

// When is when the run started, for people.
func (l RunLine) When() string {
	if l.Started.IsZero() {
		return "time unknown"
	}
	return l.Started.UTC().Format("2006-01-02 15:04 UTC")
}

// Bounds of what one request reads.
const (
	mostRuns   = 200
	mostReport = 64 << 20
	patience   = 2 * time.Minute // for a report to be drawn and sent
)

// pastRuns shows the runs in a folder. Names come from addresses, and what they name may be a
// link: nothing outside the folder is read.
type pastRuns struct {
	Runs
	folder string
	styles []string // that can be played here

	turn chan struct{} // full: a run is read whole, or drawn; one at a time, for the player plays meanwhile
	last drawn         // whoever has the turn may use it
}

// drawn is a report, of files as they were.
type drawn struct {
	of     string
	page   []byte
	script string // that it may run
}

func newPastRuns(runs Runs, folder string, styles []string) *pastRuns {
	return &pastRuns{Runs: runs, folder: folder, styles: styles, turn: make(chan struct{}, 1)}
}

// open opens the folder of one run.
func (p *pastRuns) open(name string) (*os.Root, error) {
	missing := refused(http.StatusNotFound, "there is no run %q: /runs/ lists them", name)
	if name == "" || name[0] == '.' || name != filepath.Base(name) || !filepath.IsLocal(name) {
		return nil, missing
	}
	all, err := os.OpenRoot(p.folder)
	if err != nil {
		return nil, missing
	}
	defer all.Close()
	run, err := all.OpenRoot(name)
	if err != nil {
		return nil, missing
	}
	if stamp(run.FS()) == "" {
		return nil, errors.Join(missing, run.Close())
	}
	return run, nil
}

// stamp changes when the results of a run do; "" if the folder holds no run.
func stamp(run fs.FS) (text string) {
	for _, name := range []string{"results.json", "results.jsonl", "report.html"} {
		if at, err := fs.Stat(run, name); err == nil && at.Mode().IsRegular() && (name != "report.html" || text != "") {
			text += fmt.Sprintf("%s %d %d;", name, at.Size(), at.ModTime().UnixNano())
		}
	}
	return text
}

// named is a run in short with its name. It names styles that cannot be played here.
func (p *pastRuns) named(name string, l RunLine) RunLine {
	l.Name = name
	for _, style := range l.Styles {
		if !slices.Contains(p.styles, style) {
			l.Lacks = append(l.Lacks, fmt.Sprintf("style %s is not in this program: its figures are shown, and it cannot be played", style))
		}
	}
	return l
}

// list is all runs, the newest first. more counts folders that are not looked into.
func (p *pastRuns) list() (lines []RunLine, more int) {
	entries, err := os.ReadDir(p.folder)
	if err != nil {
		return nil, 0
	}
	slices.Reverse(entries) // those that rubato names are named by their time
	for i, e := range entries {
		if !e.IsDir() { // also of a link, such as latest
			continue
		}
		if len(lines) == mostRuns {
			return byStart(lines), len(entries) - i
		}
		run, err := p.open(e.Name())
		if err != nil {
			continue
		}
		lines = append(lines, p.named(e.Name(), p.Names(run.FS())))
		_ = run.Close() // it was only read
	}
	return byStart(lines), 0
}

func byStart(lines []RunLine) []RunLine {
	slices.SortStableFunc(lines, func(a, b RunLine) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.Name, a.Name)) })
	return lines
}

// framed lets a page of this site show an answer in a frame, with no script but this one.
func framed(script string) string {
	policy := "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
	if script == "" {
		return policy
	}
	return "script-src '" + script + "'; " + policy + " allow-scripts"
}

// report answers with the report of a run. Whatever is in it runs no script of its own and loads
// nothing.
func (p *pastRuns) report(w http.ResponseWriter, r *http.Request) {
	run, err := p.open(r.PathValue("name"))
	if err != nil {
		web.WriteError(w, http.StatusNotFound, "%v", err)
		return
	}
	defer run.Close()
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)) // else that of the server
	if !p.take(r) {
		return
	}
	shown, err := p.draw(run)
	p.give() // before a slow client takes the page
	if err != nil {
		var b bytes.Buffer
		_ = pageTemplate.ExecuteTemplate(&b, "nothing.html", err.Error()) // a buffer takes it
		shown = drawn{page: b.Bytes()}
	}
	w.Header().Set("Content-Security-Policy", framed(shown.script))
	web.WriteBody(w, http.StatusOK, "text/html; charset=utf-8", shown.page)
}

// take waits for the turn to read a run whole; false if the client has left.
func (p *pastRuns) take(r *http.Request) bool {
	select {
	case p.turn <- struct{}{}:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (p *pastRuns) give() { <-p.turn }

// draw draws a report, or gives the one drawn last if nothing has changed since.
func (p *pastRuns) draw(run *os.Root) (drawn, error) {
	of := run.Name() + " " + stamp(run.FS())
	if p.last.of == of {
		return p.last, nil
	}
	page, err := p.Report(run)
	now := drawn{of, page, p.Script}
	if err == nil && len(page) == 0 {
		now.script = "" // of another program
		now.page, err = written(run)
	}
	if err == nil {
		p.last = now
	}
	return now, err
}

// written is the report that was written when the run ended.
func written(run *os.Root) ([]byte, error) {
	const name = "report.html"
	if at, err := run.Stat(name); err != nil || !at.Mode().IsRegular() || at.Size() > mostReport {
		return nil, errors.New("a newer rubato wrote these results, and left no report.html that could be shown in their place")
	}
	f, err := run.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostReport))
}

// routes adds the pages to a site.
func (p *pastRuns) routes(mux *http.ServeMux, c SiteConfig) {
	mux.HandleFunc("GET /runs/{$}", func(w http.ResponseWriter, _ *http.Request) {
		lines, more := p.list()
		writePage(w, "runs.html", struct {
			Folder string
			Runs   []RunLine
			More   int
		}{p.folder, lines, more})
	})
	mux.HandleFunc("GET /runs/{name}/{$}", func(w http.ResponseWriter, r *http.Request) {
		run, err := p.open(r.PathValue("name"))
		if err != nil {
			web.WriteError(w, http.StatusNotFound, "%v", err)
			return
		}
		defer run.Close()
		if !p.take(r) {
			return
		}
		line := p.named(r.PathValue("name"), p.Whole(run))
		p.give()
		w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "connect-src", "frame-src 'self'; connect-src", 1))
		writePage(w, "run.html", struct {
			RunLine
			Style string
			API   bool
		}{line, c.Status().Style, c.API != nil})
	})
	mux.HandleFunc("GET /runs/{name}/report", p.report)
}
