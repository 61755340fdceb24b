package natsbus

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// A worker is module log in a process of its own. Several can join one player. They are a
// queue group: the server gives each message, and each request, to one of them, drawn at
// random. Each has a store of its own, so what the workers have stored is the sum of their
// stores, and messages are in order within a store only.
//
// The server could ask for an acknowledgement and send a message again if a worker dies with
// it. That is JetStream. Here such a message is lost, and its sender is told so by time-out.

const (
	// workers is the name of the queue group.
	workers = "workers"
	// drainWait is how long a worker may take to finish what it has.
	drainWait = 5 * time.Second
)

// worker is module log, joined to a player elsewhere.
type worker struct {
	*player.Parts
	module       *module
	subscription *nats.Subscription
	lost         chan struct{}
}

// Join joins a player. Each message has a commit of its own: nobody could tell the workers
// to commit a batch that is not full.
func Join(to player.Invitation, config player.Config) (player.Member, error) {
	config.Batch = 1
	config = config.Defaults()
	w := &worker{Parts: player.NewParts(config), lost: make(chan struct{})}
	if err := w.join(to, config); err != nil {
		if w.module != nil {
			w.module.leave()
			w.module.engine.Close()
		}
		return nil, err
	}
	return w, nil
}

func (w *worker) join(to player.Invitation, config player.Config) (err error) {
	concepts := append(orchestrated.Concepts(w.Parts), orchestrated.PaddingConcept())
	if w.module, err = newModule("log", 3, config, concepts); err != nil {
		return err
	}
	conn, err := nats.Connect(to.URL, nats.Name(connectionName+"log"), nats.Timeout(config.Timeout), nats.NoReconnect(),
		nats.UserInfo(to.User, to.Password), nats.CustomInboxPrefix(inboxPrefix+to.User), nats.DrainTimeout(drainWait),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.ClosedHandler(func(*nats.Conn) { close(w.lost) }))
	if err != nil {
		return &player.Error{Code: player.Unavailable, Op: "join the player", Err: err}
	}
	if err := w.module.join(conn); err != nil {
		return err
	}
	r := &receiver{module: w.module, batch: w.Batch, fields: orchestrated.ChatConcept().Events[0].Fields, group: workers}
	w.subscription, err = r.subscribe()
	return err
}

// Lost is closed when the connection is.
func (w *worker) Lost() <-chan struct{} { return w.lost }

// Describe lists the facts of the parts and of the connection.
func (w *worker) Describe() []player.Fact {
	return append(w.Parts.Describe(), player.Fact{Name: "queue group", Value: w.subscription.Queue})
}

// Close has the server send no more, finishes the messages that are here, and leaves.
func (w *worker) Close() error {
	defer w.module.engine.Close()
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
	if n.transport == "pipe" {
		return player.Invitation{}, &player.Error{Code: player.Invalid, Op: "nats: invite a worker",
			Err: errors.New("another process cannot join over transport=pipe: use tcp")}
	}
	user := n.users["log"]
	return player.Invitation{URL: n.now().ClientURL(), User: user.Username, Password: user.Password}, nil
}
