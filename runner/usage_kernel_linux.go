package runner

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
	"time"

	"rubato/reports"
)

// openIO opens the counters of reading and writing; nil where there are none.
func openIO() *os.File {
	file, err := os.Open("/proc/self/io")
	if err != nil {
		return nil
	}
	return file
}

// readIO reads the counters as they were before it. What it reads itself stands in the
// next reading; so it is added to the one that a difference begins with.
func readIO(file *os.File, itself bool) *reports.IO {
	if file == nil {
		return nil
	}
	var buffer [512]byte
	n, _ := file.ReadAt(buffer[:], 0) // io.EOF: it is short
	told := parseIO(buffer[:n])
	if told != nil && itself {
		told.Reads, told.ReadBytes = told.Reads+ownReads, told.ReadBytes+int64(n)
	}
	return told
}

// ownReads are the calls of ReadAt on a file that is shorter than the buffer: one for
// what there is, one to find its end.
const ownReads = 2

func parseIO(text []byte) *reports.IO {
	var told reports.IO
	places := map[string]*int64{"rchar": &told.ReadBytes, "wchar": &told.WrittenBytes, "syscr": &told.Reads,
		"syscw": &told.Writes, "read_bytes": &told.FromDisk, "write_bytes": &told.ToDisk}
	wanted, found := len(places), 0
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		if place := places[string(name)]; place != nil {
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return nil
			}
			*place, found = n, found+1
			delete(places, string(name)) // told twice is told once
		}
	}
	if found < wanted {
		return nil
	}
	return &told
}

// readWaits reads how long each thread of this process was kept from a CPU; nil where
// the kernel does not count it. Some 10 µs a thread.
func readWaits(root fs.FS) map[string]time.Duration {
	threads, err := fs.ReadDir(root, "proc/self/task")
	if err != nil {
		return nil
	}
	waits := make(map[string]time.Duration, len(threads))
	for _, thread := range threads {
		text, err := fs.ReadFile(root, "proc/self/task/"+thread.Name()+"/schedstat")
		if err != nil {
			continue // it has ended
		}
		if fields := bytes.Fields(text); len(fields) == 3 {
			if waited, err := strconv.ParseInt(string(fields[1]), 10, 64); err == nil {
				waits[thread.Name()] = time.Duration(waited)
			}
		}
	}
	if len(waits) == 0 {
		return nil
	}
	return waits
}
