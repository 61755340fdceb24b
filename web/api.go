package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"rubato/player"
)

// Limits of a request to the API.
const (
	BodyLimit   = 64 << 10 // bytes
	LongestWish = 24 * 60  // the most minutes for which a flavor can be wanted
)

// APIRoot is the start of every path of the API.
const APIRoot = "/api/"

// api is the player's HTTP interface.
type api struct {
	shared *SharedPlayer
	titles Titles
	bearer string                                 // the token of every command; "": that of the request
	routes map[string]map[string]http.HandlerFunc // by path, then by method
	other  *http.CrossOriginProtection
}

// API is the player over HTTP, in JSON:
//
//	GET  /api/status    {"state":"playing","passage":12,"title":"Slow River","position_ms":1500,"volume":50}
//	GET  /api/queue     {"entries":[{"passage":12,"title":"Slow River","length_ms":183000}]}
//	GET  /api/events    broadcasts, as server-sent events; see Hub
//	POST /api/play, /api/pause, /api/stop, /api/skip
//	POST /api/volume    {"volume":40}, from 0 to 100
//	POST /api/queue     {"passage":12}; 201 with {"passage":12,"title":"Slow River","depth":3}
//	POST /api/messages  {"username":"ada","message":"hello"}
//	POST /api/flavor    {"passage":12,"minutes":120}, from 1 to a day
//
// Titles are those of the hub; without them, answers lack the field.
//
// A command is answered 204. An error is {"error":{"code":"not-found","message":"…"}} with
// one of the player's codes and a message that names no part of the program, and the request had no effect: 400 for an invalid request, 401
// for a command that the token does not allow, 403 for a page of another origin, 404 for no
// such passage or path, 405 for another method, 409 for a full queue, a passage that waits
// already and a skip too soon, 413 above BodyLimit, 415 for a body that is not JSON, 503
// when too many wait or a module does not answer.
//
// A command carries token, for a handler behind a Guard that has checked the request; with
// token "" it carries that of the request, from Authorization: Bearer.
func API(shared *SharedPlayer, hub *Hub, token string) http.Handler {
	a := &api{shared: shared, titles: hub.config.Titles, bearer: token, other: http.NewCrossOriginProtection()}
	a.routes = map[string]map[string]http.HandlerFunc{
		"/api/status":   {http.MethodGet: answers(http.StatusOK, a.status)},
		"/api/queue":    {http.MethodGet: answers(http.StatusOK, a.queue), http.MethodPost: answers(http.StatusCreated, a.enqueue)},
		"/api/events":   {http.MethodGet: func(w http.ResponseWriter, r *http.Request) { hub.serve(w, r, a.opening) }},
		"/api/volume":   {http.MethodPost: answers(http.StatusNoContent, a.volume)},
		"/api/messages": {http.MethodPost: answers(http.StatusNoContent, a.say)},
		"/api/flavor":   {http.MethodPost: answers(http.StatusNoContent, a.flavor)},
	}
	for _, command := range []string{player.Play, player.Pause, player.Stop, player.Skip} {
		a.routes[APIRoot+command] = map[string]http.HandlerFunc{http.MethodPost: answers(http.StatusNoContent, a.command)}
	}
	return a
}

// ServeHTTP finds the route. Where there is none, it answers in JSON.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods, ok := a.routes[r.URL.Path]
	if !ok {
		deny(w, http.StatusNotFound, player.NotFound, "no such path: there are "+strings.Join(slices.Sorted(maps.Keys(a.routes)), ", "))
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // the server leaves the body out
	}
	do, ok := methods[method]
	switch err := a.other.Check(r); {
	case !ok:
		w.Header().Set("Allow", allowed(methods))
		deny(w, http.StatusMethodNotAllowed, player.Invalid, r.Method+" is not allowed here: "+allowed(methods))
	case err != nil:
		deny(w, http.StatusForbidden, player.Unauthorised, "a page of another origin may not command the player")
	default:
		do(w, r)
	}
}

func allowed(methods map[string]http.HandlerFunc) string {
	names := slices.Collect(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// What the API answers, as JSON.
type (
	statusAnswer struct {
		State      player.State `json:"state"`
		Passage    int64        `json:"passage"`
		Title      string       `json:"title,omitempty"`
		PositionMS int64        `json:"position_ms"`
		Volume     int          `json:"volume"`
	}
	entryAnswer struct {
		Passage  int64  `json:"passage"`
		Title    string `json:"title,omitempty"`
		LengthMS int64  `json:"length_ms"`
	}
	queueAnswer struct {
		Entries []entryAnswer `json:"entries"`
	}
	// opening is the first event of a stream.
	opening struct {
		Status statusAnswer `json:"status"`
		Queue  queueAnswer  `json:"queue"`
	}
	enqueued struct {
		Passage int64  `json:"passage"`
		Title   string `json:"title,omitempty"`
		Depth   int    `json:"depth"` // how many wait then
	}
)

func (a *api) statusOf(s player.Status) statusAnswer {
	return statusAnswer{s.State, s.Passage, a.titles[s.Passage], milliseconds(s.Position), s.Volume}
}

func (a *api) queueOf(entries []player.Entry) queueAnswer {
	q := queueAnswer{Entries: make([]entryAnswer, 0, len(entries))}
	for _, e := range entries {
		q.Entries = append(q.Entries, entryAnswer{e.Passage, a.titles[e.Passage], milliseconds(e.Length)})
	}
	return q
}

const millisecond = player.Second / 1000

func milliseconds(t player.Ticks) int64 { return int64(t / millisecond) }

func (a *api) status(_ http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.shared.Status(r.Context())
	return a.statusOf(s), err
}

func (a *api) queue(_ http.ResponseWriter, r *http.Request) (any, error) {
	entries, err := a.shared.Waiting(r.Context())
	return a.queueOf(entries), err
}

func (a *api) opening(ctx context.Context) (any, error) {
	s, entries, err := a.shared.Look(ctx)
	return opening{a.statusOf(s), a.queueOf(entries)}, err
}

// command is play, pause, stop or skip, as the path says.
func (a *api) command(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := read(w, r, &struct{}{}, true); err != nil {
		return nil, err
	}
	token := a.bearer
	if token == "" {
		token = bearerOf(r)
	}
	return nil, a.shared.Do(r.Context(), player.Stimulus{Kind: player.Control, Token: token, Command: strings.TrimPrefix(r.URL.Path, APIRoot)})
}

func (a *api) volume(w http.ResponseWriter, r *http.Request) (any, error) {
	var body struct {
		Volume *int `json:"volume"`
	}
	if err := read(w, r, &body, false); err != nil {
		return nil, err
	}
	if body.Volume == nil {
		return nil, lacks("volume")
	}
	if *body.Volume < 0 || *body.Volume > player.MaxVolume {
		return nil, invalid(fmt.Errorf("volume must be 0 to %d", player.MaxVolume))
	}
	return nil, a.shared.Do(r.Context(), player.Stimulus{Kind: player.VolumeSet, Volume: *body.Volume})
}

// say refuses what the log would refuse, before the player is asked.
func (a *api) say(w http.ResponseWriter, r *http.Request) (any, error) {
	var body struct {
		Username *string `json:"username"`
		Message  *string `json:"message"`
	}
	if err := read(w, r, &body, false); err != nil {
		return nil, err
	}
	if body.Username == nil || body.Message == nil {
		return nil, lacks("username or message")
	}
	said := player.Message{Username: *body.Username, Text: *body.Message}
	if err := said.Check(); err != nil {
		return nil, invalid(errors.Unwrap(err))
	}
	return nil, a.shared.Do(r.Context(), player.Stimulus{Kind: player.MessageSaid, Message: said})
}

func (a *api) enqueue(w http.ResponseWriter, r *http.Request) (any, error) {
	var body struct {
		Passage *int64 `json:"passage"`
	}
	if err := read(w, r, &body, false); err != nil {
		return nil, err
	}
	if err := isPassage(body.Passage); err != nil {
		return nil, err
	}
	depth, err := a.shared.Enqueue(r.Context(), *body.Passage)
	return enqueued{*body.Passage, a.titles[*body.Passage], depth}, err
}

func (a *api) flavor(w http.ResponseWriter, r *http.Request) (any, error) {
	var body struct {
		Passage *int64 `json:"passage"`
		Minutes *int64 `json:"minutes"`
	}
	if err := read(w, r, &body, false); err != nil {
		return nil, err
	}
	if err := isPassage(body.Passage); err != nil {
		return nil, err
	}
	if body.Minutes == nil || *body.Minutes < 1 || *body.Minutes > LongestWish {
		return nil, invalid(fmt.Errorf("minutes must be 1 to %d", LongestWish))
	}
	return nil, a.shared.WantFlavor(r.Context(), *body.Passage, player.Ticks(*body.Minutes)*player.Minute)
}

// isPassage refuses a number that no passage can have.
func isPassage(passage *int64) error {
	if passage == nil {
		return lacks("passage")
	}
	if *passage <= 0 {
		return invalid(fmt.Errorf("passage %d: they are numbered from 1", *passage))
	}
	return nil
}

func lacks(field string) error { return invalid(fmt.Errorf("%s is missing", field)) }
