package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"rubato/player"
)

// serve streams to one client until it leaves, is too slow, or the server stops. It
// listens before it looks, so that nothing falls between the state and the first event.
func (h *Hub) serve(w http.ResponseWriter, r *http.Request, look func(context.Context) (any, error)) {
	s, ok := h.open()
	if !ok {
		deny(w, http.StatusServiceUnavailable, player.Unavailable,
			strconv.Itoa(h.config.Clients)+" clients listen already: try again later")
		return
	}
	defer h.close(s)
	state, err := look(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	c := client{w: w, control: http.NewResponseController(w), patience: h.config.Patience}
	if c.open(); r.Method == http.MethodHead {
		return
	}
	if err = c.event("initial-state", state); err == nil {
		h.stream(r.Context(), c, s)
	}
}

// stream passes on what comes to a seat, all that waits in one write.
func (h *Hub) stream(ctx context.Context, c client, s *seat) {
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
			err = c.write([]byte(": still here\n\n"))
		case <-s.wake:
			var lost uint64
			events, lost = s.take(events[:0])
			if text = appendEvents(text[:0], events, lost); len(text) == 0 {
				continue // woken for what had been taken already
			}
			err = c.write(text)
			s.written(len(events), err)
			clear(events) // which are shared, and not to be kept
		}
		beat.Reset(h.config.Heartbeat)
	}
}

// appendEvents puts the news of what was lost before what was not.
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
