package natsbus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
	"rubato/sqlite"
)

// A killable is module log on a real file, as in a process of its own: at one moment of its work
// nothing that it does has an effect any more, on the file or on the network.
type killable struct {
	*sqlite.Store
	player.LogStore
	receipts player.Receipts
	member   player.Member
	mu       sync.Mutex
	left     int // appends until it may die
	when     moment
	die      func() // nil: it lives
}

// Moments beside the ledger's.
const (
	afterNote   = moments + iota // of a receipt
	mute                         // the outcome is sent, its acknowledgement is lost
	muteRefusal                  // the same of a message that is refused
	allMoments
)

func (k *killable) Log() player.LogStore { return k }

func (k *killable) AppendMessage(m player.Message) error {
	k.mu.Lock()
	k.left--
	k.mu.Unlock()
	k.at(beforeAppend)
	err := k.LogStore.AppendMessage(m)
	k.at(afterAppend)
	return err
}

func (k *killable) Commit() error {
	k.at(beforeCommit)
	err := k.LogStore.Commit()
	k.at(mute)
	k.at(afterCommit)
	return err
}

func (k *killable) Note(key string) (bool, error) {
	first, err := k.receipts.Note(key)
	k.at(afterNote)
	return first, err
}

func (k *killable) Drop(key string) error {
	err := k.receipts.Drop(key)
	k.at(muteRefusal)
	return err
}

func (k *killable) at(m moment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m == k.when && k.left <= 0 && k.die != nil {
		k.die()
		k.die = nil
	}
}

// join starts one that will die, of n messages at one drawn, at a moment drawn.
func (k *killed) join(n int) (died chan struct{}) {
	k.t.Helper()
	store, err := sqlite.Open(k.path, sqlite.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	died = make(chan struct{})
	one := &killable{Store: store, LogStore: store.Log(), left: 1 + k.random.IntN(n), when: moment(k.random.IntN(int(allMoments)))}
	config := player.Config{Store: one}
	if k.keeps {
		if one.receipts, err = store.Receipts(); err != nil {
			k.t.Fatal(err)
		}
		config.Receipts = one
	} else if one.when == muteRefusal || one.when == afterNote {
		one.when = mute
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.member, err = Join(k.to, config); err != nil {
		k.t.Fatal(err)
	}
	conn := one.member.(*worker).module.conn.Load()
	one.die = func() {
		if one.when >= mute {
			one.forgetAcks()
			go func() { k.kill(conn, store); close(died) }() // the outcome may get out before, or not
			return
		}
		k.kill(conn, store)
		close(died)
	}
	k.t.Cleanup(func() { k.kill(conn, store); _ = one.member.Close() })
	return died
}

func (k *killed) kill(conn *nats.Conn, store *sqlite.Store) {
	conn.Close()
	if err := store.Close(); err != nil {
		k.t.Error(err)
	}
}

// forgetAcks has nothing acknowledged that waits for this commit.
func (k *killable) forgetAcks() {
	held := k.member.(*worker).receiver.receipts.held
	for seq, msg := range held {
		held[seq] = &nats.Msg{Header: msg.Header}
	}
}

// killed is one schedule.
type killed struct {
	t        *testing.T
	random   *rand.Rand
	path     string
	to       player.Invitation
	keeps    bool // receipts in the database
	w        *wired
	mu       sync.Mutex
	reported map[uint64][]player.Code
	said     []player.Message // by number, from 1
}

func (k *killed) say(n int) {
	for range n {
		s := utter(uint64(len(k.said)))
		s.Message.Username = fmt.Sprint("user ", k.random.IntN(3))
		if k.random.IntN(10) == 0 {
			s.Message.Username = "" // it is refused
		}
		k.said = append(k.said, s.Message)
		if err := k.w.Post(s, func(seq uint64, err error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.reported[seq] = append(k.reported[seq], player.CodeOf(err))
		}); err != nil {
			k.t.Fatal(err)
		}
	}
}

// putting has module log store a setting again and again, each with a commit of its own, until it is
// told to end.
func (k *killed) putting() (end func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for !gone(stop) { // nobody may be there
			_ = k.w.ap.engine.Invoke(1, 0, "log::Settings::put", []engine.Value{engine.String("volume"), engine.String("7")}, nil)
		}
	}()
	return func() { close(stop); <-ended }
}

// killedSchedule says messages while module log dies again and again, and returns what the file holds.
func killedSchedule(t *testing.T, library string, seed uint64, keeps bool) (k *killed, stored []player.Message) {
	random := rand.New(rand.NewPCG(seed, 2))
	placement := player.Placement{Transport: "tcp", Away: true, Dir: t.TempDir(), Delivery: kept[seed%2],
		Codec: []string{"json", "msgpack", "protobuf"}[seed%3], Share: []string{shareNothing, shareOutcomes}[seed/2%2]}
	k = &killed{t: t, random: random, path: filepath.Join(t.TempDir(), "log.db"), keeps: keeps,
		reported: map[uint64][]player.Code{}, said: make([]player.Message, 1)}
	network, err := Network(placement)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = network.Close() }) // after the player
	if k.to, err = network.(player.Inviting).Invite(); err != nil {
		t.Fatal(err)
	}
	k.to.Codec, k.to.Delivery, k.to.Share, k.to.Shared = placement.Codec, placement.Delivery, placement.Share, shares(seed)
	placement.Network = network
	if err := sqlite.Copy(library, k.path); err != nil {
		t.Fatal(err)
	}
	k.w, _ = open(t, player.Config{Timeout: never, Placement: placement})
	const most = 12
	k.w.ap.inbox.Store(newInbox(k.w.ap.conn.Load(), soon, false)) // a dead one does not answer
	t.Cleanup(k.putting())
	if shares(seed) {
		k.join(1 << 30) // lives on
	}
	for range 1 + random.IntN(3) {
		n := 1 + random.IntN(most)
		died := k.join(n)
		for !gone(died) { // of two, the other one may get most of them
			k.say(n)
			until(t, "it is dead, or all have an outcome", func() bool { return gone(died) || k.answered() })
		}
		k.say(random.IntN(4)) // perhaps nobody hears them
	}
	k.join(1 << 30)
	k.say(1)
	if err := k.w.Settle(); err != nil && keeps { // otherwise outcomes come twice, too
		t.Error(err)
	}
	empty(t, k.w)
	store, err := sqlite.Open(k.path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	counted, failed := store.Stored()
	err = store.MessagesAfter(0, func(m player.Message) { stored = append(stored, m) })
	if err = errors.Join(err, failed, store.Close()); err != nil {
		t.Fatal(err)
	}
	if int(counted.Said) != len(stored) {
		t.Errorf("%d messages are stored, and %d counted", len(stored), counted.Said)
	}
	return k, stored
}

// shares: two share the stream and the file, and one of them dies.
func shares(seed uint64) bool { return seed%5 == 4 }

func gone(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (k *killed) answered() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.reported) == len(k.said)-1
}

func emptyLibrary(t *testing.T) string {
	library := filepath.Join(t.TempDir(), "library.db")
	if err := sqlite.Make(library, sqlite.Library{Passages: 100, Seed: 1}, nil); err != nil {
		t.Fatal(err)
	}
	return library
}

// TestKilledSchedules: module log dies at drawn moments, as a process does: between store, commit, outcome
// and acknowledgement. With receipts in the database nothing that the server had accepted is lost, nothing is applied
// twice, and each message is reported once. One process after the other keeps the order of each user's
// messages. One schedule replays alone: -run TestKilledSchedules/17.
func TestKilledSchedules(t *testing.T) {
	t.Parallel()
	schedules := uint64(120)
	if testing.Short() {
		schedules = 10
	}
	library := emptyLibrary(t)
	for seed := range schedules {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			k, stored := killedSchedule(t, library, seed, true)
			k.mu.Lock()
			defer k.mu.Unlock()
			places := map[string][]int{}
			for i, m := range stored {
				places[m.Text] = append(places[m.Text], i)
			}
			last := map[string]int{}
			for seq, m := range k.said[1:] {
				codes, at := k.reported[uint64(seq+1)], places[m.Text]
				if m.Username == "" {
					if !slices.Equal(codes, []player.Code{player.Invalid}) || len(at) != 0 {
						t.Errorf("message %d, of nobody, was reported %q and is stored %d times", seq+1, codes, len(at))
					}
					continue
				}
				if !slices.Equal(codes, []player.Code{""}) || len(at) != 1 {
					t.Errorf("message %d was reported %q and is stored %d times", seq+1, codes, len(at))
					continue
				}
				if at[0] < last[m.Username] && !shares(seed) {
					t.Errorf("message %d is stored before an earlier one of %s", seq+1, m.Username)
				}
				last[m.Username] = at[0]
			}
		})
	}
}

// TestKilledForgets: without receipts in the database one of the same schedules, at least, applies a
// message twice.
func TestKilledForgets(t *testing.T) {
	t.Parallel()
	library, twice := emptyLibrary(t), false
	for seed := uint64(0); !twice && seed < 20; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { // so that its player and the others end with it
			_, stored := killedSchedule(t, library, seed, false)
			seen := map[string]bool{}
			for _, m := range stored {
				twice = twice || seen[m.Text]
				seen[m.Text] = true
			}
		})
	}
	if !twice {
		t.Error("nothing was applied twice: these schedules show nothing")
	}
}
