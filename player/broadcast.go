package player

// Kinds of what is broadcast to everybody who looks.
const (
	StateChanged = "playback-state"
	DepthChanged = "queue-depth"
	SongChanged  = "song"
	Notice       = "notice"
	Suggested    = "suggestion"
	PositionTold = "position" // in milliseconds
)

// Crossfading is what StateChanged tells while one passage gives way to the next.
const Crossfading = "crossfading"

// Broadcast tells everybody who looks. Part of module ui.
type Broadcast struct {
	Lane     Lane
	audience Audience // may be nil
}

// NewBroadcast returns the part; audience may be nil.
func NewBroadcast(audience Audience, verbatim bool) *Broadcast {
	return &Broadcast{Lane: NewLane("broadcast", verbatim), audience: audience}
}

// Send tells one thing of a kind: a text, a number, or both.
func (b *Broadcast) Send(kind, text string, number int64) error {
	if b.audience != nil {
		b.audience.Hear(Announcement{Kind: kind, Text: text, Number: number})
	}
	b.Lane.Record("send "+kind, text, number)
	return nil
}

// PaceInterval is how far apart two broadcasts of the queue's depth are at least.
const PaceInterval = Second / 10

// Pace is the rate limit of what changes often. It keeps the state that a rule must
// not. Part of module ap.
type Pace struct {
	Lane Lane
	mode PaceMode
	last Ticks
	any  bool
	held int // depth that came too soon and is still to be told
	owes bool
}

// NewPace returns a pace at which nothing has passed yet.
func NewPace(mode PaceMode, verbatim bool) *Pace {
	return &Pace{Lane: NewLane("pace", verbatim), mode: mode}
}

// Due tells whether PaceInterval has passed since the last Mark, if it has to.
func (p *Pace) Due(at Ticks) bool {
	return p.mode == Unlimited || !p.any || at-p.last >= PaceInterval
}

// Hold keeps what came too soon, if news is coalesced. Of several, the last is told.
func (p *Pace) Hold(depth int) error {
	p.held, p.owes = depth, p.mode == Coalesced
	p.Lane.Record("hold", "", int64(depth))
	return nil
}

// Owed is what was held, once it is due; false when there is nothing.
func (p *Pace) Owed(at Ticks) (depth int, due bool) { return p.held, p.owes && p.Due(at) }

// Mark says that something passes at at, the newest there is.
func (p *Pace) Mark(at Ticks) error {
	p.last, p.any, p.owes = at, true, false
	p.Lane.Record("mark", "", int64(at))
	return nil
}

// Sessions know who may command playback. Part of module ui.
type Sessions struct {
	Lane  Lane
	token string
}

// NewSessions returns the part; an empty token lets everybody in.
func NewSessions(token string, verbatim bool) *Sessions {
	return &Sessions{Lane: NewLane("sessions", verbatim), token: token}
}

// Authorised tells whether this token may command playback.
func (s *Sessions) Authorised(token string) bool { return s.token == "" || token == s.token }

// Refuse records that a command was refused, and is the error that says so.
func (s *Sessions) Refuse(command string) error {
	s.Lane.Record("refuse", command)
	return fail(Unauthorised, "sessions: command "+command, nil)
}
