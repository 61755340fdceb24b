package workload

import (
	"fmt"
	"slices"
	"strings"

	"rubato/player"
)

// A trace that is said to be on is looked at: the flows of the newest stimuli must be in it,
// and each must show which action caused which, by which rule.

const (
	// lookedFlows are how many flows are looked at after a timed part; a script's are all, as
	// far as they are in memory.
	lookedFlows = 16
	mostFlows   = 500
)

// traces digests the shapes of the newest flows, by the script's order. It is "" without a
// trace. wrong says what is not in the trace.
func (w *verifier) traces(p player.Player) (digest, wrong string) {
	if !w.traced || len(w.stimuli) == 0 {
		return "", ""
	}
	shown, can := p.(player.Inspected)
	if !can {
		return "", "its trace is asked to be on, but it shows none"
	}
	newest := w.stimuli[max(0, len(w.stimuli)-lookedFlows):]
	if w.every {
		newest = w.stimuli[max(0, len(w.stimuli)-mostFlows):]
	}
	flows := map[uint64][]player.TraceRow{}
	for _, f := range shown.Flows(2*len(newest) + lookedFlows) { // with those of what was done beside
		flows[f.Token] = f.Rows
	}
	var h uint64
	for i := range newest {
		s := &newest[i]
		if len(flows[s.Seq]) == 0 {
			return "", fmt.Sprintf("its trace is on, but stimulus %d left no flow", s.Seq)
		}
		shape, lost := shape(flows[s.Seq])
		if lost != "" {
			return "", fmt.Sprintf("its trace is on, but in the flow of stimulus %d the cause of %s is lost", s.Seq, lost)
		}
		h = player.DigestWord(h, shape)
	}
	return fmt.Sprintf("%016x", h), ""
}

// shape digests a flow as a tree of actions, each with its rule, trigger and failure. Ids,
// times and the order of what has the same cause are left out: they are a style's own. lost is
// an action whose cause is not in the flow, or has none
// though its rule was triggered by a concept that acts in the flow.
func shape(rows []player.TraceRow) (h uint64, lost string) {
	causes := map[uint64][]player.TraceRow{}
	for _, r := range rows {
		if r.ID == 0 || r.Cause == 0 && r.Rule != "" && actsIn(rows, conceptOf(r.Trigger)) {
			return 0, r.Action // what triggered its rule is in the flow
		}
		if r.Cause != 0 && !slices.ContainsFunc(rows, func(o player.TraceRow) bool { return o.ID == r.Cause && o.ID != r.ID }) {
			return 0, r.Action
		}
		causes[r.Cause] = append(causes[r.Cause], r)
	}
	var tree func(cause uint64, depth int) uint64
	tree = func(cause uint64, depth int) (sum uint64) {
		if depth > len(rows) {
			return 0 // causes in a circle
		}
		for _, r := range causes[cause] {
			node := uint64(0)
			for _, text := range []string{r.Rule, r.Trigger, r.Action, r.Err} {
				node = player.DigestText(node, text)
			}
			sum += player.DigestWord(node, tree(r.ID, depth+1))
		}
		return sum
	}
	return tree(0, 0), ""
}

// conceptOf is the concept of an action or event: "ap::Queue" of "ap::Queue::depthChanged".
func conceptOf(uri string) string {
	return uri[:max(0, strings.LastIndex(uri, "::"))]
}

// actsIn tells whether an action of the concept is in the flow.
func actsIn(rows []player.TraceRow, concept string) bool {
	return slices.ContainsFunc(rows, func(r player.TraceRow) bool { return conceptOf(r.Action) == concept })
}
