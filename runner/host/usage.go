package host

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// Usage is what this process and all processes that it started have used so far. It
// comes from getrusage, which is exact; gopsutil counts ticks of 10 ms. Of a process
// that a style started and that still runs, only CPU time is included, and that on Linux only.
type Usage struct {
	User, System             time.Duration
	Voluntary, Involuntary   int64                    // context switches
	MinorFaults, MajorFaults int64                    // page faults: without and with the disk
	Apart                    map[string]time.Duration // CPU time of running descendants, by name
}

// CPU is user and system time together.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// looked is the CPU time that UsageNow has taken to look for descendants.
var looked atomic.Int64

// UsageNow takes under a microsecond in a process without children. With children it takes
// some 100 µs, which it does not count as used. A child that is waited for during the reading
// would count twice, as one that runs and as one that is gone, or not at all: then everything
// is read again.
func UsageNow() Usage {
	if !hasChildren() {
		u := OwnUsage()
		u.System -= time.Duration(looked.Load())
		u.Add(usageOf(ofChildren))
		return u
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := ThreadCPU()
	var running []descendant
	gone := usageOf(ofChildren)
	for range 100 {
		running = descendants()
		before := gone
		if gone = usageOf(ofChildren); gone.CPU() == before.CPU() {
			break
		}
	}
	took := looked.Add(int64(ThreadCPU() - began))
	u := OwnUsage()
	u.System -= time.Duration(took)
	u.Add(gone)
	for _, d := range running {
		u.User, u.System = u.User+d.user, u.System+d.system
		if u.Apart == nil {
			u.Apart = map[string]time.Duration{}
		}
		u.Apart[d.name] += d.user + d.system
	}
	return u
}

// OwnUsage is what this process has used, without the processes that it started.
func OwnUsage() Usage { return usageOf(ofSelf) }

// OwnCPU is the CPU time in OwnUsage.
func OwnCPU() time.Duration { return OwnUsage().CPU() }

// Add adds what was used.
func (u *Usage) Add(more Usage) {
	u.User, u.System = u.User+more.User, u.System+more.System
	u.Voluntary, u.Involuntary = u.Voluntary+more.Voluntary, u.Involuntary+more.Involuntary
	u.MinorFaults, u.MajorFaults = u.MinorFaults+more.MinorFaults, u.MajorFaults+more.MajorFaults
	for name, used := range more.Apart {
		if u.Apart == nil {
			u.Apart = map[string]time.Duration{}
		}
		u.Apart[name] += used
	}
}

// Since is what was used after earlier. A descendant that ended meanwhile is in the
// sums, but no longer in Apart. What looking took was taken from the system's time, but the kernel
// may have counted some of it as the user's.
func (u Usage) Since(earlier Usage) Usage {
	user, system := u.User-earlier.User, u.System-earlier.System
	d := Usage{
		User: max(0, user+min(0, system)), System: max(0, system),
		Voluntary: u.Voluntary - earlier.Voluntary, Involuntary: u.Involuntary - earlier.Involuntary,
		MinorFaults: u.MinorFaults - earlier.MinorFaults, MajorFaults: u.MajorFaults - earlier.MajorFaults,
	}
	for name, used := range u.Apart {
		if d.Apart == nil {
			d.Apart = map[string]time.Duration{}
		}
		d.Apart[name] = max(0, used-earlier.Apart[name])
	}
	return d
}

// A Runtime is what the Go runtime runs with. A style must not change it.
type Runtime struct {
	GOGC, GOMEMLIMIT uint64 // in percent and bytes, as runtime/metrics reports them
	Procs            int
}

// runtimeRead is read again and again, so that a reading allocates nothing.
var runtimeRead = struct {
	sync.Mutex
	samples []metrics.Sample
}{samples: []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}}

// RuntimeNow takes under a microsecond.
func RuntimeNow() Runtime {
	runtimeRead.Lock()
	defer runtimeRead.Unlock()
	metrics.Read(runtimeRead.samples)
	return Runtime{runtimeRead.samples[0].Value.Uint64(), runtimeRead.samples[1].Value.Uint64(), runtime.GOMAXPROCS(0)}
}

func (r Runtime) String() string {
	return fmt.Sprintf("GOGC %d, GOMEMLIMIT %d, GOMAXPROCS %d", int64(r.GOGC), r.GOMEMLIMIT, r.Procs)
}

// A descendant is a running process that this process started, directly or not.
type descendant struct {
	name         string // program and its first word, if it has one: "rubato worker"
	user, system time.Duration
	pid          int
}

// Clocks are readings of one moment. Their zero points differ, so compare only
// differences.
type Clocks struct {
	Steady time.Duration // never set; stops while the machine sleeps
	Boot   time.Duration // never set; goes on while the machine sleeps
	Wall   time.Duration // set by people and by time servers
}
