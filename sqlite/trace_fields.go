package sqlite

import (
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
)

// fieldFunction is SQL's field(text, name): the value of one name in "a=1 b=2",
// NULL when it is not there.
var fieldFunction = &sqlite.FunctionImpl{
	NArgs: 2, Deterministic: true,
	Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
		if value, ok := field(args[0].Text(), args[1].Text()); ok {
			return sqlite.TextValue(value), nil
		}
		return sqlite.Value{}, nil
	},
}

// field finds a value in the inputs or outputs of a row, without its quotes. A
// quoted value may hold anything, so what looks like a field within it is none.
func field(text, name string) (string, bool) {
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return "", false
		}
		var value string
		value, text = cutValue(rest)
		if key == name {
			return value, true
		}
	}
	return "", false
}

// cutValue takes a value from the front of rest. One that is not quoted goes on to
// the next " name=", because a flavor is written as two words.
func cutValue(rest string) (value, after string) {
	if quoted, err := strconv.QuotedPrefix(rest); err == nil && quoted[0] == '"' {
		value, _ = strconv.Unquote(quoted)
		return value, strings.TrimPrefix(rest[len(quoted):], " ")
	}
	for i := 0; i < len(rest); i++ {
		if rest[i] == ' ' && startsField(rest[i+1:]) {
			return rest[:i], rest[i+1:]
		}
	}
	return rest, ""
}

// startsField says whether s begins with "name=".
func startsField(s string) bool {
	n := 0
	for n < len(s) && nameByte(s[n]) {
		n++
	}
	return n > 0 && n < len(s) && s[n] == '='
}

func nameByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
