package reports

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// machineTable is where the run was made: it is part of the result.
func machineTable(m Machine) grid {
	g := grid{Head: []string{"machine", ""}, Text: []int{0, 1}}
	add := func(name, value string) {
		if value != "" {
			g.Rows = append(g.Rows, row{Cells: []string{name, value}})
		}
	}
	add("CPU", m.CPU)
	add("cores", strconv.Itoa(m.Cores))
	add("GOMAXPROCS, GOGC", strings.Trim(strconv.Itoa(m.GOMAXPROCS)+", "+m.GOGC, ", "))
	add("system", strings.TrimSpace(m.OS+"/"+m.Arch+" "+m.Kernel))
	add("memory", mebibytes(float64(m.Memory)))
	add("governor", m.Governor)
	add("turbo", m.Turbo)
	add("load before the run (1, 5, 15 min)", fmt.Sprintf("%.2f %.2f %.2f", m.Load[0], m.Load[1], m.Load[2]))
	add("stolen by the host", percent(m.StealPct))
	add("CPU quota", m.Quota)
	if m.TempC != 0 {
		add("temperature", figure(m.TempC)+noBreak+"°C")
	}
	add("throttled", m.Throttled)
	add("Go", m.Go)
	commit := m.Commit
	if m.Dirty {
		commit += " with uncommitted changes"
	}
	add("commit", commit)
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		add(name, m.Versions[name])
	}
	return g
}

func howToRead(run *Run) section {
	return section{ID: "how-to-read", Title: "How to read this, and when not to trust it", Text: []string{
		fmt.Sprintf("Rounds. Each round measures every style once, in random order. The ratio is the median, over rounds, of a style's time divided by that of %s in the same round; the overhead is the median of the differences. What disturbs the machine for seconds disturbs both halves of a pair.", run.Baseline),
		fmt.Sprintf("Interval. The second line of a figure is its 95 %% interval, from order statistics, with no assumption about the distribution. It takes at least %d rounds. It covers what varied between the rounds of this run; another build, another day or another machine can lie outside it.", roundsForInterval()),
		"Rounds left out. A process that stood still for over half a second with no CPU to show for it, a machine that slept, a clock that was set: such a round is left out for all styles, and counted in a warning. A style that waits is not left out, however long: that is its cost. Where more than a third would go, the cell is void.",
		"Percentage and microseconds. A percentage depends on the size of what it is a percentage of: 25 µs is 3 % of a slow operation and triples a fast one. Both are given; carry the microseconds over to an operation of your own.",
		"Same work. Effects are counted where they are durable, in every round. A cell with one effect too few or too many, or with another transcript than the baseline, is void and shows no time at all. The clock stops at the last durable effect.",
		"Latency. p50 and p99 are of all operations of all rounds. An interval of a percentile takes operations as independent, which neighbours in time are not: the true one is wider. In a closed loop, where the next operation waits for the last, a stall delays what would have come and so hides it; only an open loop shows the latency under a given load.",
		"CPU. CPU per operation and CPU % are from cumulative times of the whole process tree. A style can take longer and use less CPU (it waits) or the reverse (it works on several cores, or while idle): so both are shown, and the idle figure too. The curves over time are read in ticks of 10 ms and are for the eye only.",
		"Do not trust a figure whose cell carries a warning before reading it; a difference smaller than the spread between two runs of this command; an absolute figure from another machine; benchstat on bench.txt for what is close, since it does not pair the rounds and so sees less than this report; a comparison of two reports made at different times, unless their intervals are far apart; many small differences at once, for of twenty true zeros one will look like something: the p-values of the table of verdicts reckon that in, single intervals do not.",
	}}
}
