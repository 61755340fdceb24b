package runner

import (
	"io/fs"
	"os"
	"time"

	"rubato/reports"
)

// A kernelCount is what the kernel counts of a process beside its CPU time. What is
// nil is not told.
type kernelCount struct {
	io     *reports.IO
	waits  map[string]time.Duration // by thread: ready to run, and without a CPU
	energy map[string]energy        // by zone of the machine
}

// beginCount reads what is dear first, so that what the clock is started after is
// only cheap to read; endCount the other way round.
func beginCount(root fs.FS, io *os.File) kernelCount {
	k := kernelCount{energy: readEnergy(root), waits: readWaits(root)}
	k.io = readIO(io, true)
	return k
}

func endCount(root fs.FS, io *os.File) kernelCount {
	k := kernelCount{io: readIO(io, false)}
	k.waits, k.energy = readWaits(root), readEnergy(root)
	return k
}

// since is what was used after earlier, for the results.
func (k kernelCount) since(earlier kernelCount) (r reports.Resources) {
	if k.io != nil && earlier.io != nil {
		r.IO = &reports.IO{
			Reads: k.io.Reads - earlier.io.Reads, ReadBytes: k.io.ReadBytes - earlier.io.ReadBytes,
			Writes: k.io.Writes - earlier.io.Writes, WrittenBytes: k.io.WrittenBytes - earlier.io.WrittenBytes,
			FromDisk: k.io.FromDisk - earlier.io.FromDisk, ToDisk: k.io.ToDisk - earlier.io.ToDisk,
		}
	}
	if k.waits != nil && earlier.waits != nil {
		var sum time.Duration
		for thread, waited := range k.waits { // one that began meanwhile has waited since
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
