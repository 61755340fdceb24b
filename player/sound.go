package player

// Every file is decoded to this format: stereo, 32-bit float, 44.1 kHz.
const (
	SampleRate          = 44_100
	TicksPerFrame Ticks = Second / SampleRate // 640
)

// A Frame is one sample of each channel, left and right, in -1 to 1.
type Frame [2]float32

// A Cut is a passage as module ap needs it: where its sound is, and how it begins and
// ends.
type Cut struct {
	Passage           int64
	File              string // "" if the library has no sound
	Start, End        Ticks  // within the file
	FadeIn, FadeOut   Ticks  // durations
	LeadIn, LeadOut   Ticks  // how long the neighbour may sound at the same time
	InCurve, OutCurve Curve
	Boundaries        []Ticks // where its second, third … song begins, from Start
}

// A Deck turns passages into sound. Package audio has a real one. It decodes
// concurrently, as many passages as it has buffers; everything else happens in the
// caller's goroutine. A player without a deck makes no sound; its stimuli report what a
// deck would report.
type Deck interface {
	// Load starts to decode a passage and returns at once. The outcome becomes a
	// stimulus, BufferReady or BufferFailed, made by whoever drives the player.
	Load(Cut) error
	// Drop forgets a passage that will not be played. An unknown one is not an error.
	Drop(passage int64)
	// Play starts a passage with the next mixed frame, in place of what sounds. If it
	// sounds already, it continues. NotFound if it is not ready.
	Play(passage int64) error
	// Cue makes a passage follow what sounds, with a crossfade. NotFound if it is not ready.
	Cue(passage int64) error
	// Halt ends the sound at once.
	Halt()
	// Pause holds the sound, or continues it.
	Pause(bool)
	// SetVolume takes 0 to MaxVolume.
	SetVolume(int)
	// Position is the position in the passage that sounds, 0 if none does.
	Position() Ticks
	// Mix mixes the next frames and writes them to the output, which may wait for room.
	// It returns the markers in them, in order of time, valid until the next Mix.
	Mix(frames int) ([]Marker, error)
	// Delivered is what Mix has written so far.
	Delivered() Delivered
}

// Delivered is the sound written to the output.
type Delivered struct {
	Frames  uint64 // all, including silence
	Starved uint64 // silent frames because decoding was late
	Digest  uint64 // of the bits of all samples
}

// MarkerKind is the kind of a Marker.
type MarkerKind uint8

const (
	PositionMark   MarkerKind = iota + 1 // every PositionInterval of a passage
	CrossfadeMark                        // the cued passage begins while this one still sounds
	BoundaryMark                         // the next song of the passage begins
	PassageEndMark                       // the last frame of the passage was mixed
	IdleMark                             // every PositionInterval in which a playing player has nothing to play
)

// String is the name of the kind in lanes and announcements.
func (k MarkerKind) String() string {
	names := [...]string{"?", "position", "crossfade", "boundary", "end", "idle"}
	if int(k) >= len(names) {
		return "?"
	}
	return names[k]
}

// MostFrames is the longest period that can be mixed at once: one second.
const MostFrames = SampleRate

// PositionInterval is the time between two position markers of a passage.
const PositionInterval = Second / 2

// A Marker is a point of a passage that the mixer has reached.
type Marker struct {
	Kind     MarkerKind
	Passage  int64
	Position Ticks // in the passage
	After    Ticks // since the first frame of this Mix
}

// Frames is the length of a cut in frames.
func (c Cut) Frames() int64 { return frames(c.End - c.Start) }

// frames converts a duration to whole frames.
func frames(t Ticks) int64 { return int64(t / TicksPerFrame) }

// Overlap is how many frames two passages sound together if next follows cut: the
// shorter of the lead-out and the lead-in, but at most half of the shorter passage, so
// that at most two passages sound at a time. At 0, next follows without a gap.
func Overlap(cut, next Cut) int64 {
	lead := frames(min(cut.LeadOut, next.LeadIn))
	return max(0, min(lead, cut.Frames()/2, next.Frames()/2))
}

// Curve is the shape of a fade. The comments give the loudness at t, from 0 to 1.
type Curve string

const (
	Linear      Curve = "linear"      // t in, 1-t out
	Exponential Curve = "exponential" // t²: the usual fade-in
	Logarithmic Curve = "logarithmic" // (1-t)²: the usual fade-out
	Cosine      Curve = "cosine"      // ½(1∓cos πt)
	EqualPower  Curve = "equal-power" // sin(πt/2) in, cos(πt/2) out
)

// Valid reports whether c is one of the curves.
func (c Curve) Valid() bool {
	switch c {
	case Linear, Exponential, Logarithmic, Cosine, EqualPower:
		return true
	}
	return false
}

// In is the loudness at t of a fade-in: 0 at 0, 1 at 1. Exponential and logarithmic are
// a pair: both are t² in and (1-t)² out. A t outside 0 to 1 counts as the nearer end.
// An invalid curve is linear.
func (c Curve) In(t float64) float64 {
	t = min(max(t, 0), 1)
	switch c {
	case Exponential, Logarithmic:
		return float64(t * t)
	case Cosine:
		s := quarterSine(t)
		return float64(s * s) // ½(1-cos πt) = sin²(πt/2)
	case EqualPower:
		return quarterSine(t)
	}
	return t
}

// Out is the loudness at t of a fade-out: 1 at 0, 0 at 1. It is In backwards.
func (c Curve) Out(t float64) float64 { return c.In(1 - min(max(t, 0), 1)) }

// sineTerms are -1/3!, 1/5!, … of the sine series, the highest power first.
var sineTerms = [...]float64{
	1.0 / 51090942171709440000, -1.0 / 121645100408832000, 1.0 / 355687428096000, -1.0 / 1307674368000,
	1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6,
}

// quarterSine is sin(πt/2) for t from 0 to 1. It computes the series to the 21st power,
// which is exact to 5e-16.
//
// math.Sin would do, but on arm64 the compiler fuses its multiplications and additions
// and on amd64 it does not. Then the last bit differs, and so does the digest of the
// sound. The conversions to float64 between products and sums prevent fusing.
func quarterSine(t float64) float64 {
	const halfPi = 1.57079632679489661923132169163975144
	if t >= 1 {
		return 1
	}
	x := float64(t * halfPi)
	square := float64(x * x)
	sum := 0.0
	for _, term := range sineTerms {
		sum = float64((sum + term) * square)
	}
	return x + float64(x*sum)
}
