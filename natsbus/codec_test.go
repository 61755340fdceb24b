package natsbus

import (
	"math"
	"testing"

	"rubato/orchestrated"
	"rubato/player"
)

var everyType = []orchestrated.Field{{Name: "i", Type: orchestrated.Integer}, {Name: "n", Type: orchestrated.Natural},
	{Name: "r", Type: orchestrated.Real}, {Name: "b", Type: orchestrated.Truth}, {Name: "t", Type: orchestrated.Text}, {Name: "f", Type: orchestrated.Flavor}}

// TestCodec: every type comes back to the bit.
func TestCodec(t *testing.T) {
	t.Parallel()
	flavor := &player.Flavor{Present: 1}
	flavor.Values[0], flavor.Values[1] = 1.0/3, 1-1.0/3
	in := []orchestrated.Value{orchestrated.Int(int64(math.MinInt64)), orchestrated.Nat(math.MaxUint64), orchestrated.Float(0.1),
		orchestrated.Bool(true), orchestrated.String("é \"<>\u2028"), orchestrated.FlavorOf(flavor)}
	data, err := encode(everyType, in)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]orchestrated.Value, len(in))
	if err := decode(data, everyType, out); err != nil {
		t.Fatal(err)
	}
	for i, f := range everyType {
		if got, want := out[i].Format(f.Type), in[i].Format(f.Type); got != want {
			t.Errorf("%s: %s, want %s", f.Name, got, want)
		}
	}
	if *out[5].Flavor() != *flavor {
		t.Error("the flavor is another")
	}
}

// TestRefusal: what cannot be meant is an error, never a zero.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `[]`, `{}`, `{"i":1.5}`, `{"i":"1"}`, `{"i":null}`, `{"i":99999999999999999999}`} {
		if err := decode([]byte(data), everyType[:1], make([]orchestrated.Value, 1)); err == nil {
			t.Errorf("%s was read", data)
		}
	}
	for _, data := range []string{`{"f":{"present":1,"values":[1]}}`, `{"f":{"present":4294967295,"values":[]}}`, `{"f":null}`} {
		if err := decode([]byte(data), everyType[5:], make([]orchestrated.Value, 1)); err == nil {
			t.Errorf("%s was read", data)
		}
	}
	if _, err := encode(everyType[2:3], []orchestrated.Value{orchestrated.Float(math.NaN())}); err == nil {
		t.Error("NaN was written as JSON")
	}
}

// FuzzDecode: no body from the wire makes the decoder panic, and what it takes it
// can write again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"i":1,"n":2,"r":0.5,"b":true,"t":"x","f":null}`))
	f.Add([]byte(`{"t":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		values := make([]orchestrated.Value, len(everyType))
		if decode(data, everyType, values) != nil {
			return
		}
		if _, err := encode(everyType, values); err != nil {
			t.Errorf("read but not written again: %v", err)
		}
	})
}
