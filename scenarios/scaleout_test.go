package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rubato/natsbus"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// scaledTo opens scale-out with so many workers, real processes.
func scaledTo(t *testing.T, workers string) (*scaledOut, runner.Setup) {
	t.Helper()
	setup := runner.Setup{Style: workers, Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1, Options: runner.Options{"sync": "normal"}}
	scenario := realStyles.scaleOut()
	must(t, scenario.Prepare(setup))
	load, err := scenario.Open(setup)
	must(t, err)
	t.Cleanup(func() { must(t, load.Close()) })
	return load.(*scaledOut), setup
}

// inFiles are the messages in the workers' files, by text, and how often each is there.
func inFiles(t *testing.T, setup runner.Setup) map[string]int {
	t.Helper()
	found := map[string]int{}
	files, err := filepath.Glob(filepath.Join(setup.Dir, "worker-*", workload.WorkerFile))
	must(t, err)
	for _, file := range files {
		store, err := sqlite.Open(file, sqlite.Options{})
		must(t, err)
		must(t, store.MessagesAfter(0, func(m player.Message) { found[m.Text]++ }))
		must(t, store.Close())
	}
	return found
}

// TestScaleOut: however many workers share the messages, each message is stored once, and each
// worker has a share.
func TestScaleOut(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "3"} {
		t.Run(workers, func(t *testing.T) {
			t.Parallel()
			w, setup := scaledTo(t, workers)
			const n = 400
			heard := 0
			must(t, w.Prepare(0, n))
			for _, part := range []int{300, 100} {
				must(t, w.Run(part, func(took time.Duration) { heard++ }))
			}
			must(t, w.Seal())
			work, err := w.Work()
			if err != nil || work.Wrong != "" || work.Effects != n || work.Expected != n || heard != n {
				t.Fatalf("%d latencies, %+v, %v", heard, work, err)
			}
			found := inFiles(t, setup)
			for i := range n {
				if text := workload.Say(1, i).Message.Text; found[text] != 1 {
					t.Errorf("message %d is stored %d times", i, found[text])
				}
			}
			for i := range w.Workers {
				if share := work.Figures["share-"+string(rune('1'+i))]; share < 5 {
					t.Errorf("worker %d of %s has stored %v %%", i+1, workers, share)
				}
			}
			must(t, w.Prepare(n, 10)) // nothing runs: all ten are missing
			must(t, w.Seal())
			if work, err := w.Work(); err != nil || !strings.Contains(work.Wrong, "10 of 10 messages") {
				t.Errorf("nothing was said: %q, %v", work.Wrong, err)
			}
		})
	}
}

// TestWorkerKilled: what a worker had taken when it was killed, and had not stored, is reported
// as lost. What was reported as stored is stored, once.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	setup := runner.Setup{Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1, Options: runner.Options{"sync": "full"}}
	must(t, workload.Prepare(setup, 100))
	crew, err := realStyles.OpenCrew(setup, 3, func(c *player.Config) { c.Window, c.Timeout = 600, 2*time.Second })
	must(t, err)
	w := &scaledOut{Crew: crew, seed: 1}
	const n = 600
	must(t, w.Prepare(0, n))
	var mu sync.Mutex
	outcomes := map[uint64]error{}
	some := make(chan struct{})
	if running := processesWith(t, setup.Dir); len(running) != 3 {
		t.Errorf("workers: %q", running)
	}
	for _, s := range w.stimuli {
		must(t, w.Player.Post(s, func(seq uint64, err error) {
			mu.Lock()
			defer mu.Unlock()
			if outcomes[seq] = err; len(outcomes) == 30 {
				close(some)
			}
		}))
	}
	<-some // so each worker has hundreds to go
	must(t, w.Workers[0].Kill())
	if err := w.Player.Settle(); player.CodeOf(err) != player.Unavailable {
		t.Errorf("settled with %v", err)
	}
	mu.Lock()
	known := maps.Clone(outcomes) // one may be on its way still
	mu.Unlock()
	found, lost := inFiles(t, setup), 0
	for _, s := range w.stimuli {
		err, told := known[s.Seq]
		switch stored := found[s.Message.Text]; {
		case !told:
			t.Errorf("message %d has no outcome", s.Seq)
		case err == nil && stored != 1:
			t.Errorf("message %d was reported as stored, and is stored %d times", s.Seq, stored)
		case err != nil && stored == 0:
			lost++
		case stored > 1:
			t.Errorf("message %d is stored %d times", s.Seq, stored)
		}
	}
	if lost == 0 {
		t.Error("nothing was lost: the worker was killed too late for this test")
	}
	must(t, w.Seal())
	work, err := w.Work()
	if err != nil || work.Effects != int64(n-lost) || !strings.Contains(work.Wrong, "lost") {
		t.Errorf("%d are lost, but %+v, %v", lost, work, err)
	}
	must(t, w.Prepare(n, 1)) // the others go on, but this is no measurement of three workers
	must(t, w.Run(1, func(time.Duration) {}))
	must(t, w.Seal())
	if work, err := w.Work(); err != nil || work.Effects != 1 || !strings.Contains(work.Wrong, "worker 1 has ended (signal: killed)") {
		t.Errorf("without one: %+v, %v", work, err)
	}
	must(t, w.Close())
	if left := processesWith(t, setup.Dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// processesWith are the command lines of all processes that name a folder.
func processesWith(t *testing.T, dir string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(dir)) { // it may be gone by now
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// TestWorkerOutcomes: a worker answers each message as module log in the same process does.
func TestWorkerOutcomes(t *testing.T) {
	t.Parallel()
	w, setup := scaledTo(t, "2")
	dir := t.TempDir()
	must(t, sqlite.Copy(filepath.Join(setup.Shared, workload.LibraryFile), filepath.Join(dir, "own.db")))
	store, err := sqlite.Open(filepath.Join(dir, "own.db"), sqlite.Options{})
	must(t, err)
	own, err := natsbus.Open(player.Config{Store: store})
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(own.Close(), store.Close())) })
	for i, m := range []player.Message{
		{Username: "a", Text: "it is stored", At: 1}, {Text: "nobody said it", At: 2}, {Username: "a", At: 3},
		{Username: strings.Repeat("é", 40), Text: "a name of 80 bytes", At: 4},
		{Username: "a", Text: strings.Repeat("x", player.TextLimit), At: 5}, {Username: "a", Text: strings.Repeat("x", player.TextLimit+1), At: 6},
		{Username: "\x00", Text: "\xff", At: -7},
	} {
		s := player.Stimulus{Kind: player.MessageSaid, Seq: uint64(i) + 1, Message: m}
		got, want := w.Player.Do(s), own.Do(s)
		if player.CodeOf(got) != player.CodeOf(want) || (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
			t.Errorf("message %d: %v, want %v", i+1, got, want)
		}
	}
	for _, s := range []player.Stimulus{{Kind: player.ModuleStarted, Seq: 90, Module: "log"}, {Kind: player.ModuleStopped, Seq: 91, Module: "pd"}} {
		if err := w.Player.Do(s); player.CodeOf(err) != player.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// TestWorkerEnds: a worker ends with its stdin, on TERM, and with its server, and says why it
// cannot work. No message shows a secret.
func TestWorkerEnds(t *testing.T) {
	t.Parallel()
	network, err := natsbus.Network(player.Placement{})
	must(t, err)
	t.Cleanup(func() { must(t, network.Close()) })
	to, err := network.(player.Inviting).Invite()
	must(t, err)
	other, err := natsbus.Network(player.Placement{})
	must(t, err)
	closing, err := other.(player.Inviting).Invite()
	must(t, err)
	stranger, taken := to, t.TempDir()
	stranger.Password = "wrongsecret"
	holder := startedWorker(t, to, taken)
	_, err = holder.line()
	must(t, err)
	for name, c := range map[string]struct {
		to    any
		data  string
		flags []string
		end   func(*ending)
		code  int
		says  string // on stderr
	}{
		"stdin ends":       {to: to, end: func(e *ending) { must(t, e.input.Close()) }},
		"TERM":             {to: to, end: func(e *ending) { must(t, e.Process.Signal(syscall.SIGTERM)) }},
		"interrupt":        {to: to, end: func(e *ending) { must(t, e.Process.Signal(os.Interrupt)) }},
		"its server ends":  {to: closing, end: func(*ending) { must(t, other.Close()) }, code: 5, says: "is lost"},
		"a wrong password": {to: stranger, code: 5, says: "Authorization"},
		"no server":        {to: player.Invitation{URL: "nats://127.0.0.1:1"}, code: 5, says: "no servers"},
		"another line":     {to: []string{"wrongsecret"}, code: 2, says: "rubato worker -h"},
		"an unknown codec": {to: speaking(to, "morse", ""), code: 2, says: "json, msgpack"},
		"no codec":         {to: speaking(to, "none", ""), code: 2, says: "use codec=json"},
		"a pigeon":         {to: speaking(to, "", "pigeon"), code: 2, says: "jetstream-file"},
		"without a stream": {to: speaking(to, "", "jetstream-file"), code: 5, says: "Permissions Violation"},
		"no receipts":      {to: to, flags: []string{"-receipts", "none"}, code: 2, says: "memory or database"},
		"receipts of core": {to: to, flags: []string{"-receipts", "database"}, code: 2, says: "use delivery=jetstream-file"},
		"a user's server":  {flags: []string{"-receipts", "database"}, code: 2, says: "needs -stdin"},
		"a taken folder":   {to: to, data: taken, code: 2, says: "another worker"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.data == "" {
				c.data = t.TempDir()
			}
			e := startedWorker(t, c.to, c.data, c.flags...)
			if c.end != nil {
				if line, err := e.line(); err != nil || !strings.HasPrefix(line, "joined as module log: ") {
					t.Fatalf("%q, %v, %s", line, err, &e.stderr)
				}
				c.end(e)
			}
			if code := e.wait(); code != c.code || !strings.Contains(e.stderr.String(), c.says) ||
				strings.Contains(e.stderr.String(), "wrongsecret") || c.code == 0 && e.stderr.Len() > 0 {
				t.Errorf("exit code %d, want %d: %s", code, c.code, &e.stderr)
			}
		})
	}
	must(t, holder.input.Close())
	if code := holder.wait(); code != 0 {
		t.Errorf("exit code %d: %s", code, &holder.stderr)
	}
}

// speaking is an invitation to a player that says so of itself.
func speaking(to player.Invitation, codec, delivery string) player.Invitation {
	to.Codec, to.Delivery = codec, delivery
	return to
}

// ending is a worker's process that shall end.
type ending struct {
	*exec.Cmd
	input  io.WriteCloser
	output io.Reader
	stderr bytes.Buffer
}

func startedWorker(t *testing.T, to any, data string, flags ...string) *ending {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	args := append([]string{workload.WorkerCommand, "-data", data}, flags...)
	if to != nil { // otherwise the environment says where the player is
		args = append(args, "-stdin")
	}
	e := &ending{Cmd: exec.Command(program, args...)}
	e.Stderr = &e.stderr
	e.input, err = e.StdinPipe()
	must(t, err)
	e.output, err = e.StdoutPipe()
	must(t, err)
	line, err := json.Marshal(to)
	must(t, err)
	must(t, e.Start())
	if to != nil {
		_, err = e.input.Write(append(line, '\n'))
		must(t, err)
	}
	t.Cleanup(func() { _ = e.Process.Kill() })
	return e
}

func (e *ending) line() (string, error) {
	said := make([]byte, 500)
	n, err := e.output.Read(said)
	return string(said[:n]), err
}

func (e *ending) wait() int {
	late := time.AfterFunc(20*time.Second, func() { _ = e.Process.Kill() })
	defer late.Stop()
	_ = e.Wait()
	return e.ProcessState.ExitCode()
}
