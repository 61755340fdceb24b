package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"rubato/reports"
)

// certify has every arm run the scenario's script, untimed, and compares what they
// did with the reference, lane by lane. Order between lanes belongs to the coupling
// and is free.
func (c *contest) certify(ctx context.Context) error {
	var reference Work
	for i, e := range c.entrants {
		setup, err := c.setup(e, "script"+strconv.Itoa(i))
		if err != nil {
			return err
		}
		setup.Verbatim = true
		answer, err := e.process.ask(ctx, request{Do: doScript, Scenario: e.cell.Scenario, Setup: setup}, c.limits.Script)
		if err != nil {
			return err
		}
		if answer.Work == nil {
			return fmt.Errorf("%s: the script brought no work back", e.title())
		}
		if i == 0 {
			reference = *answer.Work
		}
		e.cell.Work.Digest, e.settings = answer.Work.digest(), answer.Work.Settings
		e.cell.Certificate = &reports.Certificate{Transcript: e.cell.Work.Digest, Settings: e.settings}
		if answer.Work.Wrong != "" { // it tells more than what came of it
			e.disqualify("script, style %s: %s", e.style, answer.Work.Wrong)
		}
		if difference := answer.Work.differs(reference); difference != "" && !c.plan.scenario.apart() {
			e.disqualify("script, style %s: %s", e.style, difference)
		}
		if answer.Wrong != "" {
			e.disqualify("script, style %s: %s", e.style, answer.Wrong)
		}
		if other := unasked(e.settings); other != "" {
			e.disqualify("settings, style %s: %s", e.style, other)
		}
		if other := unlike(e.settings, reference.Settings); other != "" && !c.plan.scenario.apart() {
			e.disqualify("settings, style %s: %s", e.style, other)
		}
	}
	if standing := c.standing(); len(standing) > 0 && !c.plan.scenario.apart() {
		c.progress.say("%s: same work in %d arms: %d stimuli, %d effects, digest %s", c.name,
			len(standing), reference.Stimuli, reference.Effects, reference.digest())
	}
	return nil
}

// digest is of the transcript and of the workload's own digest.
func (w Work) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q\n", w.Effects, w.Digest)
	for _, lane := range slices.Sorted(maps.Keys(w.Lanes)) {
		if len(w.Lanes[lane]) == 0 {
			continue // a lane in which nothing happened is as good as none
		}
		fmt.Fprintf(h, "%q\n", lane)
		for _, line := range w.Lanes[lane] {
			_, _ = io.WriteString(h, strconv.Quote(line)+"\n")
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// differs names the first lane and line that are not as wanted; "" when all are.
func (w Work) differs(want Work) string {
	lanes := slices.Sorted(maps.Keys(want.Lanes))
	for _, lane := range slices.Sorted(maps.Keys(w.Lanes)) {
		if !slices.Contains(lanes, lane) {
			lanes = append(lanes, lane)
		}
	}
	for _, lane := range lanes {
		got, wanted := w.Lanes[lane], want.Lanes[lane]
		for i := range max(len(got), len(wanted)) {
			if g, w := lineAt(got, i), lineAt(wanted, i); g != w {
				return fmt.Sprintf("lane %s, line %d: want %s, got %s", lane, i+1, w, g)
			}
		}
	}
	switch {
	case w.Bytes != want.Bytes:
		return fmt.Sprintf("the lanes agree, but what is stored holds %d bytes, want %d", w.Bytes, want.Bytes)
	case w.Keys != want.Keys:
		return fmt.Sprintf("the lanes agree, but the order within a key differs in what is stored: %q, want %q", w.Keys, want.Keys)
	case w.Visited != want.Visited:
		return fmt.Sprintf("the lanes agree, but %d rows were read, want %d: an answer was kept, or asked for twice", w.Visited, want.Visited)
	case w.Digest != want.Digest:
		return fmt.Sprintf("the lanes agree, but the digest of what is stored is %q, want %q", w.Digest, want.Digest)
	}
	return ""
}

// maxShown bounds a line in a message.
const maxShown = 200

func lineAt(lines []string, i int) string {
	if i >= len(lines) {
		return "no line"
	}
	line := lines[i]
	if len(line) > maxShown {
		line = line[:maxShown] + "…"
	}
	return strconv.Quote(line)
}
