package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/player"
)

// Defaults of a stream of events.
const (
	Heartbeat = 15 * time.Second // of silence, after which a comment says that the stream is alive
	Patience  = 10 * time.Second // for one write; a client that takes longer is disconnected
)

// HubConfig has the limits of a Hub. The zero value is usable.
type HubConfig struct {
	Clients   int           // at once, at most; one more gets 503; 0: 256
	Backlog   int           // events that may wait for one client; 0: 64
	Heartbeat time.Duration // 0: Heartbeat
	Patience  time.Duration // 0: Patience
	Titles    Titles        // nil: answers and events have no titles
}

// Titles are the titles of passages by their numbers, for people. They are looked up here,
// at the edge, so that no style carries or reads them. Nothing may change them.
type Titles map[int64]string

func (c HubConfig) defaults() HubConfig {
	c.Clients = cmp.Or(max(c.Clients, 0), 256)
	c.Backlog = cmp.Or(max(c.Backlog, 0), 64)
	c.Heartbeat = cmp.Or(max(c.Heartbeat, 0), Heartbeat)
	c.Patience = cmp.Or(max(c.Patience, 0), Patience)
	return c
}

// A Hub is the audience of a player: it sends what module ui broadcasts to HTTP clients, as
// server-sent events. Without clients it costs next to nothing.
//
// The first event is initial-state, with the answers of /api/status and /api/queue. Each
// later event has its kind as name, the number of the broadcast as id, and data such as
// {"text":"playing","number":0}, and the title if the number is that of a passage. A slow client loses its oldest waiting events; before the
// next event it gets an event lost, {"lost":3}. Other clients do not notice.
//
// A channel for each client would not need the lock. But dropping its oldest event while
// the client reads needs a loop that may not end.
type Hub struct {
	config HubConfig

	mu          sync.Mutex
	heard       uint64
	seq         uint64 // of the last client
	subscribers []*subscriber
	gone        ClientCounts // sum over the clients that have left
}

// NewHub returns a hub without clients.
func NewHub(config HubConfig) *Hub { return &Hub{config: config.defaults()} }

// Hear passes an announcement on to every client and waits for none. It may be called from
// any goroutine.
func (h *Hub) Hear(a player.Announcement) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard++
	if len(h.subscribers) == 0 {
		return
	}
	event := h.config.Titles.encode(h.heard, a) // once for all clients
	for _, s := range h.subscribers {
		s.put(event)
	}
}

// encode writes an announcement as clients get it. JSON escapes line breaks, so no text can
// end the event.
func (t Titles) encode(id uint64, a player.Announcement) []byte {
	heard := heardAnswer{Text: a.Text, Number: a.Number}
	if a.Kind == player.SongChanged || a.Kind == player.Suggested { // the number is a passage
		heard.Title = t[a.Number]
	}
	data, err := json.Marshal(heard)
	if err != nil {
		panic(err) // a text and a number can be written
	}
	event := make([]byte, 0, 64+len(data))
	event = append(event, "id: "...)
	event = strconv.AppendUint(event, id, 10)
	event = append(event, "\nevent: "...)
	event = append(event, oneLine.Replace(a.Kind)...)
	event = append(event, "\ndata: "...)
	event = append(event, data...)
	return append(event, "\n\n"...)
}

// heardAnswer is an announcement as JSON. Its kind is the name of the event.
type heardAnswer struct {
	Text   string `json:"text"`
	Number int64  `json:"number"`
	Title  string `json:"title,omitempty"`
}

// oneLine keeps the name of an event on its line.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// ClientCounts count what happened to the events for one client, or for all.
type ClientCounts struct {
	Client    uint64 `json:"client"`    // from 1, in order of arrival
	Delivered uint64 `json:"delivered"` // handed to its connection
	Lost      uint64 `json:"lost"`      // dropped, because it was slow
	Waiting   int    `json:"waiting"`
}

// HubCounts count what a hub has done so far.
type HubCounts struct {
	Heard   uint64         `json:"heard"`
	Gone    ClientCounts   `json:"gone"`    // sum over the clients that have left; Client is their number
	Clients []ClientCounts `json:"clients"` // connected now, in order of arrival
}

// Counts reads the counts. What waits for a client when it leaves counts as lost.
func (h *Hub) Counts() HubCounts {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := HubCounts{Heard: h.heard, Gone: h.gone, Clients: make([]ClientCounts, 0, len(h.subscribers))}
	for _, s := range h.subscribers {
		c.Clients = append(c.Clients, s.count())
	}
	return c
}

// subscribe adds a client, if there is room.
func (h *Hub) subscribe() (*subscriber, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subscribers) >= h.config.Clients {
		return nil, false
	}
	h.seq++
	s := newSubscriber(h.seq, h.config.Backlog)
	h.subscribers = append(h.subscribers, s)
	return s, true
}

// unsubscribe removes a client.
func (h *Hub) unsubscribe(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers = slices.DeleteFunc(h.subscribers, func(other *subscriber) bool { return other == s })
	c := s.count()
	h.gone.Client++
	h.gone.Delivered += c.Delivered
	h.gone.Lost += c.Lost + uint64(c.Waiting)
}

// subscriber holds the events that wait for one client of a hub, in a ring: when it is
// full, the newest event replaces the oldest.
type subscriber struct {
	number uint64
	wake   chan struct{} // something waits

	mu         sync.Mutex
	ring       [][]byte
	first, n   int
	lost       uint64 // in all
	unreported uint64 // of these, not yet reported to the client
	delivered  uint64
}

func newSubscriber(number uint64, backlog int) *subscriber {
	return &subscriber{number: number, wake: make(chan struct{}, 1), ring: make([][]byte, backlog)}
}

// put never waits for the client.
func (s *subscriber) put(event []byte) {
	s.mu.Lock()
	if s.n == len(s.ring) {
		s.first = (s.first + 1) % len(s.ring)
		s.n--
		s.lost++
		s.unreported++
	}
	s.ring[(s.first+s.n)%len(s.ring)] = event
	s.n++
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it has been woken, and will find this event too
	}
}

// take moves the waiting events into events, and returns how many were lost before the first.
func (s *subscriber) take(events [][]byte) (all [][]byte, lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.n > 0; s.n-- {
		events = append(events, s.ring[s.first])
		s.ring[s.first] = nil
		s.first = (s.first + 1) % len(s.ring)
	}
	lost, s.unreported = s.unreported, 0
	return events, lost
}

// written counts n events that were written to the connection, or could not be.
func (s *subscriber) written(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lost += uint64(n)
		return
	}
	s.delivered += uint64(n)
}

func (s *subscriber) count() ClientCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ClientCounts{Client: s.number, Delivered: s.delivered, Lost: s.lost, Waiting: s.n}
}

// serve streams to one client until it leaves, is too slow, or the server stops. It
// subscribes before it reads the state, so that no event between them is missed.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request, look func(context.Context) (any, error)) {
	s, ok := h.subscribe()
	if !ok {
		deny(w, http.StatusServiceUnavailable, player.Unavailable,
			strconv.Itoa(h.config.Clients)+" clients are connected already: try again later")
		return
	}
	defer h.unsubscribe(s)
	state, err := look(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	e := NewEventWriter(w, h.config.Patience)
	if e.Open(); r.Method == http.MethodHead {
		return
	}
	if err = e.Event("initial-state", state); err == nil {
		h.stream(r.Context(), e, s)
	}
}

// stream writes the events of a subscriber, all that wait in one write.
func (h *Hub) stream(ctx context.Context, e EventWriter, s *subscriber) {
	beat := time.NewTimer(h.config.Heartbeat)
	defer beat.Stop()
	var events [][]byte
	var text []byte
	var err error
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = e.Heartbeat()
		case <-s.wake:
			var lost uint64
			events, lost = s.take(events[:0])
			if text = appendEvents(text[:0], events, lost); len(text) == 0 {
				continue // woken for an event that was taken already
			}
			err = e.write(text)
			s.written(len(events), err)
			clear(events) // they are shared with other clients, so do not keep them
		}
		beat.Reset(h.config.Heartbeat)
	}
}

// appendEvents writes the number of lost events before the others.
func appendEvents(text []byte, events [][]byte, lost uint64) []byte {
	if lost > 0 {
		text = append(text, "event: lost\ndata: {\"lost\":"...)
		text = strconv.AppendUint(text, lost, 10)
		text = append(text, "}\n\n"...)
	}
	for _, event := range events {
		text = append(text, event...)
	}
	return text
}

// EventWriter writes server-sent events to one client, whose connection may be slow.
type EventWriter struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
}

// NewEventWriter returns a writer that gives each write so much time.
func NewEventWriter(w http.ResponseWriter, patience time.Duration) EventWriter {
	return EventWriter{w, http.NewResponseController(w), patience}
}

// Open sends the header and lifts the server's time limits: a stream has none but those
// on each write. A proxy is told to pass events on as they come: X-Accel-Buffering is read by
// nginx and its kin, and no-transform forbids to compress, which would wait for more.
func (e EventWriter) Open() {
	_ = e.control.SetReadDeadline(time.Time{}) // not every writer has deadlines
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	e.w.WriteHeader(http.StatusOK)
	_ = e.write([]byte("retry: 2000\n\n"))
}

// Event sends v as the data of one event; name may be "". JSON escapes line breaks, so
// no text of a user can end the event or begin another.
func (e EventWriter) Event(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if name != "" {
		name = "event: " + name + "\n"
	}
	return e.write([]byte(name + "data: " + string(data) + "\n\n"))
}

// Heartbeat tells a client that the stream is alive.
func (e EventWriter) Heartbeat() error { return e.write([]byte(": still here\n\n")) }

func (e EventWriter) write(text []byte) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(e.patience))
	if _, err := e.w.Write(text); err != nil {
		return err
	}
	return e.control.Flush()
}
