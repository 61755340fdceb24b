package web

import (
	"time"

	"rubato/player"
)

// A TraceReader answers from a stored trace. Answers are of one run of the player,
// the newest unless ChooseRun said otherwise, and hold at most limit items, the
// newest first; limit 0 means 100. Methods may be called from any goroutine, while
// the trace is written.
type TraceReader interface {
	// Flow is one flow; false when the run has none with this token, or no more.
	Flow(token uint64) (player.Flow, bool, error)
	// Why are the flows in which the passage was enqueued.
	Why(passage int64, limit int) ([]player.Flow, error)
	// Caused are the rows that a rule caused and that started in a period; a zero
	// time leaves its end open.
	Caused(rule string, from, to time.Time, limit int) ([]player.TraceRow, error)
	// Find are the rows for which a query holds.
	Find(query string, limit int) ([]player.TraceRow, error)
	// Rules sum up each rule, in order of name.
	Rules() ([]player.RecordedRule, error)
	Runs() ([]player.RecordedRun, error)
	// ChooseRun says which run is asked from now on; 0 is the newest there is.
	ChooseRun(run int64)
	Close() error
}
