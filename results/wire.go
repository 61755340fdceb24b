package results

import "strings"

// What crossed the network between modules is in Block.Own, under these names, each followed
// by the name of a module. The server of the network counts it. Sizes are of header and
// payload of each message, in bytes; lines and pings of the network's protocol are not in
// them.
const (
	SentMessages     = "messages sent by "
	SentBytes        = "bytes sent by "
	ReceivedMessages = "messages received by "
	ReceivedBytes    = "bytes received by "
)

// Sum adds up what is counted under names with this beginning. It is false if there are none.
func (c Counts) Sum(beginning string) (total int64, any bool) {
	for name, n := range c {
		if strings.HasPrefix(name, beginning) {
			total, any = total+n, true
		}
	}
	return total, any
}

// Sent reports whether a count is of what modules sent over a network.
func Sent(name string) bool {
	return strings.HasPrefix(name, SentMessages) || strings.HasPrefix(name, SentBytes)
}

// Received reports whether a count is of what modules received over a network.
func Received(name string) bool {
	return strings.HasPrefix(name, ReceivedMessages) || strings.HasPrefix(name, ReceivedBytes)
}

// crossing is a metric of what crossed. A message has one sender and may have several
// receivers, so a sum of what was sent counts each message once. Counts are of all stimuli of a
// block; those of its timed operations are the same share of them.
func crossing(name, title, bench, compared, field, unit, doc, beginning string) Metric {
	return Metric{Name: name, Title: title, Unit: UnitPerOp, Bench: bench, Compared: compared, Point: true, Network: true, Count: true,
		Budget: Budget{field, unit, 1, doc}, block: func(b *Block) (float64, bool) {
			n, counted := b.Own.Sum(beginning)
			if !counted && b.Connections != nil {
				return 0, *b.Connections == 0 // there is no network
			}
			return float64(n) * float64(b.Ops) / float64(max(b.Stimuli, 1)), counted && b.Stimuli > 0
		}}
}
