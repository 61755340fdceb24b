package results

import (
	"slices"
	"strings"
)

// This file holds what rubato count finds: instructions and calls instead of times.

// Executed is what a processor that valgrind simulates did for the operations of a block: the
// difference between a process that ran twice as many operations and one that ran as many.
type Executed struct {
	Instructions int64            `json:"instructions"`
	Calls        int64            `json:"calls"`               // of all functions that are not inlined
	HouseCalls   int64            `json:"house_calls"`         // of those, the program's own: what it is linked with is left out
	Functions    map[string]int64 `json:"functions,omitempty"` // HouseCalls, by the name of the function
}

// ExecutedOp is Executed per operation: the median of the repeats, and as its ends the least and
// the most of them.
type ExecutedOp struct {
	Instructions Estimate `json:"instructions_op"`
	Calls        Estimate `json:"calls_op"`
	HouseCalls   Estimate `json:"house_calls_op"`
	LeftOut      int      `json:"left_out,omitempty"` // repeats without calls: callgrind lost its place

	// To the baseline's; nil for the baseline. Their ends are the farthest that the repeats allow.
	InstructionsRatio *Estimate `json:"instructions_ratio,omitempty"`
	CallsRatio        *Estimate `json:"calls_ratio,omitempty"`
}

// An ExecutedChange is what another program executes for the same operations. Ends are the farthest
// that the repeats allow.
type ExecutedChange struct {
	InstructionsRatio Estimate     `json:"instructions_ratio"` // now to before
	CallsRatio        Estimate     `json:"calls_ratio"`
	Instructions      Estimate     `json:"instructions_op"` // now less before, per operation
	Calls             Estimate     `json:"calls_op"`
	HouseCalls        Estimate     `json:"house_calls_op"`
	Moved             []MovedCalls `json:"moved,omitempty"` // the functions whose calls changed most
}

// MovedCalls are calls per operation of a function that changed.
type MovedCalls struct {
	Function string  `json:"function"`
	Before   float64 `json:"before"`
	Now      float64 `json:"now"`
}

// executedMetrics are the part of Metrics that rubato count fills.
func executedMetrics() []Metric {
	own := func(name, title, doc string, op func(*ExecutedOp) *Estimate, block func(*Executed) int64) Metric {
		return Metric{Name: name, Title: title, Unit: UnitPerOp, Bench: strings.TrimSuffix(name, "_op") + UnitPerOp, Budget: Budget{name, "", 1, doc}, cell: executedCell(op),
			block: func(b *Block) (float64, bool) {
				if b.Executed == nil {
					return 0, false
				}
				return float64(block(b.Executed)), true
			}}
	}
	ratio := func(name, title, doc string, op func(*ExecutedOp) *Estimate) Metric {
		return Metric{Name: name, Title: title, Unit: "x", Relative: true, Budget: Budget{name, "×", 1, doc}, cell: executedCell(op)}
	}
	return []Metric{
		own("instructions_op", "instructions per operation", "instructions per operation, of count",
			func(x *ExecutedOp) *Estimate { return &x.Instructions }, func(x *Executed) int64 { return x.Instructions }),
		ratio("instructions_ratio", "instructions to the baseline's", "instructions per operation over the baseline's, of count",
			func(x *ExecutedOp) *Estimate { return x.InstructionsRatio }),
		own("calls_op", "function calls per operation", "calls of functions per operation, of count",
			func(x *ExecutedOp) *Estimate { return &x.Calls }, func(x *Executed) int64 { return x.Calls }),
		ratio("calls_ratio", "function calls to the baseline's", "calls of functions per operation over the baseline's, of count",
			func(x *ExecutedOp) *Estimate { return x.CallsRatio }),
		own("house_calls_op", "calls of own functions per operation", "calls of the program's own functions per operation, of count",
			func(x *ExecutedOp) *Estimate { return &x.HouseCalls }, func(x *Executed) int64 { return x.HouseCalls }),
	}
}

// Counted reports whether the metric is one that rubato count fills.
func (m Metric) Counted() bool {
	return slices.ContainsFunc(executedMetrics(), func(x Metric) bool { return x.Name == m.Name })
}

// executedCell reads a metric of a cell in which something was counted. Zero calls are a figure.
func executedCell(op func(*ExecutedOp) *Estimate) func(*Cell) (Estimate, bool) {
	return func(c *Cell) (Estimate, bool) {
		if c.Executed == nil || op(c.Executed) == nil {
			return Estimate{}, false
		}
		return *op(c.Executed), true
	}
}
