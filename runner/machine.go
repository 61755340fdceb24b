package runner

import (
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"

	"rubato/reports"
)

// Above these, figures are weakened and say so.
const (
	busyLoad = 0.5 // load average of the last minute, before anything is measured, a core
	stealPct = 0.5 // of CPU time, taken by other guests of the host
	hotTempC = 80  // where boards begin to throttle
)

// machine is a reports.Machine while it is read.
type machine struct {
	*reports.Machine
	root fs.FS // of the file system; what Linux tells in files is read there
}

// readMachine tells where a run is made. What cannot be read stays empty.
func readMachine(root fs.FS, versions map[string]string) reports.Machine {
	m := machine{&reports.Machine{
		Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), GOGC: gogc(),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		Versions: maps.Clone(versions), Warnings: []string{},
	}, root}
	m.Commit, m.Dirty = source()
	m.readSystem()
	m.readFrequency()
	m.readQuota()
	m.readHeat()
	m.Untold = untold(root)
	m.warnOfSource()
	return *m.Machine
}

func (m machine) warn(format string, args ...any) {
	m.Warnings = append(m.Warnings, fmt.Sprintf(format, args...))
}

// text is a small file's content without space around it; "" if it cannot be read.
func (m machine) text(path string) string { return textOf(m.root, path) }

func (m machine) number(path string) (float64, bool) {
	n, err := strconv.ParseFloat(m.text(path), 64)
	return n, err == nil
}

func (m machine) readSystem() {
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		m.CPU = info[0].ModelName
	}
	if board := m.text("proc/device-tree/model"); board != "" {
		m.CPU = strings.TrimSpace(m.CPU + " (" + board + ")") // ARM boards tell more than their CPU
	}
	m.Kernel, _ = host.KernelVersion()
	if memory, err := mem.VirtualMemory(); err == nil {
		m.Memory = memory.Total
	}
	if avg, err := load.Avg(); err == nil {
		m.Load = [3]float64{avg.Load1, avg.Load5, avg.Load15}
	}
	if m.Load[0] > busyLoad*float64(m.Cores) {
		m.warn("load was %.2f at the start: something else is at work, so figures are too high and intervals wide", m.Load[0])
	}
}

// readFrequency reads what moves the clock of the CPU.
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

// readHeat reads temperature, and whether the CPU was slowed down for it.
func (m machine) readHeat() {
	zones, _ := fs.Glob(m.root, "sys/class/thermal/thermal_zone*/temp")
	for _, zone := range zones {
		if milli, ok := m.number(zone); ok {
			m.TempC = max(m.TempC, milli/1000)
		}
	}
	if m.TempC >= hotTempC {
		m.warn("temperature was %.0f °C at the start: the CPU may be slowed down", m.TempC)
	}
	m.Throttled = m.throttled()
	if bits, err := strconv.ParseUint(m.Throttled, 0, 32); err == nil && bits&0xf != 0 {
		m.warn("the firmware slows the CPU down (get_throttled %s): check power supply and cooling", m.Throttled)
	}
}

// throttled is the firmware's word on a Raspberry Pi ("0x0"), else how often the
// first core was slowed down since the start of the machine.
func (m machine) throttled() string {
	if bits := m.text("sys/devices/platform/soc/soc:firmware/get_throttled"); bits != "" {
		return "0x" + strings.TrimPrefix(bits, "0x")
	}
	if count := m.text("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"); count != "" {
		return count + " times since boot"
	}
	return ""
}

func (m machine) warnOfSource() {
	if m.Dirty {
		m.warn("built from commit %.12s with changes that are not committed", m.Commit)
	}
}

// after is called when the run is over: what happened to the machine meanwhile.
func (m machine) after(before, after cpu.TimesStat) {
	if total := total(after) - total(before); total > 0 {
		m.StealPct = 100 * (after.Steal - before.Steal) / total
	}
	if m.StealPct > stealPct {
		m.warn("%.1f %% of CPU time was stolen by other guests of this host", m.StealPct)
	}
	if now := m.throttled(); now != m.Throttled {
		m.warn("the CPU was slowed down during the run: throttling %s, before %s", now, m.Throttled)
		m.Throttled = now
	}
}

// readTimes are CPU times of the whole machine since its start.
func readTimes() cpu.TimesStat {
	times, err := cpu.Times(false)
	if err != nil || len(times) == 0 {
		return cpu.TimesStat{}
	}
	return times[0]
}

// total counts a guest's time once: it stands in User and Nice already.
func total(t cpu.TimesStat) float64 {
	return t.User + t.System + t.Idle + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
}
