package natsbus

import (
	"sync"

	"rubato/player"
)

// sharedSink lets the modules' engines, each with a writer of its own, append one
// at a time.
type sharedSink struct {
	mu   sync.Mutex
	sink player.TraceSink
}

func (s *sharedSink) Append(rows []player.TraceRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink.Append(rows)
}
