package scenarios

import (
	"fmt"
	"time"
)

// A punctual generator is one that is never late by itself, put in front of the same
// style: it posts each stimulus when it is due, or as soon as the style has accepted
// the one before. What the real one is later than that is its own fault, and so is
// what then has to wait in a queue that the punctual one would not have had.
type punctual struct{ free time.Duration }

// posted is told when a stimulus was due, posted and accepted. It answers how late the
// generator itself was, and whether the style kept even the punctual one waiting.
func (p *punctual) posted(due, posted, accepted time.Duration) (late time.Duration, held bool) {
	could := max(due, p.free)
	held = p.free > due
	p.free = could + accepted - posted
	return posted - could, held
}

// mostBlurred is how much of a reported 99th percentile, in %, the generator's own
// lateness may be.
const mostBlurred = 10

// blurred tells whether the latencies of a block are the generator's. They are void
// then, and are not told; what does not rest on them stands, such as CPU time.
func (g *pacing) blurred() bool { return g.figures()["late-share"] > mostBlurred }

// untold says why a block tells no latency, if it does not.
func (g *pacing) untold() string {
	if !g.blurred() {
		return ""
	}
	f := g.figures()
	return fmt.Sprintf("the generator itself was %v late in 1 of 100, %.0f %% of the latency there: read own-p99, or end what else is at work on this machine",
		time.Duration(f["gen-p99"]).Round(time.Microsecond), f["late-share"])
}

// stalled is how late the generator may be in 1 of 100 before the whole block is void:
// that is no jitter any more, but a stop, and other traffic than was intended.
const stalled = 10 * time.Millisecond

// wrong says that a block is void for the generator's sake, if it is.
func (g *pacing) wrong() string {
	f := g.figures()
	if late := time.Duration(f["gen-p99"]); late > stalled && g.blurred() {
		return fmt.Sprintf("the generator itself posted %v late in 1 of 100, %.0f %% of the latency there: the latency is not the style's; end what else is at work on this machine",
			late.Round(time.Millisecond), f["late-share"])
	}
	return ""
}
