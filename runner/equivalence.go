package runner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"rubato/inference"
	"rubato/results"
	"rubato/runner/host"
)

// checkScripts has every arm run the scenario's script, untimed, and compares what it did
// with the baseline, lane by lane. The order between lanes depends on the coupling and
// may differ.
func (c *comparison) checkScripts(ctx context.Context) error {
	var reference Work
	var traced traces
	for i, a := range c.arms {
		setup, err := c.setup(a, "script"+strconv.Itoa(i))
		if err != nil {
			return err
		}
		setup.Verbatim = true
		answer, err := a.process.ask(ctx, request{Do: doScript, Protocol: protocol, Scenario: a.cell.Scenario, Setup: setup}, c.scriptLimit())
		if err != nil {
			return err
		}
		if answer.Work == nil {
			return fmt.Errorf("%s: the script's answer has no work", a.title())
		}
		if err := a.speaks(answer); err != nil {
			return err
		}
		if i == 0 {
			reference = *answer.Work
		}
		a.cell.Work.Digest, a.settings, a.rates = answer.Work.digest(), answer.Work.Settings, answer.Work.Rates
		a.cell.Equivalence = &results.Equivalence{Transcript: a.cell.Work.Digest, Settings: a.settings}
		if answer.Work.Wrong != "" { // the most precise reason comes first
			a.invalidate("script, style %s: %s", a.style, answer.Work.Wrong)
		}
		alike := !c.plan.scenario.apart() && !c.arms[0].invalid() // what did nothing is no work to compare with
		if difference := answer.Work.done().Difference(reference.done()); difference != "" && alike {
			a.invalidate("script, style %s: %s", a.style, difference)
		}
		if answer.Wrong != "" {
			a.invalidate("script, style %s: %s", a.style, answer.Wrong)
		}
		if other := traced.differ(a, answer.Work.Trace); other != "" {
			a.invalidate("script, style %s: %s", a.style, other)
		}
		if other := unasked(a.settings); other != "" {
			a.invalidate("settings, style %s: %s", a.style, other)
		}
		if other := unlike(a.settings, reference.Settings); other != "" && alike {
			a.invalidate("settings, style %s: %s", a.style, other)
		}
	}
	if standing := c.valid(); len(standing) > 0 && !c.plan.scenario.apart() {
		c.progress.say("%s: same work in %d arms: %d stimuli, %d effects, digest %s", c.name,
			len(standing), reference.Stimuli, reference.Effects, reference.digest())
	}
	return nil
}

// scriptLimit bounds the wait for a script.
func (c *comparison) scriptLimit() time.Duration { return cmp.Or(c.plan.size.Limit, c.limits.Script) }

// traces compares what the traces of arms have kept, by rules. Not every style has a trace, and
// options may give arms of one style different rules.
type traces map[string]struct{ style, digest string }

// differ says how the trace of an arm differs from that of the first with the same rules.
func (t *traces) differ(a *arm, trace string) string {
	if trace == "" {
		return ""
	}
	if *t == nil {
		*t = traces{}
	}
	rules := byName(a.settings)["rules"].Value
	first, seen := (*t)[rules]
	if !seen {
		(*t)[rules] = struct{ style, digest string }{a.style, trace}
		return ""
	}
	if first.digest != trace {
		return fmt.Sprintf("its trace kept other flows (%s) than that of %s (%s): in one of them actions, rules, triggers or causes are not those of the work", trace, first.style, first.digest)
	}
	return ""
}

// witness has the arms go on after a trial for as many stimuli as the script has, set up as in a
// trial, and looks at each, as in the script. Then the modules' network is taken away: what
// goes on without it does not use it. So the processes end here.
func (c *comparison) witness(ctx context.Context) error {
	if c.plan.scenario.apart() {
		c.witnessed = true
		return nil
	}
	n := c.units(c.plan.scenario.Script)
	var reference *Work
	var traced traces
	for _, a := range c.valid() {
		if !a.verified() {
			continue // it shows what the check costs, so it has no digests
		}
		ask := request{Do: doWitness, First: c.next, N: n}
		if a == c.arms[0] && c.plan.scenario.Floor != nil {
			var err error
			if ask.Setup, err = c.setup(a, "floor"+strconv.Itoa(c.restarts)); err != nil {
				return err
			}
		}
		answer, err := a.process.ask(ctx, ask, c.scriptLimit())
		if err != nil {
			return err
		}
		work := answer.Work
		if work == nil {
			c.witnessed = true // none of this scenario is a witness
			return nil
		}
		a.cell.Equivalence.Witnessed = n
		if answer.Wrong != "" {
			a.invalidate("after a timed part, style %s: %s", a.style, answer.Wrong)
		}
		if answer.Floor != nil {
			c.checkFloor(a, *answer.Floor)
		}
		if other := traced.differ(a, work.Trace); other != "" {
			a.invalidate("after a timed part, style %s: %s", a.style, other)
		}
		if reference == nil {
			reference = work
		} else if difference := work.done().Difference(reference.done()); difference != "" {
			a.invalidate("after a timed part, style %s: %s", a.style, difference)
		}
	}
	c.witnessed = true
	c.valid()
	return c.retire(ctx, c.leaving())
}

// digest is a digest of the transcript and of the workload's own digest.
func (w Work) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q\n", w.Effects, w.Digest)
	for _, lane := range slices.Sorted(maps.Keys(w.Lanes)) {
		if len(w.Lanes[lane]) == 0 {
			continue // an empty lane is the same as none
		}
		fmt.Fprintf(h, "%q\n", lane)
		for _, line := range w.Lanes[lane] {
			_, _ = io.WriteString(h, strconv.Quote(line)+"\n")
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// done is the work in the form in which it is compared.
func (w Work) done() results.WorkDone {
	return results.WorkDone{Lanes: w.Lanes, Payload: w.Bytes, Keys: w.Keys, Counts: w.Counts, Digest: w.Digest}
}

// seal asks the workload to note what is durable now, if it can.
func seal(load Workload) error {
	if s, can := load.(Sealer); can {
		return s.Seal()
	}
	return nil
}

// processSettings are the settings of the process, as its runtime reports them.
func processSettings() []Setting {
	now := host.RuntimeNow()
	return []Setting{
		{Name: "go", Value: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
		{Name: "GOMAXPROCS", Value: strconv.Itoa(now.Procs)},
		{Name: "GOGC", Value: strconv.FormatInt(int64(now.GOGC), 10)},
		{Name: "GOMEMLIMIT", Value: strconv.FormatUint(now.GOMEMLIMIT, 10)},
		{Name: "GODEBUG", Value: os.Getenv("GODEBUG")},
	}
}

// unasked describes a setting that is not what was asked for; "" if there is none.
func unasked(settings []Setting) string {
	for _, s := range settings {
		if s.Asked != "" && s.Asked != s.Value {
			return fmt.Sprintf("asked to run with %s %q, it runs with %q", s.Name, s.Asked, s.Value)
		}
	}
	return ""
}

// unlike describes a setting in which a style differs from the baseline; "" if there is
// none. Settings of the baseline alone don't count.
func unlike(settings, reference []Setting) string {
	own := byName(settings)
	for _, want := range reference {
		if want.Own {
			continue
		}
		switch got, found := own[want.Name]; {
		case !found:
			return fmt.Sprintf("it does not report its %s, which is %q in the baseline", want.Name, want.Value)
		case got.Value != want.Value:
			return fmt.Sprintf("it runs with %s %q, the baseline with %q", want.Name, got.Value, want.Value)
		}
	}
	return ""
}

// drifted describes a setting that has changed since the script; "" if there is none. A
// script that ran under other settings shows nothing about the timed work. A block may
// report no settings.
func drifted(script, block []Setting) string {
	if len(block) == 0 {
		return ""
	}
	now := byName(block)
	for _, was := range script {
		if is, found := now[was.Name]; !found || is.Value != was.Value {
			return fmt.Sprintf("its script ran with %s %q, this with %q", was.Name, was.Value, is.Value)
		}
	}
	if len(block) != len(script) {
		return fmt.Sprintf("its script reported %d settings, this %d", len(script), len(block))
	}
	return ""
}

func byName(settings []Setting) map[string]Setting {
	named := make(map[string]Setting, len(settings))
	for _, s := range settings {
		named[s.Name] = s
	}
	return named
}

// The baseline is bounded from above: by the same work without a style. It runs in the
// baseline's own process, in turns with the baseline, after a trial.

const (
	// floorTurns are the turns of baseline and floor, each of as many operations as fill a
	// slice or a script.
	floorTurns = 30
	// fewestFloorTurns give an interval. More are left out after floorTime, or beyond mostStimuli.
	fewestFloorTurns = 10
	floorTime        = 5 * time.Second
	// aboveFloor is how much more CPU per operation the baseline may need, as a ratio. Calls
	// of the parts, lanes and digests are in it.
	aboveFloor = 1.25
	// moreCalls is how many more calls of the store it may make. Both begin with the same rows, but
	// a selection's own cooldown changes what the next one reads.
	moreCalls = 1.1
)

// A floorReading compares the baseline with its floor.
type floorReading struct {
	Logs      []float64      `json:"logs"` // log-ratios of CPU time per operation, by turn
	Done      results.Counts `json:"done"` // by the baseline
	FloorDone results.Counts `json:"floor_done"`
}

// floor has the baseline and the floor take turns from the stimulus first on. n operations are
// enough for a script, so a turn has a part of them.
func (c *child) floor(setup Setup, first, n int) (_ *floorReading, err error) {
	setup.Before = c.setup.Dir
	floor, err := c.scenario.Floor(setup)
	if err != nil {
		return nil, fmt.Errorf("opening the work without a style: %w", err)
	}
	defer func() { err = errors.Join(err, floor.Close()) }()
	ops := max(1, n/floorTurns)
	if c.scenario.Unit != nil {
		unit := max(1, c.scenario.Unit(setup.Options))
		ops = (ops + unit - 1) / unit * unit
	}
	both := []Workload{c.load, floor}
	turns := min(floorTurns, max(fewestFloorTurns, mostStimuli/ops))
	reading, err := readFloor(both, first, ops, turns)
	if err != nil || reading.Done == nil || reading.ratio() <= aboveFloor {
		return reading, err
	}
	// On a busy machine the ratio is higher: beside five busy programs 1.15 to 1.24 for batched
	// messages, where it is 0.93 to 1.12 alone. So a baseline that seems too high is given as many
	// turns once more. All of them count: to take the lower reading would flatter it.
	again, err := readFloor(both, first+ops*turns, ops, turns)
	if err == nil {
		reading.Logs = append(reading.Logs, again.Logs...)
	}
	return reading, err
}

// ratio is the CPU time per operation of the baseline to that of its floor.
func (r *floorReading) ratio() float64 { return math.Exp(inference.Median(r.Logs)) }

// readFloor has both do so many turns of ops operations.
func readFloor(both []Workload, first, ops, turns int) (*floorReading, error) {
	for _, load := range both {
		if err := load.Prepare(first, ops*turns); err != nil {
			return nil, err
		}
	}
	reading := &floorReading{}
	done := 0
	for start := time.Now(); done < turns && (done < fewestFloorTurns || time.Since(start) < floorTime); done++ {
		var cpu [2]float64
		for k := range both {
			k := (k + done) % len(both) // who goes first changes from turn to turn
			before := host.OwnCPU()
			if err := both[k].Run(ops, unrecorded); err != nil {
				return nil, err
			}
			cpu[k] = float64(max(1, host.OwnCPU()-before))
		}
		reading.Logs = append(reading.Logs, math.Log(cpu[0]/cpu[1]))
	}
	if done < turns {
		return reading, nil // the rest of what was prepared is not done, so nothing can be counted
	}
	for k, counted := range []*results.Counts{&reading.Done, &reading.FloorDone} {
		if err := seal(both[k]); err != nil {
			return nil, err
		}
		work, err := both[k].Work()
		if err != nil {
			return nil, err
		}
		*counted = work.Counts
	}
	return reading, nil
}

// checkFloor marks the baseline invalid if it is clearly above its floor.
func (c *comparison) checkFloor(a *arm, r floorReading) {
	for _, name := range slices.Sorted(maps.Keys(r.FloorDone)) {
		if got, want := r.Done[name], r.FloorDone[name]; float64(got) > moreCalls*float64(want) {
			a.invalidate("after a timed part, style %s: it is no fair baseline. %s: %d, where the same work without a style has %d", a.style, name, got, want)
		}
	}
	interval, err := inference.Fixed(r.Logs, c.config.confidence)
	if err != nil || !interval.Bounded() {
		return
	}
	of := func(log float64) float64 { return math.Exp(log) }
	a.cell.Equivalence.Floor = &results.Estimate{Median: of(inference.Median(r.Logs)), Lo: of(interval.Lo), Hi: of(interval.Hi)}
	if of(interval.Lo) > aboveFloor && a.plain {
		a.invalidate("after a timed part, style %s: it is no fair baseline. It takes %.2f [%.2f, %.2f] times the CPU of the same work without a style; at most %v is allowed",
			a.style, of(inference.Median(r.Logs)), of(interval.Lo), of(interval.Hi), aboveFloor)
	}
}
