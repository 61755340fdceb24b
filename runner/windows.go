package runner

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"rubato/reports"
)

// settle is what the last block's garbage takes to be swept.
const settle = 200 * time.Millisecond

// active has each arm work alone for a while, sampled; under a profile when the
// contest is to be profiled. The figure comes from cumulative times in the child.
func (c *contest) active(ctx context.Context) error {
	if c.plan.scenario.windowless() || !c.plan.profiled && c.ask.effort.Active == 0 {
		return nil
	}
	for _, e := range styles(c.standing()) {
		drive := request{Do: doDrive, First: c.next, N: c.n, Wall: c.ask.effort.Active}
		if c.plan.profiled {
			c.progress.say("%s: profile", e.title())
			drive.CPU, drive.Wall = c.ask.effort.Profile, c.ask.effort.Profile*6/5
			drive.Profile = filepath.Join(c.folder.path, profilesName, e.fileName())
		}
		var answer reply
		err := c.sampled("active", []*entrant{e}, func() (err error) {
			answer, err = e.process.ask(ctx, drive, drive.Wall+c.blockLimit())
			return err
		})
		if err != nil {
			return err
		}
		if answer.Wrong != "" {
			e.disqualify("active window: %s", answer.Wrong)
			continue
		}
		if answer.Window == nil {
			return fmt.Errorf("%s: no window came back", e.title())
		}
		e.cell.ActiveCPU = answer.Window.percent()
		if err := c.recordProfiles(e); err != nil {
			return err
		}
	}
	return nil
}

// windowless tells of scenarios that are measured in rounds alone.
func (s Scenario) windowless() bool { return s.apart() || s.Bare }

// fileName tells the arm's profiles from those of the others of the run.
func (e *entrant) fileName() string {
	parts := append(e.cellName(), e.style)
	if e.role != "" {
		parts = append(parts, e.role)
	}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "-")
}

func (c *contest) recordProfiles(e *entrant) error {
	if !c.plan.profiled {
		return nil
	}
	for _, kind := range []string{"cpu", "heap"} {
		profile := reports.Profile{Cell: e.key, Kind: kind,
			Path: filepath.Join(profilesName, e.fileName()+profileEnding(kind))}
		if err := c.record.add(reports.Line{Profile: &profile}); err != nil {
			return err
		}
	}
	return nil
}

// idle leaves all arms alone for a while, all at once as none has work to do.
func (c *contest) idle(ctx context.Context) error {
	if c.plan.scenario.windowless() {
		return nil
	}
	standing := styles(c.standing())
	if err := pause(ctx, settle); err != nil {
		return err
	}
	before, err := c.usages(ctx, standing)
	if err != nil {
		return err
	}
	if err := c.sampled("idle", standing, func() error { return pause(ctx, c.ask.effort.Idle) }); err != nil {
		return err
	}
	after, err := c.usages(ctx, standing)
	if err != nil {
		return err
	}
	for i, e := range standing {
		e.cell.IdleCPU = after[i].since(before[i]).percent()
	}
	return nil
}

func (c *contest) usages(ctx context.Context, of []*entrant) ([]window, error) {
	var all []window
	for _, e := range of {
		answer, err := e.process.ask(ctx, request{Do: doUsage}, c.limits.Usage)
		if err != nil {
			return nil, err
		}
		if answer.Window == nil {
			return nil, fmt.Errorf("%s: no usage came back", e.title())
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
