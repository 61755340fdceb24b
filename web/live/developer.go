package live

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rubato/command"
	"rubato/player"
	"rubato/web"
)

// Insides is what the developer interface shows of a player.
type Insides struct {
	Style  string
	Player player.Inspected // nil: the style has no rules or traces, and every route says so
	Traces TraceReader      // the stored trace; nil: only the flows in memory
	Titles web.Titles       // of passages, for events; nil: none
}

// InsidesOf are the insides of an open player.
func InsidesOf(style string, p player.Player, traces TraceReader) Insides {
	inspected, _ := p.(player.Inspected)
	return Insides{Style: style, Player: inspected, Traces: traces}
}

// Route is one path of the developer interface, as its index lists it.
type Route struct {
	Path string `json:"path"`
	Doc  string `json:"doc"`
}

// Developer is the developer interface: every path below /dev/. Answers are JSON, unless
// another format is asked for, and errors {"error": …} with 400, 404, 405 or 503. It does
// not check who asks: Site does.
func Developer(in Insides) http.Handler {
	if in.Player == nil {
		return onlyGet(answers(func(*http.Request) (any, error) {
			return nil, refused(http.StatusNotFound, "style %s has no concepts, rules or traces; serve -style bus has them", in.Style)
		}))
	}
	d := &developer{in: in}
	mux := http.NewServeMux()
	for _, r := range d.routes() {
		mux.Handle("GET "+r.Path, r.serve)
		d.index = append(d.index, Route{strings.TrimSuffix(r.Path, "{$}"), r.Doc})
	}
	return routed(mux, "GET /dev/ lists all")
}

type developer struct {
	in    Insides
	index []Route
}

type route struct {
	Route
	serve http.Handler
}

func (d *developer) routes() []route {
	out := []route{
		{Route{"/dev/{$}", "this list"}, answers(d.root)},
		{Route{"/dev/concepts", "every concept with its actions, queries and events"}, answers(d.concepts)},
		{Route{"/dev/concepts/{name}", "one concept: module::Name, or Name where only one module has it"}, answers(d.concept)},
		{Route{"/dev/syncs", "every rule with its figures"}, answers(d.rules)},
		{Route{"/dev/syncs/{name}", "one rule"}, answers(d.rule)},
		{Route{"/dev/syncs/{name}/metrics", "one rule's figures: counts, and durations in µs"}, answers(d.metrics)},
		{Route{"/dev/traces", "the newest flows in memory, in short: ?n=50, at most 1000"}, answers(d.flows)},
		{Route{"/dev/traces/{flow}", "one flow: ?format=json, text, svg or dot"}, answers(d.flow)},
		{Route{"/dev/events/stream", "events as they happen, as SSE: ?event=URI (again for more), ?interval=100ms, ?coalesce=1"}, newStream(d.in.Player, d.in.Titles)},
		{Route{"/dev/lost", "rows, flows and events that were dropped, and malformed messages that modules refused"}, answers(d.lost)},
	}
	if d.in.Traces == nil {
		return out
	}
	return append(out,
		route{Route{"/dev/traces/why/{passage}", "why a passage was chosen, newest first: the flows that enqueued it, from their root; ?format=json or text, ?n=10"}, answers(d.why)},
		route{Route{"/dev/traces/caused/{rule}", "what a rule caused, newest first: ?since=2026-01-02T15:04:05Z, or ?since=10m for ten minutes ago; ?n="}, answers(d.caused)})
}

// refusal is an error with its HTTP status.
type refusal struct {
	error
	status int
}

func refused(status int, format string, args ...any) error {
	return refusal{fmt.Errorf(format, args...), status}
}

func unreadable(err error) error {
	return refused(http.StatusServiceUnavailable, "the stored trace cannot be read: %v", err)
}

// document is an answer that is not JSON.
type document struct {
	contentType string
	body        []byte
}

// answers serves what ask returns: a document, a value to write as JSON, or an error, which
// is the client's unless it is a refusal with another status.
func answers(ask func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := ask(r)
		if err != nil {
			why := refusal{err, http.StatusBadRequest}
			errors.As(err, &why)
			web.WriteError(w, why.status, "%v", err)
			return
		}
		d, ok := v.(document)
		if !ok {
			web.WriteJSON(w, http.StatusOK, v)
			return
		}
		if d.contentType == svgType { // opened outside the page it may only style itself
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		}
		web.WriteBody(w, http.StatusOK, d.contentType, d.body)
	}
}

// root lists the routes.
func (d *developer) root(*http.Request) (any, error) {
	return struct {
		Style  string  `json:"style"`
		Routes []Route `json:"routes"`
	}{d.in.Style, d.index}, nil
}

func (d *developer) concepts(*http.Request) (any, error) { return orEmpty(d.in.Player.Concepts()), nil }

// concept finds a concept by its full name, or by its short name if that is unique.
func (d *developer) concept(r *http.Request) (any, error) {
	name := r.PathValue("name")
	var found []player.ConceptInfo
	var full, all []string
	for _, c := range d.in.Player.Concepts() {
		all = append(all, c.Name, c.Module+"::"+c.Name)
		if long := c.Module + "::" + c.Name; long == name || c.Name == name {
			found, full = append(found, c), append(full, long)
		}
	}
	switch len(found) {
	case 0:
		return nil, refused(http.StatusNotFound, "no concept %q: GET /dev/concepts lists them%s", name, command.Suggest(name, all))
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("concept %q may be %s: give the full name", name, strings.Join(full, ", "))
}

func (d *developer) rules(*http.Request) (any, error) { return orEmpty(d.in.Player.Rules()), nil }

func (d *developer) rule(r *http.Request) (any, error) { return d.named(r.PathValue("name")) }

func (d *developer) metrics(r *http.Request) (any, error) {
	info, err := d.named(r.PathValue("name"))
	return info.Metrics, err
}

func (d *developer) named(name string) (player.RuleInfo, error) {
	var all []string
	for _, info := range d.in.Player.Rules() {
		if info.Name == name {
			return info, nil
		}
		all = append(all, info.Name)
	}
	return player.RuleInfo{}, refused(http.StatusNotFound, "no rule %q: GET /dev/syncs lists them%s", name, command.Suggest(name, all))
}

func (d *developer) lost(*http.Request) (any, error) { return d.in.Player.Lost(), nil }

// orEmpty makes nil an empty list, so that clients get [] and not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Limits of questions to the stored trace.
const (
	fewReasons = 10   // flows in the answer to why, unless ?n= says otherwise
	mostCaused = 1000 // actions in one answer
)

// count reads ?n=, from 1 to most.
func count(r *http.Request, otherwise, most int) (int, error) {
	text := r.URL.Query().Get("n")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("n %q is not a whole number from 1 to %d", text, most)
	}
	return n, nil
}

// why shows the flows that enqueued a passage, newest first.
func (d *developer) why(r *http.Request) (any, error) {
	passage, err := strconv.ParseInt(r.PathValue("passage"), 10, 64)
	if err != nil || passage < 1 {
		return nil, fmt.Errorf("passage %q is not a number from 1", r.PathValue("passage"))
	}
	n, err := count(r, fewReasons, mostFlows)
	if err != nil {
		return nil, err
	}
	format := r.URL.Query().Get("format")
	if format != "" && format != "json" && format != "text" {
		return nil, fmt.Errorf("format %q is neither json nor text", format)
	}
	found, err := d.in.Traces.Why(passage, n)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(found) == 0:
		return nil, refused(http.StatusNotFound, "passage %d was not enqueued, as far back as the stored trace goes", passage)
	case format != "text":
		return found, nil
	}
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s\n", FlowText(f))
	}
	return document{textType, []byte(b.String())}, nil
}

// caused shows the actions that a rule caused, newest first.
func (d *developer) caused(r *http.Request) (any, error) {
	rule, err := d.named(r.PathValue("rule"))
	if err != nil {
		return nil, err
	}
	n, err := count(r, mostCaused, mostCaused)
	if err != nil {
		return nil, err
	}
	since, err := instant(r.URL.Query().Get("since"), time.Now())
	if err != nil {
		return nil, fmt.Errorf("since %w", err)
	}
	rows, err := d.in.Traces.Caused(rule.Name, since, time.Time{}, n)
	if err != nil {
		return nil, unreadable(err)
	}
	return orEmpty(rows), nil
}

// instant reads a time, or how long ago it was; "" is the zero time.
func instant(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-01-02T15:04:05Z nor how long ago, such as 10m", text)
	}
	return at, nil
}

// Flows in one answer.
const (
	fewFlows  = 50
	mostFlows = 1000
)

// FlowLine is a flow in short, for lists.
type FlowLine struct {
	Flow    uint64    `json:"flow"`
	Root    string    `json:"root"` // URI of its first action, or of the event that started that
	Start   time.Time `json:"start"`
	Took    float64   `json:"took_us"` // from the start of the first to the end of the last action
	Actions int       `json:"actions"`
	Rules   []string  `json:"rules"` // in order of first step
	Failed  int       `json:"failed,omitempty"`
}

func line(f player.Flow) FlowLine {
	out := FlowLine{Flow: f.Token, Actions: len(f.Rows), Rules: []string{}}
	if len(f.Rows) == 0 {
		return out
	}
	first := f.Rows[0]
	out.Root, out.Start = first.Action, first.Start
	if first.Trigger != "" {
		out.Root = first.Trigger
	}
	var end time.Time
	for _, r := range f.Rows {
		if last := r.Start.Add(r.Took); last.After(end) {
			end = last
		}
		if r.Err != "" {
			out.Failed++
		}
		if r.Rule != "" && !slices.Contains(out.Rules, r.Rule) {
			out.Rules = append(out.Rules, r.Rule)
		}
	}
	out.Took = float64(end.Sub(out.Start)) / float64(time.Microsecond)
	return out
}

// flows lists the newest flows, newest first.
func (d *developer) flows(r *http.Request) (any, error) {
	n, err := count(r, fewFlows, mostFlows)
	lines := []FlowLine{}
	for _, f := range d.in.Player.Flows(n) {
		lines = append(lines, line(f))
	}
	return lines, err
}

// flow shows one flow, from memory or else from the stored trace.
func (d *developer) flow(r *http.Request) (any, error) {
	draw, err := format(r.URL.Query().Get("format"))
	if err != nil {
		return nil, err
	}
	token, err := strconv.ParseUint(r.PathValue("flow"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("flow %q is not a token: GET /dev/traces lists the newest", r.PathValue("flow"))
	}
	f, found := d.in.Player.Flow(token)
	if !found && d.in.Traces != nil {
		if f, found, err = d.in.Traces.Flow(token); err != nil {
			return nil, unreadable(err)
		}
	}
	if !found {
		return nil, refused(http.StatusNotFound, "there is no flow %d, or no longer: GET /dev/traces lists the newest", token)
	}
	return draw(f), nil
}

// Types of documents.
const (
	textType = "text/plain; charset=utf-8"
	dotType  = "text/vnd.graphviz; charset=utf-8"
	svgType  = "image/svg+xml; charset=utf-8"
)

// format returns the function that writes a flow in the format asked for.
func format(name string) (func(player.Flow) any, error) {
	switch name {
	case "", "json":
		return func(f player.Flow) any { return f }, nil
	case "text":
		return func(f player.Flow) any { return document{textType, []byte(FlowText(f))} }, nil
	case "dot":
		return func(f player.Flow) any { return document{dotType, []byte(FlowDOT(f))} }, nil
	case "svg":
		return func(f player.Flow) any { return document{svgType, FlowSVG(f)} }, nil
	}
	return nil, fmt.Errorf("format %q is none of json, text, dot, svg", name)
}
