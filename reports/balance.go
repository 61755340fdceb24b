package reports

import (
	"fmt"
	"html/template"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"rubato/results"
)

// The books balance: the gap in time per operation between the baseline and a style is the sum of
// parts, and what no part explains is a row, too. Parts of CPU time are shares of the profile
// pass, times the mean CPU time per operation of the timed trials. What is left of the time is
// waiting, less what ran side by side. All are means, since medians do not add up.

// Parts of the time of an operation.
const (
	partWork      = "the work itself"
	partRules     = "rules and trace"
	partModules   = "modules on NATS"
	partCodec     = "codec"
	partClient    = "NATS client"
	partServer    = "NATS server"
	partSockets   = "kernel: sockets"
	partEpoll     = "kernel: epoll"
	partFutex     = "kernel: futex"
	partMemory    = "allocation and GC"
	partScheduler = "scheduler"
	partHarness   = "harness"
	partRest      = "rest"
	partWaiting   = "waiting, less what ran side by side"
)

var parts = []string{partWork, partRules, partModules, partCodec, partClient, partServer, partSockets, partEpoll, partFutex,
	partMemory, partScheduler, partHarness, partRest, partWaiting}

// owners are the parts of packages, by the beginning of their paths; the first that fits.
var owners = []struct{ prefix, part string }{
	{"github.com/nats-io/nats-server", partServer}, {"github.com/nats-io/", partClient},
	{"encoding/json", partCodec}, {"github.com/go-json-experiment", partCodec}, {"github.com/tinylib/msgp", partCodec}, {"google.golang.org/protobuf", partCodec},
	{"rubato/natsbus", partModules}, {"rubato/orchestrated", partRules}, {"rubato/sqlite/tracedb", partRules},
	{"rubato/runner", partHarness}, {"rubato/scenarios", partHarness}, {"github.com/HdrHistogram", partHarness},
	{"rubato/", partWork}, {"zombiezen.com/go/sqlite", partWork}, {"modernc.org/", partWork},
}

// codecFiles are the files of the codecs among those of the modules on NATS.
var codecFiles = []string{"codec.go", "json.go", "msgpack.go", "protobuf.go", "flavors.go"}

// schedules are the functions of the runtime that run other goroutines or wake them.
var schedules = []string{"schedule", "findRunnable", "mcall", "park_m", "gopark", "goready", "ready", "wakep", "startm", "stopm", "notewakeup", "notesleep",
	"futexsleep", "futexwakeup", "netpoll", "chansend", "chanrecv", "selectgo", "lock2", "unlock2", "semacquire1", "semrelease1", "goexit0", "usleep", "osyield",
	"exitsyscall", "entersyscall", "reentersyscall", "sysmon", "retake", "timeSleep", "newproc", "procyield", "morestack", "goschedImpl", "sellock"}

// allocates are the functions of the runtime that allocate or collect.
var allocates = []string{"mallocgc", "newobject", "growslice", "makeslice", "gcBgMarkWorker", "gcAssistAlloc", "bgsweep", "bgscavenge", "gcStart", "gcMarkDone",
	"scanobject", "scanObject", "gcDrain", "sweepone", "wbBufFlush", "markroot", "greyobject", "mallocinit", "stopTheWorldWithSema", "startTheWorldWithSema"}

// partOf is the part that a sample belongs to. A system call belongs to the kernel if it serves
// what joins modules, and to the work if the work asked for it: reading and writing files.
func partOf(sample *profile.Sample) string {
	owner, runtimeSays := partRest, ""
	network, first := false, true
	var leaf string
	for _, location := range sample.Location {
		for _, line := range location.Line {
			if line.Function == nil {
				continue
			}
			name := strings.ReplaceAll(line.Function.Name, "%2e", ".")
			if first {
				leaf, first = name, false
			}
			folder := packageOf(name)
			if short, in := strings.CutPrefix(name, "runtime."); in && runtimeSays == "" {
				runtimeSays = runtimePart(short)
			}
			network = network || folder == "net" || name == "runtime.netpoll"
			if part := ownerPart(folder, line.Function.Filename); part != "" {
				return resolved(leaf, runtimeSays, part, network)
			}
		}
	}
	return resolved(leaf, runtimeSays, owner, network)
}

// runtimePart is the part of a function of the runtime; "" if it serves its caller.
func runtimePart(function string) string {
	switch base := strings.TrimSuffix(strings.TrimPrefix(function, "(*mheap)."), ".func1"); {
	case slices.Contains(allocates, base) || strings.HasPrefix(base, "(*mcache)") || strings.HasPrefix(base, "(*mspan)") || strings.HasPrefix(base, "(*gcWork)"):
		return partMemory
	case slices.Contains(schedules, base):
		return partScheduler
	}
	return ""
}

func ownerPart(folder, file string) string {
	for _, o := range owners {
		if strings.HasPrefix(folder+"/", o.prefix) || strings.HasPrefix(folder, o.prefix) {
			if o.part == partModules && slices.Contains(codecFiles, path.Base(file)) {
				return partCodec
			}
			return o.part
		}
	}
	return ""
}

// resolved decides between the kernel, the runtime and the owner.
func resolved(leaf, runtimeSays, owner string, network bool) string {
	switch {
	case strings.HasSuffix(leaf, "runtime.futex"):
		return partFutex
	case strings.Contains(leaf, "syscall"):
		switch {
		case runtimeSays == partScheduler && network && owner == partRest:
			return partEpoll
		case network:
			return partSockets
		}
		return owner
	case strings.HasPrefix(leaf, "runtime.epoll"):
		return partEpoll
	case runtimeSays != "":
		return runtimeSays
	}
	return owner
}

// A book is one arm's time per operation in nanoseconds, means: of all time, of CPU, and of each
// part.
type book struct {
	wall, cpu float64
	shares    map[string]float64 // of cpu
	samples   float64
	waits     []float64 // wall less CPU, by round
	walls     []float64
}

// bookOf reads an arm's profile and blocks. It is nil if the arm has no profile.
func bookOf(dir string, c *results.Cell, details results.Details) (*book, error) {
	prof, err := cpuProfile(dir, details.Profiles, c)
	if err != nil || prof == nil {
		return nil, err
	}
	b := &book{shares: map[string]float64{}}
	total := 0.0
	for _, sample := range prof.Sample {
		if phase := sample.Label["phase"]; len(phase) > 0 && phase[0] != "run" {
			continue // the harness, between blocks
		}
		value := float64(sample.Value[len(sample.Value)-1])
		b.shares[partOf(sample)] += value
		total, b.samples = total+value, b.samples+float64(sample.Value[0])
	}
	for part := range b.shares {
		b.shares[part] /= total
	}
	var ops, wall, cpu float64
	for _, block := range roundsOf(c, details.Blocks) {
		n, w, u := float64(block.Ops), float64(block.Wall), float64(block.User+block.System)
		ops, wall, cpu = ops+n, wall+w, cpu+u
		b.walls, b.waits = append(b.walls, w/n), append(b.waits, (w-u)/n)
	}
	if ops == 0 || total == 0 {
		return nil, nil
	}
	b.wall, b.cpu = wall/ops, cpu/ops
	return b, nil
}

// of is the time of a part.
func (b *book) of(part string) float64 {
	if part == partWaiting {
		return b.wall - b.cpu
	}
	return b.shares[part] * b.cpu
}

// deviation is the standard error of a part: of a share of so many samples, or of a mean over rounds.
func (b *book) deviation(part string) float64 {
	if part == partWaiting {
		return meanDeviation(b.waits)
	}
	share := b.shares[part]
	return b.cpu * math.Sqrt(share*(1-share)/max(b.samples, 1))
}

func meanDeviation(x []float64) float64 {
	n := float64(len(x))
	if n < 2 {
		return math.Inf(1)
	}
	mean, squares := 0.0, 0.0
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / (n - 1) / n)
}

// A balance is the gap between the baseline and a style.
type balance struct {
	cell      *results.Cell
	label     string
	base, own *book
}

// balancesOf are those of a group whose baseline and style have profiles.
func balancesOf(dir string, g group, details results.Details) (all []balance, err error) {
	if g.baseline == nil {
		return nil, nil
	}
	base, err := bookOf(dir, g.baseline, details)
	if err != nil || base == nil {
		return nil, err
	}
	for i, c := range g.cells {
		if c == g.baseline || c.Ratio == nil {
			continue
		}
		own, err := bookOf(dir, c, details)
		if err != nil {
			return nil, err
		}
		if own != nil {
			all = append(all, balance{c, g.labels[i], base, own})
		}
	}
	return all, nil
}

func (b balance) gap() float64 { return b.own.wall - b.base.wall }

// difference is a part's share of the gap, with the interval that samples and rounds give it.
func (b balance) difference(part string) results.Estimate {
	d := b.own.of(part) - b.base.of(part)
	const normal95 = 1.96
	half := normal95 * math.Hypot(b.own.deviation(part), b.base.deviation(part))
	return results.Estimate{Median: d, Lo: d - half, Hi: d + half}
}

// balanceSection shows the books of a scenario. There is none without profiles.
func balanceSection(scenario string, all []balance) []section {
	own := slices.DeleteFunc(slices.Clone(all), func(b balance) bool { return b.cell.Scenario != scenario })
	if len(own) == 0 {
		return nil
	}
	return []section{{ID: slug(scenario) + "-balance", Title: scenario + ": where the difference goes", Grids: balanceTables(own), Text: []string{
		"The gap in time per operation, split so that the rows add up to it. Parts of CPU time are shares of the profile pass, times the mean CPU time per operation of the timed trials; their intervals are those of so many samples. Waiting is the time without CPU, less the CPU time that ran side by side with other; its interval is that of the rounds. The work itself is the same in all styles: what it takes more is colder caches and cores that change. All are means, so the gap is the one of all-in, not the typical one."}}}
}

// balanceTables has one table for each style: rows that add up to the gap.
func balanceTables(all []balance) (tables []Grid) {
	for _, b := range all {
		t := Grid{Title: b.cell.ComparisonLabel() + ": where " + b.label + " spends the difference", Text: []int{0},
			Head: []string{"part", "baseline", b.label, "difference", "of the gap"}}
		for _, part := range parts {
			base, own, d := b.base.of(part), b.own.of(part), b.difference(part)
			if base == 0 && own == 0 {
				continue
			}
			t.Add("", part, nanoseconds(base), nanoseconds(own), signedTime(d.Median)+secondary+interval(d.Mapped(func(ns float64) float64 { return ns / 1e3 }), 1, "µs", signed),
				percent(100*d.Median/b.gap()))
		}
		t.Add("", "all: time per operation, mean", nanoseconds(b.base.wall), nanoseconds(b.own.wall), signedTime(b.gap()), percent(100))
		t.Notes = append(t.Notes, fmt.Sprintf("From %s profile samples of the baseline and %s of %s.", count(int64(b.base.samples)), count(int64(b.own.samples)), b.label))
		tables = append(tables, t)
	}
	return tables
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
