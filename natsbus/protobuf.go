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

func (c protobufCodec) encodeList(b []byte, s schema, values []engine.Value) ([]byte, error) {
	var room [256]byte // most records fit
	one, err := room[:0], error(nil)
	for n := len(s.fields); len(values) >= n; values = values[n:] {
		if one, err = c.encode(one[:0], s, values[:n]); err != nil {
			return b, err
		}
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), one)
	}
	return b, nil
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
		f, err := sendable(v)
		if err != nil {
			return b, err
		}
		size := 1 + protowire.SizeVarint(uint64(f.Present)) + 1 + protowire.SizeBytes(flavorBytes)
		b = protowire.AppendVarint(b, uint64(size))
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), uint64(f.Present))
		b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.BytesType), flavorBytes)
		for _, v := range f.Values {
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
	case engine.Text, engine.Flavor:
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
	if want := wireType(t); t < engine.Integer || t > engine.Flavor {
		return v, b, unknownType(t)
	} else if wire != want {
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
	switch t {
	case engine.Integer:
		v = engine.Int(protowire.DecodeZigZag(bits))
	case engine.Natural:
		v = engine.Nat(bits)
	case engine.Truth:
		v = engine.Bool(protowire.DecodeBool(bits))
	case engine.Real:
		v = engine.Float(math.Float64frombits(bits))
	case engine.Text:
		v, err = readText(text)
	case engine.Flavor:
		var f *player.Flavor
		f, err = protobufFlavor(text)
		v = engine.FlavorOf(f)
	}
	return v, b[n:], err
}

func protobufFlavor(b []byte) (*player.Flavor, error) {
	f, read := new(player.Flavor), record{schema: flavorFields}
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, wire, b[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		value := b[n : n+size]
		b = b[n+size:]
		if number > 2 {
			continue
		}
		if err := read.came(int(number) - 1); err != nil {
			return nil, err
		}
		if err := flavorField(f, int(number), wire, value); err != nil {
			return nil, err
		}
	}
	if err := read.ended(); err != nil {
		return nil, err
	}
	return f, f.Check()
}

// flavorField reads a field of a flavor, which is known to be complete.
func flavorField(f *player.Flavor, number int, wire protowire.Type, value []byte) error {
	if number == 1 {
		present, _ := protowire.ConsumeVarint(value)
		if wire != protowire.VarintType || present > math.MaxUint32 {
			return fmt.Errorf("present: wire type %d, value %d", wire, present)
		}
		f.Present = uint32(present)
		return nil
	}
	values, _ := protowire.ConsumeBytes(value)
	if wire != protowire.BytesType || len(values) != flavorBytes {
		return fmt.Errorf("values: wire type %d, %d bytes, want %d", wire, len(values), flavorBytes)
	}
	for i := range f.Values {
		bits, _ := protowire.ConsumeFixed64(values[8*i:])
		f.Values[i] = math.Float64frombits(bits)
	}
	return nil
}
