package natsbus

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rubato/orchestrated/engine"
)

// A quickJSON reads the form that encode gives to JSON: members in their order, no space, no escape,
// only ASCII in texts. It gives up on anything else, which jsontext then reads, or says what is
// wrong with. It takes a fifth of the time.
type quickJSON struct {
	data []byte
	at   int
	text string // data; made for the first text, and all texts are parts of it
}

// skip passes over a byte, if it is there.
func (q *quickJSON) skip(c byte) bool {
	if q.at == len(q.data) || q.data[q.at] != c {
		return false
	}
	q.at++
	return true
}

// word passes over a word, if it is there.
func (q *quickJSON) word(w string) bool {
	end := q.at + len(w)
	if end > len(q.data) || string(q.data[q.at:end]) != w {
		return false
	}
	q.at = end
	return true
}

// member passes over what is before the value of a member.
func (q *quickJSON) member(before byte, key string) bool {
	start := q.at
	if q.skip(before) && q.word(key) {
		return true
	}
	q.at = start
	return false
}

func (q *quickJSON) record(s schema, values []engine.Value) (ok bool) {
	before := byte('{')
	for i, f := range s.fields {
		if !q.member(before, s.keys[i]) {
			if i < s.needed {
				return false
			}
			values[i] = engine.Value{}
			continue
		}
		before = ','
		if values[i], ok = q.value(f.Type); !ok {
			return false
		}
	}
	return before == ',' && q.skip('}')
}

// list reads the values of records into values, which are empty.
func (q *quickJSON) list(s schema, values []engine.Value) ([]engine.Value, bool) {
	for before := byte('['); q.skip(before); before = ',' {
		row := len(values)
		values = append(values, make([]engine.Value, len(s.fields))...)
		if !q.record(s, values[row:]) {
			return values, false
		}
	}
	return values, len(values) > 0 && q.skip(']') && q.ended()
}

func (q *quickJSON) ended() bool { return q.at == len(q.data) }

func (q *quickJSON) value(t engine.Type) (engine.Value, bool) {
	switch t {
	case engine.Text:
		return q.quoted()
	case engine.Natural:
		n, err := strconv.ParseUint(string(q.digits()), 10, 64)
		return engine.Nat(n), err == nil
	case engine.Integer:
		n, err := strconv.ParseInt(string(q.digits()), 10, 64)
		return engine.Int(n), err == nil
	case engine.Truth:
		return engine.Bool(true), q.word("true")
	}
	return engine.Value{}, false
}

// digits are those of a whole number as JSON writes it: none are before another one but a zero
// alone. Otherwise they are empty.
func (q *quickJSON) digits() []byte {
	start := q.at
	q.skip('-')
	first := q.at
	for q.at < len(q.data) && '0' <= q.data[q.at] && q.data[q.at] <= '9' {
		q.at++
	}
	if q.at-first > 1 && q.data[first] == '0' {
		return nil
	}
	return q.data[start:q.at]
}

func (q *quickJSON) quoted() (engine.Value, bool) {
	if !q.skip('"') {
		return engine.Value{}, false
	}
	start := q.at
	n := bytes.IndexByte(q.data[start:], '"')
	if n < 0 || !plain(q.data[start:start+n]) {
		return engine.Value{}, false
	}
	q.at += n + 1
	if n == 0 {
		return engine.Value{}, true
	}
	if q.text == "" {
		q.text = string(q.data)
	}
	return engine.String(q.text[start : start+n]), true
}

// plain reports whether JSON writes a text as it is, whatever it is used for: ASCII without controls
// and without "\&<>.
func plain[T string | []byte](text T) bool {
	var odd byte
	for i := range len(text) {
		odd |= special[text[i]]
	}
	return odd == 0
}

// special is 1 for other characters.
var special = func() (is [256]byte) {
	for c := range is {
		if c < ' ' || c >= 0x7f || strings.ContainsRune(`"\&<>`, rune(c)) {
			is[c] = 1
		}
	}
	return is
}()

// appendText writes a text as jsontext does.
func appendText(b []byte, text string) ([]byte, error) {
	if !plain(text) {
		return jsontext.AppendQuote(b, text)
	}
	return append(append(append(b, '"'), text...), '"'), nil
}
