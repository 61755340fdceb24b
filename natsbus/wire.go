package natsbus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// Subjects. The parts of a URI become tokens: `rubato.action.pd.>` is every action of
// module pd, `rubato.event.>` every event that crosses between modules.
const (
	actionPrefix = "rubato.action."
	eventPrefix  = "rubato.event."
	chatSubjects = eventPrefix + "ui.Chat.*" // one subscription keeps their order
	// settleSubject asks module log to commit what waits.
	settleSubject = eventPrefix + "ui.Chat.settled"
	// doneSubject carries outcomes from module log to module ui.
	doneSubject = "rubato.done.ui"
)

// envelopeHeader carries the envelope in decimal, "flow cause depth": the flow's token, the
// cause, and the depth, which bounds rules that trigger each other across modules. It is one
// header and not three, since the client allocates for each.
const envelopeHeader = "Rubato-Envelope"

// maxPayload bounds a body, in bytes. The largest of the player's is a request with a
// flavor, about 2 kB.
const maxPayload = 64 << 10

func actionSubject(uri string) string { return actionPrefix + tokens(uri) }
func eventSubject(uri string) string  { return eventPrefix + tokens(uri) }

func tokens(uri string) string { return strings.ReplaceAll(uri, "::", ".") }

// An outgoing message and its memory, for one goroutine at a time. The client copies a
// message when it is published, so the next one can have the same memory.
type outgoing struct {
	nats.Msg
	envelope [1]string
	text     []byte
}

func newOutgoing() *outgoing {
	o := &outgoing{}
	o.Header = nats.Header{envelopeHeader: o.envelope[:]}
	return o
}

// address sets subject and envelope.
func (o *outgoing) address(subject string, flow, cause uint64, depth int) {
	o.Subject = subject
	o.text = append(strconv.AppendUint(o.text[:0], flow, 10), ' ')
	o.text = append(strconv.AppendUint(o.text, cause, 10), ' ')
	o.text = strconv.AppendInt(o.text, int64(depth), 10)
	o.envelope[0] = string(o.text)
}

// message is one that is sent once.
func message(subject string, flow, cause uint64, depth int, data []byte) *nats.Msg {
	o := newOutgoing()
	o.address(subject, flow, cause, depth)
	o.Data = data
	return &o.Msg
}

// addressed reads the envelope. 0 is no flow's token.
func addressed(h nats.Header) (flow, cause uint64, depth int, err error) {
	if n := len(h[envelopeHeader]); n != 1 {
		return 0, 0, 0, fmt.Errorf("%d envelopes, want one", n)
	}
	first, rest, _ := strings.Cut(h[envelopeHeader][0], " ")
	second, third, _ := strings.Cut(rest, " ")
	flow, err1 := strconv.ParseUint(first, 10, 64)
	cause, err2 := strconv.ParseUint(second, 10, 64)
	deep, err3 := strconv.ParseUint(third, 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || flow == 0 || deep > engine.MaxDepth {
		return 0, 0, 0, fmt.Errorf("envelope %q is not flow, cause and depth", shortened(h[envelopeHeader][0]))
	}
	return flow, cause, int(deep), nil
}

// The codec is JSON: an object with a member for each field, by name. It is part of what
// this style adds, and every result names it.

// encode appends values of these fields to b. After an error b is as it was.
func encode(b []byte, fields []engine.Field, values []engine.Value) ([]byte, error) {
	start := len(b)
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, f.Name), ':')
		var err error
		if b, err = encodeValue(b, f.Type, values[i]); err != nil {
			return b[:start], fmt.Errorf("encode %s: %w", f.Name, err)
		}
	}
	return append(b, '}'), nil
}

func encodeValue(b []byte, t engine.Type, v engine.Value) ([]byte, error) {
	var text []byte
	var err error
	switch t {
	case engine.Integer:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case engine.Natural:
		return strconv.AppendUint(b, v.Nat(), 10), nil
	case engine.Truth:
		return strconv.AppendBool(b, v.Bool()), nil
	case engine.Real:
		text, err = json.Marshal(v.Float())
	case engine.Text:
		text, err = json.Marshal(v.Text())
	case engine.Flavor:
		return encodeFlavor(b, v.Flavor())
	default:
		err = fmt.Errorf("no such type: %d", t)
	}
	return append(b, text...), err
}

// decode reads these fields of an object into values. It ignores other members, so that
// a newer sender can be read.
func decode(data []byte, fields []engine.Field, values []engine.Value) error {
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

func decodeValue(raw json.RawMessage, t engine.Type) (engine.Value, error) {
	switch t {
	case engine.Integer:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		return engine.Int(n), err
	case engine.Natural:
		n, err := strconv.ParseUint(string(raw), 10, 64)
		return engine.Nat(n), err
	case engine.Real:
		return unmarshal(raw, engine.Float)
	case engine.Truth:
		return unmarshal(raw, engine.Bool)
	case engine.Text:
		return unmarshal(raw, engine.String)
	case engine.Flavor:
		f, err := decodeFlavor(raw)
		return engine.FlavorOf(f), err
	}
	return engine.Value{}, fmt.Errorf("no such type: %d", t)
}

func unmarshal[T any](raw []byte, value func(T) engine.Value) (engine.Value, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return value(v), err
}

// encodeFlavor writes numbers with as many digits as it takes to read back the same float64.
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
	w := struct {
		Present uint32    `json:"present"`
		Values  []float64 `json:"values"`
	}{Values: f.Values[:0]}
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

// describeCodec names the codec, with length and digest of what it makes of the probe.
// The same codec with another setting makes other bytes.
func describeCodec() string {
	fields, values := probe()
	back := make([]engine.Value, len(fields))
	var again []byte
	data, err := encode(nil, fields, values)
	if err == nil {
		err = decode(data, fields, back)
	}
	if err == nil {
		again, err = encode(nil, fields, back)
	}
	h := player.DigestText(0, string(data))
	switch {
	case err != nil:
		return "json, which fails: " + err.Error()
	case !bytes.Equal(data, again):
		return fmt.Sprintf("json, which loses something: %d bytes %016x", len(data), h)
	}
	return fmt.Sprintf("json, members by name: %d bytes %016x", len(data), h)
}
