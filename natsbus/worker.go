package natsbus

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// A worker is module log in a process of its own. Several can join one player. They are a
// queue group: the server gives each message, and each request, to one of them, drawn at
// random. Each has a store of its own, so what the workers have stored is the sum of their
// stores, and messages are in order within a store only.
//
// With core NATS a message is lost if its worker dies with it, and its sender is told so by time-out.
// With JetStream it comes to the next worker, or to another one. If the one that died had committed it,
// the other finds it in the receipts, so they have one store then.

const (
	// workers is the name of the queue group.
	workers = "workers"
	// drainWait is how long a worker may take to finish what it has.
	drainWait = 5 * time.Second
)

// worker is module log, joined to a player elsewhere.
type worker struct {
	*player.Parts
	store        player.Store
	module       *module
	subscription *nats.Subscription
	receiver     *receiver
	remote       *network // a user's server; nil: it is the player's own
	at           string   // address of the server, without secrets
	codec        string
	lost         chan struct{}
}

// Join joins a player. Each message has a commit of its own: nobody could tell the workers
// to commit a batch that is not full.
func Join(to player.Invitation, config player.Config) (player.Member, error) {
	if config.Placement.Sends {
		return joinSending(to, config)
	}
	config.Batch = 1
	config.Placement = player.Placement{Away: true, Codec: to.Codec, Delivery: to.Delivery, Share: to.Share, Flush: to.Flush}
	config = config.Defaults()
	if err := errors.Join(check(config.Placement), checkReceipts(config)); err != nil {
		return nil, err
	}
	w := &worker{Parts: player.NewParts(config), store: config.Store, codec: config.Placement.Codec, lost: make(chan struct{})}
	if err := w.join(to, config); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

// end leaves nothing open.
func (w *worker) end() {
	if w.module != nil {
		w.module.leave()
		w.module.engine.Close()
	}
	if w.remote != nil {
		_ = w.remote.Close() // cannot fail
	}
}

func (w *worker) join(to player.Invitation, config player.Config) (err error) {
	c, err := newCodec(config.Placement, config.Window)
	if err != nil {
		return err
	}
	conn, apart, err := w.reach(to, config.Timeout)
	if err != nil {
		return err
	}
	conn.Opts.DrainTimeout = drainWait
	conn.SetClosedHandler(func(*nats.Conn) { close(w.lost) })
	concepts := append(orchestrated.Concepts(w.Parts), orchestrated.PaddingConcept())
	if w.module, err = newModule("log", 3, config, apart, c, concepts); err != nil {
		conn.Close()
		return err
	}
	if err := w.module.join(conn); err != nil {
		return err
	}
	s := newStream(config, apart)
	if s != nil {
		s.process, s.shared = newID()+"-", to.Shared
	}
	w.receiver = newReceiver(w.module, w.Batch, all(orchestrated.ChatConcept().Events[0].Fields), s, config)
	w.receiver.group = workers
	if w.subscription, err = w.receiver.subscribe(); err == nil && w.remote != nil {
		err = answerAs(w, player.Elsewhere{ID: newID()}, config.Answer, conn, apart)
	}
	return err
}

// reach connects to the server, and says what sets the player's subjects apart there.
func (w *worker) reach(to player.Invitation, timeout time.Duration) (*nats.Conn, space, error) {
	if to.URL != "" {
		if u, err := url.Parse(to.URL); err != nil || u.Host == "" || u.User != nil { // no word of it: it may hold a secret
			return nil, "", &player.Error{Code: player.Invalid, Op: "join the player", Err: errors.New("its address is not like nats://HOST:PORT")}
		}
		w.at = to.URL
		user := &server.User{Username: to.User, Password: to.Password}
		conn, err := nats.Connect(to.URL, append(append(seatOf(user, timeout), flushing(to.Flush)...), nats.Name(connectionName+"log"))...)
		if err != nil {
			err = &player.Error{Code: player.Unavailable, Op: "join the player", Err: err}
		}
		return conn, "", err
	}
	n, err := joinPlayer()
	if err != nil {
		return nil, "", err
	}
	w.remote = n
	w.at = n.carrier.(*remote).address()
	conn, err := n.connect("log", timeout, false)
	return conn, n.space, err
}

// joinPlayer joins the player that the environment names, on the user's server.
func joinPlayer() (*network, error) {
	name, err := playerName()
	if err != nil {
		return nil, err
	}
	return joinNamed(os.Getenv, name, player.Placement{Delivery: deliveryCore})
}

// spaceName is what a name can be, since it is a part of each subject.
var spaceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// playerName is the name that the environment gives to a player on a user's server, so that
// its workers find it.
func playerName() (space, error) {
	name := os.Getenv(PlayerVar)
	if !spaceName.MatchString(name) {
		return "", &player.Error{Code: player.Invalid, Op: "find each other",
			Err: fmt.Errorf("set %s to a name that the player and its workers share: 1 to 32 letters, digits, - and _", PlayerVar)}
	}
	return space(name), nil
}

// Lost is closed when the connection is.
func (w *worker) Lost() <-chan struct{} { return w.lost }

// Describe lists the facts of the parts, of the connection, and of the store if it knows any.
func (w *worker) Describe() []player.Fact {
	facts := append(w.Parts.Describe(), player.Fact{Name: "queue group", Value: w.subscription.Queue}, player.Fact{Name: "server", Value: w.at}, player.Fact{Name: "codec", Value: w.codec})
	facts = slices.Concat(facts, w.receiver.stream.describe(), w.receiver.receipts.describe())
	if store, can := w.store.(player.Described); can {
		facts = append(facts, store.Describe()...)
	}
	return facts
}

// Close has the server send no more, finishes the messages that are here, and leaves.
func (w *worker) Close() error {
	defer w.end()
	conn := w.module.conn.Load()
	if conn.IsClosed() {
		return nil // what was here is lost with the connection
	}
	dropped, err := w.subscription.Dropped()
	if dropped > 0 {
		err = errors.Join(err, fmt.Errorf("%d messages were dropped, since they came faster than they could be stored", dropped))
	}
	if failed := conn.Drain(); failed != nil {
		conn.Close()
		return errors.Join(err, failed)
	}
	<-w.lost // after drainWait at most
	return err
}

// Invite lets module log join from another process.
func (n *network) Invite() (player.Invitation, error) {
	user := n.users["log"]
	switch at := n.carrier.(type) {
	case *process:
		return player.Invitation{URL: at.url, User: user.Username, Password: user.Password}, nil
	case *embedded:
		if at.transport != "pipe" {
			return player.Invitation{URL: at.now().ClientURL(), User: user.Username, Password: user.Password}, nil
		}
	}
	return player.Invitation{}, &player.Error{Code: player.Invalid, Op: "nats: invite a worker",
		Err: fmt.Errorf("it cannot be invited over transport=%s", n.transport)}
}
