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
	for _, name := range []string{"json", "msgpack", "protobuf", "none"} {
		c, err := newCodec(player.Placement{Transport: "pipe", Codec: name}, 8)
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

func FuzzMsgpack(f *testing.F) {
	for _, seed := range outsideBytes {
		f.Add([]byte(seed.msgpack))
	}
	f.Add([]byte("\x81\xdb\xff\xff\xff\xffx"))
	f.Add([]byte("\xdd\xff\xff\xff\xff"))
	seedProbe(f, msgpackCodec{})
	fuzz(f, msgpackCodec{})
}

func FuzzProtobuf(f *testing.F) {
	for _, seed := range outsideBytes {
		f.Add([]byte(seed.protobuf))
	}
	f.Add([]byte("\x88\x80\x00\x01")) // a tag longer than it needs to be
	seedProbe(f, protobufCodec{})
	fuzz(f, protobufCodec{})
}

func FuzzNone(f *testing.F) {
	h := newHandOver(8)
	seedProbe(f, h)
	fuzz(f, h)
}

// seedProbe adds what a codec makes of every type, and of a list.
func seedProbe(f *testing.F, c codec) {
	_, v := probe()
	data, err := c.encode(nil, everyType, []engine.Value{v[1], v[2], v[4], v[3], v[0], v[5]})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	if data, err = c.encodeList(nil, outcomeSchema, []engine.Value{engine.Nat(1), engine.String("x"), engine.String("y"), engine.Nat(2), {}, {}}); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
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

// outsideBytes are values and their bytes as the specifications have them: MessagePack's list of
// formats (a fixmap of one is 0x81, a fixstr of one 0xa1), and Protobuf's encoding document,
// where field 1 as a varint begins with 0x08, 150 is 0x9601, "testing" is 0x12 0x07 in field 2,
// and sint64 goes zigzag: −2 is 3.
var outsideBytes = []struct {
	field             string
	value             engine.Value
	msgpack, protobuf string
}{
	{"i", engine.Int(0), "\x81\xa1i\x00", "\x08\x00"},
	{"i", engine.Int(127), "\x81\xa1i\x7f", "\x08\xfe\x01"},
	{"i", engine.Int(-1), "\x81\xa1i\xff", "\x08\x01"},
	{"i", engine.Int(-2), "\x81\xa1i\xfe", "\x08\x03"},
	{"i", engine.Int(-33), "\x81\xa1i\xd0\xdf", "\x08\x41"},
	{"i", engine.Int(int64(math.MinInt64)), "\x81\xa1i\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
	{"n", engine.Nat(150), "\x81\xa1n\xcc\x96", "\x08\x96\x01"},
	{"n", engine.Nat(math.MaxUint64), "\x81\xa1n\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
	{"r", engine.Float(1), "\x81\xa1r\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"},
	{"b", engine.Bool(true), "\x81\xa1b\xc3", "\x08\x01"},
	{"t", engine.String("testing"), "\x81\xa1t\xa7testing", "\x0a\x07testing"},
	{"t", engine.String(""), "\x81\xa1t\xa0", "\x0a\x00"},
}

// TestOutside: the binary codecs write what their specifications say, and read it.
func TestOutside(t *testing.T) {
	t.Parallel()
	for _, c := range outsideBytes {
		for _, of := range []struct {
			codec
			want string
		}{{msgpackCodec{}, c.msgpack}, {protobufCodec{}, c.protobuf}} {
			got, err := of.encode(nil, one(c.field), []engine.Value{c.value})
			if err != nil || string(got) != of.want {
				t.Errorf("%T: %s is % x, want % x: %v", of.codec, c.value.Format(one(c.field).fields[0].Type), got, of.want, err)
			}
			back := make([]engine.Value, 1)
			if err := of.decode([]byte(of.want), one(c.field), back); err != nil || back[0] != c.value {
				t.Errorf("%T: % x is %v: %v", of.codec, of.want, back, err)
			}
		}
	}
}

// TestOtherForms: what another writer may send for the same values is read, too.
func TestOtherForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		codec
		data string
	}{
		{msgpackCodec{}, "\x82\xa3new\x93\x01\xc0\xa1x\xa1n\x2a"},                         // an array that is not asked for
		{msgpackCodec{}, "\xde\x00\x01\xd9\x01n\xcf\x00\x00\x00\x00\x00\x00\x00\x2a"},     // map16, str8, uint64
		{msgpackCodec{}, "\xdf\x00\x00\x00\x01\xdb\x00\x00\x00\x01n\xd2\x00\x00\x00\x2a"}, // map32, str32, int32
		{protobufCodec{}, "\x12\x03new\x08\x2a"},                                          // field 2 is not asked for
		{protobufCodec{}, "\x88\x80\x00\xaa\x80\x00"},                                     // longer than it needs to be
		{protobufCodec{}, "\x98\x80\x00\x05\x08\x2a"},                                     // a field that is not asked for, likewise
		{protobufCodec{}, "\x13\x08\x01\x14\x08\x2a"},                                     // a group that is not asked for
	} {
		values := make([]engine.Value, 1)
		if err := c.decode([]byte(c.data), one("n"), values); err != nil || values[0].Nat() != 42 {
			t.Errorf("%T: % x is %v: %v", c.codec, c.data, values, err)
		}
	}
}

// TestRefusedBytes: malformed binary values are errors.
func TestRefusedBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		codec
		field, data string
	}{
		{msgpackCodec{}, "n", ""}, {msgpackCodec{}, "n", "\x80"}, {msgpackCodec{}, "n", "\xc0"}, {msgpackCodec{}, "n", "\x81\xa1n"},
		{msgpackCodec{}, "n", "\x81\xa1n\xff"}, {msgpackCodec{}, "n", "\x81\xa1n\xa11"}, {msgpackCodec{}, "n", "\x82\xa1n\x01\xa1n\x01"},
		{msgpackCodec{}, "n", "\x81\xa1n\x01\x01"}, {msgpackCodec{}, "n", "\xdf\xff\xff\xff\xff"}, {msgpackCodec{}, "n", "\x81\x01\x01"},
		{msgpackCodec{}, "t", "\x81\xa1t\xa1\xff"}, {msgpackCodec{}, "t", "\x81\xa1t\xdb\xff\xff\xff\xff"}, {msgpackCodec{}, "b", "\x81\xa1b\x01"},
		{msgpackCodec{}, "f", "\x81\xa1f\xc0"}, {msgpackCodec{}, "f", "\x81\xa1f\x82\xa7present\x00\xa6values\x90"},
		{msgpackCodec{}, "f", "\x81\xa1f\x82\xa7present\x00\xa6values\xdd\xff\xff\xff\xff"},
		{protobufCodec{}, "n", ""}, {protobufCodec{}, "n", "\x08"}, {protobufCodec{}, "n", "\x00\x00"}, {protobufCodec{}, "n", "\x08\x01\x08\x01"},
		{protobufCodec{}, "n", "\x0d\x01\x00\x00\x00"}, {protobufCodec{}, "n", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},
		{protobufCodec{}, "n", "\x08\x01\x13"}, {protobufCodec{}, "t", "\x0a\x01\xff"}, {protobufCodec{}, "t", "\x0a\xff\xff\xff\xff\x0f"},
		{protobufCodec{}, "f", "\x0a\x02\x08\x00"}, {protobufCodec{}, "f", "\x0a\x04\x08\x00\x12\x00"}, {protobufCodec{}, "f", "\x0a\x00"},
	} {
		if err := c.decode([]byte(c.data), one(c.field), make([]engine.Value, 1)); err == nil {
			t.Errorf("%T: % x was read", c.codec, c.data)
		}
	}
	for _, c := range []codec{msgpackCodec{}, protobufCodec{}} {
		if _, err := c.encode(nil, one("t"), []engine.Value{engine.String("\xff")}); err == nil {
			t.Errorf("%T writes text that is not UTF-8", c)
		}
		for _, data := range []string{"\x08\x01", "\x0a\x01", "\x91\x80", "\x91", "\xdd\xff\xff\xff\xff", "\xc0"} {
			if _, err := c.decodeList([]byte(data), outcomeSchema, nil); err == nil {
				t.Errorf("%T: list % x was read", c, data)
			}
		}
	}
}

// TestHandOver: a token is good once, here, and while there is room.
func TestHandOver(t *testing.T) {
	t.Parallel()
	h, values, back := newHandOver(2), []engine.Value{engine.Nat(7)}, make([]engine.Value, 1)
	token := func() []byte { data, _ := h.encode(nil, one("n"), values); return data }
	used, fresh := token(), token()
	if err := h.decode(used, one("n"), back); err != nil || back[0] != values[0] {
		t.Errorf("%v, %v", back, err)
	}
	if err := newHandOver(2).decode(fresh, one("n"), back); err == nil {
		t.Error("another process has it")
	}
	if err := h.decode(fresh, one("i"), back); err == nil {
		t.Error("it is read as something else")
	}
	token()
	token()
	for name, data := range map[string][]byte{"twice": used, "too late": fresh, "nothing": make([]byte, tokenBytes)} {
		if err := h.decode(data, one("n"), back); err == nil {
			t.Errorf("it is there %s", name)
		}
	}
}

// TestNewCodec: a codec that cannot be had is refused, with what can.
func TestNewCodec(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]player.Placement{"needs all modules in one process": {Codec: "none", Transport: "split"},
		"json, msgpack, protobuf": {Codec: "xml", Transport: "tcp"}} {
		if _, err := newCodec(p, 1); player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", p, err)
		}
	}
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

// TestCodecsCarryMessages: messages, refusals and their outcomes arrive with every codec.
func TestCodecsCarryMessages(t *testing.T) {
	const messages = 250 // outcomes of one commit take several bodies
	for _, codec := range []string{"json", "msgpack", "protobuf", "none"} {
		w, store := open(t, player.Config{Timeout: never, Batch: messages, Placement: player.Placement{Transport: "pipe", Codec: codec}})
		codes := map[player.Code]int{}
		for seq := range uint64(messages) {
			s := said(seq + 1)
			if seq%10 == 0 {
				s.Message.Username = ""
			}
			if err := w.Post(s, func(_ uint64, err error) { codes[player.CodeOf(err)]++ }); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Settle(); err != nil || codes[""] != 225 || codes[player.Invalid] != 25 || store.messages.Load() != 225 {
			t.Errorf("%s: outcomes %v, %d stored, %v", codec, codes, store.messages.Load(), err)
		}
		if err := w.Do(player.Stimulus{Kind: player.VolumeSet, Volume: 700}); player.CodeOf(err) != player.Invalid {
			t.Errorf("%s: a volume of 700: %v", codec, err)
		}
	}
}
