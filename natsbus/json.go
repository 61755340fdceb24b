package natsbus

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// jsonCodec makes an object with a member for each field, by name.
type jsonCodec struct{}

func (jsonCodec) encode(b []byte, s schema, values []engine.Value) ([]byte, error) {
	b = append(b, '{')
	for i, f := range s.fields {
		if s.omits(i, values[i]) {
			continue
		}
		b = append(b, s.keys[i]...)
		var err error
		if b, err = appendJSON(b, f.Type, values[i]); err != nil {
			return b, fmt.Errorf("encode %s: %w", f.Name, err)
		}
		b = append(b, ',')
	}
	return closed(b, '}'), nil
}

// closed replaces a comma at the end.
func closed(b []byte, end byte) []byte {
	if last := len(b) - 1; b[last] == ',' {
		b = b[:last]
	}
	return append(b, end)
}

func (c jsonCodec) encodeList(b []byte, s schema, values []engine.Value) (_ []byte, err error) {
	b = append(b, '[')
	for n := len(s.fields); len(values) >= n; values = values[n:] {
		if b, err = c.encode(b, s, values[:n]); err != nil {
			return b, err
		}
		b = append(b, ',')
	}
	return closed(b, ']'), nil
}

// appendJSON writes numbers with as many digits as it takes to read the same ones back.
func appendJSON(b []byte, t engine.Type, v engine.Value) ([]byte, error) {
	switch t {
	case engine.Integer:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case engine.Natural:
		return strconv.AppendUint(b, v.Nat(), 10), nil
	case engine.Truth:
		return strconv.AppendBool(b, v.Bool()), nil
	case engine.Real:
		return appendReal(b, v.Float())
	case engine.Text:
		return appendText(b, v.Text())
	case engine.Flavor:
		members, err := parts(v)
		if err != nil {
			return b, err
		}
		return jsonCodec{}.encode(b, flavorSchema, members[:])
	case reals:
		b = append(b, '[')
		for _, v := range v.Flavor().Values {
			var err error
			if b, err = appendReal(b, v); err != nil {
				return b, err
			}
			b = append(b, ',')
		}
		return closed(b, ']'), nil
	}
	return b, unknownType(t)
}

func appendReal(b []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b, fmt.Errorf("%v, which JSON has not", v)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64), nil
}

func (jsonCodec) decode(data []byte, s schema, values []engine.Value) error {
	if q := (quickJSON{data: data}); q.record(s, values) && q.ended() {
		return nil
	}
	r := openJSON(data)
	defer r.close()
	if err := r.record(s, values); err != nil {
		return err
	}
	return r.end()
}

func (jsonCodec) decodeList(data []byte, s schema, values []engine.Value) ([]engine.Value, error) {
	q := quickJSON{data: data}
	read, ok := q.list(s, values[len(values):])
	if ok {
		return append(values, read...), nil
	}
	r := openJSON(data)
	defer r.close()
	if err := r.expect('['); err != nil {
		return values, err
	}
	for r.PeekKind() != ']' {
		row := len(values)
		values = append(values, make([]engine.Value, len(s.fields))...)
		if err := r.record(s, values[row:]); err != nil {
			return values, err
		}
	}
	if err := r.expect(']'); err != nil {
		return values, err
	}
	return values, r.end()
}

// A jsonReader reads one document. jsontext refuses what is not JSON, names that are there
// twice, and text that is not UTF-8.
type jsonReader struct {
	*jsontext.Decoder
	source bytes.Buffer
	text   []byte
}

// jsonReaders are those that nobody uses. A sync.Pool is emptied by each collection of garbage,
// and a refill comes seldom.
var jsonReaders = make(chan *jsonReader, 16)

func openJSON(data []byte) *jsonReader {
	var r *jsonReader
	select {
	case r = <-jsonReaders:
	default:
		r = &jsonReader{}
		r.Decoder = jsontext.NewDecoder(&r.source)
	}
	r.source = *bytes.NewBuffer(data)
	r.Reset(&r.source)
	return r
}

func (r *jsonReader) close() {
	r.source = bytes.Buffer{}
	select {
	case jsonReaders <- r:
	default:
	}
}

// expect reads a token of this kind.
func (r *jsonReader) expect(kind jsontext.Kind) error {
	token, err := r.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("%v, want %v", token.Kind(), kind)
	}
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// end returns an error if something follows.
func (r *jsonReader) end() error {
	if _, err := r.ReadToken(); err != io.EOF {
		return errFollow
	}
	return nil
}

func (r *jsonReader) record(s schema, values []engine.Value) error {
	read := record{schema: s}
	clear(values)
	if err := r.expect('{'); err != nil {
		return err
	}
	for r.PeekKind() != '}' {
		name, err := r.unquoted()
		if err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		i := s.named(name)
		if i < 0 {
			err = r.SkipValue()
		} else if err = read.came(i); err == nil {
			values[i], err = r.value(s.fields[i].Type)
		}
		if err != nil {
			return fmt.Errorf("decode %s: %w", name, err)
		}
	}
	if err := r.expect('}'); err != nil {
		return err
	}
	return read.ended()
}

func (r *jsonReader) value(t engine.Type) (engine.Value, error) {
	switch t {
	case engine.Text:
		text, err := r.unquoted()
		return engine.String(string(text)), err
	case engine.Flavor:
		var members [3]engine.Value
		if err := r.record(flavorSchema, members[:]); err != nil {
			return engine.Value{}, err
		}
		return whole(members)
	case reals:
		f := new(player.Flavor)
		return engine.FlavorOf(f), r.reals(&f.Values)
	}
	raw, err := r.ReadValue()
	if err != nil {
		return engine.Value{}, err
	}
	switch t {
	case engine.Integer:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		return engine.Int(n), err
	case engine.Natural:
		n, err := strconv.ParseUint(string(raw), 10, 64)
		return engine.Nat(n), err
	case engine.Real:
		n, err := strconv.ParseFloat(string(raw), 64)
		return engine.Float(n), err
	case engine.Truth:
		if kind := raw.Kind(); kind != 't' && kind != 'f' {
			return engine.Value{}, fmt.Errorf("%v, want true or false", kind)
		}
		return engine.Bool(raw.Kind() == 't'), nil
	}
	return engine.Value{}, unknownType(t)
}

// unquoted reads a string. It is valid until the next one is read.
func (r *jsonReader) unquoted() ([]byte, error) {
	raw, err := r.ReadValue()
	if err != nil {
		return nil, err
	}
	if raw.Kind() != '"' {
		return nil, fmt.Errorf("%v, want a string", raw.Kind())
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	r.text, err = jsontext.AppendUnquote(r.text[:0], raw)
	return r.text, err
}

func (r *jsonReader) reals(into *[player.FlavorValues]float64) error {
	if err := r.expect('['); err != nil {
		return err
	}
	for i := range into {
		raw, err := r.ReadValue()
		if err != nil {
			return err
		}
		if into[i], err = strconv.ParseFloat(string(raw), 64); err != nil {
			return err
		}
	}
	return r.expect(']')
}
