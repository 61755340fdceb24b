package runner

import (
	"context"
	"maps"
	"slices"

	"rubato/reports"
)

// An Observer is an instrument of a style's own that its options switch, such as a
// trace: what it costs is measured when a run is asked what measuring costs.
type Observer struct {
	Name, Doc string
	Style     string
	Without   Options // the options that switch it off
}

// An observation is an arm that differs from one of the contest's by one instrument.
type observation struct {
	arm
	of               int // index of that arm
	instrument, doc  string
	added, usualOnes bool
}

// observations are the arms of a ledger: the baseline without each of the usual
// instruments, without all of them, and with each of the others; and styles without
// what is their own.
func (p contestPlan) observations() []observation {
	all := []observation{p.switched(0, reports.Bare, "all usual instruments", "those below that are always at work, together", false, true, []string{})}
	for _, name := range usual {
		if name == certificateObserver && !p.scenario.Witnessed {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(usual), func(other string) bool { return other == name })
		all = append(all, p.switched(0, reports.WithoutRole(name), name, observerDocs[name], false, true, others))
	}
	for _, name := range []string{samplerObserver, profileObserver} {
		all = append(all, p.switched(0, "with "+name, name, observerDocs[name], true, false, append(slices.Clone(usual), name)))
	}
	for _, own := range p.scenario.Observers {
		of := slices.IndexFunc(p.arms, func(a arm) bool { return a.style == own.Style && !own.off(a.options) })
		if of < 0 {
			continue // it is not measured, or has nothing to switch off
		}
		o := p.switched(of, reports.WithoutRole(own.Name), own.Name, own.Doc, false, false, nil)
		o.options = o.options.and(own.Without)
		all = append(all, o)
	}
	return all
}

// off tells whether the options switch the instrument off already.
func (o Observer) off(options Options) bool {
	for key, value := range o.Without {
		if options[key] != value {
			return false
		}
	}
	return true
}

func (p contestPlan) switched(of int, role, instrument, doc string, added, usualOnes bool, observers []string) observation {
	o := observation{arm: p.arms[of], of: of, instrument: instrument, doc: doc, added: added, usualOnes: usualOnes}
	o.role, o.observers = role, observers
	o.options = maps.Clone(o.options)
	return o
}

// ledger is the place in the result of what measuring costs.
func (p contestPlan) ledger() (all []reports.Observed) {
	for _, o := range p.observations() {
		all = append(all, reports.Observed{Instrument: o.instrument, Doc: o.doc, Base: p.arms[o.of].cell(p.scenario.Name).Key(),
			Arm: o.arm.cell(p.scenario.Name), Added: o.added, Usual: o.usualOnes})
	}
	return all
}

// observe has the contest carry the arms of its ledger, of which it takes its part.
func (c *contest) observe(ledger []reports.Observed) (rest []reports.Observed) {
	own := c.plan.observations()
	for i := range own {
		cell := &ledger[i].Arm
		c.entrants = append(c.entrants, &entrant{arm: own[i].arm, cell: cell, key: cell.Key()})
	}
	return ledger[len(own):]
}

// watched asks for a block, under gopsutil where the arm has it.
func (c *contest) watched(ctx context.Context, e *entrant, ask request) (answer reply, err error) {
	if !observers(e.observers).on(samplerObserver) {
		return e.process.ask(ctx, ask, c.blockLimit())
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		follow([]*entrant{e}, stop, func(int, reports.Sample) error { return nil })
	}()
	defer func() {
		close(stop)
		<-done
	}()
	return e.process.ask(ctx, ask, c.blockLimit())
}
