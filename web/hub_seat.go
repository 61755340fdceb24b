package web

import "sync"

// seat holds what waits for one client of a hub: a ring of bounded length, in which the
// newest takes the place of the oldest.
type seat struct {
	number uint64
	wake   chan struct{} // something waits

	mu        sync.Mutex
	ring      [][]byte
	first, n  int
	lost      uint64 // in all
	untold    uint64 // of these, what the client has not been told of
	delivered uint64
}

func newSeat(number uint64, backlog int) *seat {
	return &seat{number: number, wake: make(chan struct{}, 1), ring: make([][]byte, backlog)}
}

// put never waits for the client.
func (s *seat) put(event []byte) {
	s.mu.Lock()
	if s.n == len(s.ring) {
		s.first = (s.first + 1) % len(s.ring)
		s.n--
		s.lost++
		s.untold++
	}
	s.ring[(s.first+s.n)%len(s.ring)] = event
	s.n++
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it has been woken, and will find this, too
	}
}

// take empties the ring into events, and tells how many were lost before the first.
func (s *seat) take(events [][]byte) (all [][]byte, lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.n > 0; s.n-- {
		events = append(events, s.ring[s.first])
		s.ring[s.first] = nil
		s.first = (s.first + 1) % len(s.ring)
	}
	lost, s.untold = s.untold, 0
	return events, lost
}

// written counts what has been handed to the connection, or could not be.
func (s *seat) written(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lost += uint64(n)
		return
	}
	s.delivered += uint64(n)
}

func (s *seat) count() ClientCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ClientCounts{Client: s.number, Delivered: s.delivered, Lost: s.lost, Waiting: s.n}
}
