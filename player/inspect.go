package player

import (
	"context"
	"time"
)

// Inspected is what a style with an engine shows to a developer. The style direct does
// not implement it. Call its methods from any goroutine while the player works.
type Inspected interface {
	Concepts() []ConceptInfo
	Rules() []RuleInfo
	// Flows returns the newest n flows in memory, newest first.
	Flows(n int) []Flow
	// Flow returns one flow. It is false if the flow is no longer in memory.
	Flow(token uint64) (Flow, bool)
	// Listen subscribes to every event from now on. A listener that is too slow loses
	// its oldest events; Heard.Lost says how many.
	Listen(ListenOptions) Listener
	Lost() Loss
}

// A Flow is everything that one stimulus caused, in order of start.
type Flow struct {
	Token uint64     `json:"token"`
	Rows  []TraceRow `json:"rows"`
}

// ConceptInfo describes a concept with its actions, queries and events.
type ConceptInfo struct {
	Module  string     `json:"module"`
	Name    string     `json:"name"`
	Actions []DoorInfo `json:"actions"`
	Queries []DoorInfo `json:"queries"`
	Events  []DoorInfo `json:"events"`
}

// DoorInfo describes an action, query or event: URI, and fields as "name type".
type DoorInfo struct {
	URI string   `json:"uri"`
	In  []string `json:"in"`
	Out []string `json:"out,omitempty"`
}

// RuleInfo describes a synchronization and what it did.
type RuleInfo struct {
	Name    string      `json:"name"`
	Module  string      `json:"module"`
	When    []string    `json:"when"` // URIs: all of them if AllOf, else any
	AllOf   bool        `json:"all_of"`
	Where   string      `json:"where,omitempty"` // as text: "ap::Queue::autoPlay and not …"
	Then    []string    `json:"then"`            // URIs of actions
	Else    []string    `json:"else,omitempty"`
	Metrics RuleMetrics `json:"metrics"`
}

// RuleMetrics are counts since the player was opened, and durations of activations from
// a histogram with two significant digits. Only traced modules have durations.
type RuleMetrics struct {
	Activations uint64  `json:"activations"` // times it was triggered, whether Where held or not
	Rejections  uint64  `json:"rejections"`  // times Where did not hold
	Failures    uint64  `json:"failures"`    // times a query or action failed
	Aborts      uint64  `json:"aborts"`      // failures because the flow was too long or too deep
	Mean        float64 `json:"avg_duration_us"`
	P95         float64 `json:"p95_duration_us"`
	P99         float64 `json:"p99_duration_us"`
	Max         float64 `json:"max_duration_us"`
}

// ListenOptions say how much a listener receives.
type ListenOptions struct {
	Events   []string      // URIs; none: all
	Capacity int           // most events that wait for it; 0: 256
	Interval time.Duration // shortest time between two deliveries; 0: none
	Coalesce bool          // keep only the newest waiting event of each URI
}

// A Listener receives events in the order in which they happened.
type Listener interface {
	// Next waits for an event. It fails with the context's error, or Closed.
	Next(context.Context) (Heard, error)
	Close()
}

// Heard is an event as a listener receives it.
type Heard struct {
	Flow   uint64 `json:"flow"`
	Cause  uint64 `json:"cause,omitempty"`
	Event  string `json:"event"`
	Fields string `json:"fields"`         // "depth=2 target=…", by name
	Lost   uint64 `json:"lost,omitempty"` // events dropped for this listener since the previous one
}

// A TraceRow is one action as it ran, in readable form. It holds its provenance: Cause
// is the row that caused it, Rule and Trigger say how.
type TraceRow struct {
	Flow    uint64        `json:"flow"`              // token: Seq of the stimulus
	ID      uint64        `json:"id"`                // unique in a run of the player
	Cause   uint64        `json:"cause,omitempty"`   // ID of another row; 0: the stimulus itself
	Rule    string        `json:"rule,omitempty"`    // that ran it; "": called from outside the rules
	Trigger string        `json:"trigger,omitempty"` // URI of the event or completed action that triggered the rule
	Action  string        `json:"action"`            // URI
	Start   time.Time     `json:"start"`             // to the µs
	Took    time.Duration `json:"took"`              // ns, without what it caused
	In      string        `json:"in"`                // "target=12 seed=7": inputs by name
	Out     string        `json:"out,omitempty"`     // outputs by name
	Err     string        `json:"err,omitempty"`     // the failure
}

// A TraceSink stores rows. Append is called from one goroutine at a time; rows are valid
// until it returns. An error loses only these rows.
type TraceSink interface {
	Append(rows []TraceRow) error
}

// Tracing says what is traced, in the styles that have actions.
type Tracing struct {
	On      bool
	Without []string  // modules that are not traced
	Eager   bool      // format inputs and outputs at once, not when they are read
	Sink    TraceSink // nil: memory only
	PerFlow bool      // give each flow to the sink before its stimulus returns, not every 100 ms
}

// Loss is what a trace or its listeners lost, and what modules refused.
type Loss struct {
	Flows  uint64 `json:"flows"`         // overwritten before they reached the sink
	Rows   uint64 `json:"rows"`          // refused by the sink
	Events uint64 `json:"events"`        // dropped for slow listeners
	Err    string `json:"err,omitempty"` // the sink's last error; "" once it has recovered
	// Rejected counts the messages between modules that did not fit their schema, by the
	// module that refused them. They had no effect.
	Rejected map[string]uint64 `json:"rejected,omitempty"`
}

// A RecordedRun is one run of a player in a stored trace. Tokens and row ids start again
// in each run, so a query is about one run.
type RecordedRun struct {
	ID      int64     `json:"id"` // from 1; a newer run has a higher one
	Started time.Time `json:"started"`
	Last    time.Time `json:"last"` // when its newest row started
	Rows    uint64    `json:"rows"` // that are still stored
}

// A RecordedRule summarises what a stored trace has of a rule.
type RecordedRule struct {
	Rule     string        `json:"rule"` // "": called from outside the rules
	Actions  uint64        `json:"actions"`
	Failures uint64        `json:"failures"`
	Mean     time.Duration `json:"mean"` // of its actions, ns
	Max      time.Duration `json:"max"`
}

// A Subscribable is a Player that another subscriber can join while it works. It hears the flow token
// of each message that is said from then on, on any goroutine, until it leaves. It leaves before the
// player closes.
type Subscribable interface {
	Subscribe(hear func(seq uint64)) (leave func(), err error)
}
