package runner

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/results"
)

// After the first failure nothing more is written: a later line behind a torn one
// would make the file unreadable.
func TestRecordOnFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &record{file: full}
	for range 2 {
		if err := r.add(results.Line{Block: &results.Block{Ops: 1}}); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "writing the results") {
			t.Errorf("error %v", err)
		}
	}
	if len(r.details.Blocks) != 0 {
		t.Error("a block that was not recorded counts")
	}
	if err := r.finish(&results.Run{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("finish: %v", err)
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	now := time.Date(2026, 11, 22, 0, 45, 0, 0, time.UTC)
	var made []folder
	for range 2 {
		f, err := makeFolder("", now)
		if err == nil {
			err = f.pointLatest()
		}
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, f)
	}
	if made[0].show != "out/20261122T004500Z" || made[1].show != "out/20261122T004500Z-2" {
		t.Errorf("%q %q", made[0].show, made[1].show)
	}
	if target, err := os.Readlink("out/latest"); err != nil || target != "20261122T004500Z-2" {
		t.Errorf("latest → %q %v", target, err)
	}
	f, err := makeFolder(filepath.Join(dir, "mine"), now)
	if err == nil {
		err = f.pointLatest()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat("latest"); !os.IsNotExist(err) {
		t.Error("a named folder gets no latest")
	}
}

// Latencies of several goroutines at once, too long and too short ones included.
func TestLatencies(t *testing.T) {
	t.Parallel()
	l := newLatencies()
	if text, err := l.encoded(); err != nil || text != "" {
		t.Errorf("none: %q %v", text, err)
	}
	done := make(chan bool)
	for range 4 {
		go func() {
			for _, d := range []time.Duration{-1, 0, time.Microsecond, time.Hour} {
				l.record(d)
			}
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
	text, err := l.encoded()
	if err != nil {
		t.Fatal(err)
	}
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil || h.TotalCount() != 16 || h.ValueAtPercentile(50) > 10 || h.Max() < int64(59*time.Second) {
		t.Errorf("%v: %d latencies, p50 %d, max %v", err, h.TotalCount(), h.ValueAtPercentile(50), time.Duration(h.Max()))
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	var passed bytes.Buffer
	e := newExcerpt("arm", &passed)
	if e.reason() != "" {
		t.Errorf("said nothing: %q", e.reason())
	}
	_, _ = e.Write([]byte("starting\npanic: out of ink\n"))
	for range 1000 {
		if n, err := e.Write([]byte(strings.Repeat("x", 999) + "\n")); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := e.reason(); got != "panic: out of ink" {
		t.Errorf("reason %q", got)
	}
	if passed.Len() > maxPassed+200 || !strings.Contains(passed.String(), "the rest is dropped") || len(e.tail) > maxKept || len(e.head) > maxKept {
		t.Errorf("passed %d, kept %d and %d", passed.Len(), len(e.head), len(e.tail))
	}
	quiet := newExcerpt("arm", &passed)
	_, _ = quiet.Write([]byte("one\ntwo\n"))
	if got := quiet.reason(); got != "two" {
		t.Errorf("reason %q", got)
	}
}

func TestFloor(t *testing.T) {
	t.Parallel()
	f := measureFloor()
	if !f.under(1_000_000, time.Duration(1)) || f.under(1, time.Microsecond) {
		t.Errorf("%+v", f)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	f, err := makeFolder(filepath.Join(t.TempDir(), "out"), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	left := &leftovers{}
	if err := left.sweep(); err != nil {
		t.Errorf("nothing to sweep: %v", err)
	}
	left.in(f)
	for name, stays := range map[string]bool{rawName: true, halfWritten + "1": false, profilesName + "/" + halfWritten + "2": false, workName + "/x": false} {
		path := filepath.Join(f.path, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := os.Stat(path); (err == nil) != stays {
				t.Errorf("%s: %v", name, err)
			}
		}()
	}
	if err := left.sweep(); err != nil {
		t.Error(err)
	}
}
