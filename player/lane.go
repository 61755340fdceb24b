package player

import (
	"fmt"
	"slices"
	"strings"
)

// A Lane is what one part did, in order. Order within a lane is meaning and is
// equal in all styles; order between lanes belongs to the coupling. A lane keeps
// a count and a running digest, which cost a part some 30 ns, and the lines
// themselves only when Verbatim.
type Lane struct {
	Name     string
	Count    uint64
	Digest   uint64 // FNV-1a, 64 bits, over name, values and text of each line
	Verbatim bool
	Lines    []string
	Quiet    bool // Record only counts: for measuring what the digest costs
}

// NewLane returns an empty lane. Its digest starts from the FNV offset basis.
func NewLane(name string, verbatim bool) Lane {
	return Lane{Name: name, Digest: fnvOffset, Verbatim: verbatim}
}

// Record appends a line: what was done, to whom or what, and with what values.
func (l *Lane) Record(did, text string, values ...int64) {
	l.Count++
	if l.Quiet {
		return
	}
	h := mixText(l.Digest, did)
	h = mixText(h, text)
	for _, v := range values {
		h = mixWord(h, uint64(v))
	}
	l.Digest = h
	if l.Verbatim {
		l.Lines = append(l.Lines, line(did, text, values))
	}
}

// line formats without letting values escape, so that Record stays free of
// allocation when the lane is not verbatim.
func line(did, text string, values []int64) string {
	var b strings.Builder
	b.WriteString(did)
	if text != "" {
		fmt.Fprintf(&b, " %q", text)
	}
	for _, v := range values {
		fmt.Fprintf(&b, " %d", int64(v))
	}
	return b.String()
}

const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

// mixWord folds eight bytes at a time, not one as plain FNV does: the digest
// stands in the timed region, and it has to be stable, not cryptographic.
func mixWord(h, v uint64) uint64 {
	h = (h ^ v) * fnvPrime
	return h ^ h>>29
}

func mixText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mixWord(h, uint64(len(s)))
}

// DigestText and DigestWord continue a digest; 0 starts one. Stores and
// scenarios use them so that all digests of a run are of one kind.
func DigestText(h uint64, s string) uint64 { return mixText(start(h), s) }

// DigestWord continues the digest h with v.
func DigestWord(h, v uint64) uint64 { return mixWord(start(h), v) }

func start(h uint64) uint64 {
	if h == 0 {
		return fnvOffset
	}
	return h
}

// Lanes are lanes in order of name, as an Observation lists them.
func Lanes(lanes ...Lane) []Lane {
	slices.SortFunc(lanes, func(a, b Lane) int { return strings.Compare(a.Name, b.Name) })
	return lanes
}
