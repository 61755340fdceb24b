// Package player is the music player that every style implements: its parts, its data
// and the contract between a style and its callers.
//
// It is pure. Nothing here starts a goroutine, reads a clock, opens a file or a
// socket, or writes a log line. Time and randomness come in as values, and a Store
// that the caller opened keeps what must last. Parts never call one another. Which
// part is called next, and how, is the conversation. The conversation belongs to the
// style.
//
// It is not a style: direct, orchestrated and natsbus are. This file is the contract;
// parts.go lists the parts.
package player

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// A Style is one way to couple the modules of the player.
type Style struct {
	Name string // as on the command line: "direct", "bus", "nats"
	Doc  string // what the style adds to the previous one, in one line
	Open func(Config) (Player, error)
	// Plain: it adds nothing to the work, so it may need little more CPU than the work alone.
	Plain bool
	// Network starts what carries messages between its modules, as Open would with this
	// placement. nil: it has no network.
	Network func(Placement) (Network, error)
	// Join has module log, or who says messages, join a player in another process. nil: it has
	// no network.
	Join func(Invitation, Config) (Member, error)
}

// A Player is a running player that takes stimuli. Call Do, Post and Settle from one
// goroutine at a time. A style may answer from other goroutines.
type Player interface {
	// Do returns when the last effect of the stimulus is durable and visible.
	Do(Stimulus) error
	// Post returns when the stimulus is accepted. It waits while Config.Window stimuli
	// are in progress. done is called once per stimulus, from any goroutine, when its
	// last effect is durable or it has failed.
	Post(s Stimulus, done Done) error
	// Settle returns when every posted stimulus is done. It commits incomplete batches.
	Settle() error
	// Observe reads back what the player has done. Call it after Settle.
	Observe() (Observation, error)
	// Status and Waiting are requests from module ui to module ap. seq is a flow token,
	// as in a Stimulus. Call them like Do.
	Status(seq uint64) (Status, error)
	Waiting(seq uint64) ([]Entry, error)
	// Close settles and leaves no goroutine, file or port behind. The store stays open:
	// it belongs to its opener.
	Close() error
}

// Done reports that the stimulus with this sequence number is done, or has failed. It
// must not call the player.
type Done func(seq uint64, err error)

// Config is what a style is opened with. The zero value of every field except Store
// is usable; Defaults says what it means.
type Config struct {
	Store     Store
	Receipts  Receipts // of Store, where messages may be delivered again; nil: module log remembers them in memory
	Deck      Deck     // nil: no sound
	Audience  Audience // nil: broadcasts go nowhere
	Placement Placement
	Batch     int           // most posted messages per commit; 1: one commit per message
	Window    int           // most posted stimuli in progress
	Timeout   time.Duration // longest wait for another module
	Trace     Tracing       // zero: no trace
	Dispatch  Dispatch      // how rules run, where one engine runs all of them
	Rules     int           // number of rules, filled up with rules that never match; at least the player's own
	Token     string        // the token that Control needs; "": none
	Pace      PaceMode      // how often the queue's depth is broadcast
	Verbatim  bool          // lanes keep their lines besides their digest
	// NoDigests makes lanes count without a digest. Then nothing shows that the work was
	// the same. Use it only to measure what the digest costs.
	NoDigests bool
	// Replay makes the parts of module pd answer from a recording instead of doing their
	// work, so that the conversation between parts is left. nil: they do their work.
	Replay *Recording
	// Filters are what module log's filters make of a draft, one each. None: drafts are unknown.
	Filters []func(text string) uint64
	// Planted is time that one part of the style takes more, so that a run shows where it finds it.
	Planted Planted
	// Answer is what a member on a user's server answers to a question; nil: nothing. No two
	// run at a time.
	Answer func(m Member, question []byte) []byte
}

// Planted is more time in one part of a style: "codec" or "rules". Stall takes it. Zero: none.
type Planted struct {
	Part  string
	Stall func()
}

// In is Stall if it is in this part, else nil.
func (p Planted) In(part string) func() {
	if p.Part != part {
		return nil
	}
	return p.Stall
}

// Dispatch is the order in which an engine runs the rules that a trigger starts.
type Dispatch string

const (
	// Inline runs them depth first, in the emitter's goroutine.
	Inline Dispatch = "inline"
	// Queued runs them breadth first, over a bounded channel, in the engine's goroutine.
	Queued Dispatch = "queued"
)

// PaceMode is what happens to a new depth of the queue within PaceInterval of the last.
type PaceMode string

const (
	Coalesced PaceMode = "coalesced" // the newest is sent after the interval; the default
	Limited   PaceMode = "limited"   // it is not sent
	Unlimited PaceMode = "unlimited" // it is sent at once
)

// Placement says how modules are connected. Only a style with a network reads it.
type Placement struct {
	// Transport is "tcp": loopback socket to a server in this process (default); "pipe":
	// in-process connection; "process": loopback socket to a server in a process of its own;
	// "split": the same, and modules pd and log are in processes of their own; "url": the user's server; "cluster": loopback sockets to three servers in this process that
	// are routed to each other.
	Transport string
	// Reconnects: modules whose connection breaks try for some seconds to get it back. Without
	// it a lost network stays lost. Only a server in this process comes back.
	Reconnects bool
	// Codec is how values become the bodies of messages: "json" (default),
	// "msgpack", "protobuf", or "none": they stay where they are, in one process.
	Codec string
	// Delivery is how a message that was said gets from one module to another. "core": the
	// server passes it on and forgets it (default); "jetstream-memory", "jetstream-file": the
	// server keeps it until it is durable, and delivers it again if need be.
	Delivery string
	// Share is what may share a message on the wire: "nothing" (default), "outcomes", or "all":
	// what is said while an outcome is to come, too. MostShared at most.
	Share string
	// Envelope is where flow token, cause and depth are: in a "header" (default), or before the "body".
	Envelope string
	// Replicas is how many servers of a cluster keep a message: 1 (default) or 3. 3 needs transport
	// "cluster" and a delivery that keeps.
	Replicas int
	// Flush is when what is published is written out. "auto": soon, with what was published
	// meanwhile (default); "each": at once, each message alone.
	Flush string
	// Pending bounds the messages that wait at module log's end of a network. Core NATS drops what
	// comes then; JetStream sends no more meanwhile. 0: the client's own limit.
	Pending int
	// Dir is where a server that keeps messages makes a folder of its own, which it removes
	// in the end. "": the system's folder for temporary files.
	Dir string
	// Broadcast is when an audience's module has broadcast: "overlapped" (default): by the end
	// of the flow, which goes on meanwhile; "awaited": before the flow goes on.
	Broadcast string
	// Flavor is how often one crosses that a rule gives back to its module: "once" (default),
	// then it is named; "twice".
	Flavor string
	// Away: module log is not here but in other processes, which join by Style.Join and share
	// its messages. A player without one answers no message in time.
	Away bool
	// Sends: Join joins as one that says messages, not as module log.
	Sends bool
	// Number is added to the name that a player has for its workers on a user's server. It sets
	// players of one program apart.
	Number string
	// Network is one that the style's Network has started with this transport. Its starter
	// closes it after the player. nil: the player starts its own and closes it.
	Network Network
}

// A Network carries messages between the modules of a style. Whoever starts it can see what
// crosses it, whatever the style says.
type Network interface {
	// Links are the modules' connections by name, as the network counts them. What is under
	// way may not be counted yet.
	Links() ([]Link, error)
	// Close cuts every connection. Closing twice is no error.
	Close() error
}

// A Breakable is a Network that can be killed and comes back, with the modules' own names and
// rights. What was under way, and what it counted, is lost.
type Breakable interface {
	Kill() error
	Revive() error
	// Part has nothing pass to or from a module, or lets everything pass again.
	Part(module string, parted bool)
}

// A Link counts what a module has sent and received: messages, and the bytes in them.
type Link struct {
	Module                   string
	Open                     int // connections at this moment; 0: not known
	Sent, Received           int64
	SentBytes, ReceivedBytes int64
}

// Defaults returns c with its zero fields set: batch 1, window 256, time-out 5 s,
// transport tcp, codec json, delivery core, 1 replica, share nothing, envelope header, flush auto, broadcast
// overlapped, flavor once, dispatch inline, 20 rules, pace coalesced. A window is at least a batch,
// since a smaller one would never fill it.
func (c Config) Defaults() Config {
	c.Batch = max(c.Batch, 1)
	if c.Window <= 0 {
		c.Window = 256
	}
	c.Window = max(c.Window, c.Batch)
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	c.Placement.Transport = cmp.Or(c.Placement.Transport, "tcp")
	c.Placement.Codec = cmp.Or(c.Placement.Codec, "json")
	c.Placement.Delivery = cmp.Or(c.Placement.Delivery, "core")
	c.Placement.Replicas = cmp.Or(c.Placement.Replicas, 1)
	c.Placement.Share = cmp.Or(c.Placement.Share, "nothing")
	c.Placement.Envelope = cmp.Or(c.Placement.Envelope, "header")
	c.Placement.Flush = cmp.Or(c.Placement.Flush, "auto")
	c.Placement.Broadcast = cmp.Or(c.Placement.Broadcast, "overlapped")
	c.Placement.Flavor = cmp.Or(c.Placement.Flavor, "once")
	if c.Rules <= 0 {
		c.Rules = 20
	}
	if c.Dispatch == "" {
		c.Dispatch = Inline
	}
	if c.Pace == "" {
		c.Pace = Coalesced
	}
	return c
}

// Kind is the kind of a stimulus.
type Kind uint8

const (
	// QueueLow: the first passages have been played until fewer than three remain; the
	// first of these starts at At.
	QueueLow Kind = iota + 1
	// MessageSaid: a user said Message at At.
	MessageSaid
	// PassageEnd: the first passage in the queue ended at At.
	PassageEnd
	// BufferReady: Passage was requested and is decoded.
	BufferReady
	// Control: a user with Token gives a Command: Play, Pause, Stop or Skip.
	Control
	// VolumeSet: a user sets the volume to Volume.
	VolumeSet
	// BufferFailed: Passage was requested and cannot be decoded.
	BufferFailed
	// Period: the next Frames are due to be mixed.
	Period
	// Wanted: a user wants Passage in the queue.
	Wanted
	// FlavorWanted: a user wants the flavor of Passage until Until.
	FlavorWanted
	// Suggestion: a user asks what would be selected for At.
	Suggestion
	// ModuleStopped: Module stops. Requests to it fail with Unavailable.
	ModuleStopped
	// ModuleStarted: Module works again.
	ModuleStarted
	// DraftWritten: a user has written Message.Text, and wants to know whether it may be said.
	DraftWritten
)

// A Stimulus is one thing that happens to the player. It is a plain value, so the same
// script of stimuli drives every style.
type Stimulus struct {
	Kind    Kind
	Seq     uint64  // position in the script, from 1; it is the flow token
	At      Ticks   // when it happens, in the player's time
	Seed    uint64  // for the random generator of this stimulus
	Message Message // MessageSaid; DraftWritten: its text
	Passage int64   // BufferReady, BufferFailed, Wanted, FlavorWanted
	Command string  // Control only
	Token   string  // Control only
	Volume  int     // VolumeSet only
	Frames  int     // Period only
	Until   Ticks   // FlavorWanted only
	Module  string  // ModuleStopped, ModuleStarted: "log"
}

// A Status is what users see of a player.
type Status struct {
	State    State
	Passage  int64 // the one that plays, 0 for none
	Position Ticks // in that passage
	Volume   int
}

// An Audience receives what module ui broadcasts. Hear does not wait: a slow client
// loses announcements.
type Audience interface{ Hear(Announcement) }

// An Announcement is one broadcast: a text, a number, or both.
type Announcement struct {
	Kind   string
	Text   string
	Number int64
}

// An Observation is what can be read back from a settled player.
type Observation struct {
	Queue    []Entry
	Lanes    []Lane // sorted by name
	Sound    Delivered
	Stored   Stored
	Dropped  uint64 // messages between modules that were lost because a buffer was full
	Rejected uint64 // messages between modules that did not fit their schema
}

// Ticks is an instant or a duration: 28 224 000 ticks are a second. This is the least
// common multiple of the usual sample rates, so a sample lasts a whole number of ticks
// at any of them. Instants count from 1970-01-01 UTC.
type Ticks int64

const (
	Second Ticks = 28_224_000
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
)

// SecondOfDay is the time of day at t, in UTC, from 0 to 86 399.
func (t Ticks) SecondOfDay() int {
	t %= Day
	if t < 0 {
		t += Day
	}
	return int(t / Second)
}

// Duration is t as a time.Duration, rounded towards 0. It holds 292 years.
func (t Ticks) Duration() time.Duration {
	return time.Duration(t/Second)*time.Second + time.Duration(t%Second)*time.Second/time.Duration(Second)
}

// Code is the kind of a failure. Codes are text, so that an error means the same on
// both sides of a network.
type Code string

const (
	Invalid       Code = "invalid"        // the stimulus or argument is wrong
	NotFound      Code = "not-found"      // no such passage, timeslot or user
	QueueFull     Code = "queue-full"     // the queue holds QueueLimit passages
	AlreadyQueued Code = "already-queued" // the passage is in the queue
	TooSoon       Code = "too-soon"       // the last skip was less than SkipInterval ago
	NoCandidate   Code = "no-candidate"   // every passage is cooling down or has base 0
	Unauthorised  Code = "unauthorised"   // the token does not allow it
	Unavailable   Code = "unavailable"    // the store or another module did not answer
	Closed        Code = "closed"         // the player has been closed
)

// An Error is a failure: its code and the operation that failed.
type Error struct {
	Code Code
	Op   string // the operation: "director: select"
	Err  error  // the cause; may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err: Unavailable if it has none, "" if err is nil.
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

// Unknown is the error for a kind of stimulus that no style handles.
func Unknown(s Stimulus) error { return fail(Invalid, "stimulus", fmt.Errorf("kind %d", s.Kind)) }

// ErrClosed is the answer of a closed player.
var ErrClosed = &Error{Code: Closed, Op: "player"}
