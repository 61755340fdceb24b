package web

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/player"
)

// HubConfig says how much a Hub bears. The zero value is usable.
type HubConfig struct {
	Clients   int           // at once, at most; one more gets 503; 0: 256
	Backlog   int           // events that wait for one client, at most; 0: 64
	Heartbeat time.Duration // of silence, after which a client is told that all is well; 0: 15 s
	Patience  time.Duration // for one write; a client that takes longer is cut off; 0: 10 s
}

func (c HubConfig) defaults() HubConfig {
	c.Clients = cmp.Or(max(c.Clients, 0), 256)
	c.Backlog = cmp.Or(max(c.Backlog, 0), 64)
	c.Heartbeat = cmp.Or(max(c.Heartbeat, 0), heartbeat)
	c.Patience = cmp.Or(max(c.Patience, 0), patience)
	return c
}

// A Hub is the audience of a player: who listens over HTTP hears from it what module
// ui broadcasts, as server-sent events. A player that is heard by nobody costs it next
// to nothing.
//
// First comes initial-state, with the answers of /api/status and /api/queue as status
// and queue. Each event after it has its kind as its name, the number of the broadcast
// as its id, and as its data {"text":"playing","number":0}. Who is slow loses the
// oldest of what waits for it, and is told by an event lost, {"lost":3}, before the
// next that it gets; nobody else notices.
//
// A channel for each client would do without the lock, but cannot drop its oldest
// while somebody reads it without a loop that may not end.
type Hub struct {
	config HubConfig

	mu    sync.Mutex
	heard uint64
	seq   uint64 // of the last client
	seats []*seat
	gone  ClientCounts // sum over those who have left
}

// NewHub returns a hub without clients.
func NewHub(config HubConfig) *Hub { return &Hub{config: config.defaults()} }

// Hear passes an announcement on to everybody who listens, and waits for nobody. It
// may be called from any goroutine.
func (h *Hub) Hear(a player.Announcement) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard++
	if len(h.seats) == 0 {
		return
	}
	event := encode(h.heard, a) // once for all
	for _, s := range h.seats {
		s.put(event)
	}
}

// encode writes an announcement as clients get it. JSON has no line breaks of its own,
// so that no text can end the event.
func encode(id uint64, a player.Announcement) []byte {
	data, err := json.Marshal(heardAnswer{a.Text, a.Number})
	if err != nil {
		panic(err) // a text and a number can be written
	}
	event := make([]byte, 0, 64+len(data))
	event = append(event, "id: "...)
	event = strconv.AppendUint(event, id, 10)
	event = append(event, "\nevent: "...)
	event = append(event, oneLine(a.Kind)...)
	event = append(event, "\ndata: "...)
	event = append(event, data...)
	return append(event, "\n\n"...)
}

// heardAnswer is an announcement as JSON; its kind is the event's name.
type heardAnswer struct {
	Text   string `json:"text"`
	Number int64  `json:"number"`
}

// lostAnswer is what a slow client is told, as JSON.
type lostAnswer struct {
	Lost uint64 `json:"lost"`
}

func oneLine(name string) string {
	if strings.ContainsAny(name, "\r\n") {
		return strings.NewReplacer("\r", " ", "\n", " ").Replace(name)
	}
	return name
}

// ClientCounts are what has become of the events for one client, or for all.
type ClientCounts struct {
	Client    uint64 `json:"client"`    // from 1, in order of coming
	Delivered uint64 `json:"delivered"` // handed to its connection
	Lost      uint64 `json:"lost"`      // dropped, as it was slow
	Waiting   int    `json:"waiting"`
}

// HubCounts are what a hub has done so far.
type HubCounts struct {
	Heard   uint64         `json:"heard"`
	Gone    ClientCounts   `json:"gone"`    // sum over those who have left; Client is how many
	Clients []ClientCounts `json:"clients"` // who listen, in order of coming
}

// Counts reads them. What waits for a client when it leaves counts as lost.
func (h *Hub) Counts() HubCounts {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := HubCounts{Heard: h.heard, Gone: h.gone, Clients: make([]ClientCounts, 0, len(h.seats))}
	for _, s := range h.seats {
		c.Clients = append(c.Clients, s.count())
	}
	return c
}

// open lets one more listen, if there is room.
func (h *Hub) open() (*seat, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.seats) >= h.config.Clients {
		return nil, false
	}
	h.seq++
	s := newSeat(h.seq, h.config.Backlog)
	h.seats = append(h.seats, s)
	return s, true
}

// close lets one go.
func (h *Hub) close(s *seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seats = slices.DeleteFunc(h.seats, func(other *seat) bool { return other == s })
	c := s.count()
	h.gone.Client++
	h.gone.Delivered += c.Delivered
	h.gone.Lost += c.Lost + uint64(c.Waiting)
}
