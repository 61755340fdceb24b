package reports

import "time"

// Resources are what a block used beside time and memory, as the system tells it. What
// is nil is not told there, see Machine.Untold.
type Resources struct {
	MinorFaults int64 `json:"minor_faults"` // pages that had to be mapped
	MajorFaults int64 `json:"major_faults"` // pages that had to be read from the disk
	IO          *IO   `json:"io,omitempty"`
	// Waited is the time for which its threads were ready to run and had no CPU.
	Waited *time.Duration `json:"waited,omitempty"`
	// Energy is that of all CPUs of the machine in the time of the block, in joules:
	// also of what others did meanwhile.
	Energy *float64 `json:"energy,omitempty"`
	// Apart is the CPU time of processes that the style started, by name; it stands in
	// the block's User and System already.
	Apart map[string]time.Duration `json:"apart,omitempty"`
}

// IO is reading and writing of files and sockets by read, write and their kin; what is
// mapped into memory, or sent by other calls, is not in it.
type IO struct {
	Reads        int64 `json:"reads"` // system calls
	Writes       int64 `json:"writes"`
	ReadBytes    int64 `json:"read_bytes"`
	WrittenBytes int64 `json:"written_bytes"`
	FromDisk     int64 `json:"from_disk"` // bytes that had to come from the disk
	ToDisk       int64 `json:"to_disk"`   // bytes that will have to go there
}

// A resource is one of which a block tells how much it used.
type resource struct {
	name   string // in Cell.Spent
	title  string
	unit   string // of Go benchmark lines; empty: not there
	of     func(Block) (float64, bool)
	show   func(float64) string // a value per operation
	signed func(float64) string // a difference of two
}

// resourceList is in the order of the table.
var resourceList = []resource{
	counted("gcs", "garbage collections", func(b Block) float64 { return float64(b.GCs) }),
	{"gc_pause_ns", "their pauses", "", func(b Block) (float64, bool) { return float64(b.GCPause), true }, nanoseconds, signedTime},
	counted("voluntary", "switches, by itself", func(b Block) float64 { return float64(b.Voluntary) }),
	counted("involuntary", "switches, by the kernel", func(b Block) float64 { return float64(b.Involuntary) }),
	{"waited_ns", "waited for a CPU", "wait-ns/op", waited, nanoseconds, signedTime},
	fromIO("reads", "read calls", "reads/op", func(io *IO) int64 { return io.Reads }),
	fromIO("writes", "write calls", "writes/op", func(io *IO) int64 { return io.Writes }),
	fromIO("read_bytes", "bytes read", "read-B/op", func(io *IO) int64 { return io.ReadBytes }),
	fromIO("written_bytes", "bytes written", "written-B/op", func(io *IO) int64 { return io.WrittenBytes }),
	fromIO("from_disk", "bytes from the disk", "from-disk-B/op", func(io *IO) int64 { return io.FromDisk }),
	fromIO("to_disk", "bytes to the disk", "to-disk-B/op", func(io *IO) int64 { return io.ToDisk }),
	faults("minor_faults", "page faults, minor", "minor-faults/op", func(r *Resources) int64 { return r.MinorFaults }),
	faults("major_faults", "page faults, major", "major-faults/op", func(r *Resources) int64 { return r.MajorFaults }),
	{"energy_j", "energy, all CPUs of the machine", "J/op", used, joules, func(j float64) string { return plus(j) + joules(j) }},
}

func counted(name, title string, of func(Block) float64) resource {
	return resource{name, title, "", func(b Block) (float64, bool) { return of(b), true }, figure, signed}
}

func fromIO(name, title, unit string, of func(*IO) int64) resource {
	return resource{name, title, unit, func(b Block) (float64, bool) {
		if b.Resources == nil || b.Resources.IO == nil {
			return 0, false
		}
		return float64(of(b.Resources.IO)), true
	}, figure, signed}
}

func faults(name, title, unit string, of func(*Resources) int64) resource {
	return resource{name, title, unit, func(b Block) (float64, bool) {
		if b.Resources == nil {
			return 0, false
		}
		return float64(of(b.Resources)), true
	}, figure, signed}
}

func waited(b Block) (float64, bool) {
	if b.Resources == nil || b.Resources.Waited == nil {
		return 0, false
	}
	return float64(*b.Resources.Waited), true
}

func used(b Block) (float64, bool) {
	if b.Resources == nil || b.Resources.Energy == nil {
		return 0, false
	}
	return *b.Resources.Energy, true
}

// joules is an energy in the unit that suits it.
func joules(j float64) string { return figure(j*1e6) + noBreak + "µJ" }

func plus(x float64) string {
	if x > 0 {
		return "+"
	}
	return ""
}

// spentOn are means per operation of what all of the blocks tell.
func spentOn(blocks []Block) map[string]float64 {
	var spent map[string]float64
	add := func(name string, mean float64) {
		if spent == nil {
			spent = map[string]float64{}
		}
		spent[name] = mean
	}
	for _, r := range resourceList {
		if mean, told := r.mean(blocks); told {
			add(r.name, mean)
		}
	}
	for name, mean := range apart(blocks) {
		add(apartName+name, mean)
	}
	return spent
}

// apartName goes before a process's name in Cell.Spent.
const apartName = "cpu_ns of "

func (r resource) mean(blocks []Block) (mean float64, told bool) {
	var sum, ops float64
	for _, b := range blocks {
		used, told := r.of(b)
		if !told {
			return 0, false
		}
		sum, ops = sum+used, ops+float64(b.Ops)
	}
	return sum / max(ops, 1), ops > 0
}

// apart is the CPU time per operation of processes that the style started.
func apart(blocks []Block) map[string]float64 {
	sum, ops := map[string]float64{}, 0.0
	for _, b := range blocks {
		ops += float64(b.Ops)
		if b.Resources == nil {
			continue
		}
		for name, used := range b.Resources.Apart {
			sum[name] += float64(used)
		}
	}
	for name := range sum {
		sum[name] /= max(ops, 1)
	}
	return sum
}
