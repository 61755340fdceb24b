package web

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rubato/player"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hostile = `<script>alert("&")</script>`

// fakePlayer is a player in memory that behaves like the real one: it knows the passages 1
// to 999, refuses with codes, informs its audience, and notices two calls at once.
type fakePlayer struct {
	audience player.Audience
	token    string
	hold     chan struct{} // not nil: each stimulus waits for one from here
	fails    error         // what every call answers, if set

	inside atomic.Int32
	twice  atomic.Bool // two asked at once

	mu     sync.Mutex // of what tests read meanwhile
	took   []player.Stimulus
	asked  []uint64
	status player.Status
	queue  []player.Entry
}

func (p *fakePlayer) enter() func() {
	if p.inside.Add(1) > 1 {
		p.twice.Store(true)
	}
	return func() { p.inside.Add(-1) }
}

func (p *fakePlayer) Do(s player.Stimulus) error {
	defer p.enter()()
	p.mu.Lock()
	p.took = append(p.took, s)
	p.mu.Unlock()
	if p.hold != nil {
		<-p.hold
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.do(s)
}

func (p *fakePlayer) do(s player.Stimulus) error {
	refuse := func(code player.Code) error { return &player.Error{Code: code, Op: "fake"} }
	known := s.Passage > 0 && s.Passage < 1000
	switch {
	case p.fails != nil:
		return p.fails
	case s.Kind == player.Control && p.token != "" && s.Token != p.token:
		return refuse(player.Unauthorised)
	case s.Kind == player.Control && s.Command == player.Skip && p.status.Passage == 0:
		return refuse(player.NotFound)
	case s.Kind == player.Control && s.Command == player.Skip:
		return refuse(player.TooSoon)
	case s.Kind == player.Control:
		p.status.State = player.State(s.Command + "ing")
	case s.Kind == player.VolumeSet && (s.Volume < 0 || s.Volume > player.MaxVolume):
		return refuse(player.Invalid)
	case s.Kind == player.VolumeSet:
		p.status.Volume = s.Volume
	case (s.Kind == player.Wanted || s.Kind == player.FlavorWanted) && !known:
		return refuse(player.NotFound)
	case s.Kind == player.Wanted && len(p.queue) >= player.QueueLimit:
		return refuse(player.QueueFull)
	case s.Kind == player.Wanted:
		p.queue = append(p.queue, player.Entry{Passage: s.Passage, Length: 3 * player.Minute})
	}
	if p.audience != nil {
		p.audience.Hear(player.Announcement{Kind: "took", Number: int64(s.Kind)})
	}
	return nil
}

func (p *fakePlayer) Post(s player.Stimulus, done player.Done) error {
	done(s.Seq, p.Do(s))
	return nil
}

func (p *fakePlayer) Settle() error { defer p.enter()(); return p.fails }
func (p *fakePlayer) Close() error  { return nil }

func (p *fakePlayer) Observe() (player.Observation, error) {
	defer p.enter()()
	return player.Observation{Queue: p.queue}, p.fails
}

func (p *fakePlayer) Status(seq uint64) (player.Status, error) {
	defer p.enter()()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, seq)
	return p.status, p.fails
}

func (p *fakePlayer) Waiting(seq uint64) ([]player.Entry, error) {
	defer p.enter()()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, seq)
	return append([]player.Entry(nil), p.queue...), p.fails
}

// taken is what it took so far.
func (p *fakePlayer) taken() []player.Stimulus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]player.Stimulus(nil), p.took...)
}

func (p *fakePlayer) alone(t *testing.T) {
	t.Helper()
	if p.twice.Load() {
		t.Error("two asked the player at once")
	}
}

var errBroken = errors.New("broken by the test")

// fixture is the API over a fake player, on a real socket, with a client.
type fixture struct {
	*fakePlayer
	shared *SharedPlayer
	hub    *Hub
	url    string
	client *Client
}

func startAPI(t *testing.T, p *fakePlayer, hub HubConfig, clock func() player.Ticks, token string) *fixture {
	t.Helper()
	s := &fixture{fakePlayer: p, hub: NewHub(hub)}
	p.audience = s.hub
	s.shared = NewSharedPlayer(p, clock)
	served, err := Serve(s.shared, s.hub, token)
	if err != nil {
		t.Fatal(err)
	}
	s.url = served.URL
	s.client = NewClient(s.url, p.token)
	t.Cleanup(func() {
		s.client.Close()
		if err := served.Close(); err != nil {
			t.Error(err)
		}
		p.alone(t)
	})
	return s
}

// listens opens a stream that ends with the test.
func (s *fixture) listens(t *testing.T) *Events {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	e, err := s.client.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// next is the next event, which must come.
func next(t *testing.T, e *Events) Event {
	t.Helper()
	event, err := e.Next()
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// until reads on to a line with this start.
func until(t *testing.T, lines *bufio.Scanner, start string) string {
	t.Helper()
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), start) {
			return lines.Text()
		}
	}
	t.Fatalf("the stream ended before %q: %v", start, lines.Err())
	return ""
}

func served(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
