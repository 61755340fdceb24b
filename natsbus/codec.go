package natsbus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// A codec turns values into the body of a message. It is part of what this style adds, and
// every result names it. Whatever the bytes, decoding never panics, and allocates no more than
// a small multiple of them. A member that is not asked for is passed over, so that a newer
// sender can be read; a member that is missing, twice there, or malformed is an error.
type codec interface {
	// encode appends a record. After an error what it returns has no meaning.
	encode(b []byte, s schema, values []engine.Value) ([]byte, error)
	// decode reads a record into values.
	decode(data []byte, s schema, values []engine.Value) error
	// encodeList appends several records; their values follow each other.
	encodeList(b []byte, s schema, values []engine.Value) ([]byte, error)
	// decodeList appends the values of several records.
	decodeList(data []byte, s schema, values []engine.Value) ([]engine.Value, error)
}

// A schema says what a record holds.
type schema struct {
	fields []engine.Field
	needed int      // those that follow so many may be missing, and are empty then
	keys   []string // the names as JSON writes them, with the colon; they need no escape
}

// all is a schema of fields that are all needed.
func all(fields []engine.Field) schema { return first(len(fields), fields...) }

// first is a schema of fields of which only the first are needed.
func first(needed int, fields ...engine.Field) schema {
	s := schema{fields: fields, needed: needed}
	for _, f := range fields {
		s.keys = append(s.keys, strconv.Quote(f.Name)+":")
	}
	return s
}

// omits reports whether a field is left out of what is sent.
func (s schema) omits(i int, v engine.Value) bool { return i >= s.needed && v == engine.Value{} }

// named is the index of a field, or -1.
func (s schema) named(name []byte) int {
	for i := range s.fields {
		if s.fields[i].Name == string(name) {
			return i
		}
	}
	return -1
}

// A record is one that is being read: which fields have come.
type record struct {
	schema
	seen uint64
}

// came notes a field. Twice is an error.
func (r *record) came(i int) error {
	if r.seen&(1<<i) != 0 {
		return fmt.Errorf("decode: member %q is there twice", r.fields[i].Name)
	}
	r.seen |= 1 << i
	return nil
}

// ended returns an error if a field is missing.
func (r *record) ended() error {
	for i, f := range r.fields[:r.needed] {
		if r.seen&(1<<i) == 0 {
			return fmt.Errorf("decode: member %q is missing", f.Name)
		}
	}
	return nil
}

// newCodec makes the codec that a placement names. Both ends of a player share it. window is
// how many messages may be on their way.
func newCodec(p player.Placement, window int) (codec, error) {
	switch p.Codec {
	case "json":
		return jsonCodec{}, nil
	case "msgpack":
		return msgpackCodec{}, nil
	case "protobuf":
		return protobufCodec{}, nil
	case "none":
		if p.Transport == "tcp" || p.Transport == "pipe" || p.Transport == "cluster" {
			return newHandOver(2*window + handedOver), nil // a message and its outcome
		}
		return nil, &player.Error{Code: player.Invalid, Op: "nats: codec",
			Err: fmt.Errorf("none hands over pointers, so it needs all modules in one process: not with transport %s", p.Transport)}
	}
	return nil, &player.Error{Code: player.Invalid, Op: "nats: codec",
		Err: fmt.Errorf("%q is none of json, msgpack, protobuf and none", p.Codec)}
}

// outcomeSchema: an outcome without code and text is a success.
var outcomeSchema = first(1, engine.Field{Name: "seq", Type: engine.Natural},
	engine.Field{Name: "code", Type: engine.Text}, engine.Field{Name: "text", Type: engine.Text}, engine.Field{Name: "again", Type: engine.Truth})

// outcomeCodec is a codec for outcomes, with the memory of the last ones. Only one goroutine
// may use it.
type outcomeCodec struct {
	codec
	values   []engine.Value
	body     []byte
	outcomes []outcome
}

func (c *outcomeCodec) write(outcomes []outcome) (body []byte, err error) {
	c.values = c.values[:0]
	for _, o := range outcomes {
		c.values = append(c.values, engine.Nat(o.Seq), engine.String(string(o.Code)), engine.String(o.Text), engine.Bool(o.Again))
	}
	c.body, err = c.encodeList(c.body[:0], outcomeSchema, c.values)
	return c.body, err
}

func (c *outcomeCodec) read(body []byte) (outcomes []outcome, err error) {
	if c.values, err = c.decodeList(body, outcomeSchema, c.values[:0]); err != nil {
		return nil, err
	}
	c.outcomes = c.outcomes[:0]
	for v := c.values; len(v) > 0; v = v[len(outcomeSchema.fields):] {
		c.outcomes = append(c.outcomes, outcome{Seq: v[0].Nat(), Code: player.Code(v[1].Text()), Text: v[2].Text(), Again: v[3].Bool()})
	}
	return c.outcomes, nil
}

// plantedCodec is a codec that takes more time, as a run asks for that looks where it is found.
type plantedCodec struct {
	codec
	stall func()
}

func (p plantedCodec) encode(b []byte, s schema, values []engine.Value) ([]byte, error) {
	p.stall()
	return p.codec.encode(b, s, values)
}

func (p plantedCodec) encodeList(b []byte, s schema, values []engine.Value) ([]byte, error) {
	p.stall()
	return p.codec.encodeList(b, s, values)
}

// probe is one value of every type, none of them simple to encode.
func probe() ([]engine.Field, []engine.Value) {
	flavor := &player.Flavor{Present: 1<<player.FlavorCategories - 1}
	for _, c := range player.Categories {
		n := len(c.Elements)
		for i := range n { // 1/3 and 2/3, 1/6, 2/6 and 3/6, …: they sum to 1
			flavor.Values[c.First+i] = float64(i+1) / float64(n*(n+1)/2)
		}
	}
	fields := []engine.Field{{Name: "text", Type: engine.Text}, {Name: "integer", Type: engine.Integer},
		{Name: "natural", Type: engine.Natural}, {Name: "truth", Type: engine.Truth},
		{Name: "real", Type: engine.Real}, {Name: "flavor", Type: engine.Flavor}}
	return fields, []engine.Value{engine.String("Träumerei <1> \"a\"\n"), engine.Int(int64(-1 << 62)),
		engine.Nat(1<<64 - 1), engine.Bool(true), engine.Float(0.1 + 0.2), engine.FlavorOf(flavor)}
}

// describe says what a codec makes of the probe: length and digest. The same codec with
// another setting makes other bytes.
func describe(c codec) string {
	if p, is := c.(plantedCodec); is {
		c = p.codec
	}
	fields, values := probe()
	back := make([]engine.Value, len(fields))
	if h, is := c.(*handOver); is {
		return h.describe(all(fields), values, back)
	}
	var again []byte
	data, err := c.encode(nil, all(fields), values)
	if err == nil {
		err = c.decode(data, all(fields), back)
	}
	if err == nil {
		again, err = c.encode(nil, all(fields), back)
	}
	switch {
	case err != nil:
		return "it fails: " + err.Error()
	case !bytes.Equal(data, again):
		return fmt.Sprintf("it loses something: %d bytes %016x", len(data), player.DigestText(0, string(data)))
	}
	return fmt.Sprintf("%d bytes %016x", len(data), player.DigestText(0, string(data)))
}

// A flavor is a record within a record: which categories it has, and a list of reals. Or it
// is named by its digest, where the other module knows it: the value is then that number.
var flavorSchema = first(0, engine.Field{Name: "present", Type: engine.Natural}, engine.Field{Name: "values", Type: reals},
	engine.Field{Name: "known", Type: engine.Natural})

const reals engine.Type = 255 // of a flavor

// parts are the members of a flavor.
func parts(v engine.Value) (members [3]engine.Value, err error) {
	f := v.Flavor()
	switch {
	case f != nil:
		members[0], members[1] = engine.Nat(uint64(f.Present)), v
	case v.Nat() != 0:
		members[2] = v
	default:
		err = errors.New("no flavor")
	}
	return members, err
}

// whole is the flavor of these members, or its name.
func whole(members [3]engine.Value) (engine.Value, error) {
	f, present := members[1].Flavor(), members[0].Nat()
	if named := members[2]; f == nil && present == 0 && named.Nat() != 0 {
		return named, nil
	}
	if f == nil || members[2].Nat() != 0 || present > math.MaxUint32 {
		return engine.Value{}, fmt.Errorf("neither a flavor nor the name of one: presence bits %#x", present)
	}
	f.Present = uint32(present)
	return members[1], f.Check()
}

func unknownType(t engine.Type) error { return fmt.Errorf("no such type: %d", t) }

var (
	errText   = errors.New("text that is not UTF-8")
	errFollow = errors.New("decode: something follows the value")
)

// readText checks text that a library has not.
func readText(b []byte) (engine.Value, error) {
	if !utf8.Valid(b) {
		return engine.Value{}, errText
	}
	return engine.String(string(b)), nil
}

// handedOver is room for requests and answers.
const handedOver = 64

// handOver is the codec "none": values stay where they are, and a body is a token. It shows
// what encoding costs. Each token can be redeemed once, in the process that made it. When the
// table is full, the oldest values go; who comes for them later gets an error.
type handOver struct {
	process uint64 // random: a token of another table means nothing here

	mu    sync.Mutex
	last  uint64
	table []handed
}

type handed struct {
	token  uint64 // 0: nothing is there
	fields []engine.Field
	values []engine.Value
}

const tokenBytes = 16

func newHandOver(room int) *handOver {
	const usual = 4 // values of a record: the first round of the table costs the same as later ones
	h := &handOver{process: rand.Uint64(), table: make([]handed, room)}
	places := make([]engine.Value, room*usual)
	for i := range h.table {
		h.table[i].values = places[i*usual : i*usual : (i+1)*usual]
	}
	return h
}

func (h *handOver) encode(b []byte, s schema, values []engine.Value) ([]byte, error) {
	return h.encodeList(b, s, values)
}

func (h *handOver) encodeList(b []byte, s schema, values []engine.Value) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	place := &h.table[h.last%uint64(len(h.table))]
	place.token, place.fields, place.values = h.last, s.fields, append(place.values[:0], values...)
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, h.process), h.last), nil
}

func (h *handOver) decode(data []byte, s schema, values []engine.Value) error {
	got, err := h.decodeList(data, s, values[:0:len(values)])
	if err == nil && len(got) != len(values) {
		err = fmt.Errorf("decode: %d values, want %d", len(got), len(values))
	}
	return err
}

func (h *handOver) decodeList(data []byte, s schema, values []engine.Value) ([]engine.Value, error) {
	if len(data) != tokenBytes || binary.LittleEndian.Uint64(data) != h.process {
		return values, errors.New("decode: no token of this process")
	}
	token := binary.LittleEndian.Uint64(data[8:])
	h.mu.Lock()
	defer h.mu.Unlock()
	place := &h.table[token%uint64(len(h.table))]
	if token == 0 || place.token != token || !slices.Equal(place.fields, s.fields) {
		return values, errors.New("decode: the values are no longer there, or are others")
	}
	values = append(values, place.values...)
	clear(place.values)
	place.token, place.values = 0, place.values[:0]
	return values, nil
}

// describe says whether the same flavor comes back, not a copy.
func (h *handOver) describe(s schema, values, back []engine.Value) string {
	data, err := h.encode(nil, s, values)
	if err == nil {
		err = h.decode(data, s, back)
	}
	switch {
	case err != nil:
		return "it fails: " + err.Error()
	case !slices.Equal(values, back):
		return "it makes copies"
	}
	return fmt.Sprintf("%d bytes, pointers handed over", len(data))
}
