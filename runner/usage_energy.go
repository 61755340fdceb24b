package runner

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// energy is what a zone of the machine has used, as RAPL counts it: the CPU's own
// model, in steps of a millisecond, that begins again when it is full.
type energy struct{ microjoules, most uint64 }

// since is in joules. A counter that is behind has begun again, once at most in a
// block: it takes minutes to fill.
func (e energy) since(earlier energy) float64 {
	used := e.microjoules - earlier.microjoules
	if e.microjoules < earlier.microjoules {
		used = e.most - earlier.microjoules + e.microjoules
	}
	return float64(used) / 1e6
}

const powercap = "sys/class/powercap"

// readEnergy reads the zones that no other holds: packages. What a package holds stands
// in it already, and psys holds the packages. nil: none can be read.
func readEnergy(root fs.FS) map[string]energy {
	zones, _ := fs.Glob(root, powercap+"/intel-rapl:*") // AMD's stand under this name, too
	var all map[string]energy
	for _, zone := range zones {
		if strings.Count(path.Base(zone), ":") != 1 || !strings.HasPrefix(textOf(root, zone+"/name"), "package") {
			continue
		}
		used, err := strconv.ParseUint(textOf(root, zone+"/energy_uj"), 10, 64)
		if err != nil {
			continue
		}
		most, err := strconv.ParseUint(textOf(root, zone+"/max_energy_range_uj"), 10, 64)
		if err != nil {
			continue
		}
		if all == nil {
			all = map[string]energy{}
		}
		all[zone] = energy{used, most}
	}
	return all
}

// textOf is a small file's content without space around it; "" if it cannot be read.
func textOf(root fs.FS, path string) string {
	data, err := fs.ReadFile(root, path)
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), " \t\n\x00")
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
