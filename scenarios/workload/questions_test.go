package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite"
)

// echo is a sender that reports each message as done, or fails.
type echo struct {
	said   []player.Stimulus
	hold   chan struct{} // nil: it does not wait
	fails  error
	closed bool
}

func (e *echo) Post(s player.Stimulus, done player.Done) error {
	e.said = append(e.said, s)
	done(s.Seq, nil)
	return e.fails
}

func (e *echo) Settle() error {
	if e.hold != nil {
		<-e.hold
	}
	return nil
}

func (e *echo) Close() error {
	e.closed = true
	return nil
}

// speaking is a generator's member that opens these senders, one after the other.
type speaking struct {
	player.Member
	senders []*echo
	windows []int
}

func (s *speaking) Sender(window int) (player.Sender, error) {
	s.windows = append(s.windows, window)
	if len(s.windows) > len(s.senders) {
		return nil, errors.New("no connection")
	}
	return s.senders[len(s.windows)-1], nil
}

// TestSpeaker: a generator says what is ordered and nothing else, one order at a time, keeps its
// way as long as it is good, and answers "not yet" while it is not done.
func TestSpeaker(t *testing.T) {
	t.Parallel()
	first, failing, third := &echo{}, &echo{fails: errors.New("no outcome")}, &echo{hold: make(chan struct{})}
	m := &speaking{senders: []*echo{first, failing, third}}
	s := &Speaker{}
	say := func(do string, count, window int) string {
		q, err := json.Marshal(question{Do: do, Seed: 9, First: 5, Count: count, Window: window})
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Answer(m, q))
	}
	for range 2 {
		a, err := readAnswer[saidAnswer]([]byte(say(askSay, 30, 8)))
		if err != nil || !a.Done || a.check(30) != nil || a.check(29) == nil || a.check(31) == nil {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if len(first.said) != 60 || first.said[29] != Say(9, 34) || first.said[30] != Say(9, 5) {
		t.Errorf("said %d messages: %+v", len(first.said), first.said)
	}
	if got := say(askSay, 1, 9); !strings.Contains(got, "no outcome") || !first.closed || !failing.closed {
		t.Errorf("%s, closed %v %v", got, first.closed, failing.closed)
	}
	if got := say(askSay, 2, 9); got != `{"is":{"done":false}}` {
		t.Errorf("while it waits: %s", got)
	}
	if got := say(askSay, 2, 9); !strings.Contains(got, "it has an order already") {
		t.Errorf("a second order: %s", got)
	}
	close(third.hold)
	if got := say(askSaid, 0, 0); !strings.Contains(got, `"done":true`) {
		t.Errorf("at last: %s", got)
	}
	for _, q := range []string{askSaid, askStored, askRows, askQuickest} {
		if got := say(q, 0, 0); !strings.Contains(got, "it is a generator") {
			t.Errorf("%s: %s", q, got)
		}
	}
	if got := say(askSay, 2, 10); !strings.Contains(got, "no connection") || !third.closed {
		t.Errorf("no way: %s", got)
	}
	if fmt.Sprint(m.windows) != "[8 9 9 10]" {
		t.Errorf("ways were opened for windows %v", m.windows)
	}
}

func ledgerOf(t testing.TB, messages ...player.Message) Ledger {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, WorkerFile)
	err := sqlite.Make(path, sqlite.Library{Passages: 100, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, m := range messages {
		err = errors.Join(err, store.Log().AppendMessage(m), store.Log().CountUser(m.Username))
	}
	if err := errors.Join(err, store.Log().Commit()); err != nil {
		t.Fatal(err)
	}
	return Ledger{Store: store, Dir: dir, Sync: "normal"}
}

// toLedger has a run ask a ledger without a network. The longest answer is kept.
type toLedger struct {
	player.Inviting
	Ledger
	longest int
}

func (n *toLedger) Ask(_ string, question []byte, _ time.Duration) ([]byte, error) {
	a := n.Answer(nil, question)
	n.longest = max(n.longest, len(a))
	return a, nil
}

// TestPages: pages bring each row as it is stored, in order, however long, and none is larger than
// a message may be.
func TestPages(t *testing.T) {
	t.Parallel()
	var want []player.Message
	for i := range 3 * pageRows {
		text := strings.Repeat("x", 1+i%7)
		if i > pageRows {
			text = strings.Repeat("\xff", player.TextLimit-i%5)
		}
		want = append(want, player.Message{Username: strings.Repeat("é", 32), Text: text, At: player.Ticks(-i)})
	}
	n := &toLedger{Ledger: ledgerOf(t, want...)}
	l := ledger{elsewhere{player.Elsewhere{ID: "a"}, n}}
	for _, after := range []int{0, 7, len(want)} {
		at := after
		if err := l.MessagesAfter(int64(after), func(m player.Message) {
			if at >= len(want) || m != want[at] {
				t.Errorf("row %d is not as it is stored", at+1)
			}
			at++
		}); err != nil || at != len(want) {
			t.Errorf("after %d: up to %d, %v", after, at, err)
		}
	}
	if stored, err := l.Stored(); err != nil || stored.Messages != int64(len(want)) || stored.Said != int64(len(want)) {
		t.Errorf("%+v, %v", stored, err)
	}
	if n.longest > 64<<10 || n.longest < pageBytes {
		t.Errorf("the longest answer has %d bytes", n.longest)
	}
	long := &toLedger{Ledger: ledgerOf(t, player.Message{Username: "a", Text: strings.Repeat("x", pageBytes)})}
	if err := (ledger{elsewhere{network: long}}).MessagesAfter(0, func(player.Message) {}); err == nil || !strings.Contains(err.Error(), "row 1 is missing, or larger than a page") {
		t.Errorf("a row larger than a page: %v", err)
	}
	if a, err := ask[quickestAnswer](l.elsewhere, question{Do: askQuickest}); err != nil || a.Took <= 0 {
		t.Errorf("quickest: %+v, %v", a, err)
	}
}

// FuzzQuestion: whatever is asked, a worker and a generator answer something that can be read, and
// no page is larger than it may be.
func FuzzQuestion(f *testing.F) {
	for _, q := range []string{`{"do":"stored"}`, `{"do":"stored","after":1,"last":3}`, `{"do":"rows","after":0,"last":9}`, `{"do":"rows","last":-1}`,
		`{"do":"quickest"}`, `{"do":"say","seed":1,"first":2,"count":3,"window":4}`, `{"do":"say","count":1048577,"window":1}`, `{"do":"said"}`,
		`{"do":"rows","after":9223372036854775807,"last":9223372036854775807}`, `{"do":"say","first":9223372036854775807,"count":1,"window":1}`, `null`, `{}`, `[]`, `{"do":"say"} x`} {
		f.Add([]byte(q))
	}
	l := ledgerOf(f, Say(1, 0).Message, Say(1, 1).Message, player.Message{Username: "a", Text: "\xff"})
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := readQuestion(data)
		if err == nil && q.Do == askSay && q.Count > 1000 || q.Do == askQuickest {
			return // it would be done, and takes its time
		}
		s := &Speaker{}
		for who, a := range map[string][]byte{"worker": l.Answer(nil, data), "generator": s.Answer(&speaking{senders: []*echo{{}}}, data)} {
			var is answer[json.RawMessage]
			if readStrictly(a, &is) != nil || (is.Is == nil) == (is.Error == "") || err != nil && is.Error == "" || len(a) > 64<<10 {
				t.Errorf("%s: %s is answered with %s", who, data, a)
			}
		}
	})
}

// FuzzAnswer: whatever a member answers, it is refused or makes sense.
func FuzzAnswer(f *testing.F) {
	for _, a := range []string{`{"is":{"after":0,"rows":[{"user":"YQ==","text":"Yg==","at":1}]}}`, `{"is":{"messages":1,"counted":1,"digest":18446744073709551615}}`,
		`{"is":{"done":true,"trips":[[1,2],[3,4]]}}`, `{"is":{"done":true,"trips":[[1,9223372036854775807],[1,1]]}}`, `{"is":{"done":true,"trips":[[-1,3]]}}`,
		`{"error":"x"}`, `{"is":null}`, `{"is":{},"error":"x"}`, `null`, `{"is":{}} {}`} {
		f.Add([]byte(a))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if said, err := readAnswer[saidAnswer](data); err == nil && said.check(6) == nil {
			n := int64(0)
			for _, trip := range said.Trips {
				if n += trip[1]; trip[0] < 1 || trip[1] < 1 || trip[1] > 6 {
					t.Errorf("accepted the trips %v", said.Trips)
				}
			}
			if n != 6 {
				t.Errorf("%d trips are 6", n)
			}
		}
		told := &toldOf{data}
		rows := int64(0)
		err := ledger{elsewhere{network: told}}.MessagesAfter(0, func(player.Message) { rows++ })
		if stored, failed := readAnswer[storedAnswer](data); failed == nil && stored.Messages > 0 && err == nil {
			t.Errorf("%d rows of %d that were never told are accepted", rows, stored.Messages)
		}
	})
}

// toldOf answers everything with the same words.
type toldOf struct{ data []byte }

func (n *toldOf) Invite() (player.Invitation, error)                { return player.Invitation{}, nil }
func (n *toldOf) Members(time.Duration) ([]player.Elsewhere, error) { return nil, nil }
func (n *toldOf) Ask(string, []byte, time.Duration) ([]byte, error) { return n.data, nil }
