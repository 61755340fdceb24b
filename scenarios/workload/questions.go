package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/player"
	"rubato/sqlite"
)

// Questions that a run asks members elsewhere, on machines that share nothing with its own, and
// what they answer: JSON, one question and one answer at a time. A worker tells what its file
// has. A generator says messages, and tells how long each took by its own clock; no two clocks
// are compared.

const (
	askStored   = "stored"   // a worker: what is durable
	askRows     = "rows"     // a worker: a page of rows
	askQuickest = "quickest" // a worker: the quickest commit on its disk
	askSay      = "say"      // a generator: say messages
	askSaid     = "said"     // a generator: has it said them?

	// pageBytes bounds the texts of a page. It is less than a message may be by what JSON adds.
	pageBytes = 32 << 10
	// pageRows bounds the rows of a page.
	pageRows = 200
	// mostSaid bounds what one order has a generator say, and what workers can have stored of it.
	mostSaid = 1 << 20
	// saidWait is how long a generator keeps a question before it answers "not yet".
	saidWait = time.Second
)

type question struct {
	Do     string `json:"do"`
	After  int64  `json:"after,omitempty"` // rows with greater ids
	Last   int64  `json:"last,omitempty"`  // and not greater than this
	Seed   uint64 `json:"seed,omitempty"`  // of the script
	First  int    `json:"first,omitempty"` // of its messages
	Count  int    `json:"count,omitempty"` // of these
	Window int    `json:"window,omitempty"`
}

// An answer is one of both.
type answer[T any] struct {
	Is    *T     `json:"is,omitempty"`
	Error string `json:"error,omitempty"`
}

type storedAnswer struct {
	Messages int64  `json:"messages"` // the newest's id
	Counted  int64  `json:"counted"`  // of users
	Digest   uint64 `json:"digest"`   // of the rows that were asked for
}

type pageAnswer struct {
	After int64 `json:"after"`
	Rows  []row `json:"rows"` // of the ids after+1, after+2 and so on
}

type row struct {
	User []byte       `json:"user"` // bytes, since JSON would mend what is no UTF-8
	Text []byte       `json:"text"`
	At   player.Ticks `json:"at"`
}

type quickestAnswer struct {
	Took time.Duration `json:"took"`
}

type saidAnswer struct {
	Done bool `json:"done"`
	// Trips are durations in nanoseconds, to 1 %, and how many messages took so long.
	Trips [][2]int64 `json:"trips,omitempty"`
}

// readQuestion refuses what cannot be answered.
func readQuestion(data []byte) (q question, err error) {
	if err = readStrictly(data, &q); err != nil {
		return q, err
	}
	switch q.Do {
	case askStored, askRows:
		if q.After < 0 || q.Last < q.After {
			err = fmt.Errorf("rows after %d up to %d are none", q.After, q.Last)
		}
	case askSay:
		if q.First < 0 || q.First > math.MaxInt-mostSaid || q.Count < 1 || q.Count > mostSaid || q.Window < 1 || q.Window > mostSaid {
			err = fmt.Errorf("%d messages from %d with %d under way cannot be said: want 1 to %d", q.Count, q.First, q.Window, mostSaid)
		}
	case askQuickest, askSaid:
	default:
		err = fmt.Errorf("%.20q is no question", q.Do)
	}
	return q, err
}

// readAnswer takes an answer, or the error that it tells.
func readAnswer[T any](data []byte) (*T, error) {
	var a answer[T]
	switch err := readStrictly(data, &a); {
	case err != nil:
		return nil, fmt.Errorf("its answer cannot be read: %w", err)
	case a.Error != "":
		return nil, fmt.Errorf("it says: %.200s", a.Error)
	case a.Is == nil:
		return nil, errors.New("its answer is empty")
	}
	return a.Is, nil
}

func readStrictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows")
	}
	return nil
}

// answered writes an answer.
func answered(is any, err error) []byte {
	a := answer[any]{Is: &is}
	if err != nil {
		a = answer[any]{Error: err.Error()}
	}
	text, _ := json.Marshal(a) // numbers and texts: cannot fail
	return text
}

// A Ledger answers what a worker has stored. It reads the file on a connection that writes
// nothing.
type Ledger struct {
	Store *sqlite.Store
	Dir   string // of the store
	Sync  string
}

// Answer answers one question.
func (l Ledger) Answer(_ player.Member, data []byte) []byte {
	q, err := readQuestion(data)
	if err != nil {
		return answered(nil, err)
	}
	switch q.Do {
	case askStored:
		return answered(l.stored(q))
	case askRows:
		return answered(l.page(q))
	case askQuickest:
		took, err := sqlite.QuickestCommit(l.Dir, sqlite.Options{Synchronous: l.Sync})
		return answered(quickestAnswer{took}, err)
	}
	return answered(nil, errors.New("it is a worker, and says no messages"))
}

func (l Ledger) stored(q question) (a storedAnswer, err error) {
	now, err := l.Store.Stored()
	if err == nil && q.Last > 0 {
		at := q.After
		err = l.Store.MessagesBetween(q.After, q.Last, func(m player.Message) {
			at++
			a.Digest = digestRow(a.Digest, at, m)
		})
	}
	a.Messages, a.Counted = now.Messages, now.Said
	return a, err
}

func (l Ledger) page(q question) (p pageAnswer, err error) {
	p.After = q.After
	size := 0
	err = l.Store.MessagesBetween(q.After, min(q.Last, q.After+pageRows), func(m player.Message) {
		if size += len(m.Username) + len(m.Text); size <= pageBytes {
			p.Rows = append(p.Rows, row{[]byte(m.Username), []byte(m.Text), m.At})
		}
	})
	if err == nil && len(p.Rows) == 0 {
		err = fmt.Errorf("row %d is missing, or larger than a page of %d bytes", q.After+1, pageBytes)
	}
	return p, err
}

// digestRow continues a digest of rows and of their places.
func digestRow(h uint64, id int64, m player.Message) uint64 {
	h = player.DigestText(player.DigestText(player.DigestWord(h, uint64(id)), m.Username), m.Text)
	return player.DigestWord(h, uint64(m.At))
}

// A Speaker says messages as a generator, one order at a time.
type Speaker struct {
	sender player.Sender // nil: none yet, or the last one failed
	window int           // of sender
	saying chan told     // nil: nothing is ordered
}

type told struct {
	trips [][2]int64
	err   error
}

// Answer answers one question, at the latest after saidWait.
func (s *Speaker) Answer(m player.Member, data []byte) []byte {
	q, err := readQuestion(data)
	switch {
	case err != nil:
	case q.Do == askSay && s.saying != nil:
		err = errors.New("it has an order already: start the run again when that is done, or the generator")
	case q.Do == askSay:
		err = s.begin(m, q)
	case q.Do != askSaid || s.saying == nil:
		err = fmt.Errorf("it is a generator, and has no answer to %q", q.Do)
	}
	if err != nil {
		return answered(nil, err)
	}
	late := time.NewTimer(saidWait)
	defer late.Stop()
	select {
	case <-late.C:
		return answered(saidAnswer{}, nil)
	case t := <-s.saying:
		s.saying = nil
		if t.err != nil {
			_ = s.sender.Close() // it may be as broken as what it sent
			s.sender = nil
		}
		return answered(saidAnswer{Done: true, Trips: t.trips}, t.err)
	}
}

func (s *Speaker) begin(m player.Member, q question) (err error) {
	if s.sender != nil && s.window != q.Window {
		err = s.sender.Close()
		s.sender = nil
	}
	if s.sender == nil && err == nil {
		s.sender, err = m.(player.Generating).Sender(q.Window)
		s.window = q.Window
	}
	if err != nil {
		s.sender = nil
		return err
	}
	s.saying = make(chan told, 1) // nobody may ask any more
	go say(s.sender, q, s.saying)
	return nil
}

// say says what is ordered. A generator ends when its player does not report outcomes.
func say(sender player.Sender, q question, done chan<- told) {
	stimuli := make([]player.Stimulus, q.Count)
	for i := range stimuli {
		stimuli[i] = Say(q.Seed, q.First+i)
	}
	trips := hdrhistogram.New(1, int64(longestTrip), 2)
	err := postAll(sender, stimuli, func(took time.Duration) { _ = trips.RecordValue(int64(min(took, longestTrip))) }) // in range: cannot fail
	var t told
	for _, bar := range trips.Distribution() {
		if bar.Count > 0 {
			t.trips = append(t.trips, [2]int64{bar.To, bar.Count})
		}
	}
	t.err = err
	done <- t
}

const longestTrip = time.Minute
