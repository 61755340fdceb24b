package player

// Kinds of what is broadcast to everybody who looks.
const (
	StateChanged = "playback-state"
	DepthChanged = "queue-depth"
	SongChanged  = "song"
	Notice       = "notice"
)

// Broadcast tells everybody who looks. Part of module ui.
type Broadcast struct{ Lane Lane }

// NewBroadcast returns the part.
func NewBroadcast(verbatim bool) *Broadcast { return &Broadcast{Lane: NewLane("broadcast", verbatim)} }

// Send tells one thing of a kind: a text, a number, or both.
func (b *Broadcast) Send(kind, text string, number int64) error {
	b.Lane.Record("send "+kind, text, number)
	return nil
}

// PaceInterval is how far apart two broadcasts of the queue's depth are at least.
const PaceInterval = Second / 10

// Pace is the rate limit of what changes often. It keeps the state that a rule must
// not. Part of module ap.
type Pace struct {
	Lane Lane
	last Ticks
	any  bool
}

// NewPace returns a pace at which nothing has passed yet.
func NewPace(verbatim bool) *Pace { return &Pace{Lane: NewLane("pace", verbatim)} }

// Due tells whether PaceInterval has passed since the last Mark.
func (p *Pace) Due(at Ticks) bool { return !p.any || at-p.last >= PaceInterval }

// Mark says that something passes at at.
func (p *Pace) Mark(at Ticks) error {
	p.last, p.any = at, true
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
