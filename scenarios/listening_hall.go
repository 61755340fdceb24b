package scenarios

import (
	"sync"

	"rubato/player"
)

// hall is an audience that counts what it hears: by kind, and by state where that is
// what is told.
type hall struct {
	mu    sync.Mutex
	heard map[string]int64
}

func newHall() *hall { return &hall{heard: map[string]int64{}} }

// Hear counts.
func (h *hall) Hear(n player.Announcement) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard[n.Kind]++
	if n.Kind == player.StateChanged {
		h.heard[n.Text]++
	}
}

// count is how often a kind, or a state, was heard.
func (h *hall) count(what string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heard[what]
}
