package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hasChildren asks the kernel for a child of this process, running or not, without
// waiting for it: 0.3 µs, where reading /proc takes a millisecond.
func hasChildren() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != unix.ECHILD
}

// descendants are those that live now. What they waited for themselves counts too.
func descendants() []descendant {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	parents, lines := map[int]int{}, map[int][]string{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it is gone
		}
		if pid, fields := statFields(text); len(fields) > statChildSystem {
			parents[pid], _ = strconv.Atoi(fields[statParent])
			lines[pid] = fields
		}
	}
	var all []descendant
	for pid, fields := range lines {
		if pid != os.Getpid() && descends(parents, pid, os.Getpid()) {
			all = append(all, describe(pid, fields))
		}
	}
	return all
}

// descends follows parents up; the number of steps bounds a loop that processes which
// end and begin while they are read could make.
func descends(parents map[int]int, pid, from int) bool {
	for range len(parents) + 1 {
		if pid == from {
			return true
		}
		pid = parents[pid]
	}
	return false
}

// Places of /proc/PID/stat, counted from what follows the name in brackets: state is 0.
const (
	statParent      = 1
	statUser        = 11
	statSystem      = 12
	statChildUser   = 13
	statChildSystem = 14
)

// tick is the unit of times in /proc/PID/stat: every Linux that Go runs on tells users 100 a second.
const tick = 10 * time.Millisecond

// statFields parts a line of /proc/PID/stat. The name may hold spaces and brackets.
func statFields(text []byte) (pid int, fields []string) {
	end := bytes.LastIndexByte(text, ')')
	first, _, found := bytes.Cut(text, []byte(" "))
	if end < 0 || !found {
		return 0, nil
	}
	pid, _ = strconv.Atoi(string(first))
	return pid, strings.Fields(string(text[end+1:]))
}

// describe reads a process's own clock, which is exact, and parts it in user and
// system by its ticks, which are not.
func describe(pid int, fields []string) descendant {
	ticks := func(place int) time.Duration {
		n, _ := strconv.ParseInt(fields[place], 10, 64)
		return time.Duration(n) * tick
	}
	user, system := ticks(statUser), ticks(statSystem)
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|2, &at); err == nil { // as clock_getcpuclockid makes it
		total, share := time.Duration(at.Nano()), 1.0
		if user+system > 0 {
			share = float64(user) / float64(user+system)
		}
		user = time.Duration(share * float64(total))
		system = total - user
	}
	return descendant{name: programName(pid), user: user + ticks(statChildUser), system: system + ticks(statChildSystem)}
}

// programName is what was started: a program and its first word.
func programName(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	name := filepath.Base(words[0])
	if len(words) > 1 && !strings.HasPrefix(words[1], "-") && !strings.Contains(words[1], "/") {
		name += " " + words[1]
	}
	return name
}

// threadCPU is what the thread that calls it has used since it began.
func threadCPU() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }
