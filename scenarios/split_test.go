package scenarios

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
)

// TestSplitSameWork: with modules pd and log in processes of their own, what they do to the store, what
// crosses and how commits are made is counted as in one process.
func TestSplitSameWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scenario runner.Scenario
		change   map[string]string
	}{
		{realStyles.queueLow(), map[string]string{"passages": "300", "sync": "full"}},
		{realStyles.messageLog(), map[string]string{"mode": "batched", "batch": "20"}},
		{realStyles.conversationNATS(), nil},
	} {
		here := worked(t, c.scenario, c.change, true, 40)
		change := map[string]string{"transport": "split"}
		maps.Copy(change, c.change)
		apart := worked(t, c.scenario, change, true, 40)["nats"][0]
		direct, tcp := here["direct"][0], here["nats"][0]
		if apart.Digest != direct.Digest || !maps.Equal(apart.Counts, direct.Counts) {
			t.Errorf("%s: %v, digest %s; want %v, %s", c.scenario.Name, apart.Counts, apart.Digest, direct.Counts, direct.Digest)
		}
		for name, n := range tcp.Own {
			if strings.HasPrefix(name, results.SentMessages) && apart.Own[name] != n {
				t.Errorf("%s: %s %d, over tcp %d", c.scenario.Name, name, apart.Own[name], n)
			}
		}
		if apart.Trace != tcp.Trace {
			t.Errorf("%s: its trace is %s, over tcp %s", c.scenario.Name, apart.Trace, tcp.Trace)
		}
		for _, s := range apart.Settings {
			if s.Asked != "" && s.Value != s.Asked {
				t.Errorf("%s: %s is %q, asked for %q", c.scenario.Name, s.Name, s.Value, s.Asked)
			}
		}
	}
}

// TestSplitModuleDies: a module's process that is killed between two slices ends the block with an
// error that names it, and the workload closes.
func TestSplitModuleDies(t *testing.T) {
	t.Parallel()
	s, shared, dir := realStyles.messageLog(), t.TempDir(), t.TempDir()
	options := optionsOf(s, "nats", map[string]string{"mode": "pipelined", "transport": "split"})
	must(t, s.Prepare(runner.Setup{Shared: shared, Seed: 1, Options: options}))
	load, err := s.Open(runner.Setup{Style: "nats", Shared: shared, Dir: dir, Seed: 1, Effort: "quick", Options: options})
	must(t, err)
	must(t, load.Prepare(0, 2000))
	must(t, load.Run(1000, func(time.Duration) {}))
	pid := moduleOf(t, dir)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	err = load.Run(1000, func(time.Duration) {})
	if want := fmt.Sprintf("module log's process %d has ended (signal: killed)", pid); player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err := load.Close(); err == nil {
		t.Error("it closes without a word")
	}
}

// moduleOf is the process of module log that has a file of this folder open.
func moduleOf(t *testing.T, dir string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, line := range lines {
		text, _ := os.ReadFile(line) // without one, it has ended
		if !slices.Contains(strings.Split(string(text), "\x00"), "nats-log") {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(line), "fd", "*"))
		if slices.ContainsFunc(files, func(file string) bool { to, _ := os.Readlink(file); return strings.HasPrefix(to, dir) }) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			must(t, err)
			return pid
		}
	}
	t.Fatal("no process of module log runs")
	return 0
}
