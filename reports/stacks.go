package reports

import (
	"path"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"rubato/results"
)

// Parts of the time of an operation.
const (
	partWork      = "the work itself"
	partRules     = "rules and trace"
	partModules   = "modules on NATS"
	partCodec     = "codec"
	partClient    = "NATS client"
	partServer    = "NATS server"
	partSockets   = "kernel: sockets"
	partEpoll     = "kernel: epoll"
	partFutex     = "kernel: futex"
	partMemory    = "allocation and GC"
	partScheduler = "scheduler"
	partHarness   = "harness"
	partRest      = "rest"
	partWaiting   = "waiting, less what ran side by side"
)

var parts = []string{partWork, partRules, partModules, partCodec, partClient, partServer, partSockets, partEpoll, partFutex,
	partMemory, partScheduler, partHarness, partRest, partWaiting}

// plantedParts are the parts that time can be planted in, by their names in the option planted.
var plantedParts = map[string]string{"codec": partCodec, "rules": partRules}

// owners are the parts of packages, by the beginning of their paths; the first that fits.
var owners = []struct{ prefix, part string }{
	{"github.com/nats-io/nats-server", partServer}, {"github.com/nats-io/", partClient},
	{"encoding/json", partCodec}, {"github.com/go-json-experiment", partCodec}, {"github.com/tinylib/msgp", partCodec}, {"google.golang.org/protobuf", partCodec},
	{"rubato/natsbus", partModules}, {"rubato/orchestrated", partRules}, {"rubato/sqlite/tracedb", partRules},
	{"rubato/runner", partHarness}, {"rubato/measure", partHarness}, {"rubato/scenarios", partHarness}, {"github.com/HdrHistogram", partHarness},
	{"rubato/", partWork}, {"zombiezen.com/go/sqlite", partWork}, {"modernc.org/", partWork},
}

// codecFiles are the files of the codecs among those of the modules on NATS.
var codecFiles = []string{"codec.go", "json.go", "msgpack.go", "protobuf.go", "flavors.go"}

// schedules are the functions of the runtime that run other goroutines or wake them.
var schedules = []string{"schedule", "findRunnable", "mcall", "park_m", "gopark", "goready", "ready", "wakep", "startm", "stopm", "notewakeup", "notesleep",
	"futexsleep", "futexwakeup", "netpoll", "chansend", "chanrecv", "selectgo", "lock2", "unlock2", "semacquire1", "semrelease1", "goexit0", "usleep", "osyield",
	"exitsyscall", "entersyscall", "reentersyscall", "sysmon", "retake", "timeSleep", "newproc", "procyield", "morestack", "goschedImpl", "sellock"}

// allocates are the functions of the runtime that allocate or collect.
var allocates = []string{"mallocgc", "newobject", "growslice", "makeslice", "gcBgMarkWorker", "gcAssistAlloc", "bgsweep", "bgscavenge", "gcStart", "gcMarkDone",
	"scanobject", "scanObject", "gcDrain", "sweepone", "wbBufFlush", "markroot", "greyobject", "mallocinit", "stopTheWorldWithSema", "startTheWorldWithSema"}

// borrowed begin the names of functions that are their caller's: the time that is planted.
var borrowed = []string{"rubato/runner.steps", "rubato/runner.(*Slowdown).", "rubato/scenarios/workload.(*planted)."}

func isBorrowed(function string) bool {
	return slices.ContainsFunc(borrowed, func(prefix string) bool { return strings.HasPrefix(function, prefix) })
}

// A sampled is a stack of a profile, with the part that its time belongs to.
type sampled struct {
	frames  []string // innermost first
	owned   int      // so many of them, from the innermost, are the part's owner's, or called by it
	part    string
	samples float64
	ns      float64 // an operation
	life    string  // of the process; "": there was one
}

// sampledOf decides which part a sample belongs to. A system call belongs to the kernel if it
// serves what joins modules, and to the work if the work asked for it: reading and writing files.
func sampledOf(sample *profile.Sample) sampled {
	s := sampled{samples: float64(sample.Value[0]), ns: float64(sample.Value[len(sample.Value)-1])}
	if life := sample.Label["life"]; len(life) > 0 {
		s.life = life[0]
	}
	owner, runtimeSays, network, left := "", "", false, false
	for _, location := range sample.Location {
		for _, line := range location.Line {
			if line.Function == nil {
				continue
			}
			name := untyped(strings.ReplaceAll(line.Function.Name, "%2e", "."))
			s.frames = append(s.frames, name)
			folder := packageOf(name)
			if short, in := strings.CutPrefix(name, "runtime."); in && owner == "" && runtimeSays == "" {
				runtimeSays = runtimePart(short)
			}
			network = network || owner == "" && (folder == "net" || name == "runtime.netpoll")
			part := ""
			if !isBorrowed(name) {
				part = ownerPart(folder, line.Function.Filename)
			}
			if owner == "" {
				owner = part
			}
			left = left || part != "" && part != owner
			if part != "" && !left {
				s.owned = len(s.frames)
			}
		}
	}
	if owner == "" {
		owner, s.owned = partRest, len(s.frames)
	}
	if len(s.frames) > 0 {
		s.part = resolved(s.frames[0], runtimeSays, owner, network)
	} else {
		s.part = partRest
	}
	return s
}

// atWork reports whether the style was at work. The rest is the harness's, between blocks.
func atWork(sample *profile.Sample) bool {
	phase := sample.Label["phase"]
	return len(phase) == 0 || phase[0] == "run"
}

// stacksOf are the samples of a profile in which the style was at work, in their order.
func stacksOf(prof *profile.Profile) (all []sampled) {
	for _, sample := range prof.Sample {
		if atWork(sample) {
			all = append(all, sampledOf(sample))
		}
	}
	return all
}

// runtimePart is the part of a function of the runtime; "" if it serves its caller.
func runtimePart(function string) string {
	switch base := strings.TrimSuffix(strings.TrimPrefix(function, "(*mheap)."), ".func1"); {
	case slices.Contains(allocates, base) || strings.HasPrefix(base, "(*mcache)") || strings.HasPrefix(base, "(*mspan)") || strings.HasPrefix(base, "(*gcWork)"):
		return partMemory
	case slices.Contains(schedules, base):
		return partScheduler
	}
	return ""
}

func ownerPart(folder, file string) string {
	for _, o := range owners {
		if strings.HasPrefix(folder+"/", o.prefix) || strings.HasPrefix(folder, o.prefix) {
			if o.part == partModules && slices.Contains(codecFiles, path.Base(file)) {
				return partCodec
			}
			return o.part
		}
	}
	if folder == "main" || strings.HasPrefix(folder+"/", mainModule+"/") { // of a program that measures a suite of its own
		return partWork
	}
	return ""
}

// resolved decides between the kernel, the runtime and the owner.
func resolved(leaf, runtimeSays, owner string, network bool) string {
	switch {
	case strings.HasSuffix(leaf, "runtime.futex"):
		return partFutex
	case strings.Contains(leaf, "syscall"):
		switch {
		case runtimeSays == partScheduler && network && owner == partRest:
			return partEpoll
		case network:
			return partSockets
		}
		return owner
	case strings.HasPrefix(leaf, "runtime.epoll"):
		return partEpoll
	case runtimeSays != "":
		return runtimeSays
	}
	return owner
}

// A Part is what one part of an operation takes: time per operation in ns, and its share in
// percent, both means.
type Part struct {
	Time, Share results.Estimate
}

// Parts are the names of all parts.
func Parts() []string { return slices.Clone(parts) }

// PartsOf are the parts of every cell that has a profile, by Cell.Key and name.
func PartsOf(dir string, run *results.Run, details results.Details) (map[string]map[string]Part, error) {
	books, err := booksOf(dir, run, runKept(run, details))
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]Part{}
	for key, own := range books {
		// What a part takes is its difference to a book in which nothing takes any time.
		none := &book{wall: 1, cpu: 1, samples: 1, parts: map[string]float64{}, rounds: map[int]another{}}
		for round := range own.rounds {
			none.rounds[round] = another{}
		}
		all[key] = map[string]Part{}
		for _, name := range parts {
			e := balance{base: none, own: own}.difference(name)
			all[key][name] = Part{e, e.Mapped(func(ns float64) float64 { return 100 * ns / own.wall })}
		}
	}
	return all, nil
}
