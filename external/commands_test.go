package external

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/runner"
)

// opened is a command at work, as a child opens it.
func opened(t *testing.T, c commands, text string) *running {
	t.Helper()
	c.Styles = []style{{"it", text}}
	w, err := c.open(runner.Setup{Style: "it", Verbatim: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w.(*running)
}

// ran runs it n times, as a block does.
func ran(t *testing.T, w *running, n int) runner.Work {
	t.Helper()
	if err := w.Prepare(0, n); err != nil {
		t.Fatal(err)
	}
	latencies := 0
	if err := w.Run(n, func(time.Duration) { latencies++ }); err != nil {
		t.Fatal(err)
	}
	work, err := w.Work()
	if err != nil {
		t.Fatal(err)
	}
	if work.Wrong == "" && latencies != n {
		t.Errorf("%d latencies of %d runs", latencies, n)
	}
	return work
}

// usual are the settings without flags.
func usual() commands {
	return commands{Shell: "sh", Compare: compareOutput, Limit: time.Minute}
}

// TestRuns runs real commands. None runs in parallel: what one leaves behind would be ended by another.
func TestRuns(t *testing.T) {
	limited := usual()
	limited.Limit = 200 * time.Millisecond
	unshelled := usual()
	unshelled.Shell = shellNone
	three := usual()
	three.Status = 3
	status := usual()
	status.Compare = compareStatus
	unprepared := usual()
	unprepared.Prepare = "echo no room >&2; exit 7"
	count := filepath.Join(t.TempDir(), "count")
	counts := "echo x >>" + count + "; wc -l <" + count
	for _, c := range []struct {
		how        commands
		text, want string // "" if nothing is wrong
	}{
		{usual(), "echo a; echo b", ""},
		{usual(), "cat", ""}, // stdin is empty
		{usual(), "sleep 0.01 & wait", ""},
		{usual(), "exit 3", "it ended with exit status 3, want exit status 0"},
		{three, "exit 3", ""},
		{three, "true", "it ended with exit status 0, want exit status 3"},
		{usual(), "echo reading >&2; echo no such file >&2; exit 1", "it ended with exit status 1, want exit status 0: no such file"},
		{usual(), "kill -9 $$", "it ended with signal: killed, want exit status 0"},
		{usual(), "no-such-program", "it ended with exit status 127, want exit status 0: "},
		{unshelled, "no-such-program", "no-such-program cannot be started: exec: "},
		{unshelled, "echo  $HOME", ""},
		{limited, "sleep 60", "it did not end within 200ms"},
		{limited, "sleep 60; true", "it did not end within 200ms"}, // killed with what it started
		{limited, "trap '' TERM INT; while :; do :; done", "it did not end within 200ms"},
		{usual(), "sleep 60 & true", "it has ended, but a process that it left behind holds its output open"},
		{usual(), "sleep 60 >/dev/null 2>&1 & true", "it left behind sleep 60, which still ran"},
		{usual(), "setsid sleep 60 >/dev/null 2>&1 & true", "it left behind "},
		{usual(), "head -c 17000000 /dev/zero", "it prints more than 16 MiB"},
		{status, "head -c 17000000 /dev/zero", ""},
		{usual(), counts, "what it prints changes from run to run: from byte 1 on, in line 1"},
		{status, counts, ""},
		{unprepared, "true", "-prepare: it ended with exit status 7, want exit status 0: no room"},
	} {
		work := ran(t, opened(t, c.how, c.text), 3)
		switch {
		case !strings.HasPrefix(work.Wrong, c.want) || (c.want == "") != (work.Wrong == ""):
			t.Errorf("%s: %q, want %q", c.text, work.Wrong, c.want)
		case c.want == "" && (work.Effects != 3 || work.Figures["start"] <= 0):
			t.Errorf("%s: %+v", c.text, work)
		}
	}
}

// TestSameWork: what is printed tells commands apart, and how often it was printed.
func TestSameWork(t *testing.T) {
	works := map[string]runner.Work{}
	for _, text := range []string{"echo a", "printf 'a\n'", "echo b", "printf a"} {
		works[text] = ran(t, opened(t, usual(), text), 2)
	}
	if a := works["echo a"]; a.Digest != works["printf 'a\n'"].Digest || a.Bytes != 4 || len(a.Lanes["output"]) != 1 || a.Lanes["output"][0] != "a" {
		t.Errorf("%+v", works)
	}
	if works["echo a"].Digest == works["echo b"].Digest || works["echo a"].Digest == works["printf a"].Digest {
		t.Errorf("other outputs have the same digest: %+v", works)
	}
	status := usual()
	status.Compare = compareStatus
	if work := ran(t, opened(t, status, "echo a"), 2); work.Digest != "" || work.Bytes != 0 || work.Lanes != nil {
		t.Errorf("outputs are compared: %+v", work)
	}
}

// TestPrepared: in the script the command of -prepare runs before the run, in a timed part before
// each slice.
func TestPrepared(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made")
	c := usual()
	c.Prepare = "echo x >" + made
	w := opened(t, c, "rm "+made)
	if work := ran(t, w, 1); work.Wrong != "" {
		t.Error(work.Wrong)
	}
	w.script = false
	if err := w.Prepare(1, 2); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.BeforeSlice(); err != nil {
			t.Fatal(err)
		}
		if err := w.Run(1, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
	}
	if work, err := w.Work(); err != nil || work.Wrong != "" || work.Effects != 2 {
		t.Errorf("%+v, %v", work, err)
	}
	if s := c.suite().Scenarios[0]; s.Pause == nil || s.Pause(nil) <= 0 {
		t.Error("a slice may be more than one run")
	}
}

// TestEnvironment: commands get the variables that rubato was started with, not those that it
// sets for its own processes.
func TestEnvironment(t *testing.T) {
	t.Setenv("TMPDIR", "/before")
	_ = os.Unsetenv("GOGC")
	c := usual()
	c.Env = original()
	t.Setenv("TMPDIR", "/changed")
	t.Setenv("GOGC", "100")
	if work := ran(t, opened(t, c, `echo $TMPDIR-$GOGC`), 1); work.Lanes["output"][0] != "/before-" {
		t.Errorf("%q", work.Lanes)
	}
}
