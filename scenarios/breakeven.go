package scenarios

import (
	"fmt"
	"hash/crc64"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// breakEven is an operation whose costs are numbers: how much work it does, how many bytes it
// carries, how many parts it reaches, and how long it is since the one before. A user has written
// a draft, and module log's filters look at it, one after the other: calls, rules, requests. The
// first filter does the work: so many steps of a generator. That is a count, so it is the same in
// all styles, and each style's time for it is measured.
//
// It stores nothing: a commit takes longer than a whole flow on the bus, and would hide it.
// Filters are the harness's own functions. It counts what they do and looks after each draft
// whether they have done it; their outcome is in a lane.
//
// By default a part of the grid is measured: each pair of sizes occurs, and no size in only one
// comparison, so that a comparison that is left out can be predicted from the others.
func (s styles) breakEven() runner.Scenario {
	return runner.Scenario{
		Name:     "break-even",
		Anywhere: true,
		Answers:  "How much work must an operation do before a style costs under 5 %?",
		Op:       "draft",
		Keys: []runner.Key{
			{Name: "work", Default: "1000", Check: workload.Between(1, 10_000_000), Doc: "pieces of work that module log does for a draft, 1 to 10000000; some 0.1 µs each"},
			{Name: "payload", Default: "64", Check: workload.Between(16, player.TextLimit), Doc: "bytes of a draft, 16 to 4096"},
			{Name: "fanout", Default: "1", Check: workload.Between(1, 64), Doc: "filters that look at a draft, 1 to 64: calls, rules and actions, requests over the network"},
			{Name: "rate", Default: inLoop, Check: workload.WordOr(inLoop, 1, 1000), Doc: "loop: a draft follows the one before; 1 to 1000: after a pause outside the clock, as if so many came each second, which leaves threads asleep"},
			workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey, workload.CodecKey, workload.EnvelopeKey,
		},
		Fits:    notSplit, // filters are functions
		Grid:    breakEvenGrid(),
		Pause:   pauseBefore,
		Script:  20,
		Bare:    true, // the profile would be that of the work
		Prepare: func(setup runner.Setup) error { return workload.Prepare(setup, 100) },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			fanout := int64(workload.Number(setup.Options, "fanout"))
			d := &drafting{fanout: fanout, work: int64(workload.Number(setup.Options, "work")),
				pages: pagesOf(setup.Seed), payload: workload.Number(setup.Options, "payload")}
			d.Workload = &workload.Workload{Script: d.write, Drive: d.drive, Count: workload.Refills, Each: fanout, Crosses: map[string]int64{"ui": fanout, "log": fanout}}
			_, err := s.Start(setup, d.Workload, func(c *player.Config) { c.Filters = d.filters() })
			return d, err
		},
	}
}

// inLoop is the rate without a pause.
const inLoop = "loop"

// breakEvenGrid are twelve of 54 combinations: three sizes of each key, two rates.
func breakEvenGrid() (grid []runner.Options) {
	for _, point := range []string{
		"200 64 1 loop", "200 1024 4 200", "200 4096 2 loop", "200 64 4 loop",
		"4000 64 2 200", "4000 1024 1 loop", "4000 4096 4 loop", "4000 4096 1 200",
		"120000 64 4 loop", "120000 1024 2 200", "120000 4096 1 loop", "120000 1024 4 loop",
	} {
		f := strings.Fields(point)
		grid = append(grid, runner.Options{"work": f[0], "payload": f[1], "fanout": f[2], "rate": f[3]})
	}
	return grid
}

func pauseBefore(options runner.Options) time.Duration {
	perSecond, err := strconv.Atoi(options["rate"])
	if err != nil {
		return 0
	}
	return time.Second / time.Duration(perSecond)
}

// drafting is a player whose user writes drafts.
type drafting struct {
	*workload.Workload
	fanout, work int64
	pages        string
	payload      int

	checked, worked atomic.Int64 // by filters, since Prepare
	due             int64        // that must be checked by now
	sealed          int64        // that were when the clock stopped; below 0: not noted
	early           string       // the first draft that was reported done too early
}

// pageBytes is how much text there is for drafts. They are cut from it, so that many fit memory.
const pageBytes = 256 << 10

// pagesOf is text of letters and blanks.
func pagesOf(seed uint64) string {
	text := make([]byte, pageBytes)
	for i := range text {
		text[i] = "etaoin shrdlu cmfwyp vbgkqjxz   "[runner.SeedAt(seed, i)>>59]
	}
	return string(text)
}

// write makes the i-th draft.
func (d *drafting) write(seed uint64, i int) player.Stimulus {
	at := int(runner.SeedAt(seed, i) % uint64(len(d.pages)-d.payload))
	return player.Stimulus{Kind: player.DraftWritten, Seq: uint64(i) + 1, Message: player.Message{Text: d.pages[at : at+d.payload]}}
}

// filters are those of one player. The first does the work; each reads the text.
func (d *drafting) filters() []func(string) uint64 {
	all := make([]func(string) uint64, d.fanout)
	for i := range all {
		pieces := int64(1)
		if i == 0 {
			pieces = d.work
		}
		all[i] = func(text string) uint64 {
			sum := toil(crc64.Checksum([]byte(text), draftTable)|1, pieces)
			d.worked.Add(pieces)
			d.checked.Add(1)
			return sum + uint64(i)
		}
	}
	return all
}

var draftTable = crc64.MakeTable(crc64.ECMA)

// toil does so many pieces of 100 steps of a generator (Marsaglia, "Xorshift RNGs", 2003), each upon
// the last. It is one function, in registers, for all styles. Hashes had their state on the stack:
// where it lay there, which differs by how deep the call is, made the baseline 7 % slower.
//
//go:noinline
func toil(x uint64, pieces int64) uint64 {
	for range 100 * pieces {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// drive sends one draft at a time, and looks whether all filters have seen it when it is done.
func (d *drafting) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	if len(stimuli) == 0 {
		return nil
	}
	first := int(stimuli[0].Seq)
	return workload.Sampled(first, len(stimuli), func(i int) error {
		err := p.Do(stimuli[i-first])
		if d.due += d.fanout; d.checked.Load() != d.due && d.early == "" {
			d.early = fmt.Sprintf("draft %d was reported done when filters had made %d checks, not %d", i, d.checked.Load(), d.due)
		}
		return err
	}, latency)
}

// Prepare begins to count.
func (d *drafting) Prepare(first, n int) error {
	err := d.Workload.Prepare(first, n)
	d.due, d.early, d.sealed = 0, "", -1
	d.checked.Store(0)
	d.worked.Store(0)
	return err
}

// Seal notes what the filters have done when the clock has stopped.
func (d *drafting) Seal() error {
	d.sealed = d.checked.Load()
	return d.Workload.Seal()
}

// Work holds what the filters did against what was asked for.
func (d *drafting) Work() (runner.Work, error) {
	work, err := d.Workload.Work()
	n := int64(len(d.Stimuli))
	switch checked, worked := d.checked.Load(), d.worked.Load(); {
	case err != nil || work.Wrong != "":
	case d.early != "":
		work.Wrong = d.early
	case d.sealed >= 0 && d.sealed != checked:
		work.Wrong = fmt.Sprintf("filters made %d more checks after all was reported done", checked-d.sealed)
	case worked != n*(d.work+d.fanout-1):
		work.Wrong = fmt.Sprintf("filters did %d pieces of work for %d drafts, not %d", worked, n, n*(d.work+d.fanout-1))
	}
	return work, err
}
