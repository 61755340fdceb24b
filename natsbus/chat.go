package natsbus

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// chatSide is where module ui lets messages be said: it publishes them, and knows which are not
// known to be durable yet.
type chatSide struct {
	conn    *nats.Conn
	timeout time.Duration
	fields  []orchestrated.Field // of ui::Chat::said
	places  chan struct{}        // one token a stimulus under way: the window

	mu       sync.Mutex
	underWay map[uint64]player.Done
	given    map[uint64]struct{} // up, as their outcome did not come: it may still
	blamed   error               // the first outcome that was unreadable or nobody's
}

func newChat(conn *nats.Conn, config player.Config, fields []orchestrated.Field) (*chatSide, error) {
	u := &chatSide{conn: conn, timeout: config.Timeout, fields: fields,
		places: make(chan struct{}, config.Window), underWay: make(map[uint64]player.Done, config.Window),
		given: map[uint64]struct{}{}}
	if _, err := conn.Subscribe(doneSubject, u.done); err != nil {
		return nil, err
	}
	return u, conn.Flush()
}

// say publishes one message and returns; it waits only while the window is full.
func (u *chatSide) say(s player.Stimulus, done player.Done) error {
	m := s.Message
	data, err := encode(u.fields, []orchestrated.Value{
		orchestrated.String(m.Username), orchestrated.String(m.Text), orchestrated.Int(m.At)})
	if err != nil {
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: err}
	}
	if err := u.enter(s.Seq, done); err != nil {
		return err
	}
	if err := u.conn.PublishMsg(message(eventSubject(saidEvent), "", s.Seq, 0, 0, data)); err != nil {
		u.take(s.Seq)
		<-u.places
		return &player.Error{Code: player.Unavailable, Op: saidEvent, Err: err}
	}
	return nil
}

// enter takes a place in the window.
func (u *chatSide) enter(seq uint64, done player.Done) error {
	if err := u.place(); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.underWay[seq] != nil {
		<-u.places
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: fmt.Errorf("stimulus %d is under way already", seq)}
	}
	u.underWay[seq] = done
	return nil
}

// place waits for a place in the window, for the time-out at most.
func (u *chatSide) place() error {
	select {
	case u.places <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(u.timeout)
	defer timer.Stop()
	select {
	case u.places <- struct{}{}:
		return nil
	case <-timer.C:
		return &player.Error{Code: player.Unavailable, Op: saidEvent,
			Err: fmt.Errorf("module log has answered nothing for %v", u.timeout)}
	}
}

// take ends a stimulus's being under way; nil if it was not.
func (u *chatSide) take(seq uint64) player.Done {
	u.mu.Lock()
	defer u.mu.Unlock()
	done := u.underWay[seq]
	delete(u.underWay, seq)
	return done
}

// done takes the outcomes of one commit. A place is given back after its done has
// been called, so that whoever holds all places knows that all are done.
func (u *chatSide) done(msg *nats.Msg) {
	var outcomes []outcome
	if err := json.Unmarshal(msg.Data, &outcomes); err != nil {
		u.blame(fmt.Errorf("outcomes: %w", err))
		return
	}
	for _, o := range outcomes {
		done := u.take(o.Seq)
		if done == nil && u.wasGivenUp(o.Seq) {
			continue
		}
		if done == nil {
			u.blame(fmt.Errorf("an outcome for stimulus %d, which is not under way", o.Seq))
			continue
		}
		done(o.Seq, o.err())
		<-u.places
	}
}

// settle asks log to commit what waits, and takes every place in the window: then
// nothing is under way. What has no outcome within the time-out has failed.
func (u *chatSide) settle() error {
	if err := u.conn.Publish(settled, nil); err != nil {
		return &player.Error{Code: player.Unavailable, Op: "settle", Err: err}
	}
	var err error
	taken := 0
	for taken < cap(u.places) && err == nil {
		if err = u.place(); err == nil {
			taken++
		}
	}
	if err != nil {
		u.abandon(err)
	}
	for range taken {
		<-u.places
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return errors.Join(err, u.blamed)
}

// abandon fails whatever is under way.
func (u *chatSide) abandon(err error) {
	u.mu.Lock()
	lost := u.underWay
	u.underWay = make(map[uint64]player.Done, cap(u.places))
	u.mu.Unlock()
	for seq, done := range lost {
		u.giveUp(seq)
		done(seq, err)
		<-u.places
	}
}

// mostGivenUp bounds how many late outcomes are known for what they are.
const mostGivenUp = 1 << 16

func (u *chatSide) giveUp(seq uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.given) < mostGivenUp {
		u.given[seq] = struct{}{}
	}
}

// wasGivenUp tells whether an outcome only comes too late; it does once.
func (u *chatSide) wasGivenUp(seq uint64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, late := u.given[seq]
	delete(u.given, seq)
	return late
}

func (o outcome) err() error {
	if o.Code == "" {
		return nil
	}
	return &player.Error{Code: o.Code, Op: saidEvent, Err: errors.New(o.Text)}
}

func (u *chatSide) blame(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.blamed == nil {
		u.blamed = err
	}
}
