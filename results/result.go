// Package results holds what a run found: the result types, their schema, the metrics, and
// how results are written and read. Package reports turns raw results into figures, tables
// and plots. results imports no other package of rubato, so that old results stay readable
// when the rest changes.
package results

import (
	"slices"
	"time"
)

// Schema is the version of the result types. A reader refuses a later one.
const Schema = 2

// A Run is everything that one `rubato run` found: the content of results.json.
type Run struct {
	Schema      int          `json:"schema"`
	Started     time.Time    `json:"started"`
	Seconds     float64      `json:"seconds"` // wall time of the whole run
	Command     []string     `json:"command"`
	Effort      string       `json:"effort"` // quick, default or full
	Seed        uint64       `json:"seed"`
	Baseline    string       `json:"baseline"`         // the style that ratios compare with
	Styles      []Arm        `json:"styles,omitempty"` // what each is, in the order of the command
	Machine     Machine      `json:"machine"`
	Scenarios   []Scenario   `json:"scenarios"` // for titles and claims
	Cells       []Cell       `json:"cells"`
	Rule        *Rule        `json:"rule,omitempty"`        // nil: the number of rounds was fixed
	Controls    []Controls   `json:"controls,omitempty"`    // what the run could have found, one entry per comparison
	Instruments []Instrument `json:"instruments,omitempty"` // what measuring costs, in each comparison
	Counted     bool         `json:"counted,omitempty"`     // of rubato count: it has instructions and calls, and no times
	Against     *Revision    `json:"against,omitempty"`     // the other program that it was measured beside
	Changes     []Change     `json:"changes,omitempty"`     // what that changed, one entry per cell
	Fresh       bool         `json:"fresh,omitempty"`       // each round of comparisons of time had new processes
	Incomplete  string       `json:"incomplete,omitempty"`  // why the run ended early
	Published   []Published  `json:"published,omitempty"`   // claims that the report explains, whatever was measured
}

// A Scenario is what a reader needs to know about a scenario.
type Scenario struct {
	Name     string  `json:"name"`
	Answers  string  `json:"answers"` // the question
	Op       string  `json:"op"`      // what one operation is: "selection", "message"
	Claims   []Claim `json:"claims,omitempty"`
	Settings []Arm   `json:"settings,omitempty"` // what its keys mean
	// For a scenario whose arms are pieces of a whole, not styles that do the same work:
	ArmKey   string `json:"arm_key,omitempty"` // what an arm is called: "piece"
	Arms     []Arm  `json:"arms,omitempty"`
	Baseline string `json:"baseline,omitempty"` // the arm that ratios compare with
	Pairs    []Pair `json:"pairs,omitempty"`
	// What the values of a key differ in, if they are the corners of two factors.
	Factors *Factorial `json:"factors,omitempty"`
	// The scenario of which this is the conversation alone, without the work.
	Alone string `json:"alone,omitempty"`
	// For a scenario that a clock paces, or that has figures besides time:
	Paced    bool      `json:"paced,omitempty"`    // time per operation is no cost
	Together bool      `json:"together,omitempty"` // all arms worked at the same time
	Bare     bool      `json:"bare,omitempty"`     // without active and idle windows and profiles
	Measures []Measure `json:"measures,omitempty"`
}

// An Arm is a style, or a piece of a whole. Doc says what the style adds to the one before, or what
// one operation of the piece is.
type Arm struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// A Pair is two arms of a scenario that differ by one switch.
type Pair struct {
	Switch  string `json:"switch"`  // what With has: "rule index"
	Without string `json:"without"` // arms
	With    string `json:"with"`
	Note    string `json:"note,omitempty"` // what one operation is, if it is not obvious
}

// A Factorial says how the values of a key, the corners, combine two factors, and which
// published ratio of a style to the baseline came of changing everything at once.
type Factorial struct {
	Key     string    `json:"key"`     // "mode"
	Factors [2]string `json:"factors"` // in words: "shared commits"
	Corners [4]string `json:"corners"` // values of Key: with neither factor, the first, the second, both
	Style   string    `json:"style"`   // whose share is in question: "nats"
	Text    string    `json:"text"`    // as published
	Source  string    `json:"source"`
	Claimed float64   `json:"claimed"` // the ratio
}

// A Claim is a published figure that a scenario answers, or a budget for it. Quantity names
// the metric that it is compared with: one of Metrics, or "figure:NAME" for a Measure. It
// is about the cells of the style (empty: all) that have these options.
type Claim struct {
	Text     string            `json:"text"`   // as published: "passage selection 500–2 000 µs"
	Source   string            `json:"source"` // document and section
	Kind     string            `json:"kind"`   // "estimate", "budget", "measured elsewhere" or CountedElsewhere
	Style    string            `json:"style,omitempty"`
	Options  map[string]string `json:"options,omitempty"`
	Less     string            `json:"less,omitempty"` // arm that overhead and ratio compare with, if not the baseline
	Quantity string            `json:"quantity"`
	Lo       float64           `json:"lo,omitempty"` // in the quantity's unit; a budget has only Hi
	Hi       float64           `json:"hi"`
	// Beyond is the measure of what is left of Quantity without the machine's own share, such
	// as "figure:missed-extra". Only if it is over Hi, by more than Slack, is the arm over.
	Beyond string  `json:"beyond,omitempty"`
	Slack  float64 `json:"slack,omitempty"`
}

// A Published is a published claim that a report explains in a section of its own.
type Published struct {
	ID      string   `json:"id"`    // of the section
	Title   string   `json:"title"` // the claim in a few words
	Text    []string `json:"text"`  // what was published, and how it was found
	Command string   `json:"command"`
	Whole   Part     `json:"whole"`            // the claim itself
	Base    *Part    `json:"base,omitempty"`   // the operation that Whole was said to be a share of
	Parts   []Part   `json:"parts"`            // what it rests on
	Done    float64  `json:"done,omitempty"`   // share of the work after which the published clock had stopped
	Taken   float64  `json:"taken,omitempty"`  // what Base was taken as, in ns
	Middle  float64  `json:"middle,omitempty"` // what Whole was taken as, in the unit of its quantity
}

// A Part is a claim that a scenario answers. Adds: the published figure of the whole is a sum of
// this and others.
type Part struct {
	Scenario string `json:"scenario"`
	Claim    Claim  `json:"claim"`
	Adds     bool   `json:"adds,omitempty"`
}

// CountedElsewhere is the Kind of a claim whose source compares the quantity and gives no figure
// for it. The answer is whether the style has more of it than the baseline.
const CountedElsewhere = "counted elsewhere"

// An Estimate is a median with its distribution-free 95 % interval; what compares two arms
// over trials is the median of their Walsh averages (inference.Paired). In a run that decides
// (Run.Rule), ratio and overhead have a higher confidence, so that all rows together err as
// rarely as one would. Too few rounds have no interval: Lo is then -Inf and Hi +Inf, in
// JSON both null.
type Estimate struct {
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
}

// Verdicts of a cell. Those of a gate are in package ci.
const (
	Measured     = "measured"     // the figures count
	Invalid      = "invalid"      // the work differed: no figure is shown
	Inconclusive = "inconclusive" // too few rounds for an interval
)

// A Cell is one style under one scenario with one set of options. An invalid cell has
// only names, Work, Verdict, Why and Warnings: Summarize clears the rest. A percentile of
// 0 was not measured: operations have no latency of their own, or there were too few of
// them (under 20 for p95, 100 for p99, 1 000 for p99.9). Where a clock paces the scenario
// there is neither Ratio nor OverheadNs: NsOp is then the time that an operation had, and
// CPURatio is the cost.
type Cell struct {
	Scenario string            `json:"scenario"`
	Style    string            `json:"style"`
	Options  map[string]string `json:"options"` // all that apply, defaults included
	Named    []string          `json:"named"`   // keys that belong in its name, sorted
	Rounds   int               `json:"rounds"`
	BlockOps int               `json:"block_ops"` // operations in a block

	NsOp       Estimate  `json:"ns_op,omitzero"`
	Ratio      *Estimate `json:"ratio,omitempty"`       // to the baseline, paired; nil for the baseline
	OverheadNs *Estimate `json:"overhead_ns,omitempty"` // per operation, paired differences

	// Of trials: Ratio and OverheadNs are typical, medians over turns and then over
	// trials. These are of all operations together, with their pauses and tails.
	MeanRatio      *Estimate `json:"mean_ratio,omitempty"`
	MeanOverheadNs *Estimate `json:"mean_overhead_ns,omitempty"`
	TypicalNsOp    *Estimate `json:"typical_ns_op,omitempty"`
	Trials         *Trials   `json:"trials,omitempty"`

	P50Ns      float64   `json:"p50_ns,omitzero"` // of all latencies of all rounds
	P95Ns      float64   `json:"p95_ns,omitzero"`
	P99Ns      float64   `json:"p99_ns,omitzero"`
	P999Ns     float64   `json:"p999_ns,omitzero"`
	CPUNsOp    Estimate  `json:"cpu_ns_op,omitzero"`  // user + system
	CPURatio   *Estimate `json:"cpu_ratio,omitempty"` // of CPUNsOp to the baseline's, paired
	UserNsOp   float64   `json:"user_ns_op"`          // mean of all rounds, as are those below
	SystemNsOp float64   `json:"system_ns_op"`
	AllocsOp   float64   `json:"allocs_op"`
	BytesOp    float64   `json:"bytes_op"`
	SwitchesOp float64   `json:"switches_op"` // context switches, both kinds
	RSSPeak    int64     `json:"rss_peak"`    // bytes
	ActiveCPU  float64   `json:"active_cpu"`  // % of one core over the active window, from cumulative times
	IdleCPU    float64   `json:"idle_cpu"`    // % of one core over the idle window, from cumulative times

	Connections *int        `json:"connections,omitempty"` // that joined the modules, the most of any block; nil: not counted
	Executed    *ExecutedOp `json:"executed,omitempty"`    // nil: nothing was counted

	Intervals map[string]Estimate `json:"intervals,omitempty"`  // of Point metrics, over trials or rounds; of idle CPU over IdleParts
	IdleParts []float64           `json:"idle_parts,omitempty"` // IdleCPU in equal parts of the window, in % of a core
	Spent     map[string]float64  `json:"spent,omitempty"`      // means per operation of what blocks used, by resource: "reads", "waited_ns"
	Figures   map[string]Estimate `json:"figures,omitempty"`    // by name of the scenario's Measures
	Spans     map[string]Span     `json:"spans,omitempty"`      // the same, over the rounds

	Role      string   `json:"role,omitempty"`       // AA or Slowdown of a Controls; empty: a style's own
	Rule      string   `json:"rule,omitempty"`       // FixedRounds or Sequential
	Looked    int      `json:"looked,omitempty"`     // when Sequential: rounds at the last look, from which medians and intervals are
	LeftOut   int      `json:"left_out,omitempty"`   // rounds left out for all arms because something disturbed one of them
	Judged    []Judged `json:"judged,omitempty"`     // what its ratio and overhead are compared with
	Targets   []Judged `json:"targets,omitempty"`    // what the project wants to reach; no verdict of the run waits for them
	PAdjusted *float64 `json:"p_adjusted,omitempty"` // p-value of the two-sided sign test that its ratio is 1, adjusted by Holm over the run; nil when Sequential

	Equivalence *Equivalence `json:"equivalence,omitempty"` // nil: nothing shows that its work was the baseline's

	Work     Work     `json:"work"`
	Verdict  string   `json:"verdict"`
	Why      string   `json:"why,omitempty"` // of an invalid or inconclusive verdict
	Warnings []string `json:"warnings"`
}

// Trials is how the trials of an arm were planned, and the variances that this rests on:
// those of a log-ratio to the baseline, or of the log time of the baseline itself.
type Trials struct {
	Turns    int           `json:"turns"` // timed, of the last trial
	SliceOps int           `json:"slice_ops"`
	Slice    time.Duration `json:"slice"` // median
	Hot      bool          `json:"hot"`
	Within   float64       `json:"within"`            // variance of one turn, between the turns of a trial
	Between  float64       `json:"between"`           // variance between trials
	Handover time.Duration `json:"handover"`          // median
	Start    time.Duration `json:"start"`             // median, of all arms together
	Waiting  float64       `json:"waiting"`           // CPU used while it was not its turn, as a share of the CPU of its slices
	Dropped  int           `json:"dropped,omitempty"` // trials that broke off
	TimeUp   bool          `json:"time_up,omitempty"` // the last look is at the end of the time
}

// Work counts stimuli and effects in all timed rounds. Digest is that of the untimed
// transcript, which depends only on seed and options.
type Work struct {
	Stimuli  int64  `json:"stimuli"`
	Effects  int64  `json:"effects"`
	Expected int64  `json:"expected"`
	Digest   string `json:"digest"`
}

// Counts say how often something was done, by name: "commits", "rows read".
type Counts map[string]int64

// Add adds others.
func (c *Counts) Add(others Counts) {
	if *c == nil && len(others) > 0 {
		*c = Counts{}
	}
	for name, n := range others {
		(*c)[name] += n
	}
}

// A Block is the measured turn of one arm in one round: a line of results.jsonl. If all
// arms work together, Turn has no meaning.
type Block struct {
	Cell        string        `json:"cell"` // Cell.Key
	Round       int           `json:"round"`
	Turn        int           `json:"turn"` // place in the round's random order
	Ops         int           `json:"ops"`
	Wall        time.Duration `json:"wall"`
	User        time.Duration `json:"user"`
	System      time.Duration `json:"system"`
	Allocs      uint64        `json:"allocs"`
	Bytes       uint64        `json:"bytes"`
	GCs         uint32        `json:"gcs"`
	GCPause     time.Duration `json:"gc_pause"`
	Voluntary   int64         `json:"voluntary"` // context switches
	Involuntary int64         `json:"involuntary"`
	RSSPeak     int64         `json:"rss_peak"`
	KeptOp      *float64      `json:"kept_op,omitempty"` // bytes per operation by which the live heap grew; nil: not measured
	Goroutines  int           `json:"goroutines"`
	Stimuli     int64         `json:"stimuli"`
	Effects     int64         `json:"effects"`
	Expected    int64         `json:"expected"`
	Digest      string        `json:"digest"`
	Payload     int64         `json:"payload,omitempty"`     // bytes that the effects hold, as read back
	Counts      Counts        `json:"counts,omitempty"`      // what was done to have them, equal in all styles
	Own         Counts        `json:"own,omitempty"`         // what only some styles do: messages and bytes that crossed, by connection
	Connections *int          `json:"connections,omitempty"` // that joined the modules when the block ended; 0: none, they are one process; nil: not counted
	Keys        string        `json:"keys,omitempty"`        // digest of the order within each key
	Trace       string        `json:"trace,omitempty"`       // digest of what the trace kept of the newest stimuli
	Latency     string        `json:"latency"`               // HdrHistogram, V2 compressed, base64; in ns
	NoLatency   string        `json:"no_latency,omitempty"`  // why there is no latency, though operations have one
	Disturbed   string        `json:"disturbed,omitempty"`   // what happened to the process, its clocks or the CPU meanwhile
	Heat        *Heat         `json:"heat,omitempty"`        // after the trial or round; nil: the machine tells nothing of it

	// Of a trial, which is cut into turns. Ops, Wall, CPU and switches are those of the
	// timed slices together.
	Slices   []time.Duration `json:"slices,omitempty"`    // one per timed turn; the same index is the same turn in all arms
	SliceOps int             `json:"slice_ops,omitempty"` // operations of a slice
	Hot      int             `json:"hot,omitempty"`       // untimed operations before each slice
	Waiting  time.Duration   `json:"waiting,omitempty"`   // CPU time used outside of its turns since the first timed one
	Handover time.Duration   `json:"handover,omitempty"`  // median time from asking for a slice to its answer, beyond the slice
	Start    time.Duration   `json:"start,omitempty"`     // what the trial cost beside its turns, for all arms
	Slowest  []time.Duration `json:"slowest,omitempty"`   // latency of the slowest operation of each timed turn; nil: operations have none
	Marks    Marks           `json:"marks,omitempty"`     // nil: an older run, which did not record them

	Executed  *Executed          `json:"executed,omitempty"`  // of rubato count, which has no times; then a round is a repeat
	Resources *Resources         `json:"resources,omitempty"` // nil: an older run, which did not record them
	Figures   map[string]float64 `json:"figures,omitempty"`   // by name of the scenario's Measures
	Series    map[string][]Point `json:"series,omitempty"`    // the same, over the time of the block
}

// Marks are the timed turns, by index into Slices, in which something happened that an operation may
// have to wait for, by its name. A turn is the smallest unit: which of its operations waited is not known.
type Marks map[string][]int

// Names of marks.
const (
	MarkGC         = "gc"         // a cycle of garbage collection ran in the process of the arm
	MarkCheckpoint = "checkpoint" // SQLite moved its write-ahead log into the library
	MarkTrace      = "trace"      // the trace was stored
)

// typical is the median time of a slice for all operations of the block; false without
// slices.
func (b *Block) typical() (float64, bool) {
	if len(b.Slices) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(b.Slices))
	middle := float64(sorted[(len(sorted)-1)/2]+sorted[len(sorted)/2]) / 2
	return middle / float64(b.SliceOps) * float64(b.Ops), true
}

// A Sample is CPU % at one moment, as gopsutil reads it in ticks of 10 ms: good enough for
// a plot only. A line of results.jsonl.
type Sample struct {
	Cell    string        `json:"cell"`
	Window  string        `json:"window"` // "active" or "idle"
	At      time.Duration `json:"at"`     // since the window opened
	Percent float64       `json:"percent"`
	RSS     int64         `json:"rss"`
}

// A Profile is a file that a profile pass wrote. Path is relative to the folder of the run.
// Kind is "cpu" or "heap".
type Profile struct {
	Cell string `json:"cell"` // Cell.Key
	Kind string `json:"kind"`
	Path string `json:"path"`
	Ops  int    `json:"ops,omitempty"` // operations that it covers
	// Lost is why the file could not be read when the report was written; "": it could.
	Lost string `json:"lost,omitempty"`
}

// Details are the raw results that a Run's figures come from.
type Details struct {
	Blocks   []Block
	Samples  []Sample
	Profiles []Profile

	Measured []Block // Blocks and those of rounds that are left out; nil: no round is left out
}

// A Line is one line of results.jsonl: exactly one field is set. The first line is a Run
// without figures and the last one a Run with them. A Run in between is a checkpoint. A
// file without the last line is from a run that was cut off; its blocks count.
type Line struct {
	Run     *Run     `json:"run,omitempty"`
	Block   *Block   `json:"block,omitempty"`
	Sample  *Sample  `json:"sample,omitempty"`
	Profile *Profile `json:"profile,omitempty"`
}

// A Machine is where a run was made. Absolute figures hold only there.
type Machine struct {
	CPU         string            `json:"cpu"`
	Cores       int               `json:"cores"`
	GOMAXPROCS  int               `json:"gomaxprocs"`
	GOGC        string            `json:"gogc"`
	OS          string            `json:"os"`
	Arch        string            `json:"arch"`
	Kernel      string            `json:"kernel"`
	Memory      uint64            `json:"memory"`              // bytes
	Available   uint64            `json:"available,omitempty"` // bytes of memory before the run that programs could use
	Disk        *Disk             `json:"disk,omitempty"`      // of the folder with the results and stores
	Governor    string            `json:"governor,omitempty"`
	Turbo       string            `json:"turbo,omitempty"`
	Load        [3]float64        `json:"load"`
	StealPct    float64           `json:"steal_pct"`
	Quota       string            `json:"quota,omitempty"` // cgroup cpu.max
	TempC       float64           `json:"temp_c,omitempty"`
	MaxTempC    float64           `json:"max_temp_c,omitempty"` // after trials; TempC is before the run
	MinMHz      float64           `json:"min_mhz,omitempty"`    // after trials, of the fastest core
	MaxMHz      float64           `json:"max_mhz,omitempty"`
	Throttled   string            `json:"throttled,omitempty"`
	Go          string            `json:"go"`
	Commit      string            `json:"commit"`
	Dirty       bool              `json:"dirty"`
	Versions    map[string]string `json:"versions"`              // of what the styles stand on: nats-server, nats.go, sqlite
	Unavailable map[string]string `json:"unavailable,omitempty"` // resources that this machine does not report, and why
	Warnings    []string          `json:"warnings"`
}
