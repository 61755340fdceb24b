package player

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an error is. Codes are text so that they
// survive a wire: an error means the same whichever side of a bus reports it.
type Code string

const (
	Invalid       Code = "invalid"        // the stimulus or argument makes no sense
	NotFound      Code = "not-found"      // no such passage, timeslot or user
	QueueFull     Code = "queue-full"     // the queue holds QueueLimit passages
	AlreadyQueued Code = "already-queued" // the passage waits in the queue already
	TooSoon       Code = "too-soon"       // skipped less than SkipInterval ago
	NoCandidate   Code = "no-candidate"   // every passage is cooling down or has base 0
	Unauthorised  Code = "unauthorised"   // this token may not do that
	Unavailable   Code = "unavailable"    // the store or another module did not answer
	Closed        Code = "closed"         // the player has been closed
)

// An Error is a failure with its code and what was being done.
type Error struct {
	Code Code
	Op   string // what was being done: "director: select"
	Err  error  // the cause, may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err, Unavailable when it bears none, "" when nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Unavailable
}

func fail(code Code, op string, err error) error { return &Error{Code: code, Op: op, Err: err} }

// Unknown is the error for a stimulus of a kind that no style handles.
func Unknown(s Stimulus) error { return fail(Invalid, "stimulus", fmt.Errorf("kind %d", s.Kind)) }

// ErrClosed is what a closed player answers.
var ErrClosed = &Error{Code: Closed, Op: "player"}
