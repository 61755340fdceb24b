package web

import (
	"fmt"
	"net/http"
	"strings"

	"rubato/player"
)

// Insides is what the developer interface shows.
type Insides struct {
	Style  string           // whose insides they are
	Player player.Inspected // nil: the style has none, and every route says so
	Traces TraceReader      // what is stored; nil: only what memory holds
}

// InsidesOf are those of an open player, if its style has any.
func InsidesOf(style string, p player.Player, traces TraceReader) Insides {
	inspected, _ := p.(player.Inspected)
	return Insides{Style: style, Player: inspected, Traces: traces}
}

// Route is one path of the developer interface, as its index lists it.
type Route struct {
	Path string `json:"path"`
	Doc  string `json:"doc"`
}

// Developer is the developer interface: every path below /dev/. Answers are JSON
// and errors {"error": …} with 400, 404, 405 or 503, unless a format is asked for.
// It checks neither who asks nor from where: Site does.
func Developer(in Insides) http.Handler {
	if in.Player == nil {
		return onlyGet(in.nothing())
	}
	d := &developer{in: in, stream: newStream(in.Player)}
	mux := http.NewServeMux()
	var index []Route
	for _, r := range d.routes() {
		mux.HandleFunc("GET "+r.Path, r.serve)
		index = append(index, Route{strings.TrimSuffix(r.Path, "{$}"), r.Doc})
	}
	d.index = index
	return routed(mux, "GET /dev/ lists all")
}

// nothing answers for a style that has no insides.
func (in Insides) nothing() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound,
			"style %s has no concepts, rules or traces to show: its parts are joined by something else; serve -style bus has them", in.Style)
	})
}

type developer struct {
	in     Insides
	stream *stream
	index  []Route
}

type route struct {
	Route
	serve http.HandlerFunc
}

func (d *developer) routes() []route {
	out := []route{
		{Route{"/dev/{$}", "this list"}, d.root},
		{Route{"/dev/concepts", "every concept with its actions, queries and events"}, d.concepts},
		{Route{"/dev/concepts/{name}", "one concept: module::Name, or Name where only one module has it"}, d.concept},
		{Route{"/dev/syncs", "every rule with its figures"}, d.rules},
		{Route{"/dev/syncs/{name}", "one rule"}, d.rule},
		{Route{"/dev/syncs/{name}/metrics", "one rule's figures: counts, and durations in µs"}, d.metrics},
		{Route{"/dev/traces", "the newest flows in memory, in short: ?n=50, 1000 at most"}, d.flows},
		{Route{"/dev/traces/{flow}", "one flow: ?format=json, text, svg or dot"}, d.flow},
		{Route{"/dev/events/stream", "events as they happen, as SSE: ?event=URI (again for more), ?interval=100ms, ?coalesce=1"}, d.stream.ServeHTTP},
		{Route{"/dev/lost", "what trace and listeners could not keep"}, d.lost},
	}
	if d.in.Traces == nil {
		return out
	}
	return append(out,
		route{Route{"/dev/traces/why/{passage}", "why a passage was chosen, newest first: the flows that enqueued it, from the root on; ?format=json or text, ?n=10"}, d.why},
		route{Route{"/dev/traces/caused/{rule}", "what a rule caused, newest first: ?since=2026-01-02T15:04:05Z, or ?since=10m for ten minutes ago; ?n="}, d.caused})
}

// root lists the routes.
func (d *developer) root(w http.ResponseWriter, _ *http.Request) {
	answer(w, struct {
		Style  string  `json:"style"`
		Routes []Route `json:"routes"`
	}{d.in.Style, d.index})
}

func (d *developer) concepts(w http.ResponseWriter, _ *http.Request) {
	answer(w, orEmpty(d.in.Player.Concepts()))
}

// concept finds one by its full name, or by its short one if that is nobody else's.
func (d *developer) concept(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var found []player.ConceptInfo
	for _, c := range d.in.Player.Concepts() {
		if c.Module+"::"+c.Name == name || c.Name == name {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		refuse(w, http.StatusNotFound, "no concept %q: GET /dev/concepts lists them", name)
	case 1:
		answer(w, found[0])
	default:
		var full []string
		for _, c := range found {
			full = append(full, c.Module+"::"+c.Name)
		}
		refuse(w, http.StatusBadRequest, "concept %q is one of %s: say which", name, strings.Join(full, ", "))
	}
}

func (d *developer) rules(w http.ResponseWriter, _ *http.Request) {
	answer(w, orEmpty(d.in.Player.Rules()))
}

func (d *developer) rule(w http.ResponseWriter, r *http.Request) {
	if info, err := d.named(r.PathValue("name")); err != nil {
		refuse(w, http.StatusNotFound, "%v", err)
	} else {
		answer(w, info)
	}
}

func (d *developer) metrics(w http.ResponseWriter, r *http.Request) {
	if info, err := d.named(r.PathValue("name")); err != nil {
		refuse(w, http.StatusNotFound, "%v", err)
	} else {
		answer(w, info.Metrics)
	}
}

func (d *developer) named(name string) (player.RuleInfo, error) {
	for _, info := range d.in.Player.Rules() {
		if info.Name == name {
			return info, nil
		}
	}
	return player.RuleInfo{}, fmt.Errorf("no rule %q: GET /dev/syncs lists them", name)
}

func (d *developer) lost(w http.ResponseWriter, _ *http.Request) { answer(w, d.in.Player.Lost()) }

// orEmpty makes an empty list of none, so that clients get [] and not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
