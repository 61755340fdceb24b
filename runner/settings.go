package runner

import (
	"maps"
	"slices"
	"strings"
)

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
		return "", nil, usagef("-set %q: want key=value, as in -set passages=1000", text)
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
