//go:build linux

package host

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rubato/results"
)

// SeesProcesses: the CPU time of a process is known while it runs.
const SeesProcesses = true

// weaker are the warnings of every run on this system.
var weaker []string

// ChildAttributes puts a child in a process group of its own: Ctrl-C then reaches the
// runner first, and the whole group can be ended at once. The kernel ends the child when
// the runner dies, for whatever reason.
func ChildAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// AdoptOrphans makes this process the parent of descendants whose parent ends, so that none gets
// away from EndDescendants.
func AdoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// clocksWithin is how far apart the readings of the clocks may be. A busy machine can take
// the CPU away between two of them, for so long that the machine seems to have slept.
const clocksWithin = time.Millisecond

// ClocksNow reads all three clocks in some 0.3 µs. If it was kept waiting meanwhile, it reads
// them again.
func ClocksNow() Clocks {
	read := func() (Clocks, time.Duration) {
		now := Clocks{Steady: clock(unix.CLOCK_MONOTONIC), Boot: clock(unix.CLOCK_BOOTTIME), Wall: clock(unix.CLOCK_REALTIME)}
		return now, clock(unix.CLOCK_MONOTONIC) - now.Steady
	}
	now, took := read()
	for range 100 {
		if took <= clocksWithin {
			break
		}
		if again, shorter := read(); shorter < took {
			now, took = again, shorter
		}
	}
	return now
}

// ThreadCPU is the CPU time of the calling thread.
func ThreadCPU() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var at unix.Timespec
	if err := unix.ClockGettime(id, &at); err != nil {
		return 0 // a kernel without this clock never sees it jump
	}
	return time.Duration(at.Nano())
}

// ResetPeakRSS makes the present RSS the peak, also of descendants. If the kernel cannot do it,
// PeakRSS is that of the whole life of the process.
func ResetPeakRSS() {
	for _, of := range family() {
		_ = os.WriteFile("/proc/"+of+"/clear_refs", []byte("5"), 0)
	}
}

// family is this process, and its descendants that run.
func family() []string {
	all := []string{"self"}
	if hasChildren() {
		for _, d := range descendants() {
			all = append(all, strconv.Itoa(d.pid))
		}
	}
	return all
}

// PeakRSS is the largest RSS in bytes since ResetPeakRSS: of this process, and of each descendant
// that runs, added up. Pages that they share count in each. getrusage is no alternative:
// there a process inherits its parent's peak.
func PeakRSS() (bytes int64) {
	for _, of := range family() {
		bytes += peakOf(of)
	}
	return bytes
}

func peakOf(process string) int64 {
	status, _ := os.ReadFile("/proc/" + process + "/status") // without one, it has ended
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kilobytes << 10
}

// RSS is the resident memory of this process and its descendants in bytes; 0 when the kernel does
// not say. Pages that they share count in each.
func RSS() (bytes int64) {
	for _, of := range family() {
		bytes += residentOf(of)
	}
	return bytes
}

func residentOf(process string) int64 {
	text, _ := os.ReadFile("/proc/" + process + "/statm")
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// hasChildren asks the kernel whether this process has a child, running or not, without
// waiting for it: 0.3 µs.
func hasChildren() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != unix.ECHILD
}

// listsChildren: most kernels list the children of each thread.
var listsChildren = sync.OnceValue(func() bool {
	_, err := os.Stat("/proc/thread-self/children")
	return err == nil
})

// descendants are those that run now, each with the children that it has waited for.
func descendants() []descendant { return descendantsOf(os.Getpid()) }

func descendantsOf(root int) (all []descendant) {
	if !listsChildren() {
		return searched(root)
	}
	for waiting := []int{root}; len(waiting) > 0; {
		children := childrenOf(waiting[0])
		waiting = append(waiting[1:], children...)
		for _, pid := range children {
			if fields := statOf(strconv.Itoa(pid)); fields != nil {
				all = append(all, describe(pid, fields))
			}
		}
	}
	return all
}

// childrenOf takes some 10 µs for each thread.
func childrenOf(pid int) (children []int) {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, _ := os.ReadDir(tasks)
	for _, thread := range threads {
		text, _ := os.ReadFile(tasks + thread.Name() + "/children") // without one, the thread has ended
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// statOf are the fields of a process; nil: it has ended.
func statOf(pid string) []string {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	if _, fields := statFields(text); len(fields) > statChildSystem {
		return fields
	}
	return nil
}

// searched are the descendants among all processes, which takes milliseconds.
func searched(root int) (all []descendant) {
	entries, _ := os.ReadDir("/proc")
	parents, lines := map[int]int{}, map[int][]string{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if fields := statOf(entry.Name()); fields != nil {
			parents[pid], _ = strconv.Atoi(fields[statParent])
			lines[pid] = fields
		}
	}
	for pid, fields := range lines {
		if pid != root && descends(parents, pid, root) {
			all = append(all, describe(pid, fields))
		}
	}
	return all
}

// descends follows parents upwards. The number of steps is bounded, because processes
// that start and end during the scan can form a loop.
func descends(parents map[int]int, pid, from int) bool {
	for range len(parents) + 1 {
		if pid == from {
			return true
		}
		pid = parents[pid]
	}
	return false
}

// Fields of /proc/PID/stat, counted from the one after the name in brackets.
const (
	statParent      = 1
	statUser        = 11
	statSystem      = 12
	statChildUser   = 13
	statChildSystem = 14
)

// tick is the unit of times in /proc/PID/stat. It is the same on every Linux that Go
// runs on.
const tick = 10 * time.Millisecond

// statFields splits a line of /proc/PID/stat. The name may contain spaces and brackets.
func statFields(text []byte) (pid int, fields []string) {
	end := bytes.LastIndexByte(text, ')')
	first, _, found := bytes.Cut(text, []byte(" "))
	if end < 0 || !found {
		return 0, nil
	}
	pid, _ = strconv.Atoi(string(first))
	return pid, strings.Fields(string(text[end+1:]))
}

// describe reads a process's own CPU clock, which is exact, and divides it into user and
// system by the ticks, which are not.
func describe(pid int, fields []string) descendant {
	ticks := func(place int) time.Duration {
		n, _ := strconv.ParseInt(fields[place], 10, 64)
		return time.Duration(n) * tick
	}
	user, system := ticks(statUser), ticks(statSystem)
	if total := cpuClock(pid); total > 0 {
		share := 1.0
		if user+system > 0 {
			share = float64(user) / float64(user+system)
		}
		user = time.Duration(share * float64(total))
		system = total - user
	}
	return descendant{pid: pid, name: programName(pid), user: user + ticks(statChildUser), system: system + ticks(statChildSystem)}
}

// cpuClock is a process's own CPU clock, under the id that clock_getcpuclockid makes; 0: it has
// ended.
func cpuClock(pid int) time.Duration { return clock(int32(^pid)<<3 | 2) }

// CPUOf is the CPU time of another process and of its descendants that run, which it does not
// wake; 0 if the system does not say.
func CPUOf(pid int) (used time.Duration) {
	used = cpuClock(pid)
	for _, d := range descendantsOf(pid) {
		used += cpuClock(d.pid)
	}
	return used
}

// programName is a program and its first word.
func programName(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	name := filepath.Base(words[0])
	if len(words) > 1 && !strings.HasPrefix(words[1], "-") && !strings.Contains(words[1], "/") {
		name += " " + words[1]
	}
	return name
}

// openIO opens the counters of reading and writing; nil if there are none.
func openIO() *os.File {
	file, err := os.Open("/proc/self/io")
	if err != nil {
		return nil
	}
	return file
}

// ownReads is how many reads one ReadAt of a short file makes: one for the content, one
// that finds the end.
const ownReads = 2

// readIO reads the counters. The kernel counts this read itself only in the next
// reading, so the reading that a difference begins with has to include it (itself).
func readIO(file *os.File, itself bool) *results.IO {
	if file == nil {
		return nil
	}
	var buffer [512]byte
	n, _ := file.ReadAt(buffer[:], 0) // io.EOF: the file is shorter
	counted := parseIO(buffer[:n])
	if counted != nil && itself {
		counted.Reads, counted.ReadBytes = counted.Reads+ownReads, counted.ReadBytes+int64(n)
	}
	return counted
}

func parseIO(text []byte) *results.IO {
	var counted results.IO
	places := map[string]*int64{"rchar": &counted.ReadBytes, "wchar": &counted.WrittenBytes, "syscr": &counted.Reads,
		"syscw": &counted.Writes, "read_bytes": &counted.FromDisk, "write_bytes": &counted.ToDisk}
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		if place := places[string(name)]; place != nil {
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return nil
			}
			*place = n
			delete(places, string(name))
		}
	}
	if len(places) > 0 {
		return nil
	}
	return &counted
}

// readWaits reads how long each thread of this process was ready to run and had no CPU;
// nil if the kernel does not count it. It takes some 10 µs a thread.
func readWaits(root fs.FS) map[string]time.Duration {
	threads, err := fs.ReadDir(root, "proc/self/task")
	if err != nil {
		return nil
	}
	waits := make(map[string]time.Duration, len(threads))
	for _, thread := range threads {
		fields := strings.Fields(textOf(root, "proc/self/task/"+thread.Name()+"/schedstat"))
		if len(fields) != 3 {
			continue // the thread has ended
		}
		if waited, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			waits[thread.Name()] = time.Duration(waited)
		}
	}
	if len(waits) == 0 {
		return nil
	}
	return waits
}
