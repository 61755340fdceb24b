package runner

import (
	"errors"
	"time"

	psutil "github.com/shirou/gopsutil/v3/process"

	"rubato/reports"
)

const sampleEvery = 100 * time.Millisecond

// sampled reads CPU % and RSS of the entrants every 100 ms while work lasts.
func (c *contest) sampled(window string, of []*entrant, work func() error) error {
	stop, done := make(chan struct{}), make(chan error)
	go func() { done <- c.sample(window, of, stop) }()
	err := work()
	close(stop)
	return errors.Join(err, <-done)
}

func (c *contest) sample(window string, of []*entrant, stop <-chan struct{}) error {
	return follow(of, stop, func(i int, sample reports.Sample) error {
		sample.Cell, sample.Window = of[i].key, window
		return c.record.add(reports.Line{Sample: &sample})
	})
}

// follow reads the entrants until it is stopped, and hands on what it reads of each.
func follow(of []*entrant, stop <-chan struct{}, keep func(i int, sample reports.Sample) error) error {
	seen := make([]*psutil.Process, len(of))
	for i, e := range of {
		p, err := psutil.NewProcess(int32(e.process.command.Process.Pid))
		if err != nil {
			return nil // it is gone; whoever waits for its answer says so
		}
		seen[i] = p
		_, _ = p.Percent(0) // percentages are since the last call
	}
	start, ticker := time.Now(), time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for stopped, taken := false, false; ; taken = true {
		select {
		case <-stop:
			stopped = true
		case <-ticker.C:
		}
		if stopped && taken {
			return nil // a window shorter than a tick has one sample, at its end
		}
		for i, p := range seen {
			sample, err := sampleOf(p)
			if err != nil {
				return nil // as above
			}
			sample.At = time.Since(start)
			if err := keep(i, sample); err != nil {
				return err
			}
		}
		if stopped {
			return nil
		}
	}
}

func sampleOf(p *psutil.Process) (reports.Sample, error) {
	percent, err := p.Percent(0)
	if err != nil {
		return reports.Sample{}, err
	}
	memory, err := p.MemoryInfo()
	if err != nil {
		return reports.Sample{}, err
	}
	return reports.Sample{Percent: percent, RSS: int64(memory.RSS)}, nil
}
