package host

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"

	"rubato/results"
)

// The places in which Linux tells heat, clock and throttling. A Raspberry Pi's firmware stands under
// soc or under an address, such as soc@107c000000, depending on board and kernel.
const (
	thermalZones   = "sys/class/thermal/thermal_zone*/temp"
	hwmonSensors   = "sys/class/hwmon/hwmon*/temp*_input"
	hwmonAlarms    = "sys/class/hwmon/hwmon*/in0_lcrit_alarm"
	frequencies    = "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"
	firmwareBits   = "sys/devices/platform/soc*/*firmware*/get_throttled"
	coreSlowdowns  = "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count"
	underVoltage   = 1 // the lowest bit of get_throttled
	voltageMonitor = "rpi_volt"
)

// cpuSensors are the hwmon drivers whose temperatures are a CPU's. Others are of disks, cards and fans.
var cpuSensors = []string{"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"}

// HeatNow reads this machine. It takes some 100 µs, so it is read between trials, never in a slice.
func HeatNow() results.Heat { return ReadHeat(os.DirFS("/")) }

// ReadHeat reads a root file system. What a machine does not tell stays 0.
func ReadHeat(root fs.FS) (h results.Heat) {
	for _, zone := range glob(root, thermalZones) {
		h.TempC = max(h.TempC, number(root, zone)/1000)
	}
	for _, sensor := range glob(root, hwmonSensors) {
		if slices.Contains(cpuSensors, textOf(root, path.Dir(sensor)+"/name")) {
			h.TempC = max(h.TempC, number(root, sensor)/1000)
		}
	}
	for _, core := range glob(root, frequencies) {
		h.MHz = max(h.MHz, number(root, core)/1000)
	}
	for _, core := range glob(root, coreSlowdowns) {
		h.Slowdowns += uint64(max(0, number(root, core)))
	}
	if bits, told := firmware(root); told {
		h.Throttled = bits
	}
	for _, alarm := range glob(root, hwmonAlarms) { // of kernels that keep the firmware's bits to themselves
		if textOf(root, path.Dir(alarm)+"/name") == voltageMonitor && textOf(root, alarm) == "1" {
			h.Throttled |= underVoltage
		}
	}
	return h
}

// firmware is what the firmware of a Raspberry Pi says: hexadecimal, with 0x or without.
func firmware(root fs.FS) (bits uint32, told bool) {
	for _, file := range glob(root, firmwareBits) {
		text := textOf(root, file)
		if len(text) < 2 || text[:2] != "0x" {
			text = "0x" + text
		}
		if value, err := strconv.ParseUint(text, 0, 32); err == nil {
			return uint32(value), true
		}
	}
	return 0, false
}

// glob never fails with the patterns above.
func glob(root fs.FS, pattern string) []string {
	found, _ := fs.Glob(root, pattern)
	return found
}

// number is 0 for what cannot be read.
func number(root fs.FS, file string) float64 {
	value, err := strconv.ParseFloat(textOf(root, file), 64)
	if err != nil {
		return 0
	}
	return value
}
