package player

// A Store keeps what outlives the process. Each module has its own view. A style uses a
// view from one goroutine at a time; views of different modules may be used
// concurrently.
type Store interface {
	Director() DirectorStore // module pd
	Log() LogStore           // module log
	Cuts() CutStore          // module ap
	// Stored reads back what is durable, on its own connection.
	Stored() (Stored, error)
}

// Stored is what is durable: the effects as an independent reader counts them.
type Stored struct {
	Cooldowns uint64 // digest of last_played of all songs, artists and works
	Messages  int64  // rows of messages
	Said      int64  // sum of the message counts of all users
	Plays     int64  // rows of play history
	History   uint64 // digest of the newest 1 000 of them
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
	// References visits the flavors of the reference passages of the timeslot at this
	// second of the day, in order of passage id. A flavor is valid until visit returns.
	References(secondOfDay int, visit func(*Flavor)) error
	// FlavorOf reads the flavor of one passage. NotFound if there is none.
	FlavorOf(passage int64, into *Flavor) error
}

// LibraryStore is read again by every selection. Ids are positive and dense enough to
// index a slice.
type LibraryStore interface {
	// Songs, Artists and Works visit every entity whose weight at target may differ
	// from 1. They may omit one with base 1 that is not cooling down.
	Songs(target Ticks, visit func(id int64, s Standing)) error
	Artists(target Ticks, visit func(id int64, s Standing)) error
	Works(target Ticks, visit func(id int64, s Standing)) error
	// The links, in ascending order of the first id.
	PassageSongs(visit func(passage, song int64)) error
	SongArtists(visit func(song, artist int64, weight float64)) error
	SongWorks(visit func(song, work int64)) error
	// Flavors visits the packed flavor of every passage in ascending order of id. The
	// bytes are valid until visit returns.
	Flavors(visit func(passage int64, packed []byte) error) error
	// Passage reads one passage. NotFound if there is none.
	Passage(id int64) (Passage, error)
}

// CooldownStore remembers plays.
type CooldownStore interface {
	// RecordPlayed sets and commits last_played of the passage's songs and of their
	// artists and works. It returns the number of rows.
	RecordPlayed(passage int64, at Ticks) (rows int, err error)
}

// CutStore finds the sound of passages.
type CutStore interface {
	// Cut reads one. NotFound if there is no such passage.
	Cut(passage int64) (Cut, error)
}

// LogStore is what module log writes. The first write opens a transaction. Nothing is
// durable before Commit. After a failed Commit nothing is pending.
type LogStore interface {
	AppendMessage(Message) error
	CountUser(username string) error
	AppendPlay(passage int64, began, ended Ticks) error
	PutSetting(key, value string) error
	Commit() error
	Rollback() error // discards what is pending, if anything
}

// Receipts are the keys of the messages that a LogStore has, written in the messages' own
// transactions: whoever delivers a message again learns that it is there, also after the process
// that wrote it has ended, or from another process that has the same store.
type Receipts interface {
	// Note adds a key to what is pending in the LogStore. It reports false if it was there.
	Note(key string) (first bool, err error)
	// Drop takes back a key that is pending, because its message was refused.
	Drop(key string) error
}

// A Passage is a part of a recording, as in the library.
type Passage struct {
	ID         int64
	Title      string
	Start, End Ticks // within its file
}

// Length is the duration of the passage.
func (p Passage) Length() Ticks { return p.End - p.Start }
