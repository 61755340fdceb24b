package player

// Frames is how many frames of sound a cut has.
func (c Cut) Frames() int64 { return frames(c.End - c.Start) }

// frames is a span of time in whole frames.
func frames(t Ticks) int64 { return int64(t / TicksPerFrame) }

// Overlap is how long two passages sound together when next follows cut, in
// frames: the shorter of the lead-out and the lead-in, and at most half of the
// shorter passage, so that never more than two sound. Where 0, next follows
// without a gap.
func Overlap(cut, next Cut) int64 {
	lead := frames(min(cut.LeadOut, next.LeadIn))
	return max(0, min(lead, cut.Frames()/2, next.Frames()/2))
}
