package runner

import (
	"slices"
	"strings"
)

// apart tells whether the scenario's arms are pieces that do not do the same work.
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

// arms are what the scenario is measured in: the styles, or those of its own arms
// that were asked for.
func (s Scenario) arms(styles []Style, set settings) ([]Style, error) {
	if !s.apart() {
		return styles, nil
	}
	keys := s.keys()
	wanted, _, err := keys[len(keys)-1].values(set)
	if err != nil {
		return nil, err
	}
	return pick(s.ArmKey, append(wanted, s.Arms[0].Name), s.Arms, func(arm Style) string { return arm.Name })
}
