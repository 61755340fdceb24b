package natsbus

import (
	"fmt"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// msgpackCodec makes a map with a member for each field, by name. A list is an array.
type msgpackCodec struct{}

func (c msgpackCodec) encode(b []byte, s schema, values []engine.Value) ([]byte, error) {
	present := len(s.fields)
	for i := range s.fields {
		if s.omits(i, values[i]) {
			present--
		}
	}
	b = msgp.AppendMapHeader(b, uint32(present))
	for i, f := range s.fields {
		if s.omits(i, values[i]) {
			continue
		}
		var err error
		if b, err = appendMsgpack(msgp.AppendString(b, f.Name), f.Type, values[i]); err != nil {
			return b, fmt.Errorf("encode %s: %w", f.Name, err)
		}
	}
	return b, nil
}

func (c msgpackCodec) encodeList(b []byte, s schema, values []engine.Value) (_ []byte, err error) {
	n := len(s.fields)
	b = msgp.AppendArrayHeader(b, uint32(len(values)/n))
	for ; len(values) >= n; values = values[n:] {
		if b, err = c.encode(b, s, values[:n]); err != nil {
			return b, err
		}
	}
	return b, nil
}

func appendMsgpack(b []byte, t engine.Type, v engine.Value) ([]byte, error) {
	switch t {
	case engine.Integer:
		return msgp.AppendInt64(b, v.Int()), nil
	case engine.Natural:
		return msgp.AppendUint64(b, v.Nat()), nil
	case engine.Truth:
		return msgp.AppendBool(b, v.Bool()), nil
	case engine.Real:
		return msgp.AppendFloat64(b, v.Float()), nil
	case engine.Text:
		if !utf8.ValidString(v.Text()) {
			return b, errText
		}
		return msgp.AppendString(b, v.Text()), nil
	case engine.Flavor:
		members, err := parts(v)
		if err != nil {
			return b, err
		}
		return msgpackCodec{}.encode(b, flavorSchema, members[:])
	case reals:
		b = msgp.AppendArrayHeader(b, player.FlavorValues)
		for _, v := range v.Flavor().Values {
			b = msgp.AppendFloat64(b, v)
		}
		return b, nil
	}
	return b, unknownType(t)
}

func (c msgpackCodec) decode(data []byte, s schema, values []engine.Value) error {
	rest, err := c.record(data, s, values)
	if err == nil && len(rest) > 0 {
		err = errFollow
	}
	return err
}

func (c msgpackCodec) decodeList(data []byte, s schema, values []engine.Value) ([]engine.Value, error) {
	n, data, err := msgp.ReadArrayHeaderBytes(data)
	for ; err == nil && n > 0; n-- {
		row := len(values)
		values = append(values, make([]engine.Value, len(s.fields))...)
		data, err = c.record(data, s, values[row:])
	}
	if err == nil && len(data) > 0 {
		err = errFollow
	}
	return values, err
}

// record reads one and returns what follows.
func (c msgpackCodec) record(b []byte, s schema, values []engine.Value) ([]byte, error) {
	clear(values)
	read := record{schema: s}
	members, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, fmt.Errorf("decode: %w", err)
	}
	for ; members > 0; members-- {
		var name []byte
		if name, b, err = msgpackText(b); err != nil {
			return b, fmt.Errorf("decode: %w", err)
		}
		i := s.named(name)
		if i < 0 {
			b, err = msgp.Skip(b)
		} else if err = read.came(i); err == nil {
			values[i], b, err = readMsgpack(b, s.fields[i].Type)
		}
		if err != nil {
			return b, fmt.Errorf("decode %q: %w", name, err)
		}
	}
	return b, read.ended()
}

// msgpackText reads a string. A length of 2 GiB or more is negative to the library where an
// int has 32 bits.
func msgpackText(b []byte) (text, rest []byte, err error) {
	const str32 = 0xdb
	if len(b) > 1 && b[0] == str32 && b[1] >= 0x80 {
		return nil, b, msgp.ErrShortBytes
	}
	return msgp.ReadStringZC(b)
}

func readMsgpack(b []byte, t engine.Type) (v engine.Value, rest []byte, err error) {
	switch t {
	case engine.Integer:
		n, rest, err := msgp.ReadInt64Bytes(b)
		return engine.Int(n), rest, err
	case engine.Natural:
		n, rest, err := msgp.ReadUint64Bytes(b)
		return engine.Nat(n), rest, err
	case engine.Truth:
		is, rest, err := msgp.ReadBoolBytes(b)
		return engine.Bool(is), rest, err
	case engine.Real:
		n, rest, err := msgp.ReadFloat64Bytes(b)
		return engine.Float(n), rest, err
	case engine.Text:
		text, rest, err := msgpackText(b)
		if err == nil {
			v, err = readText(text)
		}
		return v, rest, err
	case engine.Flavor:
		var members [3]engine.Value
		if rest, err = (msgpackCodec{}).record(b, flavorSchema, members[:]); err == nil {
			v, err = whole(members)
		}
		return v, rest, err
	case reals:
		f := new(player.Flavor)
		rest, err = msgpackReals(b, &f.Values)
		return engine.FlavorOf(f), rest, err
	}
	return v, b, unknownType(t)
}

func msgpackReals(b []byte, into *[player.FlavorValues]float64) ([]byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil && n != player.FlavorValues {
		err = fmt.Errorf("%d values, want %d", n, player.FlavorValues)
	}
	for i := 0; err == nil && i < len(into); i++ {
		into[i], b, err = msgp.ReadFloat64Bytes(b)
	}
	return b, err
}
