package results

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Key names one cell of a run: scenario, style and all options, sorted, as in
// "message-log/bus/mode=closed/window=1". A character that could be taken for a separator is
// percent-encoded. The role of a control is among the options, as in "@role=aa".
func (c Cell) Key() string {
	return join(c.Scenario, c.Style, c.Role, c.Options)
}

// roleKey has the form of an option, so that an older reader takes it for one.
const roleKey = "@role"

// GroupKey is Key without style and role: cells with the same one differ only in these.
func (c Cell) GroupKey() string {
	return join(c.Scenario, "", "", c.Options)
}

func join(scenario, style, role string, options map[string]string) string {
	parts := []string{escapePart(scenario)}
	if style != "" {
		parts = append(parts, escapePart(style))
	}
	names := slices.Sorted(maps.Keys(options))
	at, _ := slices.BinarySearch(names, roleKey)
	for i, k := range names {
		if i == at {
			parts = appendRole(parts, role)
		}
		parts = append(parts, escapeName(k)+"="+escapePart(options[k]))
	}
	if at == len(names) {
		parts = appendRole(parts, role)
	}
	return strings.Join(parts, "/")
}

func appendRole(parts []string, role string) []string {
	if role == "" {
		return parts
	}
	return append(parts, roleKey+"="+escapePart(role))
}

func escapePart(s string) string {
	return strings.ReplaceAll(url.PathEscape(s), "=", "%3D")
}

// escapeName makes an option's name distinct from roleKey.
func escapeName(s string) string {
	if rest, is := strings.CutPrefix(s, "@"); is {
		return "%40" + escapePart(rest)
	}
	return escapePart(s)
}

// ParseKey is the cell that has this key. The cells of a run that was cut off come from the
// keys of its blocks.
func ParseKey(key string) (Cell, error) {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		if i >= 2 && strings.Count(p, "=") != 1 || i < 2 && (p == "" || strings.Contains(p, "=")) {
			parts = nil
			break
		}
	}
	if len(parts) < 2 {
		return Cell{}, fmt.Errorf("cell %q: want scenario/style/key=value…", key)
	}
	c := Cell{Options: map[string]string{}}
	var failed error
	unescape := func(s string) string {
		u, err := url.PathUnescape(s)
		if err != nil {
			failed = fmt.Errorf("cell %q: %w", key, err)
		}
		return u
	}
	c.Scenario, c.Style = unescape(parts[0]), unescape(parts[1])
	for _, p := range parts[2:] {
		k, v, _ := strings.Cut(p, "=")
		if k == roleKey {
			c.Role = unescape(v)
			continue
		}
		c.Options[unescape(k)] = unescape(v)
	}
	return c, failed
}

// nameCells sets Named of cells that come from keys alone: the options in which the cells of
// a scenario differ.
func nameCells(cells []Cell) {
	seen := map[[2]string]map[string]bool{}
	for _, c := range cells {
		for k, v := range c.Options {
			at := [2]string{c.Scenario, k}
			if seen[at] == nil {
				seen[at] = map[string]bool{}
			}
			seen[at][v] = true
		}
	}
	for i := range cells {
		c := &cells[i]
		if c.Named != nil {
			continue
		}
		c.Named = []string{}
		for _, k := range slices.Sorted(maps.Keys(c.Options)) {
			if len(seen[[2]string{c.Scenario, k}]) > 1 {
				c.Named = append(c.Named, k)
			}
		}
	}
}
