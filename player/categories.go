package player

import "strings"

// categories reads "name: element element" lines. It runs once, at start.
func categories(lines ...string) []Category {
	list := make([]Category, 0, len(lines))
	first := 0
	for _, line := range lines {
		name, elements, _ := strings.Cut(line, ": ")
		c := Category{Name: name, Elements: strings.Fields(elements), First: first}
		first += len(c.Elements)
		list = append(list, c)
	}
	return list
}
