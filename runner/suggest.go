package runner

import (
	"fmt"
	"strings"
)

// A usageError is what the user can put right by typing something else: exit 2.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// unknown says that a name is not among those that are valid, and which is nearest.
func unknown(what, name string, valid []string) error {
	if len(valid) == 0 {
		return usagef("unknown %s %q: there is none to choose from", what, name)
	}
	return usagef("unknown %s %q: did you mean %q? Valid: %s",
		what, name, nearest(name, valid), strings.Join(valid, ", "))
}

// nearest is the valid name with the smallest edit distance; the first of equals.
func nearest(name string, valid []string) string {
	best, least := "", 1<<30
	for _, candidate := range valid {
		if d := edits(strings.ToLower(name), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// edits is the Levenshtein distance of a and b in bytes, which is enough for names
// typed at a prompt.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
