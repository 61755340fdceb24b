package results

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// This file decides whether two arms did the same work. The runner asks it for the untimed
// script and for each block as it arrives; reports and the gate ask it for recorded blocks.

// WorkDone is what an arm did for some stimuli: in the untimed script, which has lanes,
// or in one timed block, which has none.
type WorkDone struct {
	Expected int64               // number of effects; 0: not counted here
	Lanes    map[string][]string // transcript by lane; the order between lanes does not matter
	Payload  int64               // bytes that the effects hold, as read back
	Keys     string              // digest of the order within each key
	Counts   Counts              // what was done to have the effects: "commits", "rows read"
	Digest   string              // of the effects
}

// Difference says how d differs from the baseline's work for the same stimuli. It is "" if
// they are equal. The clearest difference comes first. An empty lane equals a missing one.
func (d WorkDone) Difference(baseline WorkDone) string {
	if d.Expected != baseline.Expected {
		return fmt.Sprintf("it expects %d effects, the baseline %d", d.Expected, baseline.Expected)
	}
	if difference := laneDifference(d.Lanes, baseline.Lanes); difference != "" {
		return difference
	}
	switch {
	case d.Payload != baseline.Payload:
		return fmt.Sprintf("its effects hold %d bytes, those of the baseline %d", d.Payload, baseline.Payload)
	case d.Keys != baseline.Keys:
		return fmt.Sprintf("the order within a key differs: its digest is %q, that of the baseline %q", d.Keys, baseline.Keys)
	}
	for _, name := range slices.Sorted(maps.Keys(baseline.Counts)) {
		if got, want := d.Counts[name], baseline.Counts[name]; got != want {
			return fmt.Sprintf("%s: %d, in the baseline %d: one of them did less than the work, or more", name, got, want)
		}
	}
	switch {
	case d.Digest != baseline.Digest:
		return fmt.Sprintf("the digest of its effects is %q, that of the baseline %q: it did other work", d.Digest, baseline.Digest)
	}
	return ""
}

// laneDifference names the first lane and line that differ.
func laneDifference(lanes, baseline map[string][]string) string {
	names := slices.Sorted(maps.Keys(baseline))
	for _, lane := range slices.Sorted(maps.Keys(lanes)) {
		if _, both := baseline[lane]; !both {
			names = append(names, lane)
		}
	}
	for _, lane := range names {
		for i := range max(len(lanes[lane]), len(baseline[lane])) {
			if got, want := lineAt(lanes[lane], i), lineAt(baseline[lane], i); got != want {
				return fmt.Sprintf("lane %s, line %d: want %s, got %s", lane, i+1, shortened(want), shortened(got))
			}
		}
	}
	return ""
}

func lineAt(lines []string, i int) string {
	if i >= len(lines) {
		return "no line"
	}
	return strconv.Quote(lines[i])
}

// shortened cuts a long line for a message.
func shortened(line string) string {
	const most = 200
	if len(line) > most {
		return line[:most] + `…"`
	}
	return line
}

// Done is the work of the block.
func (b Block) Done() WorkDone {
	return WorkDone{Expected: b.Expected, Payload: b.Payload, Keys: b.Keys, Counts: b.Counts, Digest: b.Digest}
}

// Fault says why the block gives no figure, whatever other arms did. It is "" if it does.
func (b Block) Fault() string {
	switch {
	case b.Ops <= 0 || b.Wall <= 0:
		return fmt.Sprintf("%d operations in %v", b.Ops, b.Wall)
	case b.User < 0 || b.System < 0:
		return "CPU time below zero"
	}
	return Work{Effects: b.Effects, Expected: b.Expected}.Fault()
}

// Fault says how many effects are missing or too many. It is "" if the number is right.
func (w Work) Fault() string {
	switch {
	case w.Effects < w.Expected:
		return fmt.Sprintf("%d of %d effects are missing", w.Expected-w.Effects, w.Expected)
	case w.Effects > w.Expected:
		return fmt.Sprintf("%d effects more than the %d expected", w.Effects-w.Expected, w.Expected)
	}
	return ""
}

// Difference compares two transcripts by digest. It is "" if they are equal. baseline is the
// name of the other arm.
func (w Work) Difference(other Work, baseline string) string {
	if w.Digest == other.Digest {
		return ""
	}
	return fmt.Sprintf("its transcript (%s) differs from that of %s (%s)", w.Digest, baseline, other.Digest)
}

// BlocksFault says why a cell's blocks give no figures. It is "" if they do.
func BlocksFault(blocks []Block) string {
	if len(blocks) == 0 {
		return "no round was measured"
	}
	seen := map[int]bool{}
	for _, b := range blocks {
		if seen[b.Round] {
			return fmt.Sprintf("round %d is in the results twice", b.Round)
		}
		seen[b.Round] = true
		if fault := b.Fault(); fault != "" {
			return fmt.Sprintf("round %d: %s", b.Round, fault)
		}
	}
	return ""
}

// BlocksDifference compares each block with the baseline's of the same round, which had the
// same stimuli. It is "" if no work differs.
func BlocksDifference(blocks, baseline []Block) string {
	of := map[int]Block{}
	for _, b := range baseline {
		of[b.Round] = b
	}
	for _, b := range blocks {
		other, both := of[b.Round]
		if !both {
			continue
		}
		if difference := b.Done().Difference(other.Done()); difference != "" {
			return fmt.Sprintf("round %d: %s", b.Round, difference)
		}
	}
	return ""
}
