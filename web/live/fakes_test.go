package live

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"rubato/player"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const hostile = `<script>alert("&")</script>`

// fakeInspected is a player with the insides that a test gives it.
type fakeInspected struct {
	concepts []player.ConceptInfo
	rules    []player.RuleInfo
	flows    []player.Flow

	mu        sync.Mutex
	listeners []*fakeListener
}

func (s *fakeInspected) Concepts() []player.ConceptInfo { return s.concepts }
func (s *fakeInspected) Rules() []player.RuleInfo       { return s.rules }
func (s *fakeInspected) Flows(n int) []player.Flow      { return s.flows[:min(n, len(s.flows))] }
func (s *fakeInspected) Lost() player.Loss {
	return player.Loss{Flows: 1, Rows: 2, Events: 3, Rejected: map[string]uint64{"log": 4}}
}

func (s *fakeInspected) Flow(token uint64) (player.Flow, bool) {
	for _, f := range s.flows {
		if f.Token == token {
			return f, true
		}
	}
	return player.Flow{}, false
}

func (s *fakeInspected) Listen(o player.ListenOptions) player.Listener {
	e := &fakeListener{options: o, events: make(chan player.Heard, 1000), closed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, e)
	return e
}

// listening waits for the n-th listener.
func (s *fakeInspected) listening(t *testing.T, n int) *fakeListener {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		if len(s.listeners) >= n {
			defer s.mu.Unlock()
			return s.listeners[n-1]
		}
		s.mu.Unlock()
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("listener %d did not come", n)
		}
	}
}

// fakeListener is a listener that hears what a test says.
type fakeListener struct {
	options player.ListenOptions
	events  chan player.Heard
	closed  chan struct{}
}

func (e *fakeListener) Close() { close(e.closed) }

func (e *fakeListener) Next(ctx context.Context) (player.Heard, error) {
	select {
	case h, ok := <-e.events:
		if !ok {
			return h, player.ErrClosed
		}
		return h, nil
	case <-ctx.Done():
		return player.Heard{}, ctx.Err()
	}
}

func (e *fakeListener) ended(t *testing.T) {
	t.Helper()
	select {
	case <-e.closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the listener was not closed")
	}
}

// fakeTrace is a stored trace.
type fakeTrace struct {
	TraceReader // what is not asked over HTTP
	flow        player.Flow
	err         error
	since       time.Time // of the last question
}

func (s *fakeTrace) Flow(token uint64) (player.Flow, bool, error) {
	return s.flow, s.err == nil && token == s.flow.Token, s.err
}

func (s *fakeTrace) Why(passage int64, _ int) ([]player.Flow, error) {
	if s.err != nil || passage != 7 {
		return nil, s.err
	}
	return []player.Flow{s.flow}, nil
}

func (s *fakeTrace) Caused(rule string, from, _ time.Time, limit int) ([]player.TraceRow, error) {
	s.since = from
	if s.err != nil || rule != "LogMessageWhenSaid" {
		return nil, s.err
	}
	return s.flow.Rows[:min(limit, len(s.flow.Rows))], nil
}

var errGone = errors.New("the disk is gone")

// example has one of everything.
func example() *fakeInspected {
	said := player.DoorInfo{URI: "ui::Chat::said", In: []string{"user text", "text text"}}
	return &fakeInspected{
		concepts: []player.ConceptInfo{
			{Module: "ui", Name: "Chat", Events: []player.DoorInfo{said}},
			{Module: "log", Name: "Messages", Actions: []player.DoorInfo{{URI: "log::Messages::append"}}},
			{Module: "ap", Name: "Queue"}, {Module: "pd", Name: "Queue"},
		},
		rules: []player.RuleInfo{{
			Name: "LogMessageWhenSaid", Module: "log", When: []string{said.URI}, Then: []string{"log::Messages::append"},
			Metrics: player.RuleMetrics{Activations: 1247, Rejections: 3, Failures: 1, Mean: 23.5, P95: 42, P99: 60, Max: 87},
		}, {Name: "Idle", Module: "ap"}},
		flows: []player.Flow{{Token: 9, Rows: []player.TraceRow{
			{Flow: 9, ID: 1, Rule: "LogMessageWhenSaid", Trigger: said.URI, Action: "log::Messages::append",
				Start: noon, Took: 40 * time.Microsecond, In: `user="ada" text="` + hostile + `"`},
			{Flow: 9, ID: 2, Cause: 1, Rule: "CountUserWhenSaid", Trigger: "log::Messages::append", Action: "log::Users::count",
				Start: noon.Add(50 * time.Microsecond), Took: 10 * time.Microsecond, In: `user="ada"`, Err: "users: count: unavailable"},
		}}, {Token: 8, Rows: []player.TraceRow{{Flow: 8, ID: 0, Action: "ap::Queue::playDown", Start: noon}}}},
	}
}
