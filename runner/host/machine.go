// Package host reads what the operating system says about the machine, about this
// process and about the processes that it started: hardware and its limits, CPU time,
// memory, clocks, and the kernel's counters.
//
// It does not decide when to read and it judges no style: package runner does. All code
// that depends on the operating system stands in files named after it: linux.go and other.go (all
// others), unix.go, macos.go (every Unix but Linux) and windows.go, where nothing is measured.
package host

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"

	"rubato/results"
)

// Above these limits the figures are less reliable, and a warning says so.
const (
	busyLoad = 0.5 // load average of the minute before the run, per core
	stealPct = 0.5 // % of CPU time that other guests of the host took
	hotTempC = 80  // °C; boards begin to throttle here
)

// ReadMachine fills in what a run is made on. Fields that cannot be read stay empty.
// Call end when the run is over: it adds what happened to the machine meanwhile.
func ReadMachine(into *results.Machine, versions map[string]string) (end func()) {
	m := machine{into, os.DirFS("/"), vcgencmd}
	before := cpuTimes()
	m.read(versions)
	return func() { m.after(before, cpuTimes()) }
}

// GOGC is the garbage collector's setting in the environment, or its default.
func GOGC() string {
	if value := os.Getenv("GOGC"); value != "" {
		return value
	}
	return "100"
}

type machine struct {
	*results.Machine
	root     fs.FS         // the file system's root; a test has one of its own
	vcgencmd func() string // asks a Raspberry Pi whose kernel has no file for its firmware; nil: nobody
}

func (m machine) read(versions map[string]string) {
	*m.Machine = results.Machine{
		Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), GOGC: GOGC(),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		Versions: maps.Clone(versions), Warnings: []string{},
	}
	m.Commit, m.Dirty = Source()
	m.readSystem()
	m.readFrequency()
	m.readQuota()
	m.readHeat()
	m.Unavailable = unavailable(m.root)
	for _, what := range weaker {
		m.warn("on %s %s", runtime.GOOS, what)
	}
	if limit := os.Getenv("GOMEMLIMIT"); limit != "" {
		m.warn("GOMEMLIMIT is %s: a process near it collects garbage more often", limit)
	}
	if m.Dirty {
		m.warn("built from commit %.12s with changes that are not committed", m.Commit)
	}
}

func (m machine) warn(format string, args ...any) {
	m.Warnings = append(m.Warnings, fmt.Sprintf(format, args...))
}

func (m machine) text(path string) string { return textOf(m.root, path) }

// textOf is the content of a small file without the space around it, "" if it cannot
// be read.
func textOf(root fs.FS, path string) string {
	data, err := fs.ReadFile(root, path)
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), " \t\n\x00")
}

func (m machine) readSystem() {
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		m.CPU = info[0].ModelName
	}
	if board := m.text("proc/device-tree/model"); board != "" {
		m.CPU = strings.TrimSpace(m.CPU + " (" + board + ")") // says more than an ARM board's CPU
	}
	m.Kernel, _ = host.KernelVersion()
	if memory, err := mem.VirtualMemory(); err == nil {
		m.Memory, m.Available = memory.Total, memory.Available
	}
	if avg, err := load.Avg(); err == nil {
		m.Load = [3]float64{avg.Load1, avg.Load5, avg.Load15}
	}
	if m.Load[0] > busyLoad*float64(m.Cores) {
		m.warn("load was %.2f at the start: other programs are running, so figures are too high and intervals wide", m.Load[0])
	}
}

// readFrequency reads what changes the clock rate of the CPU.
func (m machine) readFrequency() {
	const cpus = "sys/devices/system/cpu/"
	m.Governor = m.text(cpus + "cpu0/cpufreq/scaling_governor")
	if m.Governor != "" && m.Governor != "performance" {
		m.warn("CPU governor is %q: short blocks may run at a lower clock; set it to performance", m.Governor)
	}
	switch {
	case m.text(cpus+"intel_pstate/no_turbo") == "1", m.text(cpus+"cpufreq/boost") == "0":
		m.Turbo = "off"
	case m.text(cpus+"intel_pstate/no_turbo") == "0", m.text(cpus+"cpufreq/boost") == "1":
		m.Turbo = "on"
	}
}

// readHeat reads the temperature, and whether the CPU is slowed down now.
func (m machine) readHeat() {
	now := m.heat()
	m.TempC = now.TempC
	if m.TempC >= hotTempC {
		m.warn("temperature was %.0f °C at the start: the CPU may be slowed down", m.TempC)
	}
	m.Throttled = m.throttled(now)
	if what := now.Throttling(); what != "" {
		m.warn("the firmware slows the CPU down: %s (get_throttled %#x): check power supply and cooling", what, now.Throttled)
	}
}

// heat is now's, with what only a program can ask the firmware.
func (m machine) heat() results.Heat {
	now := ReadHeat(m.root)
	bits, _ := m.firmware()
	now.Throttled |= bits
	return now
}

func (m machine) firmware() (bits uint32, told bool) {
	if bits, told = firmware(m.root); told || m.vcgencmd == nil {
		return bits, told
	}
	_, text, _ := strings.Cut(m.vcgencmd(), "throttled=")
	value, err := strconv.ParseUint(strings.TrimSpace(text), 0, 32)
	return uint32(value), err == nil
}

// vcgencmd is the answer of Raspberry Pi OS, such as throttled=0x50005; "" elsewhere.
func vcgencmd() string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	said, _ := exec.CommandContext(ctx, "vcgencmd", "get_throttled").Output() // without it there is no answer
	return string(said)
}

// throttled is the firmware's answer on a Raspberry Pi ("0x0"), otherwise how often cores were
// slowed down since the machine started; "" if the machine does not tell.
func (m machine) throttled(now results.Heat) string {
	if _, told := m.firmware(); told || now.Throttled != 0 {
		return fmt.Sprintf("%#x", now.Throttled)
	}
	if len(glob(m.root, coreSlowdowns)) > 0 {
		return fmt.Sprintf("%d times since boot", now.Slowdowns)
	}
	return ""
}

// after adds what happened to the machine during the run.
func (m machine) after(before, after cpu.TimesStat) {
	if total := total(after) - total(before); total > 0 {
		m.StealPct = 100 * (after.Steal - before.Steal) / total
	}
	if m.StealPct > stealPct {
		m.warn("%.1f %% of CPU time was stolen by other guests of this host", m.StealPct)
	}
	if now := m.throttled(m.heat()); now != m.Throttled {
		m.warn("the CPU was slowed down during the run: throttling %s, before %s", now, m.Throttled)
		m.Throttled = now
	}
}

// cpuTimes are those of the whole machine since it started.
func cpuTimes() cpu.TimesStat {
	times, err := cpu.Times(false)
	if err != nil || len(times) == 0 {
		return cpu.TimesStat{}
	}
	return times[0]
}

// total leaves a guest's time out: User and Nice contain it.
func total(t cpu.TimesStat) float64 {
	return t.User + t.System + t.Idle + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
}

// readQuota reads how much CPU the control group may use. The limit may belong to the
// process's own group or to one above it; the tightest one counts.
func (m machine) readQuota() {
	least := 0.0
	for line := range strings.Lines(m.text("proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			text := m.quotaOf(fields[1], group)
			if cores, limited := parseQuota(text); limited && (least == 0 || cores < least) {
				least, m.Quota = cores, text
			} else if m.Quota == "" {
				m.Quota = text
			}
			if group == "/" {
				break
			}
		}
	}
	if least > 0 && least < float64(m.GOMAXPROCS) {
		m.warn("the control group may use %.2g cores, GOMAXPROCS is %d: set GOMAXPROCS to fit, or the kernel will pause the run", least, m.GOMAXPROCS)
	}
}

// quotaOf is a group's quota in the format of cpu.max: "150000 100000" or "max 100000".
// Version 1 of control groups has two files instead, and -1 for no limit.
func (m machine) quotaOf(controllers, group string) string {
	if controllers == "" {
		return m.text(path.Join("sys/fs/cgroup", group, "cpu.max"))
	}
	if !strings.Contains(","+controllers+",", ",cpu,") {
		return ""
	}
	dir := path.Join("sys/fs/cgroup", controllers, group)
	quota, period := m.text(path.Join(dir, "cpu.cfs_quota_us")), m.text(path.Join(dir, "cpu.cfs_period_us"))
	if quota == "" || period == "" {
		return ""
	}
	if quota == "-1" {
		quota = "max"
	}
	return quota + " " + period
}

// parseQuota is how many cores a quota allows, if it limits them.
func parseQuota(text string) (cores float64, limited bool) {
	quota, period, _ := strings.Cut(text, " ")
	used, err := strconv.ParseFloat(quota, 64)
	of, err2 := strconv.ParseFloat(period, 64)
	if err != nil || err2 != nil || used <= 0 || of <= 0 {
		return 0, false
	}
	return used / of, true
}

// Source is the commit that the program was built from: the one that the build noted,
// otherwise that of the working directory if it holds this program's source, otherwise
// "unknown".
func Source() (commit string, dirty bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", false
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.modified":
			dirty = setting.Value == "true"
		}
	}
	if commit != "" {
		return commit, dirty
	}
	return checkedOut(info.Main.Path)
}

// Version is the program's, as the build noted it from git's tags: v1.2.0, or between two of them
// one such as v1.2.1-0.20261129144441-6807ac9b3a1c, with +dirty for changes that are not
// committed; "devel" if the build noted none. made is when its commit was made, zero if unknown.
func Version() (version string, made time.Time) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel", made
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.time" {
			made, _ = time.Parse(time.RFC3339, setting.Value) // zero says that it is unknown
		}
	}
	return cmp.Or(strings.Trim(info.Main.Version, "()"), "devel"), made
}

// checkedOut asks git, if it is installed.
func checkedOut(module string) (commit string, dirty bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel", "HEAD").Output()
	top, commit, _ := strings.Cut(strings.TrimSpace(string(found)), "\n")
	if err != nil || commit == "" || module == "" {
		return "unknown", false
	}
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module "+module+"\n")) {
		return "unknown", false
	}
	changes, err := exec.CommandContext(ctx, "git", "-C", top, "status", "--porcelain").Output()
	return commit, err != nil || len(changes) > 0
}
