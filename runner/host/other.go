//go:build !linux

package host

import (
	"io/fs"
	"os"
	"time"

	"rubato/results"
)

// SeesProcesses: the CPU time of a process is known while it runs.
const SeesProcesses = false

// weaker are the warnings of every run on this system.
var weaker = []string{
	"CPU and memory of processes that a style or a scenario starts are not counted while they run: what scale-out, restart and pieces with a process say of CPU is too low",
	"peak memory is that of a process's whole life, not of its trial; RSS, waits for a CPU, reads and writes, temperature and clock rate are not told",
	"a machine that slept during a trial is not noticed",
	"a run that is killed leaves its processes to end by themselves",
}

// AdoptOrphans does nothing: only Linux has it.
func AdoptOrphans() error { return nil }

// EndDescendants finds none: only Linux lists them.
func EndDescendants() (running []string) { return nil }

var started = time.Now()

// ClocksNow has no clock here that goes on while the machine sleeps.
func ClocksNow() Clocks {
	now := time.Now()
	steady := now.Sub(started)
	return Clocks{Steady: steady, Boot: steady, Wall: time.Duration(now.Round(0).UnixNano())}
}

// ThreadCPU is that of the whole process: not every system has it for a thread.
func ThreadCPU() time.Duration { return OwnCPU() }

// ResetPeakRSS does nothing: only Linux lets a process do it.
func ResetPeakRSS() {}

// RSS is 0: it is not measured here.
func RSS() int64 { return 0 }

// hasChildren is false: only children that were waited for are counted here.
func hasChildren() bool { return false }

func descendants() []descendant { return nil }

func descendantsOf(int) []descendant { return nil }

// CPUOf is 0: a process's clock is read from outside only on Linux.
func CPUOf(int) time.Duration { return 0 }

// The counters below are not available on other systems.

func openIO() *os.File { return nil }

func readIO(*os.File, bool) *results.IO { return nil }

func readWaits(fs.FS) map[string]time.Duration { return nil }
