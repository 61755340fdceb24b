package ci

import (
	"fmt"
	"sort"
	"strings"
)

// suggest names the valid name nearest to a wrong one, and all when they are few.
func suggest(wrong string, valid []string) string {
	if len(valid) == 0 {
		return "there is none to choose from"
	}
	best, names := nearest(wrong, valid)
	if len(names) > 6 {
		return fmt.Sprintf("nearest is %q", best)
	}
	return fmt.Sprintf("nearest is %q; there are %s", best, strings.Join(names, ", "))
}

// nearest gives the valid name with the fewest edits, the first in order when
// several are equally near, and all names in order.
func nearest(wrong string, valid []string) (string, []string) {
	names := append([]string(nil), valid...)
	sort.Strings(names)
	best, least := names[0], edits(wrong, names[0])
	for _, n := range names[1:] {
		if d := edits(wrong, n); d < least {
			best, least = n, d
		}
	}
	return best, names
}

// edits is the Levenshtein distance in runes. Names longer than 64 runes are cut:
// no valid name is that long.
func edits(a, b string) int {
	s, t := cut([]rune(a)), cut([]rune(b))
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

func cut(r []rune) []rune { return r[:min(len(r), 64)] }
