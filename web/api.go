package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"rubato/player"
)

// Limits of a request to the API.
const (
	BodyLimit   = 64 << 10 // bytes
	LongestWish = 24 * 60  // minutes for which a flavor can be wanted
)

// apiRoot is what the API's paths begin with; a command follows.
const apiRoot = "/api/"

// APIConfig says who may command.
type APIConfig struct {
	// Token is what every command bears, as whoever comes so far has been let in
	// before. "": what the request itself has as Authorization: Bearer.
	Token string
}

// api is the player's HTTP interface.
type api struct {
	front  *Front
	config APIConfig
	routes map[string]map[string]http.HandlerFunc // by path, then by method
	other  *http.CrossOriginProtection
}

// API is the player over HTTP, in JSON:
//
//	GET  /api/status    {"state":"playing","passage":12,"position_ms":1500,"volume":50}
//	GET  /api/queue     {"entries":[{"passage":12,"length_ms":183000}]}
//	GET  /api/events    what is broadcast, as server-sent events; see Hub
//	POST /api/play, /api/pause, /api/stop, /api/skip
//	POST /api/volume    {"volume":40}, from 0 to 100
//	POST /api/queue     {"passage":12}; 201 with {"passage":12,"depth":3}
//	POST /api/messages  {"username":"ada","message":"hello"}
//	POST /api/flavor    {"passage":12,"minutes":120}, from 1 to a day
//
// What has been done and has nothing to tell is answered 204. Errors have
// {"error":{"code":"not-found","message":"…"}} with the player's codes, and had no
// effect: 400 for what makes no sense, 401 for a command that this token may not
// give, 403 for a page from elsewhere, 404 for no such passage or path, 405, 409 for a
// full queue, a passage that waits already and a skip too soon, 413 above BodyLimit,
// 415 for what is not JSON, 503 when too many wait or a module does not answer.
func API(front *Front, hub *Hub, config APIConfig) http.Handler {
	a := &api{front: front, config: config, other: http.NewCrossOriginProtection()}
	a.routes = map[string]map[string]http.HandlerFunc{
		"/api/status":   {http.MethodGet: a.status},
		"/api/queue":    {http.MethodGet: a.queue, http.MethodPost: a.enqueue},
		"/api/events":   {http.MethodGet: func(w http.ResponseWriter, r *http.Request) { hub.serve(w, r, a.opening) }},
		"/api/volume":   {http.MethodPost: a.volume},
		"/api/messages": {http.MethodPost: a.say},
		"/api/flavor":   {http.MethodPost: a.flavor},
	}
	for _, command := range []string{player.Play, player.Pause, player.Stop, player.Skip} {
		a.routes[apiRoot+command] = map[string]http.HandlerFunc{http.MethodPost: a.command}
	}
	return a
}

// ServeHTTP finds the route, and answers in JSON where there is none.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods, ok := a.routes[r.URL.Path]
	if !ok {
		deny(w, http.StatusNotFound, player.NotFound, "no such path: there are "+a.paths())
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // whose body the server leaves out
	}
	do, ok := methods[method]
	switch err := a.other.Check(r); {
	case !ok:
		w.Header().Set("Allow", allowed(methods))
		deny(w, http.StatusMethodNotAllowed, player.Invalid, r.Method+" is not allowed here: "+allowed(methods))
	case err != nil:
		deny(w, http.StatusForbidden, player.Unauthorised, "a page from elsewhere may not command the player")
	default:
		do(w, r)
	}
}

func (a *api) paths() string {
	var paths []string
	for path := range a.routes {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return strings.Join(paths, ", ")
}

func allowed(methods map[string]http.HandlerFunc) string {
	var names []string
	for name := range methods {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// statusAnswer is a status as JSON.
type statusAnswer struct {
	State      player.State `json:"state"`
	Passage    int64        `json:"passage"`
	PositionMS int64        `json:"position_ms"`
	Volume     int          `json:"volume"`
}

// entryAnswer is an entry of the queue as JSON.
type entryAnswer struct {
	Passage  int64 `json:"passage"`
	LengthMS int64 `json:"length_ms"`
}

// queueAnswer is the queue as JSON.
type queueAnswer struct {
	Entries []entryAnswer `json:"entries"`
}

func statusOf(s player.Status) statusAnswer {
	return statusAnswer{s.State, s.Passage, milliseconds(s.Position), s.Volume}
}

func queueOf(entries []player.Entry) queueAnswer {
	q := queueAnswer{Entries: make([]entryAnswer, 0, len(entries))}
	for _, e := range entries {
		q.Entries = append(q.Entries, entryAnswer{e.Passage, milliseconds(e.Length)})
	}
	return q
}

const millisecond = player.Second / 1000

func milliseconds(t player.Ticks) int64 { return int64(t / millisecond) }

func (a *api) status(w http.ResponseWriter, r *http.Request) {
	s, err := a.front.Status(r.Context())
	tell(w, http.StatusOK, statusOf(s), err)
}

func (a *api) queue(w http.ResponseWriter, r *http.Request) {
	entries, err := a.front.Waiting(r.Context())
	tell(w, http.StatusOK, queueOf(entries), err)
}

// opening is what a listener hears first.
type opening struct {
	Status statusAnswer `json:"status"`
	Queue  queueAnswer  `json:"queue"`
}

func (a *api) opening(ctx context.Context) (any, error) {
	s, entries, err := a.front.Look(ctx)
	return opening{statusOf(s), queueOf(entries)}, err
}
