package runner

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
)

// machineTimes are the CPU times of the machine at the start.
type machineTimes = cpu.TimesStat

// What a machine has to keep to be fit for gates. A rate is refuted when all of its
// interval lies beyond; and known too little when that reaches further than doubt.
const (
	typeIMost     = 0.07
	coverageLeast = 0.92
	overMost      = 0.01
	effectMost    = 0.10
	doubt         = 0.20
	effectLives   = 5 // in quiet, before their median says anything
)

// conclude sums up and judges; failure is why the check ended early, if it did.
func (f *findings) conclude(failure error) {
	f.sum()
	f.Seconds = time.Since(f.started).Seconds()
	if failure != nil {
		f.Incomplete = failure.Error()
	}
	machine{&f.Machine, os.DirFS("/")}.after(f.times, readTimes())
	f.judge()
	f.advise()
}

// sum adds all weathers up.
func (f *findings) sum() {
	f.All = condition{Name: "all"}
	for i := range f.Conditions {
		c := &f.Conditions[i]
		c.sum()
		f.All.Trials, f.All.Lives = f.All.Trials+c.Trials, f.All.Lives+c.Lives
		f.All.rates, f.All.smallest = f.All.rates.And(c.rates), append(f.All.smallest, c.smallest...)
	}
	f.All.sum()
	f.TypeI, f.Coverage, f.SmallestEffect = f.All.TypeI.Share, f.All.Coverage.Share, f.Conditions[0].SmallestEffect
}

// judge weighs what was refuted before what is not known.
func (f *findings) judge() {
	var refuted, unknown []string
	no := func(is bool, format string, args ...any) {
		if is {
			refuted = append(refuted, fmt.Sprintf(format, args...))
		}
	}
	all, quiet := f.All, f.Conditions[0]
	no(all.TypeI.Lo > typeIMost, "twins are called different in %v of trials, more than %.0f %%", all.TypeI, 100*typeIMost)
	no(all.Over.Lo > overMost, "twins would be refused by a gate in %v of trials, more than %.0f %%", all.Over, 100*overMost)
	no(all.Coverage.Hi < coverageLeast, "intervals hold the truth in %v of trials, fewer than %.0f %%", all.Coverage, 100*coverageLeast)
	no(quiet.Lives >= effectLives && quiet.SmallestEffect > effectMost,
		"a difference of less than %s would be missed by %d rounds: a gate would let +10 %% pass", percentage(quiet.SmallestEffect), f.EffectRounds)
	if f.All.Trials < f.enough || quiet.Lives < effectLives {
		unknown = append(unknown, fmt.Sprintf("%d trials, in quiet %d, are too few for a verdict, which takes %d", f.All.Trials, quiet.Trials, f.enough))
	} else if all.TypeI.Hi > doubt || all.Coverage.Lo < 1-doubt {
		unknown = append(unknown, fmt.Sprintf("rates are known too little: type I %v, coverage %v", all.TypeI, all.Coverage))
	}
	f.Why = append(append(f.Why, refuted...), unknown...)
	switch {
	case len(refuted) > 0:
		f.Verdict, f.exit = "not fit", exitNotFit
	case len(unknown) > 0:
		f.Verdict, f.exit = "inconclusive", exitInconclusive
	default:
		f.Verdict, f.exit, f.Fit = "fit", exitPass, true
	}
}

// exitNotFit says what a gate says of a budget that is not kept.
const exitNotFit = 1

// advise says what would make the machine better: what its own state weakens, and
// what the trials showed.
func (f *findings) advise() {
	for _, w := range f.Machine.Warnings {
		if !strings.HasPrefix(w, "built from commit") { // says nothing about the machine
			f.Advice = append(f.Advice, w)
		}
	}
	if f.Machine.Governor == "" && f.Machine.OS == "linux" {
		f.Advice = append(f.Advice, "the CPU's governor cannot be read, as on most virtual machines: its clock may change unseen")
	}
	quiet := f.Conditions[0]
	if quiet.Lives > 0 && quiet.SmallestEffect > effectMost/2 {
		f.Advice = append(f.Advice, fmt.Sprintf("a run of %d rounds would find %s at best: measure with more rounds, or end what else is at work",
			f.EffectRounds, percentage(quiet.SmallestEffect)))
	}
	if f.All.InTurn.Lo > 1-0.95 {
		f.Advice = append(f.Advice, fmt.Sprintf("do not compare runs made one after the other here: the same code differs in %v of them", f.All.InTurn))
	}
	if f.Verdict == "inconclusive" {
		f.Advice = append(f.Advice, "leave -quick out, or run it again with nothing else at work")
	}
}

// percentage is a share with a sign: +3.1 %.
func percentage(share float64) string {
	if share >= blindEffect {
		return "more than +700 %"
	}
	return fmt.Sprintf("+%.1f %%", 100*share)
}
