package runner

import (
	"flag"
	"math"
	"strings"
	"time"

	"rubato/reports"
)

// decisionFlags are those of a run that decides, and of one that proves itself.
func (ask *runFlags) decisionFlags(flags *flag.FlagSet) {
	flags.BoolVar(&ask.decide.on, "decide", false, "")
	flags.DurationVar(&ask.decide.time, "time", defaultDecisionTime, "")
	flags.Float64Var(&ask.decide.margin, "margin", reports.DefaultMargin, "")
	flags.StringVar(&ask.decide.budgets, "budgets", defaultBudgets, "")
	flags.BoolVar(&ask.proof, "proof", false, "")
	flags.BoolVar(&ask.ledger, "ledger", false, "")
	flags.Float64Var(&ask.plant, "plant", defaultPlant, "")
}

// maxDecisionTime bounds a contest: past a day something else is wrong.
const maxDecisionTime = 24 * time.Hour

// checkDecision refuses what means nothing, and values that cannot be meant.
func (ask *runFlags) checkDecision(flags *flag.FlagSet) error {
	var alone []string
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "time", "margin", "budgets":
			ask.decide.named = ask.decide.named || f.Name == "budgets"
			if !ask.decide.on {
				alone = append(alone, "-"+f.Name+" says how to decide: give -decide, too")
			}
		case "plant":
			if !ask.proof {
				alone = append(alone, "-plant says how large a slowdown to plant: give -proof, too")
			}
		}
	})
	switch d := ask.decide; {
	case ask.ledger && d.on:
		return usagef("-ledger and -decide exclude each other: what measuring costs takes a number of rounds that is fixed beforehand")
	case len(alone) > 0:
		return usageError{strings.Join(alone, "; ")}
	case d.time <= 0 || d.time > maxDecisionTime:
		return usagef("-time %v: want more than 0 and at most %v for a contest, as in -time 120s", d.time, maxDecisionTime)
	case math.IsNaN(d.margin) || d.margin < 0 || d.margin >= 1:
		return usagef("-margin %v: want a share from 0 to under 1, as in -margin 0.02", d.margin)
	case math.IsNaN(ask.plant) || ask.plant <= 0 || ask.plant > 10:
		return usagef("-plant %v: want a share over 0 and at most 10, as in -plant 0.10", ask.plant)
	}
	return nil
}
