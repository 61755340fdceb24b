package runner

import (
	"path"
	"strconv"
	"strings"
)

// readQuota reads how much CPU the control group may use. A limit stands on the own
// group or on one above it; the tightest counts.
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

// quotaOf is the quota of one group as cpu.max has it: "150000 100000" or "max
// 100000". Version 1 keeps the two numbers in two files, and -1 for no limit.
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

// parseQuota is the number of cores that may be used, if it is limited.
func parseQuota(text string) (cores float64, limited bool) {
	quota, period, found := strings.Cut(text, " ")
	used, err := strconv.ParseFloat(quota, 64)
	if !found || err != nil || used <= 0 {
		return 0, false
	}
	of, err := strconv.ParseFloat(period, 64)
	if err != nil || of <= 0 {
		return 0, false
	}
	return used / of, true
}
