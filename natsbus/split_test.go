package natsbus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rubato/player"
)

// Reopen lets a module in a process of its own have a store of the same kind.
func (s *memory) Reopen() ([]byte, error) { return nil, nil }

func reopenMemory([]byte) (player.Reopened, error) {
	return player.Reopened{Store: &memory{}, Close: func() error { return nil },
		Answer: func(question []byte) []byte { return fmt.Appendf(nil, "%s? yes", question) }}, nil
}

func openSplit(t *testing.T, config player.Config) *wired {
	t.Helper()
	config.Placement.Transport = "split"
	w, _ := open(t, config)
	return w
}

// TestKilledModule: when the process of a module is killed, what is under way and what follows fails
// at once and says which; the player closes, and another one works.
func TestKilledModule(t *testing.T) {
	t.Parallel()
	for i, under := range []player.Stimulus{{Kind: player.QueueLow, Seq: 1}, said(1)} {
		w := openSplit(t, player.Config{Timeout: time.Hour, Replay: recorded()})
		m := w.mates[i]
		signal := func(s syscall.Signal) {
			if err := m.command.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		signal(syscall.SIGSTOP) // so that it does not answer
		waitStopped(t, m.command.Process.Pid)
		ended := make(chan error, 1)
		go func() { ended <- w.Do(under) }()
		time.Sleep(soon) // so that it is asked, on most machines
		signal(syscall.SIGKILL)
		isNamed(t, m, <-ended)
		after := under
		after.Seq = 2
		isNamed(t, m, w.Do(after))
		_, err := w.Observe()
		isNamed(t, m, err)
		_, err = w.AskStores(nil)
		isNamed(t, m, err)
		isNamed(t, m, w.Close())
	}
	if err := openSplit(t, player.Config{Timeout: never}).Do(said(1)); err != nil {
		t.Error("another player:", err)
	}
}

// waitStopped returns when no thread of the process runs.
func waitStopped(t *testing.T, pid int) {
	t.Helper()
	stopped := func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(threads) == 0 {
			t.Fatalf("process %d shows no thread", pid)
		}
		return !slices.ContainsFunc(threads, func(stat string) bool {
			text, _ := os.ReadFile(stat)
			return !strings.Contains(string(text), ") T ")
		})
	}
	for deadline := time.Now().Add(time.Minute); !stopped(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not stop", pid)
		}
	}
}

func isNamed(t *testing.T, m *mate, err error) {
	t.Helper()
	want := fmt.Sprintf("module %s's process %d has ended (signal: killed)", m.module, m.command.Process.Pid)
	if player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// TestSplit: the modules are in processes of their own, each of which knows no other's password,
// and none from its command line or environment. Each ends with its starter.
func TestSplit(t *testing.T) {
	t.Parallel()
	w := openSplit(t, player.Config{Timeout: never, Rules: 30})
	facts := map[string]string{}
	for _, f := range w.Describe() {
		facts[f.Name] += f.Value
	}
	if facts["transport"] != "split" || facts["rules"] != "30" || facts["share"] != shareNothing || facts["batch"] != "1" {
		t.Errorf("it describes itself as %v", facts)
	}
	for _, m := range w.mates {
		for _, file := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(m.command.Process.Pid), file))
			if err != nil {
				t.Fatal(err)
			}
			for module, user := range w.network.users {
				if strings.Contains(string(text), user.Password) {
					t.Errorf("the password of %s is in the %s of module %s", module, file, m.module)
				}
			}
		}
	}
	answers, err := w.AskStores([]byte("there"))
	if err != nil || len(answers) != 2 || string(answers["pd"]) != "there? yes" || string(answers["log"]) != "there? yes" {
		t.Errorf("stores answer %q, %v", answers, err)
	}
	for _, m := range w.mates {
		_ = m.input.Close() // as if this process were gone
		select {
		case <-m.ended:
		case <-time.After(time.Minute):
			t.Fatalf("module %s lives on without its starter", m.module)
		}
		if !m.command.ProcessState.Success() {
			t.Errorf("module %s ends with %v", m.module, m.command.ProcessState)
		}
	}
}

// TestSplitFacts: what another process has otherwise than this one is told, and so is a module that
// is not apart.
func TestSplitFacts(t *testing.T) {
	t.Parallel()
	w := openSplit(t, player.Config{Timeout: never})
	log := w.mates[1]
	batch := slices.IndexFunc(log.hello.Facts, func(f player.Fact) bool { return f.Name == "batch" })
	log.hello.Facts[batch].Value = "9"
	log.hello.PID = os.Getpid()
	got := map[string]string{}
	for _, f := range w.Describe() {
		if _, twice := got[f.Name]; !twice {
			got[f.Name] = f.Value
		}
	}
	if want := "1, but 9 in module log"; got["batch"] != want {
		t.Errorf("batch %q, want %q", got["batch"], want)
	}
	if want := fmt.Sprintf("process, and module log is in process %d", os.Getpid()); !strings.HasPrefix(got["transport"], want) {
		t.Errorf("transport %q, want %q", got["transport"], want)
	}
	w.Messages.Lane.Record("append", "here, too")
	if err := w.Do(said(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Observe(); err == nil || !strings.Contains(err.Error(), "lane messages was written in two processes") {
		t.Errorf("a lane in two processes: %v", err)
	}
}

// TestSplitTrace: a flow has the same actions as with all modules in one process, and is kept before
// its stimulus returns if it has to be.
func TestSplitTrace(t *testing.T) {
	t.Parallel()
	low := player.Stimulus{Kind: player.QueueLow, Seq: 1}
	actions := func(w *wired, sink *rows) (list []string) {
		if err := w.Do(low); err != nil {
			t.Fatal(err)
		}
		flow, found := w.Flow(1)
		if !found {
			t.Fatal("no flow")
		}
		for _, r := range flow.Rows {
			list = append(list, r.Rule+" "+r.Action)
		}
		slices.Sort(list)
		if kept := sink.len(); kept != len(list) {
			t.Errorf("%d of %d rows are kept", kept, len(list))
		}
		return list
	}
	config := func(sink *rows) player.Config {
		return player.Config{Timeout: never, Replay: recorded(), Trace: player.Tracing{On: true, PerFlow: true, Sink: sink}}
	}
	var here, apart rows
	one, _ := open(t, config(&here))
	want, got := actions(one, &here), actions(openSplit(t, config(&apart)), &apart)
	if !slices.Equal(got, want) || len(got) < 5 {
		t.Errorf("%q, want %q", got, want)
	}
	wantConcepts, wantRules := len(one.Concepts()), len(one.Rules())
	two := openSplit(t, config(&apart))
	if c, r := len(two.Concepts()), len(two.Rules()); c != wantConcepts || r != wantRules {
		t.Errorf("%d concepts and %d rules, want %d and %d", c, r, wantConcepts, wantRules)
	}
	apart.refuse(true)
	if err := two.Do(low); err != nil {
		t.Fatal(err)
	}
	if lost := two.Lost(); lost.Rows == 0 || !strings.Contains(lost.Err, errDisk.Error()) {
		t.Errorf("lost %+v", lost)
	}
}

// rows is a sink.
type rows struct {
	mu      sync.Mutex
	n       int
	refuses bool
}

func (r *rows) Append(more []player.TraceRow) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuses {
		return errDisk
	}
	r.n += len(more)
	return nil
}

func (r *rows) refuse(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = yes
}

func (r *rows) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// A store that no other process can open is refused, and so is a value that stays in one process.
func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for _, config := range []player.Config{
		{Store: struct{ player.Store }{&memory{}}, Placement: player.Placement{Transport: "split"}},
		{Store: &memory{}, Placement: player.Placement{Transport: "split", Codec: "none"}},
		{Store: &memory{}, Placement: player.Placement{Transport: "split", Away: true}},
	} {
		if _, err := Open(config); player.CodeOf(err) != player.Invalid {
			t.Errorf("%+v: %v", config, err)
		}
	}
	for _, told := range []string{"", "\n", "nonsense\n", "[]\n", `{"URL":"nats://127.0.0.1:1"}` + "\n"} {
		var out strings.Builder
		code, is := Child([]string{"nats-pd"}, strings.NewReader(told), &out, reopenMemory)
		if !is || code == 0 || !strings.Contains(out.String(), `"error"`) {
			t.Errorf("told %q: code %d, says %q", told, code, out.String())
		}
	}
	for _, args := range [][]string{nil, {"run"}, {"nats-pd", "-v"}, {"nats-ui"}} {
		if _, is := Child(args, strings.NewReader(""), &strings.Builder{}, reopenMemory); is {
			t.Errorf("%q is taken for a child", args)
		}
	}
}
