package scenarios

import (
	"bytes"
	"errors"
	"path/filepath"
	"rubato/scenarios/workload"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/natsbus"
	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// usersServer starts a NATS server as a user has, and names it and a player in the environment.
func usersServer(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, Authorization: "wrongsecret"})
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	t.Setenv(natsbus.URLVar, s.ClientURL())
	t.Setenv(natsbus.TokenVar, "wrongsecret")
	return s
}

// joins starts a member elsewhere, and has it leave in good order at the end.
func joins(t *testing.T, s *server.Server, player, data string, flags ...string) *ending {
	t.Helper()
	t.Setenv(natsbus.PlayerVar, player)
	e := startedWorker(t, nil, data, flags...)
	if line, err := e.line(); err != nil || !strings.Contains(line, "server "+s.ClientURL()) || strings.Contains(line, "wrongsecret") {
		t.Fatalf("%q, %v, %s", line, err, &e.stderr)
	}
	t.Cleanup(func() {
		if e.ProcessState != nil {
			return
		}
		must(t, e.Process.Signal(syscall.SIGTERM))
		if code := e.wait(); code != 0 {
			t.Errorf("exit code %d: %s", code, &e.stderr)
		}
	})
	return e
}

// elsewhere is the setup of a run that shares no folder with its workers.
func elsewhere(t *testing.T, workers, generators string) runner.Setup {
	t.Helper()
	t.Setenv(natsbus.PlayerVar, "test")
	setup := runner.Setup{Style: workers, Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1,
		Options: runner.Options{"sync": "full", "transport": "url", "generators": generators}}
	scenario := realStyles.scaleOut()
	must(t, scenario.Prepare(setup))
	return setup
}

// TestWorkersElsewhere: workers and generators that others have started join over a server of the
// user's. What they have stored and measured is asked for over NATS, and the workers' files, which
// the run does not see, have each message once.
func TestWorkersElsewhere(t *testing.T) {
	s := usersServer(t)
	scenario := realStyles.scaleOut()
	for name, says := range map[string]string{"": natsbus.PlayerVar, "test.>": natsbus.PlayerVar} {
		setup := elsewhere(t, "2", "2")
		t.Setenv(natsbus.PlayerVar, name)
		if _, err := scenario.Open(setup); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("player %q: %v", name, err)
		}
	}
	data := []string{t.TempDir(), t.TempDir()}
	for _, dir := range data {
		joins(t, s, "test-2", dir)
	}
	for range 2 {
		joins(t, s, "test-2", t.TempDir(), "-generate")
	}
	const n = 600
	first := 0
	for _, generators := range some(2, []string{"2", "0", "1"}) {
		load, err := scenario.Open(elsewhere(t, "2", generators))
		must(t, err)
		trips := 0
		must(t, load.Prepare(first, n))
		for _, part := range []int{n - 1, 1} { // of one message there is nothing to share
			must(t, load.Run(part, func(took time.Duration) {
				if trips++; took <= 0 {
					t.Errorf("a trip took %v", took)
				}
			}))
		}
		must(t, load.(runner.Sealer).Seal())
		work, err := load.Work()
		if err != nil || work.Wrong != "" || work.Effects != n || trips != n || work.Figures["share-2"] < 5 || work.Least <= 0 {
			t.Errorf("%s generators: %d trips, %+v, %v", generators, trips, work, err)
		}
		for _, set := range work.Settings {
			if set.Asked != "" && set.Asked != set.Value {
				t.Errorf("%+v", set)
			}
		}
		if got := strings.Count(settingNames(work), "generator"); got != int(generators[0]-'0') {
			t.Errorf("%d generators are told, want %s", got, generators)
		}
		must(t, load.Close())
		first += n
	}
	found := map[string]int{}
	for _, dir := range data {
		store, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{})
		must(t, err)
		must(t, store.MessagesAfter(0, func(m player.Message) { found[m.Text]++ }))
		must(t, store.Close())
	}
	for text, times := range found {
		if times != 1 {
			t.Errorf("stored %d times: %q", times, text)
		}
	}
	if len(found) != first {
		t.Errorf("%d messages are stored, want %d", len(found), first)
	}
}

func settingNames(work runner.Work) (names string) {
	for _, s := range work.Settings {
		names += s.Name + "\n"
	}
	return names
}

// liar is a worker in this process that stores as it should, and tells what it likes.
type liar struct {
	stored, shown *sqlite.Store
	member        player.Member
	twist         atomic.Pointer[func(question, answer []byte) []byte]
}

func joinLiar(t *testing.T) *liar {
	t.Helper()
	t.Setenv(natsbus.PlayerVar, "test-1")
	l := &liar{}
	dir := t.TempDir()
	for name, store := range map[string]**sqlite.Store{"log.db": &l.stored, "shown.db": &l.shown} {
		path := filepath.Join(dir, name)
		must(t, sqlite.Make(path, sqlite.Library{Passages: 100, Seed: 1}, nil))
		var err error
		*store, err = sqlite.Open(path, sqlite.Options{})
		must(t, err)
	}
	honest := workload.Ledger{Store: l.shown, Dir: dir, Sync: "normal"}
	var err error
	l.member, err = natsbus.Join(player.Invitation{}, player.Config{Store: l.stored, Answer: func(m player.Member, q []byte) []byte {
		answer := honest.Answer(m, q)
		if twist := l.twist.Load(); twist != nil {
			return (*twist)(q, answer)
		}
		return answer
	}})
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(l.member.Close(), l.stored.Close(), l.shown.Close())) })
	return l
}

// show copies what is stored since, changed by doctor, to where questions are answered from.
func (l *liar) show(t *testing.T, since int64, doctor func([]player.Message) []player.Message) {
	t.Helper()
	var rows []player.Message
	must(t, l.stored.MessagesAfter(since, func(m player.Message) { rows = append(rows, m) }))
	for _, m := range doctor(rows) {
		must(t, errors.Join(l.shown.Log().AppendMessage(m), l.shown.Log().CountUser(m.Username)))
	}
	must(t, l.shown.Log().Commit())
}

// TestWorkersWord: a worker that tells of a row too many, too few or changed makes the block
// invalid, however well its words fit together, and so do words that do not. What cannot be read
// is an error that says whose it is. A page is full and is not the last, so that there is more
// than one.
func TestWorkersWord(t *testing.T) {
	usersServer(t)
	l := joinLiar(t)
	load, err := realStyles.scaleOut().Open(elsewhere(t, "1", "0"))
	must(t, err)
	defer func() { must(t, load.Close()) }()
	same := func(rows []player.Message) []player.Message { return rows }
	pages := func(change func(page []byte) []byte) func(q, a []byte) []byte {
		return func(q, a []byte) []byte {
			if bytes.Contains(q, []byte(`"rows"`)) {
				return change(a)
			}
			return a
		}
	}
	var repeated []byte
	since := int64(0)
	const n = 220
	for i, c := range []struct {
		name         string
		doctor       func([]player.Message) []player.Message
		twist        func(q, a []byte) []byte
		wrong, fails string
	}{
		{name: "honest", doctor: same},
		{name: "a row too many", doctor: func(rows []player.Message) []player.Message {
			return append(rows, player.Message{Username: "a", Text: "invented"})
		}, wrong: "a message that was not said"},
		{name: "a row twice", doctor: func(rows []player.Message) []player.Message { return append(rows, rows[3]) }, wrong: "or was stored before"},
		{name: "a row too few", doctor: func(rows []player.Message) []player.Message { return rows[1:] }, wrong: "1 of 220 messages"},
		{name: "another text", doctor: func(rows []player.Message) []player.Message { rows[7].Text += "!"; return rows }, wrong: "a message that was not said"},
		{name: "another user", doctor: func(rows []player.Message) []player.Message { rows[7].Username += "!"; return rows }, wrong: "a message that was not said"},
		{name: "another time", doctor: func(rows []player.Message) []player.Message { rows[7].At++; return rows }, wrong: "a message that was not said"},
		{name: "bytes that are no text", doctor: func(rows []player.Message) []player.Message { rows[7].Text = "\xff\x00"; return rows }, wrong: `"\xff\x00"`},
		{name: "a changed page", doctor: same, twist: pages(func(a []byte) []byte { return bytes.Replace(a, []byte(`"at":`), []byte(`"at":1`), 1) }), wrong: "contradicts itself: the digest"},
		{name: "a page of earlier rows", doctor: same, twist: pages(func(a []byte) []byte {
			if repeated == nil {
				repeated = a
			}
			return repeated
		}), wrong: "contradicts itself: asked for rows"},
		{name: "a page of none", doctor: same, twist: pages(func(a []byte) []byte { return []byte(`{"is":{"after":1980,"rows":[]}}`) }), wrong: "contradicts itself: asked for rows"},
		{name: "fewer than before", doctor: same, twist: func(q, a []byte) []byte { return []byte(`{"is":{"messages":1,"counted":1,"digest":0}}`) }, wrong: "contradicts itself: it had stored"},
		{name: "a half page", doctor: same, twist: pages(func(a []byte) []byte { return a[:len(a)/2] }), fails: "worker 1: ask member"},
		{name: "two pages in one", doctor: same, twist: pages(func(a []byte) []byte { return append(a, a...) }), fails: "something follows"},
		{name: "a page over the limit", doctor: same, twist: pages(func(a []byte) []byte { return append(a, bytes.Repeat([]byte(" "), 64<<10)...) }), fails: "want 65536 at most"},
		{name: "an error", doctor: same, twist: pages(func(a []byte) []byte { return []byte(`{"error":"the disk is gone"}`) }), fails: "it says: the disk is gone"},
	} {
		must(t, load.Prepare(i*n, n))
		must(t, load.Run(n, func(time.Duration) {}))
		l.show(t, since, c.doctor)
		since, err = l.stored.Newest()
		must(t, err)
		must(t, load.(runner.Sealer).Seal())
		if c.twist != nil {
			l.twist.Store(&c.twist)
		}
		work, err := load.Work()
		switch {
		case (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails):
			t.Errorf("%s: %v, want %q", c.name, err, c.fails)
		case (work.Wrong != "") != (c.wrong != "") || !strings.Contains(work.Wrong, c.wrong):
			t.Errorf("%s: %q, want %q", c.name, work.Wrong, c.wrong)
		}
		l.twist.Store(nil)
	}
}

// TestMembersLeave: a worker or a generator that dies in between ends the block at once, with an
// error that says who it was.
func TestMembersLeave(t *testing.T) {
	s := usersServer(t)
	worker := joins(t, s, "test-1", t.TempDir())
	speaker := joins(t, s, "test-1", t.TempDir(), "-generate")
	load, err := realStyles.scaleOut().Open(elsewhere(t, "1", "1"))
	must(t, err)
	defer func() { must(t, load.Close()) }()
	must(t, load.Prepare(0, 20))
	must(t, load.Run(10, func(time.Duration) {}))
	for e, says := range map[*ending]func() (string, error){
		speaker: func() (string, error) { return "generator 1: ask member", load.Run(10, func(time.Duration) {}) },
		worker:  func() (string, error) { return "worker 1: ask member", load.(runner.Sealer).Seal() },
	} {
		must(t, e.Process.Kill())
		e.wait()
		start := time.Now()
		if want, err := says(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "it has left") {
			t.Errorf("after %v: %v, want %q", time.Since(start), err, want)
		}
	}
}
