// Package player is the music player that every style of coupling must be: its
// parts, its data and the contract that a style keeps.
//
// It is pure. Nothing here starts a goroutine, reads a clock, opens a file or a
// socket, or writes a log line: time and randomness come in as values, and what
// must be kept is kept by a Store that somebody else made. Parts never call one
// another. Which part is asked next, and by what means, is the conversation, and
// the conversation belongs to the style.
//
// It is not a style: direct, orchestrated and natsbus are.
package player

import "time"

// A Style is one way of joining the modules of the player.
type Style struct {
	Name string // as on the command line: "direct", "bus", "nats"
	Doc  string // what the style adds to the one before it, in one line
	Open func(Config) (Player, error)
}

// A Player is a wired player that takes stimuli. Do, Post and Settle are called
// from one goroutine at a time; a style may answer from others.
type Player interface {
	// Do returns when the last effect of the stimulus is durable and visible.
	Do(Stimulus) error
	// Post returns when the stimulus has been accepted, at the latest when
	// Config.Window stimuli are under way. done is called once for each, when its
	// last effect is durable or it has failed, on whatever goroutine knows first.
	Post(s Stimulus, done Done) error
	// Settle returns when everything posted is done, including what waits for a
	// batch to fill.
	Settle() error
	// Observe reads back what the player has done. Call it when settled.
	Observe() (Observation, error)
	// Status and Waiting are what module ui knows of module ap: a question and its
	// answer, under a flow token like that of a stimulus. Called as Do is.
	Status(seq uint64) (Status, error)
	Waiting(seq uint64) ([]Entry, error)
	// Close settles, and leaves no goroutine, file or port behind. The store
	// belongs to whoever opened it and stays open.
	Close() error
}

// Done reports that the stimulus with this sequence number is complete. It must
// not call the player.
type Done func(seq uint64, err error)

// Config is what a style is opened with. The zero value of every field but Store
// is usable; Defaults says what it means.
type Config struct {
	Store     Store
	Deck      Deck     // nil: no sound
	Audience  Audience // nil: nobody hears
	Placement Placement
	Batch     int           // posted messages that share a commit at most; 1: each its own
	Window    int           // posted stimuli under way at most
	Timeout   time.Duration // longest wait for another module
	Trace     Tracing       // zero: none
	Dispatch  Dispatch      // how rules are run, where one engine has them all
	Rules     int           // rules in all, those that never match included; fewer than the player's own: just these
	Token     string        // what Control must bear; "": anything
	Pace      PaceMode      // how often the queue's depth is told
	Verbatim  bool          // lanes keep their lines, not only their digest
	// Unwitnessed lanes only count. Nothing then shows that the work was the same, so
	// it is for measuring what showing it costs, and for nothing else.
	Unwitnessed bool
}

// Dispatch is how an engine gets from a trigger to its rules.
type Dispatch string

const (
	// Inline runs rules depth first in the emitter's goroutine.
	Inline Dispatch = "inline"
	// Queued runs them breadth first, over a bounded channel, in the engine's own.
	Queued Dispatch = "queued"
)

// PaceMode is what is done with news that comes more often than PaceInterval.
type PaceMode string

const (
	Coalesced PaceMode = "coalesced" // the last is told when the interval has passed; the default
	Limited   PaceMode = "limited"   // it is not told
	Unlimited PaceMode = "unlimited" // all is told at once
)

// Placement says what carries a conversation between modules. Only a style with
// a network reads it.
type Placement struct {
	Transport string // "tcp": loopback socket (default); "pipe": in-process connection
}

// Defaults returns c with its zero fields set: batch 1, window 256, time-out 5 s,
// transport tcp, dispatch inline, 20 rules. A window smaller than the batch could never fill one, so it grows.
func (c Config) Defaults() Config {
	c.Batch = max(c.Batch, 1)
	if c.Window <= 0 {
		c.Window = 256
	}
	c.Window = max(c.Window, c.Batch)
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Placement.Transport == "" {
		c.Placement.Transport = "tcp"
	}
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

// Kind tells stimuli apart.
type Kind uint8

const (
	// QueueLow: the passages in front have been played until fewer than three
	// remain; the next of them starts at At.
	QueueLow Kind = iota + 1
	// MessageSaid: a user said Message at At.
	MessageSaid
	// PassageEnd: the first in the queue has been played to its end at At.
	PassageEnd
	// BufferReady: Passage, which was asked for, has been decoded.
	BufferReady
	// Control: somebody with Token commands playback: Play, Pause or Stop.
	Control
	// VolumeSet: somebody sets the volume to Volume.
	VolumeSet
	// BufferFailed: Passage, which was asked for, cannot be decoded.
	BufferFailed
	// Period: the next Frames are due to be mixed.
	Period
	// Wanted: somebody wants Passage enqueued.
	Wanted
	// FlavorWanted: somebody wants the flavor of Passage until Until.
	FlavorWanted
	// Suggestion: somebody wants to know what would be selected for At.
	Suggestion
	// ModuleStopped: Module stops; whoever needs it is answered Unavailable.
	ModuleStopped
	// ModuleStarted: Module works again.
	ModuleStarted
)

// A Stimulus is one thing that happens to the player. It is a plain value: the
// same script of stimuli drives every style.
type Stimulus struct {
	Kind    Kind
	Seq     uint64  // position in the script, from 1; the flow token
	At      Ticks   // when it happens, in the player's time
	Seed    uint64  // of this stimulus's own random generator
	Message Message // MessageSaid only
	Passage int64   // BufferReady, BufferFailed, Wanted, FlavorWanted
	Command string  // Control only
	Token   string  // Control only
	Volume  int     // VolumeSet only
	Frames  int     // Period only
	Until   Ticks   // FlavorWanted only
	Module  string  // ModuleStopped, ModuleStarted: "log"
}

// A Status is what people see of a player.
type Status struct {
	State    State
	Passage  int64 // what plays, 0 for nothing
	Position Ticks // in it
	Volume   int
}

// An Audience hears what module ui broadcasts. Hear does not wait: who is slow loses.
type Audience interface{ Hear(Announcement) }

// An Announcement is one thing that is broadcast: a text, a number, or both.
type Announcement struct {
	Kind   string
	Text   string
	Number int64
}

// An Observation is what can be read back from a settled player.
type Observation struct {
	Queue   []Entry
	Lanes   []Lane // sorted by name
	Sound   Delivered
	Stored  Stored
	Dropped uint64 // messages lost between modules to a full buffer
}
