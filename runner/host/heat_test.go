package host

import (
	"os"
	"strings"
	"testing"

	"rubato/results"
)

func TestReadHeat(t *testing.T) {
	t.Parallel()
	const cpus, hwmon = "sys/devices/system/cpu/", "sys/class/hwmon/"
	for name, test := range map[string]struct {
		files map[string]string
		want  results.Heat
	}{
		"nothing": {nil, results.Heat{}},
		"a Raspberry Pi": {map[string]string{
			"sys/class/thermal/thermal_zone0/temp":                "61224\n",
			cpus + "cpu0/cpufreq/scaling_cur_freq":                "600000\n",
			cpus + "cpu3/cpufreq/scaling_cur_freq":                "1000000\n",
			cpus + "cpufreq/policy0/scaling_cur_freq":             "9000000\n",
			"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
		}, results.Heat{TempC: 61.224, MHz: 1000, Throttled: 0x50005}},
		"an address, 0x": {map[string]string{
			"sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "0x8\n",
		}, results.Heat{Throttled: 8}},
		"the kernel alone knows of the voltage": {map[string]string{
			hwmon + "hwmon1/name": "rpi_volt\n", hwmon + "hwmon1/in0_lcrit_alarm": "1\n",
		}, results.Heat{Throttled: 1}},
		"the voltage of something else": {map[string]string{
			hwmon + "hwmon2/name": "other\n", hwmon + "hwmon2/in0_lcrit_alarm": "1\n",
		}, results.Heat{}},
		"no alarm": {map[string]string{
			hwmon + "hwmon1/name": "rpi_volt\n", hwmon + "hwmon1/in0_lcrit_alarm": "0\n",
		}, results.Heat{}},
		"a workstation": {map[string]string{
			hwmon + "hwmon0/name": "nvme\n", hwmon + "hwmon0/temp1_input": "91000\n",
			hwmon + "hwmon1/name": "k10temp\n", hwmon + "hwmon1/temp1_input": "48500\n", hwmon + "hwmon1/temp3_input": "52250\n",
			cpus + "cpu0/thermal_throttle/core_throttle_count":  "3\n",
			cpus + "cpu10/thermal_throttle/core_throttle_count": "4\n",
		}, results.Heat{TempC: 52.25, Slowdowns: 7}},
		"nonsense": {map[string]string{
			"sys/class/thermal/thermal_zone0/temp":                "warm\n",
			cpus + "cpu0/cpufreq/scaling_cur_freq":                "<unknown>\n",
			cpus + "cpu0/thermal_throttle/core_throttle_count":    "-5\n",
			"sys/devices/platform/soc/soc:firmware/get_throttled": "no\n",
		}, results.Heat{}},
	} {
		if got := ReadHeat(files(test.files)); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	if h := ReadHeat(os.DirFS("/")); h.TempC < 0 || h.TempC > 150 || h.MHz < 0 || h.MHz > 20000 {
		t.Errorf("here: %+v", h)
	}
}

// Whatever the firmware's file holds, it is read or left out.
func FuzzFirmware(f *testing.F) {
	for _, text := range []string{"0", "50005\n", "0xdead", "ffffffff", "100000000", "0x", "-1", "_1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bits, told := firmware(files(map[string]string{"sys/devices/platform/soc/soc:firmware/get_throttled": text}))
		if !told && bits != 0 || told && strings.TrimSpace(text) == "" {
			t.Errorf("%q: %#x, %v", text, bits, told)
		}
	})
}
