package runner

import (
	"maps"
	"slices"

	"rubato/ci"
)

// maxArms bounds what -set can ask for: a product grows without being noticed.
const maxArms = 1000

// A plan is everything that a run will measure, worked out and checked before
// anything is written.
type plan struct {
	baseline string // the first chosen style
	contests []contestPlan
	budgets  ci.Budgets // what a run that decides holds its cells against
}

// A contestPlan is one scenario with one set of the options that all styles share:
// its arms do the same work side by side.
type contestPlan struct {
	scenario Scenario
	options  Options
	profiled bool
	proven   bool // it carries a twin and a plant
	observed bool // it carries the arms of a ledger
	size     Size
	arms     []arm // the first is the reference
}

// An arm is a style with all of its options: what becomes a cell of the result.
// Keys that apply to some styles only make more arms of those, not more contests,
// so that each is paired with the one baseline.
type arm struct {
	style   string
	options Options
	named   []string
	role    string // reports.Twin, reports.Plant or that of a ledger's arm; empty: a style's own
	// observers are the runner's instruments in its blocks; nil: the usual ones.
	observers []string
}

// newPlan checks what was asked for and multiplies it out.
func newPlan(suite Suite, ask runFlags) (plan, error) {
	styles, err := pick("style", ask.styles, suite.Styles, func(s Style) string { return s.Name })
	if err != nil {
		return plan{}, err
	}
	scenarios, err := pick("scenario", ask.scenarios, suite.Scenarios, func(s Scenario) string { return s.Name })
	if err != nil {
		return plan{}, err
	}
	if err := checkKeys(scenarios, styles, ask.set); err != nil {
		return plan{}, err
	}
	p := plan{baseline: styles[0].Name}
	arms := 0
	for _, scenario := range scenarios {
		if err := scenario.sound(); err != nil {
			return plan{}, err
		}
		contests, err := contestsOf(scenario, styles, ask)
		if err != nil {
			return plan{}, err
		}
		for _, c := range contests {
			arms += len(c.arms)
			if c.proven {
				arms += len(c.proofArms())
			}
			if c.observed {
				arms += len(c.observations())
			}
		}
		p.contests = append(p.contests, contests...)
	}
	if arms > maxArms {
		return plan{}, usagef("this asks for %d cells, at most %d fit a run: give fewer values to -set", arms, maxArms)
	}
	return p, nil
}

// pick takes the wanted ones in the suite's order, or all.
func pick[T any](what string, wanted []string, all []T, name func(T) string) ([]T, error) {
	var names []string
	for _, item := range all {
		names = append(names, name(item))
	}
	for _, want := range wanted {
		if !slices.Contains(names, want) {
			return nil, unknown(what, want, names)
		}
	}
	var picked []T
	for _, item := range all {
		if len(wanted) == 0 || slices.Contains(wanted, name(item)) {
			picked = append(picked, item)
		}
	}
	if len(picked) == 0 {
		return nil, usagef("this suite has no %s", what)
	}
	return picked, nil
}

// checkKeys refuses a key that no chosen scenario has for any chosen style.
func checkKeys(scenarios []Scenario, styles []Style, set settings) error {
	var names []string
	for _, scenario := range scenarios {
		for _, key := range scenario.keys() {
			if slices.ContainsFunc(styles, key.applies) && !slices.Contains(names, key.Name) {
				names = append(names, key.Name)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if !slices.Contains(names, key) {
			return unknown("key", key, names)
		}
	}
	return nil
}

func (k Key) applies(style Style) bool {
	return len(k.Styles) == 0 || slices.Contains(k.Styles, style.Name)
}

// contestsOf multiplies out the keys that all styles share.
func contestsOf(scenario Scenario, styles []Style, ask runFlags) ([]contestPlan, error) {
	styles, err := scenario.arms(styles, ask.set)
	if err != nil {
		return nil, err
	}
	shared, _, err := settingsOf(scenario.Keys, ask.set, func(k Key) bool { return len(k.Styles) == 0 })
	if err != nil {
		return nil, err
	}
	var contests []contestPlan
	for i, options := range product(shared) {
		size, err := scenario.size(ask.effort, options)
		if err != nil {
			return nil, err
		}
		c := contestPlan{scenario: scenario, options: options, size: size, profiled: i == 0 || ask.effort.ProfileAll,
			proven: ask.proof && scenario.provable(), observed: ask.ledger && scenario.provable()}
		for _, style := range styles {
			arms, err := armsOf(scenario, style, options, ask.set)
			if err != nil {
				return nil, err
			}
			c.arms = append(c.arms, arms...)
		}
		contests = append(contests, c)
	}
	return contests, nil
}

// armsOf multiplies out the keys that are the style's own.
func armsOf(scenario Scenario, style Style, shared Options, set settings) ([]arm, error) {
	own, _, err := settingsOf(scenario.Keys, set, func(k Key) bool { return len(k.Styles) > 0 && k.applies(style) })
	if err != nil {
		return nil, err
	}
	_, named, err := settingsOf(scenario.Keys, set, func(k Key) bool { return k.applies(style) })
	if err != nil {
		return nil, err
	}
	var arms []arm
	for _, options := range product(own) {
		arms = append(arms, arm{style: style.Name, options: shared.and(options), named: named})
	}
	return arms, nil
}

// settingsOf gives the keys that are wanted with their values, and which of them
// belong in a cell's name, sorted.
func settingsOf(keys []Key, set settings, wanted func(Key) bool) (all []setting, named []string, err error) {
	named = []string{}
	for _, key := range keys {
		if !wanted(key) {
			continue
		}
		values, inName, err := key.values(set)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, setting{key.Name, values})
		if inName {
			named = append(named, key.Name)
		}
	}
	slices.Sort(named)
	return all, named, nil
}
