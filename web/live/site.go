package live

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"rubato/web"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/*.html"))

// assets are the files that the page loads.
var assets = []struct{ path, contentType string }{
	{"page.css", "text/css; charset=utf-8"},
	{"element.js", "text/javascript; charset=utf-8"},
	{"player.js", "text/javascript; charset=utf-8"},
	{"live.js", "text/javascript; charset=utf-8"},
	{"page.js", "text/javascript; charset=utf-8"},
	{"flows.js", "text/javascript; charset=utf-8"},
	{"icon.svg", "image/svg+xml"},
}

// SiteConfig says what a Site serves, and to whom.
type SiteConfig struct {
	API     http.Handler  // below /api/; nil: none
	Insides *Insides      // nil: the developer interface is off, and its paths do not exist
	Status  func() Status // called whenever the page is loaded
	Hosts   []string      // Host headers that are answered, in lower case; none: all
	Token   string        // "": none is needed

	Figures func(context.Context) []Figures // of the styles that run now; nil: none
	runs    *pastRuns                       // nil: none are shown
}

// Status is what the page says about the running player.
type Status struct {
	Style     string
	Doc       string // what the style adds, in one line
	Data      string // folder of library and trace
	Sound     string // the music, in words; "": no sound
	Rate      string // stimuli a second
	Seed      uint64
	Stimuli   uint64 // so far
	Failed    uint64 // of these
	LastError string // of the newest that failed
}

// Site is the page, the API and, if it is on, the developer interface, behind a guard.
func Site(c SiteConfig) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { c.page(w) })
	for _, a := range assets {
		body, err := pageFiles.ReadFile("page/" + a.path)
		if err != nil {
			panic(err) // the file is embedded, so this cannot fail
		}
		mux.HandleFunc("GET /"+a.path, func(w http.ResponseWriter, _ *http.Request) { web.WriteBody(w, http.StatusOK, a.contentType, body) })
	}
	if c.Figures != nil {
		mux.HandleFunc("GET /live/figures", answers(func(r *http.Request) (any, error) { return c.Figures(r.Context()), nil }))
	}
	if c.runs != nil {
		c.runs.routes(mux, c)
	}
	if c.Insides != nil {
		mux.Handle("/dev/", Developer(*c.Insides))
	}
	return web.Guard(c.Hosts, c.Token, c.besideAPI(routed(mux, "the page is at /")))
}

// besideAPI gives the API its own paths, with all methods.
func (c SiteConfig) besideAPI(rest http.Handler) http.Handler {
	if c.API == nil {
		return rest
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, web.APIRoot) {
			c.API.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// page writes the page as of now. Its scripts keep it up to date.
func (c SiteConfig) page(w http.ResponseWriter) {
	writePage(w, "page.html", struct {
		Status
		API, Dev, Inside, Runs bool
	}{c.Status(), c.API != nil, c.Insides != nil, c.Insides != nil && c.Insides.Player != nil, c.runs != nil})
}

// writePage writes a page, whole or not at all.
func writePage(w http.ResponseWriter, name string, of any) {
	var b bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&b, name, of); err != nil {
		web.WriteError(w, http.StatusInternalServerError, "the page cannot be written: %v", err)
		return
	}
	web.WriteBody(w, http.StatusOK, "text/html; charset=utf-8", b.Bytes())
}

// onlyGet refuses every method that could change something.
func onlyGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			web.WriteError(w, http.StatusMethodNotAllowed, "%s is not allowed: everything here is read with GET", r.Method)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// routed answers in JSON where the mux has no route.
func routed(mux *http.ServeMux, hint string) http.Handler {
	return onlyGet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			web.WriteError(w, http.StatusNotFound, "no such path: %s", hint)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}
