package runner

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rubato/reports"
)

// A contest is the life of one scenario with one set of options: all arms side by
// side, one active at a time, the others blocked on their stdin.
type contest struct {
	*measurement
	plan     contestPlan
	proof    *reports.Proof // nil: the contest carries none
	name     string         // scenario and what tells this contest from its others
	dir      string         // of this contest alone, in the work folder
	entrants []*entrant
	n        int // stimuli in a block
	next     int // position in the script, the same for all
	life     int // how often the processes were started anew
	planted  time.Duration
}

// An entrant is an arm at work.
type entrant struct {
	arm
	cell     *reports.Cell
	key      string
	process  *process
	n        int       // operations in a block, for arms apart
	settings []Setting // that its script ran under
	perOp    float64   // ns, in the last block of calibration or warm-up
}

func (e *entrant) void() bool { return e.cell.Verdict == reports.Void }

// disqualify voids the cell. The first reason stays.
func (e *entrant) disqualify(format string, args ...any) {
	if !e.void() {
		e.cell.Verdict, e.cell.Why = reports.Void, fmt.Sprintf(format, args...)
	}
}

func (e *entrant) warn(format string, args ...any) {
	e.cell.Warnings = append(e.cell.Warnings, fmt.Sprintf(format, args...))
}

// title is the entrant in messages: scenario, named options, style.
func (e *entrant) title() string {
	of := "style " + e.style
	if e.role != "" {
		of = e.role + " of " + of
	}
	return strings.Join(append(e.cellName(), of), " ")
}

func (e *entrant) cellName() []string {
	parts := []string{e.cell.Scenario}
	for _, key := range e.named {
		parts = append(parts, key+"="+e.options[key])
	}
	return parts
}

// newContest takes the cells of its arms from the result, where they stand already.
func newContest(m *measurement, number int, plan contestPlan, cells []*reports.Cell) *contest {
	c := &contest{measurement: m, plan: plan, dir: filepath.Join(m.folder.work, strconv.Itoa(number))}
	for i, arm := range plan.arms {
		c.entrants = append(c.entrants, &entrant{arm: arm, cell: cells[i], key: cells[i].Key()})
	}
	parts := []string{plan.scenario.Name}
	for _, key := range c.entrants[0].named {
		if value, shared := plan.options[key]; shared {
			parts = append(parts, key+"="+value)
		}
	}
	c.name = strings.Join(parts, " ")
	return c
}

// hold measures the contest from beginning to end. An error ends the whole run; a
// style whose work differs is out of this contest only.
func (c *contest) hold(ctx context.Context) error {
	defer os.RemoveAll(c.dir)
	defer c.dismiss()
	for _, step := range []func(context.Context) error{
		c.prepare, c.enter, c.certify, c.open, c.calibrate, c.slow, c.rounds, c.active, c.idle, c.close,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if len(c.standing()) == 0 {
			return nil
		}
	}
	return nil
}

// blockLimit bounds the wait for a block.
func (c *contest) blockLimit() time.Duration { return cmp.Or(c.plan.size.Limit, c.limits.Block) }

// standing are the entrants that are not void. Without its reference nothing shows
// that a style did the same work, so the others fall with it.
func (c *contest) standing() []*entrant {
	reference := c.entrants[0]
	var standing []*entrant
	for _, e := range c.entrants {
		if reference.void() && !c.plan.scenario.apart() {
			e.disqualify("the baseline %s is void, so nothing shows that the work was the same: %s", reference.style, reference.cell.Why)
		}
		if !e.void() {
			standing = append(standing, e)
		} else if e.process != nil {
			c.progress.say("%s: void: %s", e.title(), e.cell.Why)
			c.release(e)
		}
	}
	return standing
}

// release ends an entrant's process.
func (c *contest) release(e *entrant) {
	if e.process != nil {
		e.process.end(c.limits.Close)
		c.leftovers.drop(e.process)
		e.process = nil
	}
}

// dismiss ends all that are left, at once: those that ended well have been closed.
func (c *contest) dismiss() {
	for _, e := range c.entrants {
		if e.process != nil {
			e.process.kill()
			c.release(e)
		}
	}
}
