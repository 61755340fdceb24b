package audio

import (
	"context"

	"rubato/player"
)

// An Output is where sound goes. One goroutine writes.
type Output interface {
	// Write takes the frames, in order, and waits while there is no room.
	Write([]player.Frame) error
	// Close lets what was written be heard or kept, and ends what the output has
	// running.
	Close() error
}

// A Paced output takes frames only as fast as they are heard. Who waits for room
// before it mixes keeps nobody waiting behind the mixer.
type Paced interface {
	Output
	// Room returns when so many frames can be written without waiting.
	Room(ctx context.Context, frames int) error
}

// Discard takes all as fast as it comes, to nowhere.
type Discard struct{}

// Write forgets the frames.
func (Discard) Write([]player.Frame) error { return nil }

// Close has nothing to end.
func (Discard) Close() error { return nil }
