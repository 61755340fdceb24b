package results

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Roles of the controls, the arms that show what a run can find.
const (
	RoleAA       = "aa"       // the A/A control, the baseline a second time: there is nothing to find
	RoleSlowdown = "slowdown" // the baseline with an injected slowdown of known size, which must be found
)

// Controls show what a comparison could find. AA and Slowdown have the style and the
// options of the baseline. Their ratios compare with the baseline.
type Controls struct {
	AA       Cell    `json:"aa"`
	Slowdown Cell    `json:"slowdown"`
	Stage    string  `json:"stage"` // the stage that is slowed down
	Share    float64 `json:"share"` // size of the slowdown that was asked for, as a share of the baseline's time per operation: 0.1
	// Confidence is that of the A/A control's interval. All A/A controls of a run together
	// raise a false alarm in one of a hundred clean runs.
	Confidence        float64  `json:"confidence"`
	MinimumDetectable *float64 `json:"minimum_detectable,omitempty"` // smallest ratio that this run finds 9 times out of 10; nil: none
	Insensitive       string   `json:"insensitive,omitempty"`        // why the verdicts of the comparison do not count; empty: they do
}

// RoleBefore is the role of an arm that runs another revision.
const RoleBefore = "before"

// A Revision is the other program of a run with -against.
type Revision struct {
	Asked  string `json:"asked"`            // as it was named: "HEAD~1", or a file
	Commit string `json:"commit,omitempty"` // empty: it was named by its file and does not say
	Dirty  bool   `json:"dirty,omitempty"`  // it was built from a changed tree
}

// A Change compares a cell with the same cell of another revision, measured in the same turns.
// Its estimates are of the cell to what it was before; none: one of the two is invalid. Before is
// invalid if it did not do the work of the run's baseline, that is, if the work changed.
type Change struct {
	Of         string    `json:"of"` // Cell.Key of the cell
	Before     Cell      `json:"before"`
	Ratio      *Estimate `json:"ratio,omitempty"`
	OverheadNs *Estimate `json:"overhead_ns,omitempty"` // ns per operation more than before
	MeanRatio  *Estimate `json:"mean_ratio,omitempty"`
	CPURatio   *Estimate `json:"cpu_ratio,omitempty"`
	Judged     []Judged  `json:"judged,omitempty"`

	Executed *ExecutedChange `json:"executed,omitempty"` // of rubato count
}

// Compared is the cell now with the figures of the change in place of those that compare it with
// the baseline: what metrics and verdicts are read from.
func (c *Change) Compared(now Cell) *Cell {
	now.Ratio, now.OverheadNs, now.MeanRatio, now.MeanOverheadNs, now.CPURatio = c.Ratio, c.OverheadNs, c.MeanRatio, nil, c.CPURatio
	return &now
}

// RoleBare is the role of the arm without instruments.
const RoleBare = "bare"

// EquivalenceInstrument is the part of the equivalence check in the timed region.
const EquivalenceInstrument = "equivalence"

// An Instrument says what an instrument costs. Arm differs from a cell by that
// instrument alone and was measured in the same rounds.
type Instrument struct {
	Name  string `json:"instrument"`
	Doc   string `json:"doc,omitempty"` // what it does
	Base  string `json:"base"`          // Cell.Key of the cell that Arm differs from
	Arm   Cell   `json:"arm"`
	Added bool   `json:"added"` // Arm has the instrument and its base does not; otherwise the reverse
	Usual bool   `json:"usual"` // active in every timed block of a run
	// Cost is the ratio of time per operation with the instrument to that without it.
	Cost    *Estimate `json:"cost,omitempty"`
	CPU     *Estimate `json:"cpu,omitempty"`     // the same for CPU time; it excludes that of the sampler, which runs in the runner
	Verdict string    `json:"verdict,omitempty"` // of the usual instruments together: of package inference
}

// WithoutRole is the role of an arm that has all instruments but one.
func WithoutRole(instrument string) string { return "without " + instrument }

// A Setting is a setting of a running style, read back from where it applies.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Asked string `json:"asked,omitempty"` // what Value has to be; empty: nothing was asked
	Own   bool   `json:"own,omitempty"`   // of this style only: others may have another value
}

// An Equivalence shows that a cell did the work of its baseline. A cell without one has no
// ratio.
type Equivalence struct {
	Transcript string    `json:"transcript"`          // digest of the untimed script
	Blocks     int       `json:"blocks"`              // timed blocks that were compared with the baseline's
	Payload    int64     `json:"payload"`             // bytes that the timed effects hold, as read back
	Counts     Counts    `json:"counts,omitempty"`    // what was done to have them
	Own        Counts    `json:"own,omitempty"`       // what only this style does
	Witnessed  int       `json:"witnessed,omitempty"` // stimuli after a timed part that were all looked at
	Keys       bool      `json:"keys"`                // order within each key was compared
	Floor      *Estimate `json:"floor,omitempty"`     // of the baseline: its CPU per operation, as a ratio to that of the same work without a style
	Settings   []Setting `json:"settings,omitempty"`
}

// What ended the rounds of a cell.
const (
	FixedRounds = "fixed"      // the effort or the time, whatever the rounds showed
	Sequential  = "sequential" // certain verdicts, at looks after fixed numbers of rounds
)

// A Rule says after which numbers of rounds a run that decides looked. It is part of the
// results, because a reader must use the same looks.
type Rule struct {
	Looks  []int         `json:"looks"`  // numbers of rounds
	Rows   int           `json:"rows"`   // intervals that share one error rate, by Bonferroni
	Margin float64       `json:"margin"` // how far from 1 a ratio may lie and still be no change
	Time   time.Duration `json:"time"`   // of a comparison at most
	// Precision is the half-width asked for every ratio, as a share; 0: none.
	Precision float64 `json:"precision,omitempty"`
	Decides   bool    `json:"decides,omitempty"` // the exit code answers the questions
}

// A Judged is one question that a cell's interval answers. With Limit 0 the question is
// whether the ratio differs from 1.
type Judged struct {
	Budget   string  `json:"budget,omitempty"` // the source of the limit
	Quantity string  `json:"quantity"`         // "ratio" or "overhead_ns"
	Limit    float64 `json:"limit,omitempty"`
	Margin   float64 `json:"margin,omitempty"` // when there is no limit
	Verdict  string  `json:"verdict"`          // of package inference
}

// Resources are what a block used besides time and memory, as the system reports it. A nil
// field is not available on this machine; see Machine.Unavailable.
type Resources struct {
	MinorFaults int64 `json:"minor_faults"` // pages that had to be mapped
	MajorFaults int64 `json:"major_faults"` // pages that had to be read from the disk
	IO          *IO   `json:"io,omitempty"`
	// Waited is the time for which its threads were ready to run and had no CPU.
	Waited *time.Duration `json:"waited,omitempty"`
	// Energy is that of all CPUs of the machine during the block, in joules. It includes
	// what other programs used.
	Energy *float64 `json:"energy,omitempty"`
	// Apart is the CPU time of processes that the style started, by name. The block's User
	// and System include it.
	Apart map[string]time.Duration `json:"apart,omitempty"`
}

// Scale keeps this share of what is counted over a whole trial. Each of the turns had one
// read and one write of the hand-over, which the style did not do. One more write said that
// it was ready.
func (r *Resources) Scale(share float64, turns int64) {
	scale := func(n *int64) { *n = int64(share * float64(*n)) }
	if r.IO != nil {
		r.IO.Reads, r.IO.Writes = max(0, r.IO.Reads-turns), max(0, r.IO.Writes-turns-1)
		r.IO.ReadBytes, r.IO.WrittenBytes = max(0, r.IO.ReadBytes-turns*AskBytes), max(0, r.IO.WrittenBytes-(turns+1)*TurnBytes)
		for _, n := range []*int64{&r.IO.Reads, &r.IO.Writes, &r.IO.ReadBytes, &r.IO.WrittenBytes, &r.IO.FromDisk, &r.IO.ToDisk} {
			scale(n)
		}
	}
	scale(&r.MinorFaults)
	scale(&r.MajorFaults)
	if r.Waited != nil {
		*r.Waited = time.Duration(share * float64(*r.Waited))
	}
	r.Energy = nil // that of the other arms' turns is in it
}

// The sizes of the messages that hand a turn over to a child and back, in bytes.
const (
	AskBytes  = 8
	TurnBytes = 16
)

// IO counts reads and writes of files and sockets by read, write and similar calls. It
// does not include memory-mapped files and other calls.
type IO struct {
	Reads        int64 `json:"reads"` // system calls
	Writes       int64 `json:"writes"`
	ReadBytes    int64 `json:"read_bytes"`
	WrittenBytes int64 `json:"written_bytes"`
	FromDisk     int64 `json:"from_disk"` // bytes that had to come from the disk
	ToDisk       int64 `json:"to_disk"`   // bytes that will have to go there
}

// A Measure is a figure besides time that a scenario's workload reports for each block:
// underruns, lateness, memory, messages lost.
type Measure struct {
	Name   string `json:"name"` // "p99 late"; also that of its series, if it has one
	Doc    string `json:"doc"`
	Unit   string `json:"unit"`             // of Units
	Better string `json:"better,omitempty"` // "less", "more", or "" when neither is
}

// Units are those that a Measure may have: "" is a count, "ns" a time, "bytes" memory, "%" a
// share in percent, "/s" a rate, "x" a ratio.
//
// A count is of rare events, such as messages lost. Its median would hide the round in
// which there were some. So it is shown with its smallest and largest round, and a claim or
// a budget of it holds if it holds in every round.
var Units = []string{"", "ns", "bytes", "%", "/s", "x"}

// A Point is a value at a time since its block began.
type Point struct {
	At    time.Duration `json:"at"`
	Value float64       `json:"value"`
}

// A Span is the smallest and the largest value of a figure over the rounds of a cell.
type Span struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// Sound returns an error if the measure is not well-formed.
func (m Measure) Sound() error {
	switch {
	case strings.TrimSpace(m.Name) == "" || m.Name != strings.TrimSpace(m.Name):
		return fmt.Errorf("measure %q: want a name, with no space around it", m.Name)
	case !slices.Contains(Units, m.Unit):
		return fmt.Errorf("measure %s: unit %q is none of %q", m.Name, m.Unit, Units)
	case m.Better != "" && m.Better != "less" && m.Better != "more":
		return fmt.Errorf("measure %s: better %q: want less, more or nothing", m.Name, m.Better)
	}
	return nil
}

// Measure finds a measure of the scenario by name.
func (s Scenario) Measure(name string) (Measure, bool) {
	i := slices.IndexFunc(s.Measures, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		return Measure{}, false
	}
	return s.Measures[i], true
}
