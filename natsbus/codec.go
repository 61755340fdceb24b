package natsbus

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"rubato/orchestrated"
	"rubato/player"
)

// The codec is JSON: an object with a member for each field, by name. It is one
// of the things this style adds, and named in every result.

// encode writes values of these fields.
func encode(fields []orchestrated.Field, values []orchestrated.Value) ([]byte, error) {
	b := append(make([]byte, 0, 128), '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, f.Name), ':')
		var err error
		if b, err = encodeValue(b, f.Type, values[i]); err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.Name, err)
		}
	}
	return append(b, '}'), nil
}

func encodeValue(b []byte, t orchestrated.Type, v orchestrated.Value) ([]byte, error) {
	var text []byte
	var err error
	switch t {
	case orchestrated.Integer:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case orchestrated.Natural:
		return strconv.AppendUint(b, v.Nat(), 10), nil
	case orchestrated.Truth:
		return strconv.AppendBool(b, v.Bool()), nil
	case orchestrated.Real:
		text, err = json.Marshal(v.Float())
	case orchestrated.Text:
		text, err = json.Marshal(v.Text())
	case orchestrated.Flavor:
		return encodeFlavor(b, v.Flavor())
	default:
		err = fmt.Errorf("no such type: %d", t)
	}
	return append(b, text...), err
}

// decode reads an object that has each of these fields, into values. Members that
// nobody asked for are passed over, so that a newer sender can be read.
func decode(data []byte, fields []orchestrated.Field, values []orchestrated.Value) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	for i, f := range fields {
		raw, ok := members[f.Name]
		if !ok {
			return fmt.Errorf("decode: member %q is missing", f.Name)
		}
		v, err := decodeValue(raw, f.Type)
		if err != nil {
			return fmt.Errorf("decode %s: %w", f.Name, err)
		}
		values[i] = v
	}
	return nil
}

func decodeValue(raw json.RawMessage, t orchestrated.Type) (v orchestrated.Value, err error) {
	switch t {
	case orchestrated.Integer:
		var n int64
		n, err = strconv.ParseInt(string(raw), 10, 64)
		return orchestrated.Int(n), err
	case orchestrated.Natural:
		var n uint64
		n, err = strconv.ParseUint(string(raw), 10, 64)
		return orchestrated.Nat(n), err
	case orchestrated.Real:
		var n float64
		err = json.Unmarshal(raw, &n)
		return orchestrated.Float(n), err
	case orchestrated.Truth:
		var yes bool
		err = json.Unmarshal(raw, &yes)
		return orchestrated.Bool(yes), err
	case orchestrated.Text:
		var s string
		err = json.Unmarshal(raw, &s)
		return orchestrated.String(s), err
	case orchestrated.Flavor:
		f, err := decodeFlavor(raw)
		return orchestrated.FlavorOf(f), err
	}
	return v, fmt.Errorf("no such type: %d", t)
}

// wireFlavor is a flavor on the wire. JSON numbers are written with as many
// digits as it takes to read the same float64 back.
type wireFlavor struct {
	Present uint32    `json:"present"`
	Values  []float64 `json:"values"`
}

func encodeFlavor(b []byte, f *player.Flavor) ([]byte, error) {
	if f == nil {
		return append(b, "null"...), nil
	}
	b = append(b, `{"present":`...)
	b = append(strconv.AppendUint(b, uint64(f.Present), 10), `,"values":[`...)
	for i, v := range f.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("value %d is %v, which JSON has not", i, v)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return append(b, "]}"...), nil
}

func decodeFlavor(raw json.RawMessage) (*player.Flavor, error) {
	f := new(player.Flavor)
	w := wireFlavor{Values: f.Values[:0]}
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, err
	}
	if len(w.Values) != player.FlavorValues {
		return nil, fmt.Errorf("%d values, want %d", len(w.Values), player.FlavorValues)
	}
	f.Present = w.Present
	copy(f.Values[:], w.Values)
	return f, f.Check()
}
