package host

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/shirou/gopsutil/v3/cpu"

	"rubato/results"
)

// files is a root file system with these contents.
func files(contents map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for path, text := range contents {
		root[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func readAll(root fs.FS, versions map[string]string) results.Machine {
	m := machine{&results.Machine{}, root, nil}
	m.read(versions)
	return *m.Machine
}

func TestMachineOfFiles(t *testing.T) {
	t.Parallel()
	got := readAll(files(map[string]string{
		"proc/device-tree/model":                                  "Raspberry Pi Zero 2 W Rev 1.0\x00",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":    "ondemand\n",
		"sys/devices/system/cpu/cpufreq/boost":                    "0\n",
		"sys/class/thermal/thermal_zone0/temp":                    "48312\n",
		"sys/class/thermal/thermal_zone1/temp":                    "81500\n",
		"sys/devices/platform/soc/soc:firmware/get_throttled":     "50005\n",
		"sys/devices/system/cpu/cpu0/thermal_throttle/unreadable": "",
	}), map[string]string{"abacus": "1"})
	if !strings.Contains(got.CPU, "Raspberry Pi Zero 2 W Rev 1.0") || strings.Contains(got.CPU, "\x00") {
		t.Errorf("CPU %q", got.CPU)
	}
	if got.Governor != "ondemand" || got.Turbo != "off" || got.TempC != 81.5 || got.Throttled != "0x50005" || got.Versions["abacus"] != "1" {
		t.Errorf("%+v", got)
	}
	warnings := strings.Join(got.Warnings, "\n")
	for _, part := range []string{`governor is "ondemand"`, "temperature was 82 °C", "get_throttled 0x50005"} {
		if !strings.Contains(warnings, part) {
			t.Errorf("no warning has %q:\n%s", part, warnings)
		}
	}
}

// What every system tells is read on the one that the test runs on.
func TestMachineHere(t *testing.T) {
	t.Parallel()
	got := readAll(os.DirFS("/"), nil)
	if got.Cores < 1 || got.GOMAXPROCS < 1 || got.GOGC == "" || got.Kernel == "" || got.Memory == 0 || got.Go == "" || got.Commit == "" {
		t.Errorf("%+v", got)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, groups string
		files        map[string]string
		quota        string
		warns        bool
	}{
		{"none", "0::/\n", nil, "", false},
		{"version 2, no limit", "0::/a\n", map[string]string{"sys/fs/cgroup/a/cpu.max": "max 100000\n"}, "max 100000", false},
		{"version 2, own group", "0::/a\n", map[string]string{"sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, "150000 100000", true},
		{"version 2, group above", "0::/a/b\n", map[string]string{
			"sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n"}, "50000 100000", true},
		{"wide enough", "0::/\n", map[string]string{"sys/fs/cgroup/cpu.max": "400000 100000"}, "400000 100000", false},
		{"version 1", "3:cpu,cpuacct:/x\n", map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n"}, "50000 100000", true},
		{"version 1, no limit", "3:cpu:/\n", map[string]string{
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, "max 100000", false},
		{"nonsense", "0::/a\nno group\n", map[string]string{"sys/fs/cgroup/a/cpu.max": "lots"}, "lots", false},
	} {
		root := files(test.files)
		root["proc/self/cgroup"] = &fstest.MapFile{Data: []byte(test.groups)}
		m := machine{&results.Machine{GOMAXPROCS: 4}, root, nil}
		m.readQuota()
		if m.Quota != test.quota || len(m.Warnings) > 0 != test.warns {
			t.Errorf("%s: quota %q, warnings %q", test.name, m.Quota, m.Warnings)
		}
	}
}

func TestMachineAfter(t *testing.T) {
	t.Parallel()
	m := machine{&results.Machine{Throttled: "3 times since boot"}, files(map[string]string{
		"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "5\n"}), nil}
	m.after(cpu.TimesStat{User: 100, Steal: 1}, cpu.TimesStat{User: 190, Steal: 11})
	if m.StealPct != 10 || len(m.Warnings) != 2 || m.Throttled != "5 times since boot" {
		t.Errorf("steal %v, throttled %q, warnings %q", m.StealPct, m.Throttled, m.Warnings)
	}
}

// A kernel without the file leaves vcgencmd.
func TestFirmwareAsked(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{"throttled=0x50005\n": "0x50005", "throttled=0x0\n": "0x0", "VCHI initialization failed\n": "", "": ""} {
		m := machine{&results.Machine{}, files(nil), func() string { return said }}
		if m.readHeat(); m.Throttled != want || len(m.Warnings) > 0 != (want == "0x50005") {
			t.Errorf("%q: %q, %q", said, m.Throttled, m.Warnings)
		}
	}
}
