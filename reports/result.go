// Package reports turns what a run measured into what people read: Go benchmark
// lines, tables, plots, a self-contained page, a budget table. It owns the result
// types, because old results have to stay readable whatever measures new ones.
//
// It measures nothing and knows no player: it imports neither runner nor player.
package reports

import "time"

// Schema is the version of the result types. A reader refuses a later one.
const Schema = 1

// A Run is everything that one `rubato run` found: the content of results.json.
type Run struct {
	Schema     int        `json:"schema"`
	Started    time.Time  `json:"started"`
	Seconds    float64    `json:"seconds"` // wall time of the whole run
	Command    []string   `json:"command"`
	Effort     string     `json:"effort"` // quick, default or full
	Seed       uint64     `json:"seed"`
	Baseline   string     `json:"baseline"` // the style that ratios are to
	Machine    Machine    `json:"machine"`
	Scenarios  []Scenario `json:"scenarios"` // what was asked, for titles and claims
	Cells      []Cell     `json:"cells"`
	Rule       *Rule      `json:"rule,omitempty"`       // nil: the number of rounds was fixed beforehand
	Proofs     []Proof    `json:"proofs,omitempty"`     // what the run could have seen, one a contest
	Ledger     []Observed `json:"ledger,omitempty"`     // what measuring costs, contest by contest
	Fresh      bool       `json:"fresh,omitempty"`      // each round of contests that compare times had processes of its own
	Incomplete string     `json:"incomplete,omitempty"` // why the run ended early
}

// A Scenario is what a reader has to know of a scenario to read its cells.
type Scenario struct {
	Name    string  `json:"name"`
	Answers string  `json:"answers"` // the question
	Op      string  `json:"op"`      // what one operation is: "selection", "message"
	Claims  []Claim `json:"claims,omitempty"`
	// Of a scenario whose arms are pieces of a whole, not styles of doing the same:
	ArmKey   string `json:"arm_key,omitempty"` // what an arm is called: "piece"
	Arms     []Arm  `json:"arms,omitempty"`
	Baseline string `json:"baseline,omitempty"` // the arm that ratios are to
	Pairs    []Pair `json:"pairs,omitempty"`
	// Of a scenario that a clock paces, or that tells figures beside time:
	Paced    bool      `json:"paced,omitempty"`    // time per operation is no cost
	Together bool      `json:"together,omitempty"` // all arms worked at the same time
	Bare     bool      `json:"bare,omitempty"`     // no window and no profile was taken
	Measures []Measure `json:"measures,omitempty"`
}

// An Arm is a piece of a whole, and what one operation of it is.
type Arm struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// A Pair is two arms of a scenario that differ by one switch.
type Pair struct {
	Switch  string `json:"switch"`  // what With has: "rule index"
	Without string `json:"without"` // arms
	With    string `json:"with"`
	Note    string `json:"note,omitempty"` // what one operation is, if it is not plain
}

// A Claim is a published figure that a scenario answers, or a budget set for it.
// Quantity names what it is compared with: "ns_op", "ratio", "overhead_ns",
// "p50_ns", "p95_ns", "p99_ns", "p999_ns", "cpu_ns_op", "cpu_ratio",
// "ops_per_second" or "figure:NAME" for a Measure, of the style and options given
// (style empty: every style; options: those named must match).
type Claim struct {
	Text     string            `json:"text"`   // as published: "passage selection 500–2 000 µs"
	Source   string            `json:"source"` // document and section
	Kind     string            `json:"kind"`   // "estimate", "budget" or "measured elsewhere"
	Style    string            `json:"style,omitempty"`
	Options  map[string]string `json:"options,omitempty"`
	Less     string            `json:"less,omitempty"` // arm that overhead and ratio are to, if not the baseline
	Quantity string            `json:"quantity"`
	Lo       float64           `json:"lo,omitempty"` // in the quantity's unit; a budget has only Hi
	Hi       float64           `json:"hi"`
}

// An Estimate is a median with its distribution-free 95 % interval. Ratio and overhead
// of a run that decides (Run.Rule) are at a higher confidence, so that all rows
// together err as rarely as one would. Too few rounds
// have no interval: Lo is then -Inf and Hi +Inf, in JSON both null.
type Estimate struct {
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
}

// Verdicts of a cell. Those of a gate are in package ci.
const (
	Measured     = "measured"     // the figures stand
	Void         = "void"         // the work differed: no figure is shown
	Inconclusive = "inconclusive" // too few rounds for an interval
)

// A Cell is one style under one scenario with one set of options. Of a void cell
// only names, Work, Verdict, Why and Warnings mean anything: Summarize clears the
// rest. A percentile of 0 was not measured: no operation had a latency of its own,
// or there were too few of them (under 20 for p95, 100 for p99, 1 000 for p99.9).
// Where a clock paces the scenario there is neither Ratio nor OverheadNs: NsOp is
// then how long an operation was given, and CPURatio is the cost.
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
	P50Ns      float64   `json:"p50_ns,omitzero"`       // of all latencies of all rounds
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

	Spent   map[string]float64  `json:"spent,omitempty"`   // means per operation of what blocks used, by resource: "reads", "waited_ns"
	Figures map[string]Estimate `json:"figures,omitempty"` // by name of the scenario's Measures
	Spans   map[string]Span     `json:"spans,omitempty"`   // the same, over the rounds

	Role      string   `json:"role,omitempty"`       // Twin or Plant of a Proof; empty: a style's own
	Rule      string   `json:"rule,omitempty"`       // Fixed or Peeking
	Looked    int      `json:"used,omitempty"`       // when Peeking: rounds that the last look saw, which medians and intervals are of
	LeftOut   int      `json:"left_out,omitempty"`   // rounds left out, in all arms: something disturbed one of them
	Judged    []Judged `json:"judged,omitempty"`     // what its ratio and overhead are held against
	PAdjusted *float64 `json:"p_adjusted,omitempty"` // two-sided sign test that its ratio is 1, by Holm over the run; nil when Peeking

	Certificate *Certificate `json:"certificate,omitempty"` // nil: nothing shows that its work was the baseline's

	Work     Work     `json:"work"`
	Verdict  string   `json:"verdict"`
	Why      string   `json:"why,omitempty"` // of a void or inconclusive verdict
	Warnings []string `json:"warnings"`
}

// Work is what was asked and what came of it in all timed rounds, and the digest
// of the untimed transcript, which depends on seed and options alone.
type Work struct {
	Stimuli  int64  `json:"stimuli"`
	Effects  int64  `json:"effects"`
	Expected int64  `json:"expected"`
	Digest   string `json:"digest"`
}

// A Block is one style's measured turn in one round: a line of results.jsonl.
// Where all arms work together, Turn says nothing.
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
	Goroutines  int           `json:"goroutines"`
	Stimuli     int64         `json:"stimuli"`
	Effects     int64         `json:"effects"`
	Expected    int64         `json:"expected"`
	Digest      string        `json:"digest"`
	Payload     int64         `json:"payload,omitempty"`   // bytes that the effects hold, as read back
	Visited     int64         `json:"visited,omitempty"`   // rows that the style read to have them
	Keys        string        `json:"keys,omitempty"`      // digest of the order within each key
	Latency     string        `json:"latency"`             // HdrHistogram, V2 compressed, base64; in ns
	Untold      string        `json:"untold,omitempty"`    // why there is no latency, though operations have one
	Disturbed   string        `json:"disturbed,omitempty"` // what befell the process or its clocks meanwhile

	Resources *Resources         `json:"resources,omitempty"` // nil: an older run, which did not ask
	Figures   map[string]float64 `json:"figures,omitempty"`   // by name of the scenario's Measures
	Series    map[string][]Point `json:"series,omitempty"`    // the same, over the time of the block
}

// A Sample is CPU % at one moment, as gopsutil reads it: ticks of 10 ms, so for
// the eye only. A line of results.jsonl.
type Sample struct {
	Cell    string        `json:"cell"`
	Window  string        `json:"window"` // "active" or "idle"
	At      time.Duration `json:"at"`     // since the window opened
	Percent float64       `json:"percent"`
	RSS     int64         `json:"rss"`
}

// A Profile is a file that a profile pass left: Path is relative to the folder of
// the run, Kind "cpu" or "heap".
type Profile struct {
	Cell string `json:"cell"` // Cell.Key
	Kind string `json:"kind"`
	Path string `json:"path"`
}

// Details are the raw results that a Run's figures come from.
type Details struct {
	Blocks   []Block
	Samples  []Sample
	Profiles []Profile

	measured []Block // also of rounds that are left out of Blocks; nil: there are none
}

// A Line is one line of results.jsonl: exactly one field is set. The first line
// is a Run without figures, the last a Run with them; those between are what was
// known of the cells by then. A file without the last line is that of a broken run,
// and its blocks still count.
type Line struct {
	Run     *Run     `json:"run,omitempty"`
	Block   *Block   `json:"block,omitempty"`
	Sample  *Sample  `json:"sample,omitempty"`
	Profile *Profile `json:"profile,omitempty"`
}

// A Machine is where a run was made; no absolute figure leaves it.
type Machine struct {
	CPU        string            `json:"cpu"`
	Cores      int               `json:"cores"`
	GOMAXPROCS int               `json:"gomaxprocs"`
	GOGC       string            `json:"gogc"`
	OS         string            `json:"os"`
	Arch       string            `json:"arch"`
	Kernel     string            `json:"kernel"`
	Memory     uint64            `json:"memory"` // bytes
	Governor   string            `json:"governor,omitempty"`
	Turbo      string            `json:"turbo,omitempty"`
	Load       [3]float64        `json:"load"`
	StealPct   float64           `json:"steal_pct"`
	Quota      string            `json:"quota,omitempty"` // cgroup cpu.max
	TempC      float64           `json:"temp_c,omitempty"`
	Throttled  string            `json:"throttled,omitempty"`
	Go         string            `json:"go"`
	Commit     string            `json:"commit"`
	Dirty      bool              `json:"dirty"`
	Versions   map[string]string `json:"versions"`         // of what the styles stand on: nats-server, nats.go, sqlite
	Untold     map[string]string `json:"untold,omitempty"` // resources that this machine does not tell, and why
	Warnings   []string          `json:"warnings"`
}
