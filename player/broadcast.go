package player

// Kinds of broadcasts.
const (
	StateChanged    = "playback-state"
	DepthChanged    = "queue-depth"
	SongChanged     = "song"
	Notice          = "notice"
	Suggested       = "suggestion"
	PositionChanged = "position" // in milliseconds
)

// Crossfading is the state in StateChanged while one passage fades into the next.
const Crossfading = "crossfading"

// RefillWaits is the text of a Notice when the queue has run empty and its refill has to
// wait for the rest of RefillInterval. Other notices have the code of a failed selection.
const RefillWaits = "refill-waits"

// Broadcast sends announcements to the audience. Part of module ui.
type Broadcast struct {
	Lane     Lane
	audience Audience // may be nil
}

// Send broadcasts a text, a number, or both.
func (b *Broadcast) Send(kind, text string, number int64) error {
	if b.audience != nil {
		b.audience.Hear(Announcement{Kind: kind, Text: text, Number: number})
	}
	b.Lane.Record("send "+kind, text, number)
	return nil
}

// PaceInterval is the shortest time between two broadcasts of the queue's depth.
const PaceInterval = Second / 10

// Pace limits how often the queue's depth is broadcast. It keeps the state for this,
// since rules keep none. Part of module ap.
type Pace struct {
	Lane Lane
	mode PaceMode
	last Ticks
	any  bool
	held int  // depth that came too soon
	owes bool // held is still to be broadcast
}

// Due reports whether a broadcast is allowed at at: PaceInterval after the last Mark, or
// always if the mode is Unlimited.
func (p *Pace) Due(at Ticks) bool {
	return p.mode == Unlimited || !p.any || at-p.last >= PaceInterval
}

// Hold keeps a depth that came too soon, if the mode is Coalesced. It replaces one that
// is held.
func (p *Pace) Hold(depth int) error {
	p.held, p.owes = depth, p.mode == Coalesced
	p.Lane.Record("hold", "", int64(depth))
	return nil
}

// Owed is the held depth once it is due. It is false if there is none.
func (p *Pace) Owed(at Ticks) (depth int, due bool) { return p.held, p.owes && p.Due(at) }

// Mark records that the newest depth is broadcast at at.
func (p *Pace) Mark(at Ticks) error {
	p.last, p.any, p.owes = at, true, false
	p.Lane.Record("mark", "", int64(at))
	return nil
}

// Sessions know who may give commands. Part of module ui.
type Sessions struct {
	Lane  Lane
	token string // "": everybody may
}

// Authorised reports whether this token may give commands.
func (s *Sessions) Authorised(token string) bool { return s.token == "" || token == s.token }

// Refuse records that a command was refused and returns the error for it.
func (s *Sessions) Refuse(command string) error {
	s.Lane.Record("refuse", command)
	return fail(Unauthorised, "sessions: command "+command, nil)
}
