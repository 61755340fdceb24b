package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"rubato/player"
)

// Flows of one answer.
const (
	fewFlows  = 50
	mostFlows = 1000
)

// FlowLine is a flow in short, for lists.
type FlowLine struct {
	Flow    uint64    `json:"flow"`
	Root    string    `json:"root"` // URI of its first action, or of the event that set that off
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
	seen := map[string]bool{"": true}
	for _, r := range f.Rows {
		if last := r.Start.Add(r.Took); last.After(end) {
			end = last
		}
		if r.Err != "" {
			out.Failed++
		}
		if !seen[r.Rule] {
			seen[r.Rule] = true
			out.Rules = append(out.Rules, r.Rule)
		}
	}
	out.Took = float64(end.Sub(out.Start)) / float64(time.Microsecond)
	return out
}

// flows lists the newest, newest first.
func (d *developer) flows(w http.ResponseWriter, r *http.Request) {
	n, err := count(r, fewFlows, mostFlows)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	lines := []FlowLine{}
	for _, f := range d.in.Player.Flows(n) {
		lines = append(lines, line(f))
	}
	answer(w, lines)
}

// flow shows one, from memory or from what is stored.
func (d *developer) flow(w http.ResponseWriter, r *http.Request) {
	draw, err := format(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	token, err := strconv.ParseUint(r.PathValue("flow"), 10, 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, "flow %q is no token: GET /dev/traces lists the newest", r.PathValue("flow"))
		return
	}
	f, found, err := d.find(token)
	switch {
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "the stored trace cannot be read: %v", err)
	case !found:
		refuse(w, http.StatusNotFound, "no flow %d, or no longer: GET /dev/traces lists the newest", token)
	default:
		draw(w, f)
	}
}

// format is how the client wants a flow.
func format(r *http.Request) (func(http.ResponseWriter, player.Flow), error) {
	switch text := r.URL.Query().Get("format"); text {
	case "", "json":
		return func(w http.ResponseWriter, f player.Flow) { answer(w, f) }, nil
	case "text":
		return func(w http.ResponseWriter, f player.Flow) { plain(w, FlowText(f)) }, nil
	case "dot":
		return func(w http.ResponseWriter, f player.Flow) {
			send(w, http.StatusOK, "text/vnd.graphviz; charset=utf-8", []byte(FlowDOT(f)))
		}, nil
	case "svg":
		return picture, nil
	default:
		return nil, fmt.Errorf("format %q is none of json, text, dot, svg", text)
	}
}

func plain(w http.ResponseWriter, text string) {
	send(w, http.StatusOK, "text/plain; charset=utf-8", []byte(text))
}

// picture sends a flow as SVG that may style itself and nothing else, should
// somebody open it outside of the page.
func picture(w http.ResponseWriter, f player.Flow) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	send(w, http.StatusOK, "image/svg+xml; charset=utf-8", FlowSVG(f))
}
