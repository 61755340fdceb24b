package natsbus

import (
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rubato/player"
)

const (
	soon  = 20 * time.Millisecond // for waits that have to time out
	never = time.Minute           // for waits that must not
)

func said(seq uint64) player.Stimulus {
	return player.Stimulus{Kind: player.MessageSaid, Seq: seq, Message: player.Message{Username: "ada", Text: "hello"}}
}

// TestOutcomes: whatever module log answers, each message is reported once, and an
// answer that belongs to no message makes Settle fail.
func TestOutcomes(t *testing.T) {
	const ok, late = player.Code(""), player.Unavailable
	for name, c := range map[string]struct {
		held    bool     // module log handles message 1 only after the raw outcomes
		abandon bool     // and after Settle has given up on it
		user    string   // of message 1
		raw     []string // sent to module ui as outcomes
		want    player.Code
		settle  string // in the error of the last Settle
	}{
		"in time":             {user: "ada", want: ok},
		"refused":             {want: player.Invalid},
		"held":                {user: "ada", held: true, want: ok},
		"late":                {user: "ada", held: true, abandon: true, want: late},
		"late and refused":    {held: true, abandon: true, want: late},
		"late twice":          {user: "ada", held: true, abandon: true, raw: []string{`[{"seq":1}]`}, want: late, settle: "stimulus 1, which is not pending"},
		"twice":               {user: "ada", held: true, raw: []string{`[{"seq":1}]`}, want: ok, settle: "stimulus 1, which is not pending"},
		"failed, then twice":  {user: "ada", held: true, raw: []string{`[{"seq":1,"code":"not found","text":"x"}]`}, want: "not found", settle: "not pending"},
		"again":               {user: "ada", raw: []string{`[{"seq":1,"again":true}]`}, want: ok},
		"again, then first":   {user: "ada", held: true, raw: []string{`[{"seq":1,"again":true}]`}, want: ok},
		"again, then twice":   {user: "ada", held: true, raw: []string{`[{"seq":1,"again":true},{"seq":1}]`}, want: ok, settle: "stimulus 1, which is not pending"},
		"none":                {user: "ada", raw: []string{`[]`}, want: ok},
		"of no message":       {user: "ada", raw: []string{`[{"seq":99}]`, `[{"seq":98}]`}, want: ok, settle: "stimulus 99, which is not pending"},
		"unreadable":          {user: "ada", raw: []string{`nonsense`}, want: ok, settle: "outcomes: decode: jsontext: invalid character"},
		"unreadable sequence": {user: "ada", raw: []string{`[{"seq":-1}]`}, want: ok, settle: "outcomes: decode seq: "},
		"unreadable and late": {user: "ada", held: true, abandon: true, raw: []string{``}, want: late, settle: "outcomes: decode: EOF"},
	} {
		for _, transport := range []string{"pipe", "tcp"} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				w, _ := open(t, player.Config{Timeout: never, Placement: player.Placement{Transport: transport}})
				if c.held {
					w.receiver.mu.Lock()
				}
				reported := map[uint64][]player.Code{} // by one goroutine at a time: Settle orders them
				done := func(seq uint64, err error) { reported[seq] = append(reported[seq], player.CodeOf(err)) }
				first := said(1)
				first.Message.Username = c.user
				if err := w.Post(first, done); err != nil {
					t.Fatal(err)
				}
				if c.abandon {
					w.sender.timeout = soon
					if err := w.Settle(); player.CodeOf(err) != player.Unavailable {
						t.Errorf("settle without an outcome: %v", err)
					}
					w.sender.timeout = never
				}
				for _, raw := range c.raw {
					if err := w.log.conn.Load().Publish(doneSubject, []byte(raw)); err != nil {
						t.Fatal(err)
					}
				}
				if c.held {
					w.receiver.mu.Unlock()
				}
				if err := w.Post(said(2), done); err != nil { // its outcome comes after all others
					t.Fatal(err)
				}
				if err := w.Settle(); c.settle == "" && err != nil || c.settle != "" && (err == nil || !strings.Contains(err.Error(), c.settle)) {
					t.Errorf("settle: %v, want %q", err, c.settle)
				}
				want := map[uint64][]player.Code{1: {c.want}, 2: {""}}
				if !maps.EqualFunc(reported, want, func(a, b []player.Code) bool { return len(a) == 1 && a[0] == b[0] }) {
					t.Errorf("reported %v, want %v", reported, want)
				}
			})
		}
	}
}

// TestDoTimesOut: Do gives up on a message without an outcome, and the next Do ignores
// the late one.
func TestDoTimesOut(t *testing.T) {
	for _, batch := range []int{1, 10} {
		w, store := open(t, player.Config{Batch: batch})
		w.sender.timeout = soon
		w.receiver.mu.Lock()
		if err := w.Do(said(1)); player.CodeOf(err) != player.Unavailable {
			t.Errorf("batch %d: no outcome: %v", batch, err)
		}
		w.sender.timeout = never
		w.receiver.mu.Unlock()
		if err := w.Do(said(2)); err != nil {
			t.Errorf("batch %d: after a late outcome: %v", batch, err)
		}
		if n := store.messages.Load(); n != 2 {
			t.Errorf("batch %d: %d messages stored, want 2", batch, n)
		}
	}
}

// TestWindow: a message that is pending is not taken again, a full window refuses the
// next one, and a refused message holds no place in it.
func TestWindow(t *testing.T) {
	w, _ := open(t, player.Config{Window: 2})
	w.sender.timeout = soon
	w.receiver.mu.Lock()
	done := func(uint64, error) {}
	for i, c := range []struct {
		seq  uint64
		want player.Code
	}{{1, ""}, {1, player.Invalid}, {2, ""}, {3, player.Unavailable}} {
		if err := w.Post(said(c.seq), done); player.CodeOf(err) != c.want {
			t.Errorf("post %d: %v, want code %q", i, err, c.want)
		}
	}
	w.sender.timeout = never
	w.receiver.mu.Unlock()
	if err := w.Settle(); err != nil {
		t.Error(err)
	}
}

// TestNoConnection: without a connection nothing is accepted and nothing stays pending. The
// client tells of the end of its connection by and by: a message that is posted meanwhile may
// be reported instead of refused.
func TestNoConnection(t *testing.T) {
	w, _ := open(t, player.Config{Window: 1})
	w.ui.conn.Load().Close()
	for range 2 {
		reported := make(chan error, 2)
		if err := w.Post(said(1), func(_ uint64, err error) { reported <- err }); err != nil {
			reported <- err
		}
		if err := <-reported; player.CodeOf(err) != player.Unavailable || len(reported) > 0 {
			t.Errorf("post: %v, and %d more", err, len(reported))
		}
	}
	if err := w.Do(said(2)); player.CodeOf(err) != player.Unavailable {
		t.Errorf("do: %v", err)
	}
	if err := w.Settle(); player.CodeOf(err) != player.Unavailable {
		t.Errorf("settle: %v", err)
	}
}

// TestUnreadableMessage: module log refuses what it cannot decode, counts it and says so.
func TestUnreadableMessage(t *testing.T) {
	w, store := open(t, player.Config{Timeout: never})
	for i, body := range []string{`{`, `{"user":"ada"}`, `{"user":1,"text":"x","at":0}`} {
		var got error
		seq := uint64(i + 1)
		if err := w.sender.reserve(seq, func(_ uint64, err error) { got = err }); err != nil {
			t.Fatal(err)
		}
		if err := w.sender.conn.PublishMsg(message(saidSubject, seq, 0, 0, []byte(body))); err != nil {
			t.Fatal(err)
		}
		if err := w.Settle(); err != nil || player.CodeOf(got) != player.Invalid {
			t.Errorf("%s: %v, settle: %v", body, got, err)
		}
	}
	if n, rejected := store.messages.Load(), w.Lost().Rejected["log"]; n != 0 || rejected != 3 {
		t.Errorf("%d messages stored, %d rejected", n, rejected)
	}
}

// A commit may have more outcomes than fit into a message of the server's limit.
func TestManyOutcomes(t *testing.T) {
	t.Parallel()
	const messages = 10_000
	w, store := open(t, player.Config{Batch: messages, Window: messages, Timeout: time.Minute})
	var done atomic.Int64
	for i := range uint64(messages) {
		s := player.Stimulus{Kind: player.MessageSaid, Seq: i + 1, Message: player.Message{Username: "ada", Text: "hello"}}
		if err := w.Post(s, func(_ uint64, err error) {
			if err == nil {
				done.Add(1)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Settle(); err != nil || done.Load() != messages || store.messages.Load() != messages {
		t.Errorf("%d of %d reported done, %d stored, %v", done.Load(), messages, store.messages.Load(), err)
	}
}

// angry is a store whose errors take six times their length when they are written as JSON.
type angry struct{ memory }

var anger = strings.Repeat("<", 2*longestText)

func (s *angry) Log() player.LogStore { return s }
func (s *angry) Commit() error        { return errors.New(anger) }

// TestLongOutcomes: outcomes are sent in as many messages as it takes, whatever their texts.
func TestLongOutcomes(t *testing.T) {
	t.Parallel()
	p, err := Open(player.Config{Store: &angry{}, Batch: 2 * mostOutcomes, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	told := 0
	for seq := range uint64(2 * mostOutcomes) {
		if err := p.Post(said(seq+1), func(_ uint64, err error) {
			if err != nil && strings.Contains(err.Error(), anger[:longestText/2]) {
				told++
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Settle(); err != nil || told != 2*mostOutcomes {
		t.Errorf("%d of %d heard why, %v", told, 2*mostOutcomes, err)
	}
}
