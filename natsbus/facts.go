package natsbus

import (
	"bytes"
	"fmt"
	"net"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/orchestrated"
	"rubato/player"
)

// Describe tells what this style does beside its parts: how its modules are really
// connected, and what its codec makes of a known value.
func (w *wired) Describe() []player.Fact {
	var engines []*orchestrated.Engine
	for _, m := range []*module{w.ap, w.pd, w.log, w.ui} {
		engines = append(engines, m.engine)
	}
	return append(append(w.Parts.Describe(), orchestrated.Facts(engines...)...),
		player.Fact{Name: "window", Value: strconv.Itoa(cap(w.chat.places)), Own: true},
		player.Fact{Name: "transport", Value: w.transport(), Own: true},
		player.Fact{Name: "codec", Value: describeCodec(), Own: true},
		player.Fact{Name: "nats-server", Value: server.VERSION, Own: true},
	)
}

// transport is read from a connection: one over a socket knows a port.
func (w *wired) transport() string {
	if _, port, err := net.SplitHostPort(w.ui.conn.Load().ConnectedAddr()); err == nil && port != "" {
		return "tcp"
	}
	return "pipe"
}

// probe is one value of every type, none of them round.
func probe() ([]orchestrated.Field, []orchestrated.Value) {
	flavor := &player.Flavor{Present: 1<<player.FlavorCategories - 1}
	for _, c := range player.Categories {
		n := len(c.Elements)
		for i := range n { // 1/3 and 2/3, 1/6, 2/6 and 3/6, …: they sum to 1
			flavor.Values[c.First+i] = float64(i+1) / float64(n*(n+1)/2)
		}
	}
	fields := []orchestrated.Field{{Name: "text", Type: orchestrated.Text}, {Name: "integer", Type: orchestrated.Integer},
		{Name: "natural", Type: orchestrated.Natural}, {Name: "truth", Type: orchestrated.Truth},
		{Name: "real", Type: orchestrated.Real}, {Name: "flavor", Type: orchestrated.Flavor}}
	return fields, []orchestrated.Value{orchestrated.String("Träumerei <1> \"a\"\n"), orchestrated.Int(int64(-1 << 62)),
		orchestrated.Nat(1<<64 - 1), orchestrated.Bool(true), orchestrated.Float(0.1 + 0.2), orchestrated.FlavorOf(flavor)}
}

// describeCodec names the codec, and how long and which the bytes are that it makes
// of the probe: a codec of the same name with another setting makes others.
func describeCodec() string {
	fields, values := probe()
	data, err := encode(fields, values)
	if err != nil {
		return "json, which fails: " + err.Error()
	}
	h := player.DigestText(0, string(data))
	back := make([]orchestrated.Value, len(fields))
	if err = decode(data, fields, back); err == nil {
		var again []byte
		if again, err = encode(fields, back); err == nil && !bytes.Equal(data, again) {
			return fmt.Sprintf("json, which loses something: %d bytes %016x", len(data), h)
		}
	}
	if err != nil {
		return "json, which fails: " + err.Error()
	}
	return fmt.Sprintf("json, members by name: %d bytes %016x", len(data), h)
}
