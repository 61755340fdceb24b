package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/page.html"))

// assets are what the page asks for, all of it from here.
var assets = []struct{ path, contentType string }{
	{"page.css", "text/css; charset=utf-8"},
	{"element.js", "text/javascript; charset=utf-8"},
	{"player.js", "text/javascript; charset=utf-8"},
	{"page.js", "text/javascript; charset=utf-8"},
	{"flows.js", "text/javascript; charset=utf-8"},
	{"icon.svg", "image/svg+xml"},
}

// SiteConfig is what a Site serves, and to whom.
type SiteConfig struct {
	API     http.Handler  // below /api/; nil: none
	Insides *Insides      // nil: the developer interface is off, and its paths are not there
	Status  func() Status // what runs, asked at every visit of the page
	Hosts   []string      // Host headers that are answered, in lower case; none: all
	Token   string        // "": none is asked for
}

// Status is what the page says about the player that runs.
type Status struct {
	Style     string
	Doc       string // what the style adds, in one line
	Data      string // folder of library and trace
	Sound     string // what is heard, in words; "": nothing
	Rate      string // stimuli a second
	Seed      uint64
	Stimuli   uint64 // so far
	Failed    uint64 // of these
	LastError string // of the newest that failed
}

// Site is the small page and, where it is on, the developer interface, behind a
// guard.
func Site(c SiteConfig) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { c.page(w) })
	for _, a := range assets {
		body, err := pageFiles.ReadFile("page/" + a.path)
		if err != nil {
			panic(err) // it is embedded, or the build is broken
		}
		mux.HandleFunc("GET /"+a.path, func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, a.contentType, body) })
	}
	if c.Insides != nil {
		mux.Handle("/dev/", Developer(*c.Insides))
	}
	return newGuard(c.Hosts, c.Token, c.besideAPI(routed(mux, "the page is at /")))
}

// besideAPI has the API answer what is its own, other methods than GET included.
func (c SiteConfig) besideAPI(rest http.Handler) http.Handler {
	if c.API == nil {
		return rest
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, apiRoot) {
			c.API.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// page writes the page as things stand; its scripts keep it so.
func (c SiteConfig) page(w http.ResponseWriter) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, struct {
		Status
		API, Dev, Inside bool
	}{c.Status(), c.API != nil, c.Insides != nil, c.Insides != nil && c.Insides.Player != nil})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the page cannot be written: %v", err)
		return
	}
	send(w, http.StatusOK, "text/html; charset=utf-8", b.Bytes())
}
