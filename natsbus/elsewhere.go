package natsbus

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// Members elsewhere. On a user's server, workers and generators are processes that others have
// started, on machines that share nothing with the player's. Each draws an id when it joins,
// says so to who asks all of them, and answers questions on a subject of its own. What the
// questions mean is the business of those who ask.

const (
	// membersSubject asks all members; membersSubject.ID one of them.
	membersSubject = subjectPrefix + "members"
	// generatorDone, with the id of a generator, is where the outcomes of its messages go.
	generatorDone = subjectPrefix + "done.generator."
)

func newID() string { return rand.Text()[:10] }

// answerAs has a member answer. On a server of rubato's own nobody asks: the starter of a worker
// sees it join, and reads its file.
func answerAs(m player.Member, as player.Elsewhere, answer func(player.Member, []byte) []byte, conn *nats.Conn, apart space) error {
	var facts []string
	for _, f := range m.Describe() {
		facts = append(facts, f.Name+" "+f.Value)
	}
	as.Facts = strings.Join(facts, ", ")
	told, err := json.Marshal(as)
	if err != nil {
		return err
	}
	_, err = conn.Subscribe(apart.of(membersSubject), func(q *nats.Msg) { _ = q.Respond(told) })
	if answer != nil && err == nil {
		_, err = conn.Subscribe(apart.of(membersSubject)+"."+as.ID, func(q *nats.Msg) { _ = q.Respond(answer(m, q.Data)) })
	}
	return errors.Join(err, conn.Flush())
}

// Members asks the members on a user's server what they are. They are in the order of their ids.
func (n *network) Members(wait time.Duration) (found []player.Elsewhere, err error) {
	conn, err := n.asker()
	if err != nil {
		return nil, err
	}
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answers.Unsubscribe() }() // fails only without a connection
	err = conn.PublishRequest(n.space.of(membersSubject), inbox, nil)
	for end := time.Now().Add(wait); err == nil; {
		var m *nats.Msg
		if m, err = answers.NextMsg(time.Until(end)); err == nil && m.Header.Get("Status") == "" { // no responders: nobody
			var e player.Elsewhere
			if e, err = readMember(m.Data); err == nil {
				found = append(found, e)
			}
		}
	}
	if !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, nats.ErrNoResponders) {
		return nil, err
	}
	slices.SortFunc(found, func(a, b player.Elsewhere) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(found); i++ {
		if found[i].ID == found[i-1].ID {
			return nil, fmt.Errorf("two members have the id %s: end one of them and start it again, then it draws another", found[i].ID)
		}
	}
	return found, nil
}

// mostFacts bounds what a member says of itself, in bytes.
const mostFacts = 4 << 10

func readMember(data []byte) (e player.Elsewhere, err error) {
	if len(data) > mostFacts {
		err = fmt.Errorf("%d bytes, want %d at most", len(data), mostFacts)
	} else if err = json.Unmarshal(data, &e); err == nil && !spaceName.MatchString(e.ID) {
		err = fmt.Errorf("%.40q is no id", e.ID)
	}
	if err != nil {
		err = fmt.Errorf("a member says what it is in a way that cannot be read: %w; is it of another version of rubato?", err)
	}
	return e, err
}

// Ask puts a question to one member.
func (n *network) Ask(id string, question []byte, wait time.Duration) ([]byte, error) {
	conn, err := n.asker()
	if err != nil {
		return nil, err
	}
	m, err := conn.Request(n.space.of(membersSubject)+"."+id, question, wait)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		err = errors.New("it has left, or its connection is lost")
	case errors.Is(err, nats.ErrTimeout):
		err = fmt.Errorf("it has not answered within %v", wait)
	case err == nil && len(m.Data) > maxPayload:
		err = fmt.Errorf("it has answered with %d bytes, want %d at most", len(m.Data), maxPayload)
	}
	if err != nil {
		return nil, unavailable("ask member "+id, err)
	}
	return m.Data, nil
}

// asker is the connection for questions. It ends with the network.
func (n *network) asker() (*nats.Conn, error) {
	n.asking.Lock()
	defer n.asking.Unlock()
	if n.asks == nil {
		conn, err := n.connect("run", remoteWait, false)
		if err != nil {
			return nil, err
		}
		n.asks = conn
	}
	return n.asks, nil
}

// generator is a member that says messages, as module ui of the player would.
type generator struct {
	id     string
	remote *network
	config player.Config
	lost   chan struct{}
}

func joinSending(to player.Invitation, config player.Config) (player.Member, error) {
	if to.URL != "" {
		return nil, &player.Error{Code: player.Invalid, Op: "join the player", Err: errors.New("only a player on a server of yours can have generators")}
	}
	n, err := joinPlayer()
	if err != nil {
		return nil, err
	}
	g := &generator{id: newID(), remote: n, config: config.Defaults(), lost: make(chan struct{})}
	conn, err := n.connect("generator", g.config.Timeout, false)
	if err == nil {
		conn.SetClosedHandler(func(*nats.Conn) { close(g.lost) })
		err = answerAs(g, player.Elsewhere{ID: g.id, Sends: true}, config.Answer, conn, n.space)
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return g, nil
}

// Sender has a connection of its own, as module ui has, and the outcomes of its messages come to
// it alone.
func (g *generator) Sender(window int) (player.Sender, error) {
	config := g.config
	config.Window = window
	c, err := newCodec(config.Placement, window)
	if err != nil {
		return nil, err
	}
	conn, err := g.remote.connect("ui", config.Timeout, false)
	if err != nil {
		return nil, err
	}
	s, err := newSender(conn, config, g.remote.space, c, all(orchestrated.ChatConcept().Events[0].Fields))
	if err == nil {
		s.out.Reply = g.remote.space.of(generatorDone) + g.id
		_, err = conn.Subscribe(s.out.Reply, s.receive)
	}
	if err = errors.Join(err, conn.Flush()); err != nil {
		conn.Close()
		return nil, err
	}
	return apartSender{s}, nil
}

// apartSender is a sender without the rest of module ui.
type apartSender struct{ *sender }

func (s apartSender) Post(said player.Stimulus, done player.Done) error { return s.post(said, done) }
func (s apartSender) Settle() error                                     { return s.settle() }

// Close fails what is pending.
func (s apartSender) Close() error {
	s.conn.Close()
	return nil
}

// Describe lists the facts of the connection.
func (g *generator) Describe() []player.Fact {
	return []player.Fact{{Name: "generator of", Value: saidEvent}, {Name: "server", Value: g.remote.carrier.(*remote).address()}}
}

// Lost is closed when the connection is.
func (g *generator) Lost() <-chan struct{} { return g.lost }

// Close leaves. What is under way fails.
func (g *generator) Close() error { return g.remote.Close() }
