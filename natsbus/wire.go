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
	subjectPrefix = "rubato."
	actionPrefix  = subjectPrefix + "action."
	eventPrefix   = subjectPrefix + "event."
	chatSubjects  = eventPrefix + "ui.Chat.*" // one subscription keeps their order
	// settleSubject asks module log to commit what waits.
	settleSubject = eventPrefix + "ui.Chat.settled"
	// doneSubject carries outcomes from module log to module ui.
	doneSubject = subjectPrefix + "done.ui"
)

// Headers carry the envelope in decimal: flow token, cause, and the depth, which bounds
// rules that trigger each other across modules.
const (
	flowHeader  = "Rubato-Flow"
	causeHeader = "Rubato-Cause"
	depthHeader = "Rubato-Depth"
)

// maxPayload bounds a body, in bytes. The largest of the player's is a request with a
// flavor, about 2 kB.
const maxPayload = 64 << 10

// space sets the subjects of one player apart from those of others on a shared server. It is
// empty on a server of the player's own.
type space string

// of is a subject in this space: rubato.action.pd.Director.find becomes
// rubato.SPACE.action.pd.Director.find.
func (s space) of(subject string) string {
	if s == "" {
		return subject
	}
	return subjectPrefix + string(s) + "." + strings.TrimPrefix(subject, subjectPrefix)
}

func actionSubject(uri string) string { return actionPrefix + tokens(uri) }
func eventSubject(uri string) string  { return eventPrefix + tokens(uri) }

func tokens(uri string) string { return strings.ReplaceAll(uri, "::", ".") }

// message puts the envelope into headers.
func message(subject string, flow, cause uint64, depth int, data []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		flowHeader:  {strconv.FormatUint(flow, 10)},
		causeHeader: {strconv.FormatUint(cause, 10)},
		depthHeader: {strconv.Itoa(depth)},
	}}
}

// number reads a header. A missing or malformed one is 0, which is no flow's token.
func number(h nats.Header, key string) uint64 {
	n, err := strconv.ParseUint(h.Get(key), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// The codec is JSON: an object with a member for each field, by name. It is part of what
// this style adds, and every result names it.

// encode writes values of these fields.
func encode(fields []engine.Field, values []engine.Value) ([]byte, error) {
	b := append(make([]byte, 0, 128), '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, f.Name), ':')
		var err error
		if b, err = encodeValue(b, f.Type, values[i]); err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.Name, err)
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
	data, err := encode(fields, values)
	if err == nil {
		err = decode(data, fields, back)
	}
	if err == nil {
		again, err = encode(fields, back)
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
