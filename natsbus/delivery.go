package natsbus

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rubato/player"
)

// How a message is delivered. With core NATS the server passes it on and forgets it: what is
// said while module log is away is lost. With JetStream the server keeps it in a stream
// until module log acknowledges that it is durable, and says so to module ui.
//
// The server delivers a message again when it misses the acknowledgement, so module log
// remembers what it has applied: see receipts.go.
const (
	deliveryCore   = "core"
	deliveryMemory = "jetstream-memory"
	deliveryFile   = "jetstream-file"
)

const (
	streamName     = "rubato-chat"         // on a user's server the player's space follows
	consumerPrefix = "log-"                // a number follows
	deliverPrefix  = "rubato.deliver.log." // the server sends the stream's messages here, a number follows
	apiPrefix      = "$JS.API."

	redeliverWait = 30 * time.Second // without an acknowledgement
	// In a cluster a node can die with what it was sending, while module log's own connection, to
	// another node, goes on.
	redeliverSoon = 5 * time.Second
	// Of several processes one can die while the consumer that they share goes on. What is late for
	// another reason is sent again, too, and found in the receipts.
	redeliverShared = time.Second

	// Limits of the stream. It holds only what is not acknowledged, and refuses what is over
	// them rather than dropping what it has accepted. What is older than its age is dropped.
	streamMessages = 1 << 16
	streamBytes    = 64 << 20
	streamAge      = time.Hour
	// serverBytes are reserved for streams in memory, and on disk.
	serverBytes = 2 * streamBytes
)

// streamRights change rights for JetStream. Module log makes and empties the stream and
// acknowledges; it hears messages only through the stream. Module ui needs nothing more: the
// server's acknowledgement comes to its inbox.
func streamRights(module string, r rights) rights {
	if module == "log" {
		r.publish = append(r.publish, "$JS.ACK."+streamName+".>", apiPrefix+"STREAM.CREATE."+streamName, apiPrefix+"STREAM.DELETE."+streamName, apiPrefix+"STREAM.INFO."+streamName,
			apiPrefix+"CONSUMER.NAMES."+streamName, apiPrefix+"CONSUMER.CREATE."+streamName+".*", apiPrefix+"CONSUMER.DELETE."+streamName+".*")
		r.subscribe[slices.Index(r.subscribe, chatSubjects)] = deliverPrefix + "*"
	}
	return r
}

// stream is module log's hold of the stream.
type stream struct {
	config    jetstream.StreamConfig
	consumer  jetstream.ConsumerConfig
	timeout   time.Duration
	wait      time.Duration    // for what concerns the stream itself
	deliverTo string           // a number follows
	process   string           // sets the consumers of module log in a process of its own apart; empty: the player's process
	shared    bool             // several such processes share one consumer
	joins     int              // of module log, and of its connection when it comes back
	life      uint64           // how often the connection had come back when its consumer was made
	kept      jetstream.Stream // nil: not made yet
	js        jetstream.JetStream
}

// newStream is nil for core.
func newStream(config player.Config, apart space) *stream {
	s := &stream{timeout: config.Timeout, wait: config.Timeout, deliverTo: apart.of(deliverPrefix)}
	storage := jetstream.MemoryStorage
	switch config.Placement.Delivery {
	case deliveryCore:
		return nil
	case deliveryFile:
		storage = jetstream.FileStorage
	}
	again := redeliverWait
	if config.Placement.Replicas > 1 {
		s.wait = max(s.wait, startWait) // for a vote, which is no answer of a module's
		again = redeliverSoon
	}
	repeats := max(2*config.Timeout, time.Second) // longer than anybody waits before trying again
	s.config = jetstream.StreamConfig{Name: streamOf(apart), Subjects: []string{apart.of(chatSubjects)}, Storage: storage, Replicas: config.Placement.Replicas,
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, Duplicates: repeats,
		MaxMsgs: max(streamMessages, 2*int64(config.Window)), MaxBytes: streamBytes, MaxAge: max(streamAge, repeats)}
	s.consumer = jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: again, MaxAckPending: max(2*config.Batch, cmp.Or(config.Placement.Pending, unacknowledged(config.Window)))}
	return s
}

// streamOf is the name of a player's stream.
func streamOf(apart space) string {
	if apart == "" {
		return streamName
	}
	return streamName + "-" + string(apart)
}

// unacknowledged is how many messages the server sends before it waits for an
// acknowledgement: more than a batch, which is at most a window.
func unacknowledged(window int) int { return 2 * window }

// listen subscribes on this connection and has the server deliver there, in order. It begins
// with the oldest message that is not acknowledged, so a module that joins again misses none.
// wait is for each answer of the server.
// Each time has a consumer and a subject of its own: the server may still be about to send
// what is new to the last one, ahead of what is older, and to remove its files.
func (s *stream) listen(conn *nats.Conn, receive nats.MsgHandler, wait time.Duration) (subscription *nats.Subscription, err error) {
	s.life = conn.Stats().Reconnects
	s.joins++
	name := s.process + strconv.Itoa(s.joins)
	if s.shared {
		name, s.consumer.DeliverGroup, s.consumer.AckWait = workers, workers, redeliverShared
	}
	s.consumer.Durable, s.consumer.DeliverSubject = consumerPrefix+name, s.deliverTo+name
	if subscription, err = conn.QueueSubscribe(s.consumer.DeliverSubject, s.consumer.DeliverGroup, receive); err == nil {
		err = conn.Flush()
	}
	if err == nil {
		err = explain(conn, s.deliver(conn, wait))
	}
	return subscription, err
}

// deliver makes the consumer instead of those before, and the stream if it is not there. A server
// that died may have forgotten that it had removed a consumer, so it is asked which it has.
func (s *stream) deliver(conn *nats.Conn, wait time.Duration) (err error) {
	if s.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(wait)); err != nil {
		return err
	}
	ctx := context.Background()
	if s.joins == 1 { // to open a player is no answer of a module: a busy disk may take longer
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(wait, startWait))
		defer cancel()
	}
	if s.kept == nil && s.process == "" {
		err = s.make(ctx)
	} else if kept, failed := s.js.CreateStream(ctx, s.config); failed == nil {
		s.kept = kept // as it was: make would empty it
	} else {
		err = failed
	}
	if err != nil {
		return err
	}
	if s.shared {
		_, err = s.js.CreateOrUpdatePushConsumer(ctx, s.config.Name, s.consumer)
		return err
	}
	before := s.kept.ConsumerNames(ctx)
	for name := range before.Name() {
		if failed := s.js.DeleteConsumer(ctx, s.config.Name, name); !errors.Is(failed, jetstream.ErrConsumerNotFound) {
			err = errors.Join(err, failed)
		}
	}
	if err = errors.Join(err, before.Err()); err == nil {
		_, err = s.js.CreatePushConsumer(ctx, s.config.Name, s.consumer)
	}
	return err
}

// stale reports whether a message is for an earlier consumer, or for one whose connection was
// lost, perhaps with the message before. The next consumer has it, too, in its place.
func (s *stream) stale(conn *nats.Conn, msg *nats.Msg) bool {
	return conn.Stats().Reconnects != s.life || !strings.Contains(msg.Reply, "."+s.consumer.Durable+".")
}

// back goes on with a server that took another's place, or after a lost connection. What was on
// its way is lost, and its consumer would send it again only after redeliverWait: the next one
// begins with it. Streams in memory ended with the other server. It tries until the time-out: the
// server listens before its streams are there.
func (s *stream) back(conn *nats.Conn, receive nats.MsgHandler) *nats.Subscription {
	for end := time.Now().Add(s.wait); !conn.IsClosed() && time.Now().Before(end); <-time.After(reconnectEvery) {
		subscription, err := s.listen(conn, receive, s.timeout) // who asked before a vote gets no answer
		if err == nil {
			return subscription
		}
		if subscription != nil {
			_ = subscription.Unsubscribe() // fails only without a connection
		}
	}
	return nil
}

// make makes the stream anew: a player that did not end well may have left its own on a
// server that goes on.
func (s *stream) make(ctx context.Context) error {
	err := s.js.DeleteStream(ctx, s.config.Name)
	if err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
		s.kept, err = s.js.CreateStream(ctx, s.config)
	}
	if err == nil && s.config.Replicas > 1 {
		err = s.complete()
	}
	return err
}

// remove removes the stream. Without a connection its age ends it.
func (s *stream) remove() {
	if s.kept != nil {
		_ = s.js.DeleteStream(context.Background(), s.config.Name)
	}
}

// explain says what to do about an error of JetStream.
func explain(conn *nats.Conn, err error) error {
	if err == nil {
		return nil
	}
	if last := conn.LastError(); errors.Is(last, nats.ErrPermissionViolation) {
		err = last // and the time-out followed from it
	}
	for _, off := range []error{nats.ErrNoResponders, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount} {
		if !errors.Is(err, off) {
			continue
		}
		err = fmt.Errorf("the NATS server has no JetStream: start it with -js, or use delivery=%s (%w)", deliveryCore, err)
	}
	return unavailable("nats: delivery", err)
}

// describe is the delivery in use, by the storage and the cluster that the server reports.
func (s *stream) describe() []player.Fact {
	if s == nil {
		return []player.Fact{{Name: "delivery", Value: deliveryCore, Own: true}}
	}
	if s.kept == nil {
		return nil // module log is elsewhere
	}
	info := s.kept.CachedInfo()
	has := 1
	if info.Cluster != nil {
		has += len(info.Cluster.Replicas)
	}
	if has != info.Config.Replicas {
		has = 0 // the server contradicts itself
	}
	return []player.Fact{{Name: "delivery", Value: "jetstream-" + strings.ToLower(info.Config.Storage.String()), Own: true},
		{Name: "replicas", Value: strconv.Itoa(has), Own: true}}
}

// publisher is module ui's way into the stream. The server acknowledges each message.
type publisher struct {
	js       jetstream.JetStream
	session  string // makes flow tokens unique on a server that goes on
	timeout  time.Duration
	underway chan jetstream.PubAckFuture
	closed   chan struct{}
	ended    chan struct{} // wait has returned
	failed   func(seq uint64, err error)
}

// newPublisher reports messages that the server did not take, or had already, to failed.
func newPublisher(conn *nats.Conn, config player.Config, session string, failed func(uint64, error)) (*publisher, error) {
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(config.Timeout),
		jetstream.WithPublishAsyncTimeout(config.Timeout), jetstream.WithPublishAsyncMaxPending(config.Window))
	p := &publisher{js: js, session: session, timeout: config.Timeout, failed: failed,
		underway: make(chan jetstream.PubAckFuture, config.Window), closed: make(chan struct{}), ended: make(chan struct{})}
	return p, err
}

// identify gives a message the id by which the server drops repeats.
func (p *publisher) identify(msg *nats.Msg) *nats.Msg {
	flow, _, _, _ := addressed(msg.Header)
	msg.Header[jetstream.MsgIDHeader] = []string{p.session + "." + strconv.FormatUint(flow, 10)}
	return msg
}

// sync returns when the server has the message.
func (p *publisher) sync(msg *nats.Msg) error {
	ack, err := p.js.PublishMsg(context.Background(), p.identify(msg))
	if err == nil && ack.Duplicate {
		err = repeated(msg)
	}
	return err
}

// async returns when the message is under way. At most a window of them are.
func (p *publisher) async(msg *nats.Msg) error {
	future, err := p.js.PublishMsgAsync(p.identify(msg), jetstream.WithStallWait(p.timeout))
	if err == nil {
		p.underway <- future
	}
	return err
}

// wait reads the acknowledgements of what is under way until the publisher is closed.
func (p *publisher) wait() {
	defer close(p.ended)
	for future := range p.underway {
		msg := future.Msg()
		seq, _, _, _ := addressed(msg.Header)
		select {
		case ack := <-future.Ok():
			if ack.Duplicate {
				p.failed(seq, repeated(msg))
			}
		case err := <-future.Err():
			p.failed(seq, unavailable(saidEvent, err))
		case <-p.closed:
			return
		}
	}
}

// close returns when wait has.
func (p *publisher) close() {
	close(p.closed)
	close(p.underway)
	<-p.ended
}

func repeated(msg *nats.Msg) error {
	seq, _, _, _ := addressed(msg.Header)
	return &player.Error{Code: player.Invalid, Op: saidEvent, Err: fmt.Errorf("stimulus %d was said before", seq)}
}

// keep has messages kept by the server, which acknowledges them.
func (s *sender) keep(config player.Config) error {
	p, err := newPublisher(s.conn, config, rand.Text(), s.fail)
	if err != nil {
		return err
	}
	s.stream, s.publish, s.publishAsync = p, p.sync, p.async
	go p.wait()
	return nil
}

// close ends what keep started. Nothing is sent any more.
func (s *sender) close() {
	if s.stream != nil {
		s.stream.close()
	}
}

// fail ends a pending message that the server did not acknowledge.
func (s *sender) fail(seq uint64, err error) {
	if done := s.giveUp(seq); done != nil {
		done(seq, err)
		<-s.window
	}
}

// giveUp removes a message that was not published. A stream may have it all the same, if
// only the acknowledgement was lost: then an outcome may come.
func (s *sender) giveUp(seq uint64) player.Done {
	s.mu.Lock()
	defer s.mu.Unlock()
	done, _ := s.remove(seq)
	if done != nil && s.stream != nil {
		s.forget(seq)
	}
	return done
}

// take is remove for an outcome. One that is sent again can overtake the first, which is then
// still to come on the connection that was lost. The caller holds the lock.
func (s *sender) take(o outcome) (t taken) {
	t.done, t.abandoned = s.remove(o.Seq)
	if t.done != nil && o.Again {
		s.forget(o.Seq)
	}
	return t
}

// forget makes the outcome of a message no error. The caller holds the lock.
func (s *sender) forget(seq uint64) {
	if len(s.abandoned) < maxAbandoned {
		s.abandoned[seq] = struct{}{}
	}
}
