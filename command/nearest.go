package command

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Nearest is the valid name that a misspelt one probably means, in any case: the one with
// the fewest edits, if these are at most some third of the longer name; else the first that
// begins with it. Of equals it takes the first. It is "" if none is near.
func Nearest(name string, valid []string) (best string) {
	bare := func(s string) string { return strings.TrimLeft(strings.ToLower(s), "-") } // a flag's dash makes nothing nearer
	name = bare(name)
	least, begins := 0, ""
	for _, candidate := range valid {
		lower := bare(candidate)
		longer := max(utf8.RuneCountInString(name), utf8.RuneCountInString(lower))
		if d := edits(name, lower); 3*d <= longer+1 && (best == "" || d < least) {
			best, least = candidate, d
		}
		if begins == "" && len(name) >= 3 && strings.HasPrefix(lower, name) {
			begins = candidate
		}
	}
	return cmp.Or(best, begins)
}

// Suggest is `; did you mean "x"?` for a valid name that is near, "" if none is.
func Suggest(name string, valid []string) string {
	near := Nearest(name, valid)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// edits is the number of runes to insert, delete, change, or swap with the next, no rune
// twice. It cuts names to 64 runes: no valid name is longer.
func edits(a, b string) int {
	s, t := cut(a), cut(b)
	before := make([]int, len(t)+1) // the row before the last
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		next := make([]int, len(t)+1)
		next[0] = i + 1
		for j := range t {
			change := row[j]
			if s[i] != t[j] {
				change++
			}
			next[j+1] = min(change, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(t)]
}

func cut(s string) []rune {
	r := []rune(s)
	return r[:min(len(r), 64)]
}
