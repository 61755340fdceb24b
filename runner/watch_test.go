package runner

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A child that is stopped in the middle of a block says so of that block and of no
// other.
func TestStoppedChild(t *testing.T) {
	t.Parallel()
	p, err := start("a child to stop", t.TempDir(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer p.end(patienceOfTests)
	dir := t.TempDir()
	ask := func(r request) reply {
		answer, err := p.ask(t.Context(), r, patienceOfTests)
		if err != nil {
			t.Error(err)
		}
		return answer
	}
	ask(request{Do: doOpen, Scenario: "count", Setup: &Setup{Style: "plain", Dir: dir, Shared: t.TempDir()}})
	const n = 300_000 // some tenths of a second, most of it after the first line
	answers := make(chan reply, 1)
	go func() { answers <- ask(request{Do: doBlock, N: n}) }()
	await(t, "the block to be under way", func() bool {
		info, err := os.Stat(filepath.Join(dir, "journal"))
		return err == nil && info.Size() > 0
	})
	pid := p.command.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if b := (<-answers).Block; b == nil || !strings.HasPrefix(b.Disturbed, "the process stood still for ") || b.Wall < 1900*time.Millisecond {
		t.Errorf("the stopped block: %+v", b)
	}
	if b := ask(request{Do: doBlock, First: n, N: 1000}).Block; b == nil || strings.Contains(b.Disturbed, "clock") {
		t.Errorf("the block after: %+v", b)
	}
}

// A workload that waits is no stopped process: a style's own stall counts.
func TestWaitingIsNotStandingStill(t *testing.T) {
	t.Parallel()
	w := startWatch()
	<-time.After(3 * stillAfter)
	if longest := w.end(); longest >= 2*stillAfter { // it looks every 100 ms, on any machine that is not stopped
		t.Errorf("it stood still for %v of %v", longest, 3*stillAfter)
	}
}

func TestDisturbance(t *testing.T) {
	t.Parallel()
	at := clocks{steady: time.Hour, boot: 2 * time.Hour, wall: 3 * time.Hour}
	after := func(steady, boot, wall time.Duration) clocks {
		return clocks{at.steady + steady, at.boot + boot, at.wall + wall}
	}
	const s, ms = time.Second, time.Millisecond
	for name, c := range map[string]struct {
		still time.Duration
		after clocks
		want  string
	}{
		"nothing":        {100 * ms, after(s, s, s), ""},
		"slewed":         {0, after(s, s, s+500*time.Microsecond), ""},
		"asleep":         {0, after(s, 31*s, 31*s), "the machine slept for 30s"},
		"set ahead":      {0, after(s, s, 3601*s), "the clock was set by 1h0m0s"},
		"set back":       {0, after(s, s, -59*s), "the clock was set by -1m0s"},
		"still":          {2 * s, after(3*s, 3*s, 3*s), "the process stood still for 2s"},
		"still and busy": {stillAfter, after(s, s, s), ""},
	} {
		if got := disturbance(c.still, at, c.after, c.after.steady-at.steady); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if now := clocksNow(); now.steady <= 0 || now.boot < now.steady || now.wall < 365*24*time.Hour {
		t.Errorf("clocks %+v", now)
	}
}
