package reports

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"rubato/results"
)

// The books balance: the gap in time per operation between the baseline and a style is the sum of
// parts, and what no part explains is a row, too. Parts of CPU time are shares of the profile
// pass, times the mean CPU time per operation of the timed trials. What is left of the time is
// waiting, less what ran side by side. All are means, since medians do not add up.

// A book is one arm's time per operation in nanoseconds, means: of all time, of CPU, and of the
// stacks of its profile, which add up to that of CPU.
type book struct {
	wall, cpu float64
	stacks    []sampled
	parts     map[string]float64
	samples   float64
	scatter   float64         // how much more the lives of a process scatter than independent samples do; at least 1
	passed    float64         // CPU time per operation in the profile pass
	rounds    map[int]another // by their numbers
}

// another is what an operation takes in one round.
type another struct{ wall, cpu float64 }

// booksOf are those of the cells that have a profile, by the cell's key.
func booksOf(dir string, run *results.Run, details results.Details) (map[string]*book, error) {
	all := map[string]*book{}
	for _, c := range run.Arms() {
		b, err := bookOf(dir, c, details)
		if err != nil {
			return nil, err
		}
		if b != nil {
			all[c.Key()] = b
		}
	}
	return all, nil
}

// bookOf reads an arm's profile and blocks. It is nil if the arm has no profile.
func bookOf(dir string, c *results.Cell, details results.Details) (*book, error) {
	prof, err := cpuProfile(dir, details.Profiles, c)
	if err != nil || prof == nil {
		return nil, err
	}
	b := &book{stacks: stacksOf(prof), parts: map[string]float64{}, rounds: map[int]another{}}
	total := 0.0
	for _, s := range b.stacks {
		total, b.samples = total+s.ns, b.samples+s.samples
	}
	var ops, wall, cpu float64
	for _, block := range roundsOf(c, details.Blocks) {
		n, w, u := float64(block.Ops), float64(block.Wall), float64(block.User+block.System)
		if n > 0 {
			ops, wall, cpu = ops+n, wall+w, cpu+u
			b.rounds[block.Round] = another{w / n, u / n}
		}
	}
	if ops == 0 || total == 0 {
		return nil, nil
	}
	b.wall, b.cpu, b.passed = wall/ops, cpu/ops, total/float64(max(profiledOps(c, details.Profiles), 1))
	for i := range b.stacks {
		s := &b.stacks[i]
		s.ns *= b.cpu / total
		b.parts[s.part] += s.ns
	}
	b.scatter = scatter(b.stacks)
	return b, nil
}

func profiledOps(c *results.Cell, profiles []results.Profile) int {
	i := slices.IndexFunc(profiles, func(p results.Profile) bool { return p.Kind == "cpu" && p.Cell == c.Key() })
	return profiles[i].Ops
}

// scatter is how much the parts' shares differ between the lives of a process: the sum of squares
// to that of independent samples (Pearson's statistic by its degrees of freedom). 1, if there was
// one life only, or if they differ less.
func scatter(stacks []sampled) float64 {
	lives, of, all, total := map[string]float64{}, map[[2]string]float64{}, map[string]float64{}, 0.0
	for _, s := range stacks {
		lives[s.life] += s.samples
		all[s.part] += s.samples
		of[[2]string{s.life, s.part}] += s.samples
		total += s.samples
	}
	squares, cells := 0.0, 0.0
	for _, part := range parts {
		if all[part]/max(1, float64(len(lives))) < 5 {
			continue // so few that the statistic does not hold
		}
		cells++
		for life, n := range lives {
			expected := all[part] * n / total
			squares += math.Pow(of[[2]string{life, part}]-expected, 2) / expected
		}
	}
	if freedom := (float64(len(lives)) - 1) * (cells - 1); freedom > 0 {
		return max(1, squares/freedom)
	}
	return 1
}

// of is the time of a part.
func (b *book) of(part string) float64 {
	if part == partWaiting {
		return b.wall - b.cpu
	}
	return b.parts[part]
}

// sampling is the variance that so many samples give a part of the CPU time.
func (b *book) sampling(ns float64) float64 {
	if b.samples == 0 {
		return math.Inf(1)
	}
	ns = max(ns, b.cpu/b.samples) // what has no sample may still take a little
	return b.scatter * ns * max(b.cpu-ns, 0) / b.samples
}

// A balance is the gap between two arms: the baseline and a style, or two arms of one style.
type balance struct {
	cell      *results.Cell
	label     string
	baseLabel string
	against   *results.Cell // an arm of the same style; nil: the baseline
	base, own *book
	alone     *results.Estimate // the overhead of the conversation alone; nil: not measured
}

// balancesOf are those of a group whose baseline and style have profiles, and then those of arms of
// one style that differ by a switch.
func balancesOf(run *results.Run, g group, books map[string]*book) (all, switched []balance) {
	if g.baseline == nil {
		return nil, nil
	}
	first := map[string]int{}
	for i, c := range g.cells {
		own := books[c.Key()]
		if own == nil {
			continue
		}
		if base := books[g.baseline.Key()]; base != nil && c.Ratio != nil && c != g.baseline {
			all = append(all, balance{cell: c, label: g.labels[i], baseLabel: "baseline", base: base, own: own, alone: aloneOf(run, c)})
		}
		if j, later := first[c.Style]; later {
			switched = append(switched, balance{cell: c, label: g.labels[i], baseLabel: g.labels[j], against: g.cells[j], base: books[g.cells[j].Key()], own: own})
		} else {
			first[c.Style] = i
		}
	}
	return all, switched
}

func (b balance) gap() float64 { return b.own.wall - b.base.wall }

// over is the variance of a mean over the trials that both arms have.
func (b balance) over(of func(own, base another) float64) float64 {
	var n, mean, squares float64
	for round, own := range b.own.rounds {
		if base, both := b.base.rounds[round]; both {
			x := of(own, base)
			n++
			step := x - mean
			mean += step / n
			squares += step * (x - mean)
		}
	}
	if n < 2 {
		return math.Inf(1)
	}
	return squares / (n - 1) / n
}

// between is the difference of two parts of the CPU time. It varies with the samples of the
// profiles and with the CPU time of the trials, in which the arms are paired.
func (b balance) between(own, base float64) results.Estimate {
	trials := b.over(func(o, a another) float64 { return own/b.own.cpu*o.cpu - base/b.base.cpu*a.cpu })
	return normal(own-base, b.own.sampling(own)+b.base.sampling(base)+trials)
}

// normal is a figure with the 95 % interval of this variance.
func normal(x, variance float64) results.Estimate {
	const normal95 = 1.96
	half := normal95 * math.Sqrt(variance)
	return results.Estimate{Median: x, Lo: x - half, Hi: x + half}
}

// difference is a part's share of the gap, with its interval.
func (b balance) difference(part string) results.Estimate {
	if part == partWaiting {
		return normal(b.own.of(part)-b.base.of(part), b.over(func(o, a another) float64 { return o.wall - o.cpu - a.wall + a.cpu }))
	}
	return b.between(b.own.of(part), b.base.of(part))
}

// whole is the gap with its interval.
func (b balance) whole() results.Estimate {
	return normal(b.gap(), b.over(func(o, a another) float64 { return o.wall - a.wall }))
}

// balanceSection shows the books of a scenario. There is none without profiles.
func balanceSection(scenario string, all, switched []balance) []section {
	of := func(some []balance) []balance {
		return slices.DeleteFunc(slices.Clone(some), func(b balance) bool { return b.cell.Scenario != scenario })
	}
	var out []section
	if own := of(all); len(own) > 0 {
		out = append(out, section{ID: slug(scenario) + "-balance", Title: scenario + ": where the difference goes", Grids: balanceTables(own), Text: []string{
			"The gap in time per operation, split so that the rows add up to it. Parts of CPU time are shares of the profile pass, times the mean CPU time per operation of the timed trials; their intervals are those of so many samples, of how much the lives of a process differ, and of the trials. Waiting is the time without CPU, less the CPU time that ran side by side with other; its interval is that of the trials. Grey: it may be none. The work itself is the same in all styles: what it takes more is colder caches, cores that change, and functions of the program that no other part has. All are means, so the gap is the one of all-in, not the typical one."}})
	}
	if own := of(switched); len(own) > 0 {
		out = append(out, section{ID: slug(scenario) + "-switched", Title: scenario + ": what a switch moves", Grids: balanceTables(own), Text: []string{
			"Arms of one style that differ by a switch, in the same trials: which parts of their time differ. That is another route to what a part costs, beside its share of the profile."}})
	}
	return out
}

// balanceTables has one table for each balance: rows that add up to the gap.
func balanceTables(all []balance) (tables []Grid) {
	for _, b := range all {
		t := Grid{Title: b.cell.ComparisonLabel() + ": where " + b.label + " spends the difference", Text: []int{0},
			Head: []string{"part", b.baseLabel, b.label, "difference", "of the gap"}}
		for _, part := range parts {
			base, own := b.base.of(part), b.own.of(part)
			if base == 0 && own == 0 {
				continue
			}
			d := b.difference(part)
			t.Add(noise(d), part, nanoseconds(base), nanoseconds(own), microseconds(d), percent(100*d.Median/b.gap()))
		}
		t.Add("", "all: time per operation, mean", nanoseconds(b.base.wall), nanoseconds(b.own.wall), microseconds(b.whole()), percent(100))
		t.Notes = append(slices.Concat(b.planted(), b.aloneText()), b.restText(), fmt.Sprintf("From %s profile samples of %s and %s of %s. In the profile pass an operation took %s and %s of CPU, in the trials %s and %s.",
			count(int64(b.base.samples)), b.baseLabel, count(int64(b.own.samples)), b.label,
			nanoseconds(b.base.passed), nanoseconds(b.own.passed), nanoseconds(b.base.cpu), nanoseconds(b.own.cpu)))
		tables = append(tables, t)
	}
	return tables
}

// aloneText holds the balance against another route: the conversation, measured without the work. There
// is none if the run did not measure that in this style.
func (b balance) aloneText() []string {
	if !known(b.alone) {
		return nil
	}
	own, base := b.own.of(partWork), b.base.of(partWork)
	trials := b.over(func(o, a another) float64 {
		return o.wall - own/b.own.cpu*o.cpu - a.wall + base/b.base.cpu*a.cpu
	})
	here := normal(b.gap()-own+base, b.own.sampling(own)+b.base.sampling(base)+trials)
	verdict := "the two routes agree"
	if here.Lo > b.alone.Hi || here.Hi < b.alone.Lo {
		verdict = "the two routes differ"
	}
	return []string{fmt.Sprintf("By another route: the conversation alone, measured without the work, takes %s. Here all rows but the work itself add up to %s: %s.",
		inline(microseconds(*b.alone)), inline(microseconds(here)), verdict)}
}

// microseconds is a difference with its interval, both in µs.
func microseconds(d results.Estimate) string { return overheadEstimate(&d) }

// noise is the mark of a difference that may be none.
func noise(d results.Estimate) string {
	if d.Lo <= 0 && d.Hi >= 0 {
		return "noise"
	}
	return ""
}

// mostRest is the share of the gap that no part may explain.
const mostRest = 0.10

// restText says whether little enough of the gap is unexplained.
func (b balance) restText() string {
	rest, limit := b.difference(partRest), mostRest*math.Abs(b.gap())
	verdict := "whether it is within " + percent(100*mostRest) + " cannot be told from so few samples and trials"
	switch {
	case rest.Lo >= -limit && rest.Hi <= limit:
		verdict = "it is within " + percent(100*mostRest)
	case rest.Lo > limit || rest.Hi < -limit:
		verdict = "it is more than " + percent(100*mostRest)
	}
	return fmt.Sprintf("The rest is %s of a gap of %s: %s.", inline(microseconds(rest)), signedTime(b.gap()), verdict)
}

// nearPlanted is how near the row must come to the time that was planted.
const nearPlanted = 0.20

// planted says whether time that was planted in a part is found there, and nowhere else.
func (b balance) planted() []string {
	name, size, is := strings.Cut(b.cell.Options["planted"], ":")
	if !is || b.against == nil || strings.Contains(b.against.Options["planted"], ":") {
		return nil
	}
	want, err := time.ParseDuration(size)
	if err != nil {
		return nil
	}
	var text string
	var others []string
	for _, part := range parts {
		switch d := b.difference(part); {
		case part == plantedParts[name]:
			ns := float64(want.Nanoseconds())
			verdict := "whether it is within " + percent(100*nearPlanted) + " of it cannot be told"
			switch lo, hi := (1-nearPlanted)*ns, (1+nearPlanted)*ns; {
			case d.Lo >= lo && d.Hi <= hi:
				verdict = "it is within " + percent(100*nearPlanted) + " of it"
			case d.Hi < lo || d.Lo > hi:
				verdict = "it is not within " + percent(100*nearPlanted) + " of it"
			}
			text = fmt.Sprintf("Planted: %s an operation in %s. Its row moved by %s: %s. All CPU time moved by %s.", nanoseconds(ns), part, inline(microseconds(d)), verdict,
				inline(microseconds(normal(b.own.cpu-b.base.cpu, b.over(func(o, a another) float64 { return o.cpu - a.cpu })))))
		case noise(d) == "" && part != partWaiting:
			others = append(others, part+" "+inline(microseconds(d)))
		}
	}
	if len(others) == 0 {
		return []string{text + " No other row of CPU time moved beyond noise."}
	}
	return []string{text + " Other rows of CPU time moved, too: " + strings.Join(others, ", ") + "."}
}

// text names the largest parts of the gap.
func (b balance) text() string {
	order := slices.SortedStableFunc(slices.Values(parts), func(x, y string) int {
		return int(math.Copysign(1, b.difference(y).Median-b.difference(x).Median))
	})
	var said []string
	for _, part := range order[:4] {
		if d := b.difference(part); d.Median > 0.02*math.Abs(b.gap()) && part != partRest {
			said = append(said, part+" "+signedTime(d.Median))
		}
	}
	rest := b.difference(partRest)
	text := fmt.Sprintf("%s, of %s on average (%s): %s; rest %s", b.label, signedTime(b.gap()), b.cell.ComparisonLabel(), strings.Join(said, ", "), signedTime(rest.Median))
	if n := min(b.base.samples, b.own.samples); n < samplesForRank {
		text += fmt.Sprintf("; from only %s profile samples, so see the intervals", count(int64(n)))
	}
	return text + "."
}

// A Bar is a stacked bar of the parts that take more than in the baseline.
type Bar struct {
	Label  string
	Pieces []Piece
}

// A Piece of a Bar; Width is in percent of it.
type Piece struct {
	Part   string
	Time   string
	Width  float64
	Colour template.CSS
}

// bar draws what is more; what is less is in the table.
func (b balance) bar() Bar {
	total := 0.0
	for _, part := range parts {
		total += max(b.difference(part).Median, 0)
	}
	bar := Bar{Label: b.text()}
	for i, part := range parts {
		if d := b.difference(part).Median; d > 0.005*total {
			bar.Pieces = append(bar.Pieces, Piece{part, signedTime(d), math.Round(1000*d/total) / 10, partColour(i)})
		}
	}
	return bar
}

// partColour walks round the circle of hues; neighbours differ in lightness, too.
func partColour(i int) template.CSS {
	return template.CSS(fmt.Sprintf("hsl(%d 55%% %d%%)", (i*137)%360, 22+8*(i%2)))
}
