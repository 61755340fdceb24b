//go:build linux

package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"time"
)

// Nothing was read or written between two readings, so their difference is nothing:
// the reading itself is not counted. No other test runs beside this one.
func TestReadIO(t *testing.T) {
	counters := openIO()
	defer counters.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before, after := readIO(counters, true), readIO(counters, false)
	if before == nil || after == nil {
		t.Fatal("this kernel does not tell")
	}
	if *after != *before {
		t.Errorf("nothing was read: %+v, %+v", before, after)
	}
	before = readIO(counters, true)
	for range 3 {
		if _, err := file.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if now := readIO(counters, false); now.Writes-before.Writes != 3 || now.WrittenBytes-before.WrittenBytes != 300 || now.Reads != before.Reads {
		t.Errorf("3 writes of 100 bytes: %+v, %+v", before, now)
	}
}

func TestReadWaits(t *testing.T) {
	t.Parallel()
	at := func(threads map[string]string) map[string]time.Duration {
		root := fstest.MapFS{}
		for thread, text := range threads {
			root["proc/self/task/"+thread+"/schedstat"] = &fstest.MapFile{Data: []byte(text)}
		}
		return readWaits(root)
	}
	before := counts{waits: at(map[string]string{"1": "9 100 3\n", "2": "9 200 3\n", "3": "9 700 1\n"})}
	after := counts{waits: at(map[string]string{"1": "9 150 3\n", "2": "9 200 3\n", "4": "9 5 3\n", "5": "broken"})}
	if got := after.since(before).Waited; got == nil || *got != 55 {
		t.Errorf("waited %v, want 55 ns: 50 of the first, 5 of the new", got)
	}
	if at(nil) != nil || at(map[string]string{"1": ""}) != nil {
		t.Error("waits are told that nobody told")
	}
	if got := readWaits(os.DirFS("/")); len(got) == 0 {
		t.Error("this kernel tells no waits")
	}
}

func FuzzParseIO(f *testing.F) {
	f.Add([]byte("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n"))
	f.Add([]byte("rchar: x\n"))
	f.Add([]byte("rchar: 1\nrchar: 1\nrchar: 1\nrchar: 1\nrchar: 1\nrchar: 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if told := parseIO(text); told != nil && len(text) < 60 {
			t.Errorf("six counters from %q", text)
		}
	})
}

func FuzzStatFields(f *testing.F) {
	f.Add([]byte("12 (a (b) c) S 7 8 9 0 -1 4 1 2 3 4 100 200 300 400 20"))
	f.Add([]byte(")("))
	f.Add([]byte("1 ("))
	f.Fuzz(func(t *testing.T, text []byte) {
		if pid, fields := statFields(text); fields == nil && pid != 0 {
			t.Errorf("process %d without fields from %q", pid, text)
		}
	})
}

func TestStatFields(t *testing.T) {
	t.Parallel()
	pid, fields := statFields([]byte("12 (a (b) c) S 7 8 9 0 -1 4 1 2 3 4 100 200 300 400 20"))
	if pid != 12 || fields[statParent] != "7" || fields[statUser] != "100" || fields[statChildSystem] != "400" {
		t.Errorf("process %d: %v", pid, fields)
	}
	if !descends(map[int]int{3: 2, 2: 1}, 3, 1) || descends(map[int]int{3: 2, 2: 3}, 3, 1) {
		t.Error("descent is not followed")
	}
}

// A child is found in the kernel's lists as in a search of all processes, and looking for it is
// not counted as used: it took milliseconds, which made a style with a process of its own look
// as expensive.
func TestUsageOfLooking(t *testing.T) { // not parallel: it counts what this process uses
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(program)
	child.Env = append(os.Environ(), burnVariable+"=1ms")
	input, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(input.Close(), child.Wait()) }()
	for end := time.Now().Add(10 * time.Second); filepath.Base(program) != descendants()[0].name && time.Now().Before(end); {
		runtime.Gosched() // the kernel lets Start return before the new program has its words
	}
	if listed, found := descendants(), searched(os.Getpid()); len(listed) != 1 || len(found) != 1 || listed[0].name != found[0].name {
		t.Errorf("listed %+v, found %+v", listed, found)
	}
	before, own, looking := UsageNow(), OwnCPU(), looked.Load()
	for range 300 {
		UsageNow()
	}
	now, took := UsageNow(), OwnCPU()-own
	used, left := now.Since(before), took-time.Duration(looked.Load()-looking) // the rest of UsageNow, and other goroutines
	if counted := used.CPU() - used.Apart[filepath.Base(program)]; left > took*9/10 || counted > left+took/10 {
		t.Errorf("of %v, %v are said to be looking, but %v are counted", took, took-left, counted)
	}
}
