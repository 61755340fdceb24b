package natsbus

import (
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// protobufCodec makes a Protobuf message. A field's number is its place in the schema, from 1.
// integer is sint64, natural is uint64, truth is bool, real is double, text is string, and a
// flavor is message { uint32 present = 1; repeated double values = 2 [packed]; }. Every
// needed field is written, also when it is zero. A list is a repeated field 1.
type protobufCodec struct{}

func (c protobufCodec) encode(b []byte, s schema, values []engine.Value) ([]byte, error) {
	for i, f := range s.fields {
		if s.omits(i, values[i]) {
			continue
		}
		var err error
		if b, err = appendProtobuf(b, protowire.Number(i+1), f.Type, values[i]); err != nil {
			return b, fmt.Errorf("encode %s: %w", f.Name, err)
		}
	}
	return b, nil
}

func (c protobufCodec) encodeList(b []byte, s schema, values []engine.Value) (_ []byte, err error) {
	for n := len(s.fields); len(values) >= n; values = values[n:] {
		b = protowire.AppendTag(b, 1, protowire.BytesType)
		start := len(b)
		if b, err = c.encode(b, s, values[:n]); err != nil {
			return b, err
		}
		b = sized(b, start)
	}
	return b, nil
}

// sized puts the length of what follows at start.
func sized(b []byte, start int) []byte {
	size := len(b) - start
	room := protowire.SizeVarint(uint64(size))
	b = append(b, make([]byte, room)...)
	copy(b[start+room:], b[start:start+size])
	protowire.AppendVarint(b[:start], uint64(size))
	return b
}

const flavorBytes = 8 * player.FlavorValues

func appendProtobuf(b []byte, field protowire.Number, t engine.Type, v engine.Value) ([]byte, error) {
	b = protowire.AppendTag(b, field, wireType(t))
	switch t {
	case engine.Integer:
		return protowire.AppendVarint(b, protowire.EncodeZigZag(v.Int())), nil
	case engine.Natural:
		return protowire.AppendVarint(b, v.Nat()), nil
	case engine.Truth:
		return protowire.AppendVarint(b, protowire.EncodeBool(v.Bool())), nil
	case engine.Real:
		return protowire.AppendFixed64(b, math.Float64bits(v.Float())), nil
	case engine.Text:
		if !utf8.ValidString(v.Text()) {
			return b, errText
		}
		return protowire.AppendString(b, v.Text()), nil
	case engine.Flavor:
		members, err := parts(v)
		if err != nil {
			return b, err
		}
		start := len(b)
		b, err = protobufCodec{}.encode(b, flavorSchema, members[:])
		return sized(b, start), err
	case reals:
		b = protowire.AppendVarint(b, flavorBytes)
		for _, v := range v.Flavor().Values {
			b = protowire.AppendFixed64(b, math.Float64bits(v))
		}
		return b, nil
	}
	return b, unknownType(t)
}

func wireType(t engine.Type) protowire.Type {
	switch t {
	case engine.Real:
		return protowire.Fixed64Type
	case engine.Text, engine.Flavor, reals:
		return protowire.BytesType
	}
	return protowire.VarintType
}

func (c protobufCodec) decode(b []byte, s schema, values []engine.Value) error {
	read := record{schema: s}
	clear(values)
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("decode: %w", protowire.ParseError(n))
		}
		i, err := int(number)-1, error(nil)
		if i >= len(s.fields) {
			size := protowire.ConsumeFieldValue(number, wire, b[n:])
			if size < 0 {
				return fmt.Errorf("decode field %d: %w", number, protowire.ParseError(size))
			}
			b = b[n+size:]
			continue
		}
		if err = read.came(i); err == nil {
			values[i], b, err = readProtobuf(b[n:], wire, s.fields[i].Type)
		}
		if err != nil {
			return fmt.Errorf("decode %s: %w", s.fields[i].Name, err)
		}
	}
	return read.ended()
}

func (c protobufCodec) decodeList(b []byte, s schema, values []engine.Value) ([]engine.Value, error) {
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 || number != 1 || wire != protowire.BytesType {
			return values, fmt.Errorf("decode: want field 1 of bytes: %v", protowire.ParseError(min(n, 0)))
		}
		one, size := protowire.ConsumeBytes(b[n:])
		if size < 0 {
			return values, fmt.Errorf("decode: %w", protowire.ParseError(size))
		}
		row := len(values)
		values = append(values, make([]engine.Value, len(s.fields))...)
		if err := c.decode(one, s, values[row:]); err != nil {
			return values, err
		}
		b = b[n+size:]
	}
	return values, nil
}

func readProtobuf(b []byte, wire protowire.Type, t engine.Type) (v engine.Value, rest []byte, err error) {
	if want := wireType(t); wire != want {
		return v, b, fmt.Errorf("wire type %d, want %d", wire, want)
	}
	var n int
	var bits uint64
	var text []byte
	switch wire {
	case protowire.VarintType:
		bits, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		bits, n = protowire.ConsumeFixed64(b)
	default:
		text, n = protowire.ConsumeBytes(b)
	}
	if n < 0 {
		return v, b, protowire.ParseError(n)
	}
	v, err = protobufValue(t, bits, text)
	return v, b[n:], err
}

// protobufValue is the value of type t that was read as bits or as text.
func protobufValue(t engine.Type, bits uint64, text []byte) (engine.Value, error) {
	switch t {
	case engine.Integer:
		return engine.Int(protowire.DecodeZigZag(bits)), nil
	case engine.Natural:
		return engine.Nat(bits), nil
	case engine.Truth:
		return engine.Bool(protowire.DecodeBool(bits)), nil
	case engine.Real:
		return engine.Float(math.Float64frombits(bits)), nil
	case engine.Text:
		return readText(text)
	case engine.Flavor:
		var members [3]engine.Value
		if err := (protobufCodec{}).decode(text, flavorSchema, members[:]); err != nil {
			return engine.Value{}, err
		}
		return whole(members)
	case reals:
		if len(text) != flavorBytes {
			return engine.Value{}, fmt.Errorf("%d bytes of values, want %d", len(text), flavorBytes)
		}
		f := new(player.Flavor)
		for i := range f.Values {
			bits, _ := protowire.ConsumeFixed64(text[8*i:])
			f.Values[i] = math.Float64frombits(bits)
		}
		return engine.FlavorOf(f), nil
	}
	return engine.Value{}, unknownType(t)
}
