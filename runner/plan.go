package runner

import (
	"maps"
	"slices"
	"strings"

	"rubato/ci"
	"rubato/results"
)

// maxArms bounds what -set can ask for: a product grows fast.
const maxArms = 1000

// A plan is everything that a run will measure. It is complete and checked before anything
// is written.
type plan struct {
	baseline    string // the first chosen style
	comparisons []comparisonPlan
	other       *results.Revision // whose arms stand beside; nil: none
	budgets     ci.Budgets        // of a run that decides
	targets     ci.Budgets        // what is to be reached; the report says whether it is
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
	before       []armPlan // the same of another revision, if the run has one
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
	build       *build // of another revision; nil: this program
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
		if len(config.scenarios) == 0 && len(scenario.of(styles)) == 0 {
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

// checkKeys refuses a key that no chosen scenario has for any chosen style that it measures.
func checkKeys(scenarios []Scenario, styles []Style, set settings) error {
	var names []string
	for _, scenario := range scenarios {
		of := scenario.of(styles)
		for _, key := range scenario.keys() {
			if slices.ContainsFunc(of, key.applies) && !slices.Contains(names, key.Name) {
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
	for i, options := range scenario.combinations(shared, config.set) {
		if scenario.pause(options) > 0 {
			if slices.Contains(config.set[cachesKey], cachesHot) {
				return nil, usagef("scenario %s: after a pause caches are cold: leave -set %s=%s out", scenario.Name, cachesKey, cachesHot)
			}
			options = options.with(cachesKey, cachesCold)
		}
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
	if scenario.gridded(set) {
		named = slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(named, maps.Keys(scenario.Grid[0])))))
	}
	var arms []armPlan
	for _, options := range product(own) {
		if scenario.Fits != nil {
			if err := scenario.Fits(shared.and(options)); err != nil {
				return nil, usagef("scenario %s: %v", scenario.Name, err)
			}
		}
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

// of are those of the styles in which the scenario is measured.
func (s Scenario) of(styles []Style) []Style {
	return slices.DeleteFunc(slices.Clone(styles), func(style Style) bool {
		return len(s.Styles) > 0 && !slices.Contains(s.Styles, style.Name)
	})
}

// arms are the styles, or those of the scenario's own arms that were asked for.
func (s Scenario) arms(styles []Style, set settings) ([]Style, error) {
	if !s.apart() {
		of := s.of(styles)
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

// maxSetLength bounds one -set argument.
const maxSetLength = 4096

// settings are the values given by -set, by key.
type settings map[string][]string

// parseSet reads key=value[,value…]. Values keep what stands after the first "=".
func parseSet(text string) (key string, values []string, err error) {
	if len(text) > maxSetLength {
		return "", nil, usagef("-set is longer than %d bytes", maxSetLength)
	}
	key, list, found := strings.Cut(text, "=")
	key = strings.TrimSpace(key)
	if !found || key == "" {
		return "", nil, usagef("-set %q: want key=value, as in -set size=1000", text)
	}
	values, err = splitValues(key, list)
	return key, values, err
}

// splitValues reads a list of different values, separated by commas. A comma inside a value
// is written "\,", and a backslash before a comma or backslash "\\".
func splitValues(key, list string) ([]string, error) {
	var values []string
	for rest, more := list, true; more; {
		var value string
		value, rest, more = cutValue(rest)
		value = strings.TrimSpace(value)
		if value == "" {
			return nil, usagef("key %s: a value is empty in %q", key, list)
		}
		if slices.Contains(values, value) {
			return nil, usagef("key %s: value %q is given twice", key, value)
		}
		values = append(values, value)
	}
	return values, nil
}

// cutValue is the text before the first comma that is not escaped, and what follows that.
func cutValue(list string) (value, rest string, more bool) {
	var text strings.Builder
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == ',':
			return text.String(), list[i+1:], true
		case list[i] == '\\' && i+1 < len(list) && (list[i+1] == ',' || list[i+1] == '\\'):
			i++
		}
		text.WriteByte(list[i])
	}
	return text.String(), "", false
}

// valid returns what is wrong with a value.
func (k Key) valid(value string) error {
	if len(k.Values) > 0 && !slices.Contains(k.Values, value) {
		return unknown("value of key "+k.Name, value, k.Values)
	}
	if k.Check != nil {
		if err := k.Check(value); err != nil {
			return usagef("key %s: value %q: %v", k.Name, value, err)
		}
	}
	return nil
}

// values are those asked for, else the default's; named reports whether the key
// belongs in the name of a cell.
func (k Key) values(set settings) (values []string, named bool, err error) {
	values, named = set[k.Name]
	if !named {
		if values, err = splitValues(k.Name, k.Default); err != nil {
			return nil, false, err
		}
		named = len(values) > 1
	}
	for _, value := range values {
		if err := k.valid(value); err != nil {
			return nil, false, err
		}
	}
	return values, named, nil
}

// A setting is a key with the values it takes in this run.
type setting struct {
	key    string
	values []string
}

// product is every combination; the last setting varies fastest. Without settings it is
// one empty set.
func product(all []setting) []Options {
	sets := []Options{{}}
	for _, s := range all {
		var wider []Options
		for _, set := range sets {
			for _, value := range s.values {
				wider = append(wider, set.with(s.key, value))
			}
		}
		sets = wider
	}
	return sets
}

// with is a copy of the options and one more.
func (o Options) with(key, value string) Options {
	wider := maps.Clone(o)
	wider[key] = value
	return wider
}

// and is a copy of the options and those of another set.
func (o Options) and(more Options) Options {
	wider := maps.Clone(o)
	maps.Copy(wider, more)
	return wider
}

// styles are those of the suite that the plan has.
func (p plan) styles(suite Suite) (all []results.Arm) {
	for _, s := range suite.Styles {
		if slices.ContainsFunc(p.comparisons, func(c comparisonPlan) bool {
			return slices.ContainsFunc(c.arms, func(a armPlan) bool { return a.style == s.Name })
		}) {
			all = append(all, results.Arm{Name: s.Name, Doc: s.Doc})
		}
	}
	return all
}
