package pi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"rubato/reports"
	"rubato/results"
)

// checkDevice asks what the device is, and prints it.
func (c *client) checkDevice() error {
	before := time.Now()
	a, err := c.exchange(request{Do: "check"}, c.interrupts)
	if errors.Is(err, errLost) {
		return deviceError("does not start " + c.binary.path + ": is that for another system?")
	}
	if err != nil {
		return err
	}
	if a.Machine == nil || a.Machine.Disk == nil || a.Sum != c.binary.sum {
		return deviceError("has another program than was sent; remove its folder " + c.dir + " or name another with -dir")
	}
	c.machine = a.Machine
	to := c.stderr
	if c.check {
		to = c.stdout
	}
	describe(to, c.host, a.Machine, a.Now.Sub(before.Add(time.Since(before)/2)))
	return nil
}

// wrongClock is how far a clock may be off before it is said.
const wrongClock = time.Minute

// describe prints what matters for a measurement.
func describe(w io.Writer, host string, m *results.Machine, ahead time.Duration) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %-12s %s\n", what, fmt.Sprintf(format, args...))
	}
	orUnknown := func(text string) string {
		if text == "" {
			return "unknown"
		}
		return text
	}
	fmt.Fprintf(w, "%s:\n", host)
	line("CPU", "%s, %d cores, %s/%s, Linux %s", orUnknown(m.CPU), m.Cores, m.OS, m.Arch, m.Kernel)
	line("memory", "%d MB, %d MB available", m.Memory>>20, m.Available>>20)
	if m.TempC != 0 {
		line("temperature", "%.0f °C", m.TempC)
	}
	line("throttling", "%s", orUnknown(m.Throttled))
	line("governor", "%s", orUnknown(m.Governor))
	line("disk", "%s, %s, %d MB free, %v a write made durable (median of 20)", orUnknown(m.Disk.Device), orUnknown(m.Disk.FileSystem), m.Disk.Free>>20, m.Disk.Fsync.Round(time.Microsecond))
	if ahead.Abs() < wrongClock {
		line("clock", "within a minute of ours")
	} else {
		direction := "ahead of"
		if ahead < 0 {
			direction = "behind"
		}
		line("clock", "WRONG: %v %s ours. Times in the results will be wrong; durations will not", ahead.Abs().Round(time.Second), direction)
	}
	for _, warning := range m.Warnings {
		line("warning", "%s", warning)
	}
}

// beside prints the ratios of the device beside those of this machine. They compare; times of two
// machines do not.
func (c *client) beside(into string) {
	ours := c.compare
	if ours == "" {
		ours = filepath.Join("out", "latest")
		if _, err := os.Stat(ours); err != nil {
			return
		}
	}
	var sides [2]reports.Recorded
	for i, path := range []string{ours, into} {
		var err error
		if sides[i], err = reports.LoadRecorded(path); err != nil {
			c.say("no comparison with %s: %v", ours, err)
			return
		}
	}
	answer, err := reports.Compare(sides[0], sides[1], reports.Question{Margin: results.DefaultMargin})
	if err == nil {
		err = answer.Text(c.stdout)
	}
	if err != nil {
		c.say("no comparison with %s: %v", ours, err)
	}
}
