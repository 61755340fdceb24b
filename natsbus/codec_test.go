package natsbus

import (
	"math"
	"slices"
	"strings"
	"testing"

	"rubato/orchestrated/engine"
	"rubato/player"
)

var everyType = all([]engine.Field{{Name: "i", Type: engine.Integer}, {Name: "n", Type: engine.Natural},
	{Name: "r", Type: engine.Real}, {Name: "b", Type: engine.Truth}, {Name: "t", Type: engine.Text}, {Name: "f", Type: engine.Flavor}})

// one is a schema of one field of every type's.
func one(name string) schema {
	i := everyType.named([]byte(name))
	return all(everyType.fields[i : i+1])
}

func codecs(t testing.TB) map[string]codec {
	t.Helper()
	list := map[string]codec{}
	for _, name := range []string{"json"} {
		c, err := newCodec(name, 8)
		if err != nil {
			t.Fatal(err)
		}
		list[name] = c
	}
	return list
}

// TestRoundTrip: every type comes back to the bit, alone and in a list.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	flavor := &player.Flavor{Present: 1}
	flavor.Values[0], flavor.Values[1] = 1.0/3, 1-1.0/3
	in := []engine.Value{engine.Int(int64(math.MinInt64)), engine.Nat(math.MaxUint64), engine.Float(0.1),
		engine.Bool(true), engine.String("é \"<>\u2028"), engine.FlavorOf(flavor)}
	for name, c := range codecs(t) {
		out := make([]engine.Value, len(in))
		data, err := c.encode([]byte("before"), everyType, in)
		if err == nil {
			err = c.decode(data[len("before"):], everyType, out)
		}
		if err != nil || !alike(everyType, in, out) {
			t.Errorf("%s: %v, want %v: %v", name, out, in, err)
		}
		rows := slices.Concat(in, in, in)
		if data, err = c.encodeList(nil, everyType, rows); err == nil {
			out, err = c.decodeList(data, everyType, in[:1:1])
		}
		if err != nil || !alike(everyType, slices.Concat(in[:1], rows)[1:], out[1:]) {
			t.Errorf("%s: list %v: %v", name, out, err)
		}
	}
}

// alike compares values of a schema, or of several records, to the bit.
func alike(s schema, want, got []engine.Value) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		w, g := want[i], got[i]
		if f := w.Flavor(); f != nil && g.Flavor() != nil {
			if *f != *g.Flavor() {
				return false
			}
			w, g = engine.Value{}, engine.Value{}
		}
		if w != g {
			return false
		}
	}
	return true
}

// TestRefusal: malformed values are errors, never zeros.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, data string }{
		{"i", ``}, {"i", `[]`}, {"i", `{}`}, {"i", `{"i":1.5}`}, {"i", `{"i":"1"}`}, {"i", `{"i":null}`}, {"i", `{"i":99999999999999999999}`},
		{"i", `{"i":1}{}`}, {"i", `{"i":1} x`}, {"i", `{"i":1,}`}, {"i", `{"i":1`}, {"i", `{"i":1,"i":1}`}, {"i", `{"i":1,"x":[}`}, {"i", `{"I":1}`},
		{"n", `{"n":-1}`}, {"n", `{"n":18446744073709551616}`}, {"r", `{"r":1e999}`}, {"r", `{"r":NaN}`}, {"r", `{"r":"NaN"}`}, {"r", `{"r":true}`},
		{"b", `{"b":1}`}, {"b", `{"b":"true"}`}, {"t", `{"t":1}`}, {"t", `{"t":"\ud800"}`}, {"t", "{\"t\":\"\xff\"}"}, {"t", `{"t":null}`},
		{"f", `{"f":{"present":1,"values":[1]}}`}, {"f", `{"f":{"present":4294967296,"values":[]}}`}, {"f", `{"f":null}`}, {"f", `{"f":{}}`},
		{"f", flavorJSON(`1`, 72)}, {"f", flavorJSON(`1`, 70)}, {"f", flavorJSON(`262144`, 71)}, {"f", flavorJSON(`0,"present":0`, 71)},
	} {
		if err := (jsonCodec{}).decode([]byte(c.data), one(c.field), make([]engine.Value, 1)); err == nil {
			t.Errorf("%s was read", c.data)
		}
	}
	for _, v := range []struct {
		field string
		value engine.Value
	}{{"r", engine.Float(math.NaN())}, {"r", engine.Float(math.Inf(1))}, {"t", engine.String("\xff")}, {"f", engine.FlavorOf(nil)}} {
		if data, err := (jsonCodec{}).encode(nil, one(v.field), []engine.Value{v.value}); err == nil {
			t.Errorf("%q was written as JSON", data)
		}
	}
}

// flavorJSON is a flavor with n values of 0.
func flavorJSON(present string, n int) string {
	return `{"f":{"present":` + present + `,"values":[` + strings.TrimSuffix(strings.Repeat("0,", n), ",") + `]}}`
}

// TestUnknownMembers: a newer sender can be read, whatever its order and layout.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	values := make([]engine.Value, 2)
	for _, data := range []string{`{"new":{"i":7,"x":[1,{}]},"n":2,"i":-1}`, " { \"\\u0069\" : -1 ,\n\"n\":2, \"z\":null } "} {
		if err := (jsonCodec{}).decode([]byte(data), all(everyType.fields[:2]), values); err != nil || values[0].Int() != -1 || values[1].Nat() != 2 {
			t.Errorf("%s: %v, %v", data, values, err)
		}
	}
}

// FuzzJSON: no body makes decode panic, and what it reads is the same after a round trip.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"i":1,"n":2,"r":0.5,"b":true,"t":"x","f":null}`))
	f.Add([]byte(strings.Replace(flavorJSON("0", 71), "{", `{"i":1,"n":2,"r":5e-324,"b":false,"t":"\u2028",`, 1)))
	f.Add([]byte(`[{"seq":1,"code":"x"},{"seq":2}]`))
	fuzz(f, jsonCodec{})
}

func fuzz(f *testing.F, c codec) {
	f.Fuzz(func(t *testing.T, data []byte) {
		values := make([]engine.Value, len(everyType.fields))
		if c.decode(data, everyType, values) == nil {
			again, back := []byte(nil), make([]engine.Value, len(values))
			again, err := c.encode(nil, everyType, values)
			if err == nil {
				err = c.decode(again, everyType, back)
			}
			if err != nil || !alike(everyType, values, back) {
				t.Errorf("%v became %v: %v", values, back, err)
			}
		}
		rows, err := c.decodeList(data, outcomeSchema, nil)
		if len(rows) > 3*(len(data)+1) {
			t.Errorf("%d values from %d bytes", len(rows), len(data))
		}
		if err == nil {
			again, err := c.encodeList(nil, outcomeSchema, rows)
			if err == nil {
				var back []engine.Value
				if back, err = c.decodeList(again, outcomeSchema, nil); !alike(outcomeSchema, rows, back) {
					t.Errorf("%v became %v", rows, back)
				}
			}
			if err != nil {
				t.Errorf("read but not written again: %v", err)
			}
		}
	})
}

// TestDescribed: a codec is described by what it does.
func TestDescribed(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		if got := describe(c); strings.HasPrefix(got, "it ") || got != describe(c) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
