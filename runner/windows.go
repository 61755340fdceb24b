package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	format "github.com/google/pprof/profile"
	psutil "github.com/shirou/gopsutil/v3/process"

	"rubato/results"
	"rubato/runner/host"
)

// settle is the time in which the garbage of the last block is swept.
const settle = 200 * time.Millisecond

// active has each arm work alone for a while, sampled. The CPU figure comes from the times in the
// child. Where a clock paces the work, or all work at once, this is the profile pass, too.
func (c *comparison) active(ctx context.Context) error {
	if c.plan.scenario.windowless() || !c.plan.profiled && c.config.effort.Active == 0 {
		return nil
	}
	alone := c.plan.profiled && !c.plan.inTrials()
	defer func() { c.profiling = nil }()
	for _, a := range inFull(c.valid()) {
		drive := request{Do: doDrive, First: c.next, N: c.driven(a), Wall: cmp.Or(c.config.effort.Active, min(c.config.effort.Profile, time.Second))}
		if alone {
			c.progress.say("%s: profile", a.title())
			drive.CPU, drive.Wall = c.config.effort.Profile, c.config.effort.Profile*6/5
			drive.Profile = filepath.Join(c.folder.work, a.fileName()+"-1")
			c.profiling = map[*arm]string{a: drive.Profile}
		}
		var answer reply
		err := c.sampled("active", []*arm{a}, func() (err error) {
			answer, err = a.process.ask(ctx, drive, drive.Wall+c.blockLimit())
			return err
		})
		if alone && ofChild(err) {
			c.unprofiled([]*arm{a}, err)
			c.stop() // all, so that their stores stay equal
			err = c.renew(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		if answer.Wrong != "" {
			a.invalidate("active window: %s", answer.Wrong)
			continue
		}
		if answer.Window == nil {
			return fmt.Errorf("%s: no window came back", a.title())
		}
		a.cell.ActiveCPU = answer.Window.percent()
		if alone {
			if err := c.recordProfiles(a, answer.Window.Ops, []string{drive.Profile}); err != nil {
				return err
			}
		}
	}
	if c.plan.profiled && !alone {
		return c.profileTurns(ctx)
	}
	return nil
}

// blockLimit bounds the wait for a block. That for a profile is shorter: the run can do without.
func (c *comparison) blockLimit() time.Duration {
	if c.profiling != nil {
		return cmp.Or(c.plan.size.Limit, min(c.limits.Block, c.limits.Profile))
	}
	return cmp.Or(c.plan.size.Limit, c.limits.Block)
}

// unprofiled warns that these arms have no profile. That ends neither the run nor the comparison:
// what was measured before is whole. Where the system loses the profiler's signals, as user-mode
// emulation does, a process may hang in a profile (docs/pi.md).
func (c *comparison) unprofiled(arms []*arm, err error) {
	for _, a := range arms {
		a.warn("no profile: %v", err)
	}
	c.progress.say("%s: no profile: %v", c.name, err)
}

const (
	// mostLives is in how many lives of its processes a comparison in trials is profiled, a second of
	// CPU time each, unless more are needed: so a profile shows how much lives differ.
	mostLives = 5
	// mostUnprofiled lives may fail. Each may cost as much as the wait for a process that hangs.
	mostUnprofiled = 2
)

// profileTurns takes the profiles of arms that are compared in trials: in trials of their own, which
// are not timed, but in the same turns. So an operation finds the caches as it finds them there.
func (c *comparison) profileTurns(ctx context.Context) error {
	turn := max(c.turnTime(), 1)
	turns := int(c.config.effort.Profile * time.Duration(len(c.valid())) / turn)
	slices := c.sliceOf(nil)
	lives := c.lives(turns, slices)
	slices.Turns = max(2, turns/lives) // one alone is a block, without turns
	var of []map[*arm]string
	for failed := 0; len(of) < lives; {
		c.progress.say("%s: profile %d of %d", c.name, len(of)+1, lives)
		life, err := c.profileLife(ctx, slices, len(of))
		switch {
		case err == nil:
			of = append(of, life)
			continue
		case !ofChild(err):
			return err
		}
		c.stop()
		c.progress.say("%s: a profile failed: %v", c.name, err)
		if failed++; failed < mostUnprofiled {
			continue
		}
		if len(of) == 0 {
			c.unprofiled(inFull(c.valid()), err)
			return c.renew(ctx)
		}
		for _, a := range inFull(c.valid()) {
			a.warn("its profile is of %d trials instead of %d: %v", len(of), lives, err)
		}
		lives = len(of)
		if err := c.renew(ctx); err != nil {
			return err
		}
	}
	for _, a := range inFull(c.valid()) {
		var paths []string
		for _, life := range of {
			paths = append(paths, life[a])
		}
		if err := c.recordProfiles(a, lives*slices.stimuli(), paths); err != nil {
			return err
		}
	}
	return nil
}

// lives is in how many lives so many turns are profiled: no life prepares more stimuli than a trial may.
func (c *comparison) lives(turns int, s slicing) int {
	enough := max(1, min(mostLives, int(c.config.effort.Profile/time.Second)))
	if c.plan.scenario.Recurs {
		return enough
	}
	most := max(1, mostStimuli/(s.Ops+s.Hot))
	return max(enough, (turns+most-1)/most)
}

// profileLife takes profiles of all arms in one trial and returns where they are.
func (c *comparison) profileLife(ctx context.Context, s slicing, life int) (map[*arm]string, error) {
	if err := c.renew(ctx); err != nil {
		return nil, err
	}
	c.profiling = map[*arm]string{}
	defer func() { c.profiling = nil }()
	for _, a := range inFull(c.valid()) {
		c.profiling[a] = filepath.Join(c.folder.work, fmt.Sprintf("%s-%d", a.fileName(), life+1))
	}
	return c.profiling, c.work(ctx, s, c.labels(life), c.inSlices, func(*arm, *results.Block) error { return nil })
}

// windowless reports whether a scenario has no active and idle windows.
func (s Scenario) windowless() bool { return s.apart() || s.Bare }

// fileName begins the names of the arm's files; no other arm of the run has the same.
func (a *arm) fileName() string {
	parts := append(a.cellName(), a.style)
	if a.role != "" {
		parts = append(parts, a.role)
	}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "-")
}

// driven is how many operations an arm does in a go outside of trials: so many that
// counting their effects is a small part.
func (c *comparison) driven(a *arm) int {
	const long = 100 * time.Millisecond
	if c.plan.scenario.Paced || a.perOp <= 0 {
		return c.n
	}
	return c.units(max(c.n, int(float64(long)/a.perOp)))
}

// recordProfiles keeps an arm's profiles: that of CPU time from all lives, labelled with the life,
// and the last one of the heap. They are moved to their place, where no half of one ever is.
func (c *comparison) recordProfiles(a *arm, ops int, lives []string) error {
	name := filepath.Join(c.folder.work, a.fileName())
	if err := errors.Join(mergeLives(lives, ops, name+profileEnding("cpu")), os.Rename(lives[len(lives)-1]+profileEnding("heap"), name+profileEnding("heap"))); err != nil {
		c.unprofiled([]*arm{a}, err)
		return nil
	}
	for _, kind := range []string{"cpu", "heap"} {
		name := a.fileName() + profileEnding(kind)
		profile := results.Profile{Cell: a.key, Kind: kind, Ops: ops, Path: filepath.Join(profilesName, name)}
		if err := os.Rename(filepath.Join(c.folder.work, name), filepath.Join(c.folder.path, profile.Path)); err != nil {
			return fmt.Errorf("keeping a profile: %w", err)
		}
		if err := c.record.add(results.Line{Profile: &profile}); err != nil {
			return err
		}
	}
	return nil
}

// mergeLives makes one CPU profile of those of several lives.
func mergeLives(lives []string, ops int, path string) error {
	var all []*format.Profile
	for i, life := range lives {
		data, err := os.ReadFile(life + profileEnding("cpu"))
		if err != nil {
			return err
		}
		one, err := format.ParseData(data)
		if err != nil {
			return err
		}
		one.SetLabel("life", []string{strconv.Itoa(i + 1)})
		one.Comments = nil
		all = append(all, one)
	}
	merged, err := format.Merge(all)
	if err != nil {
		return err
	}
	merged.Comments = []string{fmt.Sprintf("operations: %d", ops)}
	return writeFile(path, merged.Write)
}

// idle measures all arms together while none has work, in equal parts of the window.
func (c *comparison) idle(ctx context.Context) error {
	if c.plan.scenario.windowless() {
		return nil
	}
	standing := inFull(c.valid())
	if err := pause(ctx, settle); err != nil {
		return err
	}
	before, err := c.usages(ctx, standing)
	if err != nil {
		return err
	}
	parts := make([][]float64, len(standing))
	if err := c.sampled("idle", standing, func() (err error) { parts, err = c.idleParts(ctx, standing); return err }); err != nil {
		return err
	}
	after, err := c.usages(ctx, standing)
	if err != nil {
		return err
	}
	for i, a := range standing {
		a.cell.IdleCPU, a.cell.IdleParts = after[i].since(before[i]).percent(), parts[i]
	}
	return nil
}

// partsOfIdle is how many parts the idle window has. The middle of ten has an interval from the
// second to the ninth.
const partsOfIdle = 10

// idleParts waits, and returns for each arm what it used in each part of the window, in % of a
// core. It reads the clocks of the processes from outside: to ask an idle process is work. nil: the
// system has no such clocks, or a process has ended.
func (c *comparison) idleParts(ctx context.Context, of []*arm) ([][]float64, error) {
	read := func() (now time.Time, used []time.Duration) {
		for _, a := range of {
			used = append(used, host.CPUOf(a.process.command.Process.Pid))
		}
		return time.Now(), used
	}
	parts := make([][]float64, len(of))
	since, before := read()
	for range partsOfIdle {
		if err := pause(ctx, c.config.effort.Idle/partsOfIdle); err != nil {
			return nil, err
		}
		now, after := read()
		for i := range of {
			if before[i] > 0 && after[i] >= before[i] {
				parts[i] = append(parts[i], window{Wall: now.Sub(since), CPU: after[i] - before[i]}.percent())
			}
		}
		since, before = now, after
	}
	for i := range parts {
		if len(parts[i]) < partsOfIdle {
			parts[i] = nil
		}
	}
	return parts, nil
}

func (c *comparison) usages(ctx context.Context, of []*arm) ([]window, error) {
	var all []window
	for _, a := range of {
		answer, err := a.process.ask(ctx, request{Do: doUsage}, c.limits.Usage)
		if err != nil {
			return nil, err
		}
		if answer.Window == nil {
			return nil, fmt.Errorf("%s: no usage came back", a.title())
		}
		all = append(all, *answer.Window)
	}
	return all, nil
}

// pause waits, unless the run is stopped.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const sampleEvery = 100 * time.Millisecond

// sampled reads CPU % and RSS of the arms every 100 ms while work lasts.
func (c *comparison) sampled(window string, of []*arm, work func() error) error {
	stop, done := make(chan struct{}), make(chan error)
	go func() { done <- c.sample(window, of, stop) }()
	err := work()
	close(stop)
	return errors.Join(err, <-done)
}

func (c *comparison) sample(window string, of []*arm, stop <-chan struct{}) error {
	return follow(of, stop, func(i int, sample results.Sample) error {
		sample.Cell, sample.Window = of[i].key, window
		return c.record.add(results.Line{Sample: &sample})
	})
}

// follow reads the arms until it is stopped, and gives each reading to keep.
func follow(of []*arm, stop <-chan struct{}, keep func(i int, sample results.Sample) error) error {
	seen := make([]*psutil.Process, len(of))
	for i, a := range of {
		p, err := psutil.NewProcess(int32(a.process.command.Process.Pid))
		if err != nil {
			return nil // it is gone; who waits for its answer reports that
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

func sampleOf(p *psutil.Process) (results.Sample, error) {
	percent, err := p.Percent(0)
	if err != nil {
		return results.Sample{}, err
	}
	memory, err := p.MemoryInfo()
	if err != nil {
		return results.Sample{}, err
	}
	return results.Sample{Percent: percent, RSS: int64(memory.RSS)}, nil
}
