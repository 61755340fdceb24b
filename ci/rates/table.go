package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/ci"
	"rubato/inference"
	"rubato/reports"
)

// A row is what the gates of one change under one load said.
type row struct {
	change, load string
	what         string
	rate         inference.Rate // of gates that found it, or of false alarms
	second       inference.Rate // of gates that named the part, too, or that were undecided
	goal         string
	reached      bool
	exits        map[int]int
	blamed       []string
	seconds      []float64
}

// tally counts what was asked for. It says whether every rate reaches its goal; one that was not
// measured does not.
func (p plan) tally(gates []gate) (rows []row, reached bool) {
	reached = true
	for _, r := range p.cases {
		for _, load := range p.loadsOf(r) {
			w := row{change: r.Name, load: load, what: r.What, exits: map[int]int{}}
			for _, g := range gates {
				if g.Case == r.Name && g.Load == load {
					w.count(g)
				}
			}
			if w.rate.N == 0 {
				reached = false
				continue
			}
			w.judge(r)
			rows, reached = append(rows, w), reached && w.reached
		}
	}
	return rows, reached
}

func (w *row) count(g gate) {
	w.exits[g.Exit]++
	w.seconds = append(w.seconds, g.Seconds)
	if g.Case == unchanged {
		w.rate.Count(g.Exit == ci.ExitOver)
		w.second.Count(g.Exit != ci.ExitOver && g.Exit != ci.ExitWithin)
		return
	}
	w.rate.Count(g.Caught)
	w.second.Count(g.Caught && g.Part)
	w.blamed = append(w.blamed, g.Blamed...)
}

func (w *row) judge(r regression) {
	if r.Name == unchanged {
		w.goal = fmt.Sprintf("at most %.0f and %.0f of 100", 100*falseAlarms, 100*undecided)
		w.reached = w.rate.Share() <= falseAlarms && w.second.Share() <= undecided
		return
	}
	w.goal = fmt.Sprintf("at least %.0f of 100", 100*r.Goal)
	w.reached = w.rate.Share() >= r.Goal
}

// table is for a document: Markdown.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| change | load | caught and named [95 %] | with its part | also blamed | exit codes | seconds | goal | |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, w := range rows {
		caught, part := w.rate.String(), w.second.String()
		if w.change == unchanged {
			caught, part = "false alarms: "+caught, "undecided: "+part
		}
		mark := "reached"
		if !w.reached {
			mark = "**not reached**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", w.what, w.load, caught, part, w.others(), w.codes(), reports.Compact(inference.Median(w.seconds)), w.goal, mark)
	}
	return b.String()
}

// others are the styles that were blamed without reason, with how often.
func (w row) others() string {
	count := map[string]int{}
	for _, style := range w.blamed {
		count[style]++
	}
	var parts []string
	for _, style := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", style, count[style]))
	}
	return strings.Join(parts, ", ")
}

// codes lists the exit codes, with how often.
func (w row) codes() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(w.exits)) {
		parts = append(parts, fmt.Sprintf("%d × %d", w.exits[code], code))
	}
	return strings.Join(parts, ", ")
}
