package player

import "time"

// A TraceRow is one action as it ran, for reading: in memory, stored, or on its
// way to a page. Its edge of provenance is in it: Cause is the row it comes from,
// Rule and Trigger say how.
type TraceRow struct {
	Flow    uint64        `json:"flow"`              // token: the stimulus's Seq
	ID      uint64        `json:"id"`                // unique in a run of the player
	Cause   uint64        `json:"cause,omitempty"`   // ID of another row; 0: the stimulus itself
	Rule    string        `json:"rule,omitempty"`    // whose step it was; "": called from outside the rules
	Trigger string        `json:"trigger,omitempty"` // URI of the event or completed action that set the rule off
	Action  string        `json:"action"`            // URI
	Start   time.Time     `json:"start"`             // to the µs
	Took    time.Duration `json:"took"`              // ns, what it set off not included
	In      string        `json:"in"`                // "target=12 seed=7": inputs by name
	Out     string        `json:"out,omitempty"`     // outputs by name
	Err     string        `json:"err,omitempty"`     // how it failed
}

// A TraceSink keeps rows. Append is called from one goroutine at a time; rows are
// the sink's only until it returns. An error loses these rows and no others.
type TraceSink interface {
	Append(rows []TraceRow) error
}

// Tracing says what is kept of actions, in the styles that have actions.
type Tracing struct {
	On      bool
	Without []string  // modules that are not traced
	Eager   bool      // write inputs and outputs out at once, not when somebody reads them
	Sink    TraceSink // nil: memory only
	PerFlow bool      // the sink gets each flow before its stimulus returns, not every 100 ms
}

// Loss is what a trace or a subscriber could not keep.
type Loss struct {
	Flows  uint64 `json:"flows"`         // overwritten before the sink took them
	Rows   uint64 `json:"rows"`          // refused by the sink
	Events uint64 `json:"events"`        // dropped for slow subscribers
	Err    string `json:"err,omitempty"` // the sink's last error; "" once it has recovered
}
