package scenarios

import (
	"path/filepath"
	"strings"
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
	for _, generators := range []string{"0", "1", "2"} {
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
	if len(found) != 3*n {
		t.Errorf("%d messages are stored, want %d", len(found), 3*n)
	}
}

func settingNames(work runner.Work) (names string) {
	for _, s := range work.Settings {
		names += s.Name + "\n"
	}
	return names
}
