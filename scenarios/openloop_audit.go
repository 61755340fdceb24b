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

// stalled is how late the generator may be in 1 of 100 before the block is void.
// Below, it is told by late-share and own-p99; above, it was not jitter but a stop.
const stalled = 10 * time.Millisecond

// wrong says that the latencies of a block are the generator's, if they are: its own
// lateness is long, and exceeds a tenth of the percentile that it would be reported in.
func (g *pacing) wrong() string {
	f := g.figures()
	if late := time.Duration(f["gen-p99"]); late > stalled && f["late-share"] > 10 {
		return fmt.Sprintf("the generator itself posted %v late in 1 of 100, %.0f %% of the latency there: the latency is not the style's; end what else is at work on this machine",
			late.Round(time.Millisecond), f["late-share"])
	}
	return ""
}
