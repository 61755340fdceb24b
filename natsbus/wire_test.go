package natsbus

import (
	"math"
	"strings"
	"testing"

	"rubato/orchestrated/engine"
	"rubato/player"
)

var everyType = []engine.Field{{Name: "i", Type: engine.Integer}, {Name: "n", Type: engine.Natural},
	{Name: "r", Type: engine.Real}, {Name: "b", Type: engine.Truth}, {Name: "t", Type: engine.Text}, {Name: "f", Type: engine.Flavor}}

// TestCodec: every type comes back to the bit.
func TestCodec(t *testing.T) {
	t.Parallel()
	flavor := &player.Flavor{Present: 1}
	flavor.Values[0], flavor.Values[1] = 1.0/3, 1-1.0/3
	in := []engine.Value{engine.Int(int64(math.MinInt64)), engine.Nat(math.MaxUint64), engine.Float(0.1),
		engine.Bool(true), engine.String("é \"<>\u2028"), engine.FlavorOf(flavor)}
	data, err := encode(nil, everyType, in)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]engine.Value, len(in))
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

// TestRefusal: malformed values are errors, never zeros.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `[]`, `{}`, `{"i":1.5}`, `{"i":"1"}`, `{"i":null}`, `{"i":99999999999999999999}`} {
		if err := decode([]byte(data), everyType[:1], make([]engine.Value, 1)); err == nil {
			t.Errorf("%s was read", data)
		}
	}
	for _, data := range []string{`{"f":{"present":1,"values":[1]}}`, `{"f":{"present":4294967295,"values":[]}}`, `{"f":null}`} {
		if err := decode([]byte(data), everyType[5:], make([]engine.Value, 1)); err == nil {
			t.Errorf("%s was read", data)
		}
	}
	if _, err := encode(nil, everyType[2:3], []engine.Value{engine.Float(math.NaN())}); err == nil {
		t.Error("NaN was written as JSON")
	}
}

// FuzzDecode: no body makes decode panic, and encode can write what decode reads.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"i":1,"n":2,"r":0.5,"b":true,"t":"x","f":null}`))
	f.Add([]byte(`{"t":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		values := make([]engine.Value, len(everyType))
		if decode(data, everyType, values) != nil {
			return
		}
		if _, err := encode(nil, everyType, values); err != nil {
			t.Errorf("read but not written again: %v", err)
		}
	})
}

// TestFacts: the codec is described by what it does.
func TestFacts(t *testing.T) {
	t.Parallel()
	if got := describeCodec(); !strings.HasPrefix(got, "json, members by name: ") || got != describeCodec() {
		t.Errorf("codec %q", got)
	}
}
