package host

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"rubato/results"
)

// Counters are the kernel's counters of this process beside its CPU time. They are
// files, so they are read outside the clock: open once, Begin before and End after.
type Counters struct {
	root   fs.FS
	io     *os.File // nil: this system has no such file
	before counts
}

// counts are one reading. What is nil is not available.
type counts struct {
	io     *results.IO
	waits  map[string]time.Duration // by thread: ready to run, and without a CPU
	energy map[string]energy        // by zone of the machine
}

func OpenCounters() *Counters { return &Counters{root: os.DirFS("/"), io: openIO()} }

// Begin reads the slowest counters first and End reads them last, so that only the fast
// one is read close to the clock.
func (c *Counters) Begin() {
	c.before = counts{energy: readEnergy(c.root), waits: readWaits(c.root)}
	c.before.io = readIO(c.io, true)
}

// End is what was used since Begin, without page faults, which Usage has.
func (c *Counters) End() results.Resources {
	now := counts{io: readIO(c.io, false)}
	now.waits, now.energy = readWaits(c.root), readEnergy(c.root)
	return now.since(c.before)
}

func (c *Counters) Close() { _ = c.io.Close() } // it was only read

func (k counts) since(earlier counts) (r results.Resources) {
	if k.io != nil && earlier.io != nil {
		r.IO = &results.IO{
			Reads: k.io.Reads - earlier.io.Reads, ReadBytes: k.io.ReadBytes - earlier.io.ReadBytes,
			Writes: k.io.Writes - earlier.io.Writes, WrittenBytes: k.io.WrittenBytes - earlier.io.WrittenBytes,
			FromDisk: k.io.FromDisk - earlier.io.FromDisk, ToDisk: k.io.ToDisk - earlier.io.ToDisk,
		}
	}
	if k.waits != nil && earlier.waits != nil {
		var sum time.Duration
		for thread, waited := range k.waits { // a new thread has waited since it began
			sum += max(0, waited-earlier.waits[thread])
		}
		r.Waited = &sum
	}
	if len(k.energy) > 0 {
		var sum float64
		for zone, now := range k.energy {
			was, both := earlier.energy[zone]
			if !both {
				return r
			}
			sum += now.since(was)
		}
		r.Energy = &sum
	}
	return r
}

// energy is what a zone of the machine has used, as RAPL counts it: a model in the CPU,
// updated every millisecond. The counter starts again at 0 after most.
type energy struct{ microjoules, most uint64 }

// since is in joules. The counter can start again once in a block at most: it takes
// minutes to fill.
func (e energy) since(earlier energy) float64 {
	used := e.microjoules - earlier.microjoules
	if e.microjoules < earlier.microjoules {
		used = e.most - earlier.microjoules + e.microjoules
	}
	return float64(used) / 1e6
}

const powercap = "sys/class/powercap"

// readEnergy reads the packages' zones only: a zone inside a package is part of it, and
// psys contains the packages. nil: no zone can be read.
func readEnergy(root fs.FS) map[string]energy {
	zones, _ := fs.Glob(root, powercap+"/intel-rapl:*") // AMD's zones have this name, too
	var all map[string]energy
	for _, zone := range zones {
		if strings.Count(path.Base(zone), ":") != 1 || !strings.HasPrefix(textOf(root, zone+"/name"), "package") {
			continue
		}
		used, err := strconv.ParseUint(textOf(root, zone+"/energy_uj"), 10, 64)
		most, err2 := strconv.ParseUint(textOf(root, zone+"/max_energy_range_uj"), 10, 64)
		if err != nil || err2 != nil {
			continue
		}
		if all == nil {
			all = map[string]energy{}
		}
		all[zone] = energy{used, most}
	}
	return all
}

// unavailable are the resources that this machine does not report, and why.
func unavailable(root fs.FS) map[string]string {
	why := map[string]string{}
	if text := noEnergy(root); text != "" {
		why["energy"] = text
	}
	if textOf(root, "proc/self/io") == "" {
		why["reads and writes"] = "this kernel does not count them for a process, in /proc/self/io"
	}
	if readWaits(root) == nil {
		why["wait for a CPU"] = "this kernel does not count it, in /proc/self/task/*/schedstat"
	}
	if len(why) == 0 {
		return nil
	}
	return why
}

// noEnergy says why no energy can be read, "" if it can.
func noEnergy(root fs.FS) string {
	if len(readEnergy(root)) > 0 {
		return ""
	}
	zones, _ := fs.Glob(root, powercap+"/intel-rapl:*")
	if len(zones) == 0 {
		return "this machine has no RAPL counters under /" + powercap + " (virtual machines and boards have none)"
	}
	return "the RAPL counters cannot be read: give this user the right to read /" + powercap + "/intel-rapl:*/energy_uj"
}
