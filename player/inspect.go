package player

import (
	"context"
	"time"
)

// Inspected is what a style shows of its insides to a developer. Styles that have
// none, as direct calls have not, do not implement it. All methods may be called
// from any goroutine while the player works.
type Inspected interface {
	Concepts() []ConceptInfo
	Rules() []RuleInfo
	// Flows are the newest n of the flows in memory, newest first.
	Flows(n int) []Flow
	// Flow is one flow; false when memory no longer has it.
	Flow(token uint64) (Flow, bool)
	// Listen hears every event from now on. A listener that does not keep up loses
	// its own oldest and is told how many.
	Listen(ListenOptions) Listener
	Lost() Loss
}

// A Flow is all that one stimulus set off, in order of start.
type Flow struct {
	Token uint64     `json:"token"`
	Rows  []TraceRow `json:"rows"`
}

// ConceptInfo describes a concept and its doors.
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

// RuleInfo describes a synchronization and what it has done.
type RuleInfo struct {
	Name    string      `json:"name"`
	Module  string      `json:"module"`
	When    []string    `json:"when"` // URIs; all of them if AllOf, else any
	AllOf   bool        `json:"all_of"`
	Where   string      `json:"where,omitempty"` // as text: "ap::Queue::autoPlay and not …"
	Then    []string    `json:"then"`            // URIs of actions
	Else    []string    `json:"else,omitempty"`
	Metrics RuleMetrics `json:"metrics"`
}

// RuleMetrics are counts since the player was opened, and durations of
// activations from a histogram with two significant digits. Durations are taken
// only where the module is traced.
type RuleMetrics struct {
	Activations uint64  `json:"activations"` // times it was triggered, with Where or without
	Rejections  uint64  `json:"rejections"`  // times Where did not hold
	Failures    uint64  `json:"failures"`    // times a query or action failed
	Aborts      uint64  `json:"aborts"`      // failures that were a flow's bounds
	Mean        float64 `json:"avg_duration_us"`
	P95         float64 `json:"p95_duration_us"`
	P99         float64 `json:"p99_duration_us"`
	Max         float64 `json:"max_duration_us"`
}

// ListenOptions say how much a listener bears.
type ListenOptions struct {
	Events   []string      // URIs; none: all
	Capacity int           // events kept for it at most; 0: 256
	Interval time.Duration // at least this long between two deliveries; 0: no limit
	Coalesce bool          // of what waits, only the newest of each event
}

// A Listener hears events, in the order in which they happened.
type Listener interface {
	// Next waits for an event. It answers the context's error, or Closed.
	Next(context.Context) (Heard, error)
	Close()
}

// Heard is an event as a listener hears it.
type Heard struct {
	Flow   uint64 `json:"flow"`
	Cause  uint64 `json:"cause,omitempty"`
	Event  string `json:"event"`
	Fields string `json:"fields"`         // "depth=2 target=…", by name
	Lost   uint64 `json:"lost,omitempty"` // dropped for this listener since the last it heard
}
