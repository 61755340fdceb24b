package player

import "time"

// A RecordedRun is one run of a player in a stored trace. Tokens and ids of rows
// begin again in each run, so questions are asked of one run at a time.
type RecordedRun struct {
	ID      int64     `json:"id"` // from 1, newer ones higher
	Started time.Time `json:"started"`
	Last    time.Time `json:"last"` // start of its newest row
	Rows    uint64    `json:"rows"` // still kept
}

// A RecordedRule sums up what a stored trace still has of a rule.
type RecordedRule struct {
	Rule     string        `json:"rule"` // "": actions called from outside the rules
	Actions  uint64        `json:"actions"`
	Failures uint64        `json:"failures"`
	Mean     time.Duration `json:"mean"` // of its actions, ns
	Max      time.Duration `json:"max"`
}
