package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rubato/player"
	"rubato/web"
)

// Bounds of the event stream.
const (
	StreamClients = 100         // at once; one more gets 503
	StreamBacklog = 256         // events that wait for one client; then its oldest are dropped
	longInterval  = time.Minute // the longest interval that a client may choose
	manyEvents    = 64          // the most that a client may name
)

// stream serves events as they happen. Each client has its own pace.
type stream struct {
	player    player.Inspected
	titles    web.Titles
	places    chan struct{}
	heartbeat time.Duration
	patience  time.Duration
}

func newStream(p player.Inspected, titles web.Titles) *stream {
	return &stream{player: p, titles: titles, places: make(chan struct{}, StreamClients), heartbeat: web.Heartbeat, patience: web.Patience}
}

// ServeHTTP streams until the client leaves, the server stops or the player closes.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	options, err := s.options(r.URL.Query())
	if err != nil {
		web.WriteError(w, http.StatusBadRequest, "%v", err)
		return
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		w.Header().Set("Retry-After", "10")
		web.WriteError(w, http.StatusServiceUnavailable, "%d clients are connected already: try again later", cap(s.places))
		return
	}
	listener := s.player.Listen(options)
	defer listener.Close()
	e := web.NewEventWriter(w, s.patience)
	if e.Open(); r.Method == http.MethodHead {
		return
	}
	for err == nil {
		err = s.next(r.Context(), listener, e)
	}
}

// next writes one event, or a heartbeat if there is none.
func (s *stream) next(ctx context.Context, listener player.Listener, e web.EventWriter) error {
	wait, cancel := context.WithTimeout(ctx, s.heartbeat)
	defer cancel()
	heard, err := listener.Next(wait)
	switch {
	case err == nil:
		return e.Event("", titledEvent{heard, s.titles[passageOf(heard.Fields)]})
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return e.Heartbeat()
	}
	return errors.Join(err, e.Event("end", map[string]string{"error": err.Error()}))
}

// titledEvent is an event with the title of the passage that it is about.
type titledEvent struct {
	player.Heard
	Title string `json:"title,omitempty"`
}

// passageOf is the passage that an event is about, 0 if it is about none. It is the first
// field of such an event; further on, it may be in what a user said.
func passageOf(fields string) int64 {
	value, found := strings.CutPrefix(fields, "passage=")
	if !found {
		return 0
	}
	value, _, _ = strings.Cut(value, " ")
	passage, _ := strconv.ParseInt(value, 10, 64)
	return passage
}

// options reads the options of the client.
func (s *stream) options(query url.Values) (player.ListenOptions, error) {
	o := player.ListenOptions{Capacity: StreamBacklog, Events: query["event"]}
	if len(o.Events) > manyEvents {
		return o, fmt.Errorf("%d events named: name at most %d, or none for all", len(o.Events), manyEvents)
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
