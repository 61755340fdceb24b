package player

// A Store keeps what outlives a process. Each part gets its own view; a style
// decides on which goroutine a view is used, and uses one at a time. Views of
// different modules may be used at once.
type Store interface {
	Director() DirectorStore // module pd
	Log() LogStore           // module log
	Cuts() CutStore          // module ap
	// Stored reads back what is durable, on a connection of its own.
	Stored() (Stored, error)
}

// Stored is what is durable: the effects as somebody else would count them.
type Stored struct {
	Cooldowns uint64 // digest of last_played of all songs, artists and works
	Messages  int64  // rows of messages
	Said      int64  // sum over users of messages counted
	Plays     int64  // rows of play history
	Settings  uint64 // digest of all settings
	Log       uint64 // digest of the newest 1 000 messages and of all users' counts
}

// DirectorStore is what module pd reads and writes.
type DirectorStore interface {
	TimeslotStore
	LibraryStore
	CooldownStore
}

// TimeslotStore finds reference passages.
type TimeslotStore interface {
	// References visits the flavors of the reference passages of the timeslot
	// that holds this second of the day, in order of passage id. The flavor is
	// the visitor's only until it returns.
	References(secondOfDay int, visit func(*Flavor)) error
	// FlavorOf reads the flavor of one passage; NotFound when there is none.
	FlavorOf(passage int64, into *Flavor) error
}

// LibraryStore is read afresh by every selection. Ids are positive and dense
// enough to index a slice.
type LibraryStore interface {
	// Songs, Artists and Works visit every entity whose weight at target may
	// differ from 1. One that has base 1 and is not cooling may be left out.
	Songs(target Ticks, visit func(id int64, s Standing)) error
	Artists(target Ticks, visit func(id int64, s Standing)) error
	Works(target Ticks, visit func(id int64, s Standing)) error
	// The links, each in ascending order of the first id.
	PassageSongs(visit func(passage, song int64)) error
	SongArtists(visit func(song, artist int64, weight float64)) error
	SongWorks(visit func(song, work int64)) error
	// Flavors visits every passage's packed flavor in ascending order of id. The
	// bytes are the visitor's only until it returns.
	Flavors(visit func(passage int64, packed []byte) error) error
	// Passage reads one passage; NotFound when there is none.
	Passage(id int64) (Passage, error)
}

// CooldownStore remembers plays.
type CooldownStore interface {
	// RecordPlayed commits last_played of the passage's songs, their artists and
	// works, and returns how many rows it set.
	RecordPlayed(passage int64, at Ticks) (rows int, err error)
}

// CutStore finds the sound of passages.
type CutStore interface {
	// Cut reads one; NotFound when there is no such passage.
	Cut(passage int64) (Cut, error)
}

// LogStore is what module log writes. The first write opens a transaction;
// nothing is durable before Commit. After a failed Commit nothing is pending.
type LogStore interface {
	AppendMessage(Message) error
	CountUser(username string) error
	AppendPlay(passage int64, began, ended Ticks) error
	PutSetting(key, value string) error
	Commit() error
	Rollback() error // forgets what is pending; nothing pending is no error
}

// A Passage is a part of a recording, as the library holds it.
type Passage struct {
	ID         int64
	Title      string
	Start, End Ticks // within its file
}

// Length is how long the passage plays.
func (p Passage) Length() Ticks { return p.End - p.Start }
