package runner

import (
	"syscall"
	"time"
)

// usage is what this process and all that it started have used so far: getrusage,
// which counts precisely, where gopsutil sees ticks of 10 ms. Of a process that a
// style started and that still runs there is CPU time alone.
type usage struct {
	user, system           time.Duration
	voluntary, involuntary int64 // context switches
	minor, major           int64 // page faults: without and with the disk
	apart                  map[string]time.Duration
}

func (u usage) cpu() time.Duration { return u.user + u.system }

// usageNow takes under a microsecond in a process without children.
func usageNow() usage {
	u := ownUsage()
	if !hasChildren() {
		u.add(usageOf(syscall.RUSAGE_CHILDREN))
		return u
	}
	living := descendants() // before those that were waited for: who ends between is not missed
	u.add(usageOf(syscall.RUSAGE_CHILDREN))
	for _, d := range living {
		u.user, u.system = u.user+d.user, u.system+d.system
		if u.apart == nil {
			u.apart = map[string]time.Duration{}
		}
		u.apart[d.name] += d.user + d.system
	}
	return u
}

// ownUsage is that of this process alone, whatever it started.
func ownUsage() usage { return usageOf(syscall.RUSAGE_SELF) }

// usageOf is that of this process, or of the children that it has waited for.
func usageOf(who int) usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		return usage{} // cannot fail with these arguments
	}
	return usage{
		user:        time.Duration(r.Utime.Nano()),
		system:      time.Duration(r.Stime.Nano()),
		voluntary:   int64(r.Nvcsw),
		involuntary: int64(r.Nivcsw),
		minor:       int64(r.Minflt),
		major:       int64(r.Majflt),
	}
}

func (u *usage) add(more usage) {
	u.user, u.system = u.user+more.user, u.system+more.system
	u.voluntary, u.involuntary = u.voluntary+more.voluntary, u.involuntary+more.involuntary
	u.minor, u.major = u.minor+more.minor, u.major+more.major
}

// since is what was used after earlier. A process that ended meanwhile stands in the
// sums, and no longer apart.
func (u usage) since(earlier usage) usage {
	d := usage{
		user: max(0, u.user-earlier.user), system: max(0, u.system-earlier.system),
		voluntary: u.voluntary - earlier.voluntary, involuntary: u.involuntary - earlier.involuntary,
		minor: u.minor - earlier.minor, major: u.major - earlier.major,
	}
	for name, used := range u.apart {
		if d.apart == nil {
			d.apart = map[string]time.Duration{}
		}
		d.apart[name] = max(0, used-earlier.apart[name])
	}
	return d
}

// A descendant is a process that this one, or one that it started, started.
type descendant struct {
	name         string // the program's, and its first word if it has one: "rubato worker"
	user, system time.Duration
}
