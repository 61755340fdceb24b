package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rubato/player"
)

// Questions to the stored trace.
const (
	fewReasons = 10   // flows that one passage is explained by, unless ?n= says otherwise
	mostCaused = 1000 // actions of one answer
)

// find looks for a flow in memory, and then in what is stored.
func (d *developer) find(token uint64) (player.Flow, bool, error) {
	f, found := d.in.Player.Flow(token)
	if found || d.in.Traces == nil {
		return f, found, nil
	}
	return d.in.Traces.Flow(token)
}

// count reads ?n=, from 1 to most.
func count(r *http.Request, otherwise, most int) (int, error) {
	text := r.URL.Query().Get("n")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("n %q is no whole number from 1 to %d", text, most)
	}
	return n, nil
}

// why shows the flows that enqueued a passage, newest first.
func (d *developer) why(w http.ResponseWriter, r *http.Request) {
	passage, err := strconv.ParseInt(r.PathValue("passage"), 10, 64)
	if err != nil || passage < 1 {
		refuse(w, http.StatusBadRequest, "passage %q is no number from 1", r.PathValue("passage"))
		return
	}
	n, err := count(r, fewReasons, mostFlows)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	format := r.URL.Query().Get("format")
	if format != "" && format != "json" && format != "text" {
		refuse(w, http.StatusBadRequest, "format %q is neither json nor text", format)
		return
	}
	found, err := d.in.Traces.Why(passage, n)
	switch {
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "the stored trace cannot be read: %v", err)
	case len(found) == 0:
		refuse(w, http.StatusNotFound, "passage %d was not enqueued, as far as the stored trace goes back", passage)
	case format == "text":
		var b strings.Builder
		for _, f := range found {
			fmt.Fprintf(&b, "%s\n", FlowText(f))
		}
		plain(w, b.String())
	default:
		answer(w, found)
	}
}

// caused shows the actions that a rule caused, newest first.
func (d *developer) caused(w http.ResponseWriter, r *http.Request) {
	rule, err := d.named(r.PathValue("rule"))
	if err != nil {
		refuse(w, http.StatusNotFound, "%v", err)
		return
	}
	n, err := count(r, mostCaused, mostCaused)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	since, err := instant(r.URL.Query().Get("since"), time.Now())
	if err != nil {
		refuse(w, http.StatusBadRequest, "since %v", err)
		return
	}
	rows, err := d.in.Traces.Caused(rule.Name, since, time.Time{}, n)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "the stored trace cannot be read: %v", err)
		return
	}
	answer(w, orEmpty(rows))
}

// instant reads a time, or how long ago it was; of nothing it makes the zero time.
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
