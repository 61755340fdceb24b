package runner

import (
	"maps"
	"slices"
	"strings"

	"rubato/ci"
)

// maxArms bounds what -set can ask for: a product grows fast.
const maxArms = 1000

// A plan is everything that a run will measure. It is complete and checked before anything
// is written.
type plan struct {
	baseline    string // the first chosen style
	comparisons []comparisonPlan
	budgets     ci.Budgets // of a run that decides
}

// A comparisonPlan is one scenario with one set of the options that all styles share. Its
// arms do the same work.
type comparisonPlan struct {
	scenario     Scenario
	options      Options
	profiled     bool
	controlled   bool // it has an A/A control and an injected slowdown
	instrumented bool // it has arms that show what measuring costs
	size         Size
	arms         []armPlan // the first is the baseline
}

// An armPlan is a style with all of its options; it becomes a cell of the result. A key
// that applies to some styles only makes more arms of these, not more comparisons, so
// that each is paired with the one baseline.
type armPlan struct {
	style   string
	plain   bool // it adds nothing to the work
	options Options
	named   []string
	role    string // results.RoleAA, results.RoleSlowdown or an instrument's; empty: a style's own
	// instruments are the runner's instruments in its blocks; nil: the usual ones.
	instruments []string
}

// newPlan checks the arguments and lists all that they ask for.
func newPlan(suite Suite, config config) (plan, error) {
	styles, err := pick("style", config.styles, suite.Styles, func(s Style) string { return s.Name })
	if err != nil {
		return plan{}, err
	}
	scenarios, err := pick("scenario", config.scenarios, suite.Scenarios, func(s Scenario) string { return s.Name })
	if err != nil {
		return plan{}, err
	}
	if err := checkKeys(scenarios, styles, config.set); err != nil {
		return plan{}, err
	}
	p := plan{baseline: styles[0].Name}
	arms := 0
	for _, scenario := range scenarios {
		if err := scenario.sound(); err != nil {
			return plan{}, err
		}
		if len(config.scenarios) == 0 && !scenario.measures(styles) {
			continue // it was not asked for by name
		}
		comparisons, err := comparisonsOf(scenario, styles, config)
		if err != nil {
			return plan{}, err
		}
		for _, c := range comparisons {
			arms += len(c.all())
		}
		p.comparisons = append(p.comparisons, comparisons...)
	}
	if arms > maxArms {
		return plan{}, usagef("this asks for %d cells, at most %d fit a run: give fewer values to -set", arms, maxArms)
	}
	return p, nil
}

// pick returns the wanted ones in the suite's order; all if none is named.
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

// comparisonsOf makes a comparison for each combination of the keys that all styles share.
func comparisonsOf(scenario Scenario, styles []Style, config config) ([]comparisonPlan, error) {
	styles, err := scenario.arms(styles, config.set)
	if err != nil {
		return nil, err
	}
	shared, _, err := settingsOf(scenario.Keys, config.set, func(k Key) bool { return len(k.Styles) == 0 })
	if err != nil {
		return nil, err
	}
	var comparisons []comparisonPlan
	for i, options := range product(shared) {
		size, err := scenario.size(config.effort, options)
		if err != nil {
			return nil, err
		}
		c := comparisonPlan{scenario: scenario, options: options, size: size, profiled: i == 0 || config.effort.ProfileAll,
			controlled: config.controls && scenario.controllable(), instrumented: config.instruments && scenario.controllable()}
		for _, style := range styles {
			arms, err := armsOf(scenario, style, options, config.set)
			if err != nil {
				return nil, err
			}
			c.arms = append(c.arms, arms...)
		}
		comparisons = append(comparisons, c)
	}
	return comparisons, nil
}

// armsOf makes an arm for each combination of the keys that are the style's own.
func armsOf(scenario Scenario, style Style, shared Options, set settings) ([]armPlan, error) {
	own, _, err := settingsOf(scenario.Keys, set, func(k Key) bool { return len(k.Styles) > 0 && k.applies(style) })
	if err != nil {
		return nil, err
	}
	_, named, err := settingsOf(scenario.Keys, set, func(k Key) bool { return k.applies(style) })
	if err != nil {
		return nil, err
	}
	var arms []armPlan
	for _, options := range product(own) {
		arms = append(arms, armPlan{style: style.Name, plain: style.Plain, options: shared.and(options), named: named})
	}
	return arms, nil
}

// settingsOf returns the wanted keys with their values, and the names, sorted, of those
// that are in a cell's name.
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

// apart reports whether the arms are pieces that do not do the same work.
func (s Scenario) apart() bool { return len(s.Arms) > 0 }

// keys are the scenario's own and the one that picks arms, if it has any.
func (s Scenario) keys() []Key {
	if !s.apart() {
		return s.Keys
	}
	var names []string
	for _, arm := range s.Arms {
		names = append(names, arm.Name)
	}
	return append(slices.Clone(s.Keys), Key{Name: s.ArmKey, Values: names, Default: strings.Join(names, ","),
		Doc: "which to measure; " + names[0] + ", which ratios are to, always is"})
}

// measures reports whether the scenario is measured in one of the styles.
func (s Scenario) measures(styles []Style) bool {
	return len(s.Styles) == 0 || slices.ContainsFunc(styles, func(style Style) bool { return slices.Contains(s.Styles, style.Name) })
}

// arms are the styles, or those of the scenario's own arms that were asked for.
func (s Scenario) arms(styles []Style, set settings) ([]Style, error) {
	if !s.apart() {
		of := slices.DeleteFunc(slices.Clone(styles), func(style Style) bool {
			return len(s.Styles) > 0 && !slices.Contains(s.Styles, style.Name)
		})
		if len(of) == 0 {
			return nil, usagef("scenario %s has none of these styles: it has %s", s.Name, strings.Join(s.Styles, ", "))
		}
		return of, nil
	}
	keys := s.keys()
	wanted, _, err := keys[len(keys)-1].values(set)
	if err != nil {
		return nil, err
	}
	return pick(s.ArmKey, append(wanted, s.Arms[0].Name), s.Arms, func(arm Style) string { return arm.Name })
}
