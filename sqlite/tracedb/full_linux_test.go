package tracedb_test

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"rubato/player"
	"rubato/sqlite/tracedb"
)

// fullTrace makes the test binary append to a trace whose file may not grow past a
// limit, as on a full disk: the limit is a process's, so it needs one of its own.
const fullTrace = "RUBATO_TEST_FULL_TRACE"

func TestTraceFull(t *testing.T) {
	path := os.Getenv(fullTrace)
	if path == "" {
		t.Parallel()
		c := exec.Command(os.Args[0], "-test.run", "^TestTraceFull$")
		c.Env = append(os.Environ(), fullTrace+"="+filepath.Join(t.TempDir(), "trace.db"))
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	files(t, func(l syscall.Rlimit) uint64 { return 300 << 10 })
	s := openTrace(t, path, tracedb.Options{Keep: 100_000})
	rows := make([]player.TraceRow, 0, 2500)
	for flow := range uint64(500) {
		rows = append(rows, selected(flow+1)...)
	}
	// A new connection checkpoints the log and may find room once more.
	failures := 0
	for tries := 0; failures < 3; tries++ {
		if tries == 50 {
			t.Fatal("a full disk takes rows without end")
		}
		err := s.Append(rows)
		if err == nil {
			failures = 0
			continue
		}
		failures++
		refused(t, err, "trace "+path)
	}
	files(t, func(l syscall.Rlimit) uint64 { return l.Max })
	resumes(t, s, 9999)
}

// files sets how many bytes a file of this process may have.
func files(t *testing.T, most func(syscall.Rlimit) uint64) {
	t.Helper()
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
	if limit.Cur = most(limit); err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	}
	if err != nil {
		t.Fatal(err)
	}
}
