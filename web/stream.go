package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rubato/player"
)

// Bounds of the event stream.
const (
	StreamClients = 100              // at once; one more gets 503
	StreamBacklog = 256              // events that wait for one client; then its oldest go
	heartbeat     = 15 * time.Second // of silence, so that proxies and clients know it lives
	patience      = 10 * time.Second // for one write; a client that takes longer is cut off
	longInterval  = time.Minute      // the longest that a client may ask for
	manyEvents    = 64               // the most that a client may name
)

// stream serves events as they happen, to each client at its own pace.
type stream struct {
	player    player.Inspected
	places    chan struct{}
	heartbeat time.Duration
	patience  time.Duration
}

func newStream(p player.Inspected) *stream {
	return &stream{player: p, places: make(chan struct{}, StreamClients), heartbeat: heartbeat, patience: patience}
}

// ServeHTTP streams until the client leaves, the server stops or the player closes.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	options, err := s.options(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "%d clients listen already: try again later", cap(s.places))
		return
	}
	listener := s.player.Listen(options)
	defer listener.Close()
	c := client{w: w, control: http.NewResponseController(w), patience: s.patience}
	if c.open(); r.Method == http.MethodHead {
		return
	}
	for err == nil {
		err = s.next(r.Context(), listener, c)
	}
}

// next passes on one event, or a heartbeat when there is none.
func (s *stream) next(ctx context.Context, listener player.Listener, c client) error {
	wait, cancel := context.WithTimeout(ctx, s.heartbeat)
	defer cancel()
	heard, err := listener.Next(wait)
	switch {
	case err == nil:
		return c.event("", heard)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return c.write([]byte(": still here\n\n"))
	}
	return errors.Join(err, c.event("end", map[string]string{"error": err.Error()}))
}

// options reads what the client wishes.
func (s *stream) options(query url.Values) (player.ListenOptions, error) {
	o := player.ListenOptions{Capacity: StreamBacklog, Events: query["event"]}
	if len(o.Events) > manyEvents {
		return o, fmt.Errorf("%d events named: %d at most, or none for all", len(o.Events), manyEvents)
	}
	for _, uri := range o.Events {
		if !s.known(uri) {
			return o, fmt.Errorf("no event %q: GET /dev/concepts lists them", uri)
		}
	}
	if text := query.Get("interval"); text != "" {
		interval, err := time.ParseDuration(text)
		if err != nil || interval < 0 || interval > longInterval {
			return o, fmt.Errorf("interval %q is no time from 0s to %v, such as 100ms", text, longInterval)
		}
		o.Interval = interval
	}
	switch text := query.Get("coalesce"); text {
	case "", "0":
	case "1":
		o.Coalesce = true
	default:
		return o, fmt.Errorf("coalesce %q is neither 0 nor 1", text)
	}
	return o, nil
}

func (s *stream) known(uri string) bool {
	return slices.ContainsFunc(s.player.Concepts(), func(c player.ConceptInfo) bool {
		return slices.ContainsFunc(c.Events, func(e player.DoorInfo) bool { return e.URI == uri })
	})
}

// client is one who listens, behind a socket that may be slow.
type client struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
}

// open sends the header, and lifts the server's limits of time: a stream has none
// but those on each write.
func (c client) open() {
	_ = c.control.SetReadDeadline(time.Time{}) // not every writer has deadlines
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	_ = c.write([]byte("retry: 2000\n\n"))
}

// event sends v as the data of one event. JSON has no line breaks of its own, so
// nothing that a user said can end the event or begin another.
func (c client) event(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if name != "" {
		name = "event: " + name + "\n"
	}
	return c.write([]byte(name + "data: " + string(data) + "\n\n"))
}

func (c client) write(text []byte) error {
	_ = c.control.SetWriteDeadline(time.Now().Add(c.patience))
	if _, err := c.w.Write(text); err != nil {
		return err
	}
	return c.control.Flush()
}
