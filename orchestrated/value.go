package orchestrated

import (
	"fmt"
	"math"
	"strconv"

	"rubato/player"
)

// Type says what a field holds. Types are checked when rules are registered, so
// that a Value needs none at run time.
type Type uint8

const (
	Integer Type = iota + 1 // int64, and player.Ticks
	Natural                 // uint64: seeds, tokens
	Real                    // float64
	Truth                   // bool
	Text                    // string
	Flavor                  // *player.Flavor, never changed once bound
)

func (t Type) String() string {
	names := [...]string{"?", "integer", "natural", "real", "truth", "text", "flavor"}
	if int(t) >= len(names) {
		return "?"
	}
	return names[t]
}

// A Value is what a variable is bound to. It is a plain struct of 32 bytes and
// not an interface, because putting a number into an interface allocates.
type Value struct {
	number uint64
	text   string
	flavor *player.Flavor
}

// Constructors, one a type.
func Int[I ~int64 | ~int](v I) Value   { return Value{number: uint64(v)} }
func Nat(v uint64) Value               { return Value{number: v} }
func Float(v float64) Value            { return Value{number: math.Float64bits(v)} }
func String(v string) Value            { return Value{text: v} }
func FlavorOf(v *player.Flavor) Value  { return Value{flavor: v} }
func (v Value) Int() int64             { return int64(v.number) }
func (v Value) Nat() uint64            { return v.number }
func (v Value) Ticks() player.Ticks    { return player.Ticks(v.number) }
func (v Value) Float() float64         { return math.Float64frombits(v.number) }
func (v Value) Bool() bool             { return v.number != 0 }
func (v Value) Text() string           { return v.text }
func (v Value) Flavor() *player.Flavor { return v.flavor }

// Bool is a truth value.
func Bool(v bool) Value {
	if v {
		return Value{number: 1}
	}
	return Value{}
}

// Format writes v, a value of type t, for people.
func (v Value) Format(t Type) string { return string(v.append(nil, t)) }

func (v Value) append(b []byte, t Type) []byte {
	switch t {
	case Integer:
		return strconv.AppendInt(b, v.Int(), 10)
	case Natural:
		return strconv.AppendUint(b, v.Nat(), 10)
	case Real:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case Truth:
		return strconv.AppendBool(b, v.Bool())
	case Text:
		return strconv.AppendQuote(b, v.Text())
	case Flavor:
		if v.flavor == nil {
			return append(b, "flavor none"...)
		}
		return fmt.Appendf(b, "flavor %016x", v.flavor.Digest())
	}
	return append(b, '?')
}
