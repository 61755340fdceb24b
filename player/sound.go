package player

// Sound is what everything is decoded to: stereo, 32-bit float, 44.1 kHz.
const (
	SampleRate          = 44_100
	TicksPerFrame Ticks = Second / SampleRate // 640
)

// A Frame is one sample of each channel, left and right, in -1 to 1.
type Frame [2]float32

// A Cut is a passage as module ap needs it: where its sound is and how it begins
// and ends.
type Cut struct {
	Passage           int64
	File              string // "" when the library has no sound
	Start, End        Ticks  // within the file
	FadeIn, FadeOut   Ticks  // how long each takes
	LeadIn, LeadOut   Ticks  // how long the neighbour may sound, too
	InCurve, OutCurve Curve
	Boundaries        []Ticks // where its second, third … song begins, from Start
}

// A Deck turns passages into sound; package audio has a real one. It decodes beside
// the player, as many passages as it has buffers for; all else happens in the
// caller's goroutine. A player without a deck plays in silence, and is told by its
// stimuli what a deck would have said.
type Deck interface {
	// Load begins to decode a passage, and returns at once. What came of it becomes a
	// stimulus, BufferReady or BufferFailed, which whoever drives the player makes.
	Load(Cut) error
	// Drop forgets a passage that will not be played. One that is unknown is no error.
	Drop(passage int64)
	// Play has a passage sound from the next mixed frame on, in place of what sounds.
	// One that sounds already goes on. NotFound when it is not ready.
	Play(passage int64) error
	// Cue has a passage follow what sounds, with a crossfade. NotFound when it is not ready.
	Cue(passage int64) error
	// Halt ends what sounds, at once.
	Halt()
	// Pause holds what sounds, or lets it go on.
	Pause(bool)
	// SetVolume takes 0 to MaxVolume.
	SetVolume(int)
	// Position is how far into the passage that sounds, 0 when none does.
	Position() Ticks
	// Mix mixes the next frames and hands them to the output, waiting while that has
	// no room. It answers what was passed on the way, soonest first, which is the
	// deck's until the next Mix.
	Mix(frames int) ([]Marker, error)
	// Delivered is what Mix has handed out so far.
	Delivered() Delivered
}

// Delivered is sound as handed to the output.
type Delivered struct {
	Frames  uint64 // in all, silence included
	Starved uint64 // that were silence because decoding was late
	Digest  uint64 // over all samples, bit by bit
}

// MarkerKind tells what is passed while mixing.
type MarkerKind uint8

const (
	PositionMark   MarkerKind = iota + 1 // every PositionInterval of a passage
	CrossfadeMark                        // the cued passage begins to sound beside this one
	BoundaryMark                         // the next song of the passage begins
	PassageEndMark                       // its last frame has been mixed
)

// String is the kind as lanes and announcements have it.
func (k MarkerKind) String() string {
	names := [...]string{"?", "position", "crossfade", "boundary", "end"}
	if int(k) >= len(names) {
		return "?"
	}
	return names[k]
}

// MostFrames is the longest period that can be mixed at once: a second.
const MostFrames = SampleRate

// PositionInterval is how much of a passage lies between two position markers.
const PositionInterval = Second / 2

// A Marker is a point of a passage that was passed.
type Marker struct {
	Kind     MarkerKind
	Passage  int64
	Position Ticks // in the passage
	After    Ticks // since the start of the batch of frames
}
