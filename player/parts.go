package player

// Parts are the player's parts, one of each, not yet joined: how they converse is
// the style.
type Parts struct {
	Queue    *Queue // module ap
	Playback *Playback
	Decoder  *Decoder
	Pace     *Pace

	Timeslots *Timeslots // module pd
	Director  *Director
	Cooldowns *Cooldowns

	Messages *Messages // module log
	Users    *Users
	History  *History
	Settings *Settings
	Batch    *Batch

	Broadcast *Broadcast // module ui
	Sessions  *Sessions

	store Store
	gate  *logGate
}

// NewParts makes the parts over config's store.
func NewParts(config Config) *Parts {
	library, verbatim := config.Store.Director(), config.Verbatim
	log := &logGate{LogStore: config.Store.Log()}
	parts := &Parts{
		Queue:     NewQueue(verbatim),
		Playback:  NewPlayback(config.Deck, verbatim),
		Decoder:   NewDecoder(config.Deck, config.Store.Cuts(), verbatim),
		Pace:      NewPace(config.Pace, verbatim),
		Timeslots: NewTimeslots(library, verbatim),
		Director:  NewDirector(library, verbatim),
		Cooldowns: NewCooldowns(library, verbatim),
		Messages:  NewMessages(log, verbatim),
		Users:     NewUsers(log, verbatim),
		History:   NewHistory(log, verbatim),
		Settings:  NewSettings(log, verbatim),
		Batch:     NewBatch(log, config.Batch),
		Broadcast: NewBroadcast(config.Audience, verbatim),
		Sessions:  NewSessions(config.Token, verbatim),
		store:     config.Store,
		gate:      log,
	}
	for _, lane := range parts.lanes() {
		lane.Quiet = config.Unwitnessed
	}
	return parts
}

// Observe reads back every part and the store. No part may be at work.
func (p *Parts) Observe() (Observation, error) {
	stored, err := p.store.Stored()
	var sound Delivered
	if p.Playback.deck != nil {
		sound = p.Playback.deck.Delivered()
	}
	var lanes []Lane
	for _, lane := range p.lanes() {
		lanes = append(lanes, *lane)
	}
	return Observation{
		Sound:  sound,
		Queue:  p.Queue.Entries(),
		Lanes:  Lanes(lanes...),
		Stored: stored,
	}, err
}

// lanes are those of all parts.
func (p *Parts) lanes() []*Lane {
	return []*Lane{
		&p.Queue.Lane, &p.Playback.Lane, &p.Decoder.Lane, &p.Pace.Lane,
		&p.Timeslots.Lane, &p.Director.Lane, &p.Cooldowns.Lane,
		&p.Messages.Lane, &p.Users.Lane, &p.History.Lane, &p.Settings.Lane,
		&p.Broadcast.Lane, &p.Sessions.Lane,
	}
}
