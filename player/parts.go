package player

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parts are the player's parts, one of each, not coupled. The style couples them.
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
	Filters  *Filters // nil: none
	Batch    *Batch

	Broadcast *Broadcast // module ui
	Sessions  *Sessions

	store Store
	gate  *logGate
}

// NewParts makes the parts for a config.
func NewParts(config Config) *Parts {
	library, verbatim := config.Store.Director(), config.Verbatim
	lane := func(name string) Lane { return NewLane(name, verbatim) }
	log := newLogGate(config.Store.Log())
	parts := &Parts{
		Queue:     NewQueue(verbatim),
		Playback:  NewPlayback(config.Deck, verbatim),
		Decoder:   &Decoder{Lane: lane("decoder"), deck: config.Deck, cuts: config.Store.Cuts()},
		Pace:      &Pace{Lane: lane("pace"), mode: config.Pace},
		Timeslots: NewTimeslots(library, verbatim),
		Director:  NewDirector(library, verbatim),
		Cooldowns: NewCooldowns(library, verbatim),
		Messages:  &Messages{Lane: lane("messages"), store: log},
		Users:     &Users{Lane: lane("users"), store: log},
		History:   &History{Lane: lane("history"), store: log},
		Settings:  &Settings{Lane: lane("settings"), store: log},
		Batch:     NewBatch(log, config.Batch),
		Broadcast: &Broadcast{Lane: lane("broadcast"), audience: config.Audience},
		Sessions:  &Sessions{Lane: lane("sessions"), token: config.Token},
		store:     config.Store,
		gate:      log,
	}
	if len(config.Filters) > 0 {
		parts.Filters = &Filters{Lane: lane("filters"), of: config.Filters}
	}
	if config.Replay != nil {
		own := replay{Recording: config.Replay}
		parts.Timeslots.replay, parts.Director.replay, parts.Cooldowns.replay = own, own, own
	}
	for _, lane := range parts.lanes() {
		lane.Quiet = config.NoDigests
	}
	return parts
}

// Observe reads back all parts and the store. No part may be working.
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

// lanes are the lanes of all parts.
func (p *Parts) lanes() []*Lane {
	all := []*Lane{
		&p.Queue.Lane, &p.Playback.Lane, &p.Decoder.Lane, &p.Pace.Lane,
		&p.Timeslots.Lane, &p.Director.Lane, &p.Cooldowns.Lane,
		&p.Messages.Lane, &p.Users.Lane, &p.History.Lane, &p.Settings.Lane,
		&p.Broadcast.Lane, &p.Sessions.Lane,
	}
	if p.Filters != nil {
		all = append(all, &p.Filters.Lane)
	}
	return all
}

// A Fact is a property of a running player, read from the player itself instead of its
// Config: how its codec encodes a known value, how many messages share a commit.
type Fact struct {
	Name  string
	Value string
	Own   bool // of this style only: other styles may have another value, or none
}

// Described is implemented by every style. Facts do not change while the player runs.
type Described interface {
	Describe() []Fact
}

// Describe returns the facts that do not depend on the style.
func (p *Parts) Describe() []Fact {
	sound := "none"
	if p.Playback.deck != nil {
		sound = "deck"
	}
	audience := "none"
	if p.Broadcast.audience != nil {
		audience = "one"
	}
	return []Fact{
		{Name: "batch", Value: strconv.Itoa(p.Batch.limit)},
		{Name: "pace", Value: string(p.Pace.mode)},
		{Name: "sound", Value: sound},
		{Name: "audience", Value: audience},
		{Name: "verified", Value: strconv.FormatBool(!p.Queue.Lane.Quiet)},
	}
}

// A Lane is what one part did, in order. The order within a lane has meaning and is
// equal in all styles; the order between lanes depends on the coupling. A lane keeps a
// count and a running digest, which cost about 30 ns per line. It keeps the lines only
// if Verbatim.
type Lane struct {
	Name     string
	Count    uint64
	Digest   uint64 // FNV-1a, 64 bits, over name, values and text of each line
	Verbatim bool
	Lines    []string
	Quiet    bool // only count: to measure what the digest costs
}

// NewLane returns an empty lane. Its digest starts at the FNV offset basis.
func NewLane(name string, verbatim bool) Lane {
	return Lane{Name: name, Digest: fnvOffset, Verbatim: verbatim}
}

// Record appends a line: what was done, to what, and with what values.
func (l *Lane) Record(did, text string, values ...int64) {
	l.Count++
	if l.Quiet {
		return
	}
	h := mixText(l.Digest, did)
	h = mixText(h, text)
	for _, v := range values {
		h = mixWord(h, uint64(v))
	}
	l.Digest = h
	if l.Verbatim {
		l.Lines = append(l.Lines, line(did, text, values))
	}
}

// line formats a line. It does not let values escape, so that Record does not allocate
// unless the lane is verbatim.
func line(did, text string, values []int64) string {
	var b strings.Builder
	b.WriteString(did)
	if text != "" {
		fmt.Fprintf(&b, " %q", text)
	}
	for _, v := range values {
		fmt.Fprintf(&b, " %d", int64(v))
	}
	return b.String()
}

const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

// mixWord folds in eight bytes at a time, where plain FNV takes one: the digest is
// computed in the timed region. It must be stable, not cryptographic.
func mixWord(h, v uint64) uint64 {
	h = (h ^ v) * fnvPrime
	return h ^ h>>29
}

func mixText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mixWord(h, uint64(len(s)))
}

// DigestText continues the digest h with s; h = 0 starts one. Stores and scenarios use
// it and DigestWord, so that a run has only one kind of digest.
func DigestText(h uint64, s string) uint64 { return mixText(start(h), s) }

// DigestWord continues the digest h with v; h = 0 starts one.
func DigestWord(h, v uint64) uint64 { return mixWord(start(h), v) }

func start(h uint64) uint64 {
	if h == 0 {
		return fnvOffset
	}
	return h
}

// Lanes sorts lanes by name, as in an Observation.
func Lanes(lanes ...Lane) []Lane {
	slices.SortFunc(lanes, func(a, b Lane) int { return strings.Compare(a.Name, b.Name) })
	return lanes
}
