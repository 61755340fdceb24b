package command

import (
	"fmt"
	"strings"
)

// Nearest is the valid name with the fewest edits from a misspelt one, in any case, and
// the number of edits. Of equals it takes the first. It is "" if there is no valid name.
func Nearest(name string, valid []string) (best string, least int) {
	for i, candidate := range valid {
		if d := edits(strings.ToLower(name), strings.ToLower(candidate)); i == 0 || d < least {
			best, least = candidate, d
		}
	}
	return best, least
}

// Suggest is `; did you mean "x"?` for the nearest valid name, "" if none is near.
func Suggest(name string, valid []string) string {
	near, edits := Nearest(name, valid)
	if near == "" || edits > len(name)/2 {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// edits is the Levenshtein distance in runes. It cuts names to 64 runes: no valid name
// is longer.
func edits(a, b string) int {
	s, t := cut(a), cut(b)
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		diagonal := row[0]
		row[0] = i + 1
		for j := range t {
			change := diagonal
			if s[i] != t[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(t)]
}

func cut(s string) []rune {
	r := []rune(s)
	return r[:min(len(r), 64)]
}
