package components

import (
	"time"

	"rubato/natsbus"
	"rubato/orchestrated/engine"
	"rubato/player"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// Messages on NATS as long as the player's, hot and cold: a refill comes every few minutes,
// and between its requests modules work, so it never finds a connection warm.

func natsPieces() []piece {
	out := []piece{{"walk", "other work: a millisecond of walking through 4 MB of memory; to be subtracted from the cold pieces", 1, openWalk}}
	for _, transport := range []string{"pipe", "tcp"} {
		where := map[string]string{"pipe": "in-process connections", "tcp": "loopback"}[transport]
		publish := func(cold bool) func(place) (*opened, error) {
			return openRung(transport, messagePayloads, (*natsbus.Rung).Publish, cold)
		}
		request := func(cold bool) func(place) (*opened, error) {
			return openRung(transport, refillPayloads, (*natsbus.Rung).Request, cold)
		}
		out = append(out,
			piece{"nats-publish-" + transport, "a message as long as the player's one way on NATS, " + where + ", up to 1 024 under way", 1, publish(false)},
			piece{"nats-publish-" + transport + "-cold", "walk, then one such message, until it is heard", 1, publish(true)},
			piece{"nats-request-" + transport, "request and answer on NATS, " + where + ", as long as the four of a refill, in turn", 1, request(false)},
			piece{"nats-request-" + transport + "-cold", "walk, then one such request", 1, request(true)})
	}
	return out
}

// openRung opens a rung with payloads from the library. If it is cold, other work comes
// before each operation.
func openRung(transport string, payloads func(player.Store) ([]natsbus.Payload, error), run func(*natsbus.Rung, int) error, cold bool) func(place) (*opened, error) {
	return withStore(func(store *sqlite.Store) (*opened, error) {
		sizes, err := payloads(store)
		if err != nil {
			return nil, err
		}
		r, err := natsbus.OpenRung(transport, sizes...)
		if err != nil {
			return nil, err
		}
		o := &opened{count: r.Heard, run: func(n int) error { return run(r, n) }, close: r.Close}
		if cold {
			between := &walker{}
			o.run = func(n int) error {
				for range n {
					between.walk()
					if err := run(r, 1); err != nil {
						return err
					}
				}
				return nil
			}
		}
		return o, nil
	})
}

// messagePayloads are those of ten messages, which differ in length.
func messagePayloads(player.Store) (out []natsbus.Payload, err error) {
	for i := range 10 {
		m := workload.Say(1, i).Message
		p, err := natsbus.PayloadOf("ui::Chat::said", []engine.Value{engine.String(m.Username), engine.String(m.Text), engine.Int(m.At)}, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// refillPayloads are those of the four requests of a refill.
func refillPayloads(store player.Store) (out []natsbus.Payload, err error) {
	low, parts := workload.LowAt(1, 0), player.NewParts(player.Config{Store: store})
	level := parts.Queue.PlayDown(low.At)
	flavor, err := parts.Timeslots.FlavorAt(level.Target)
	if err != nil {
		return nil, err
	}
	chosen, err := parts.Director.Select(level.Target, flavor, low.Seed)
	if err != nil {
		return nil, err
	}
	target, passage := engine.Int(level.Target), engine.Int(chosen.ID)
	for _, r := range []struct {
		uri     string
		in, out []engine.Value
	}{
		{"ui::Broadcast::send", []engine.Value{engine.String(player.DepthChanged), engine.String(""), engine.Int(level.Depth)}, nil},
		{"pd::Timeslots::flavorAt", []engine.Value{target}, []engine.Value{engine.FlavorOf(flavor)}},
		{"pd::Director::select", []engine.Value{target, engine.FlavorOf(flavor), engine.Nat(low.Seed)}, []engine.Value{passage, engine.Int(chosen.Length())}},
		{"pd::Cooldowns::record", []engine.Value{passage, target}, nil},
	} {
		p, err := natsbus.PayloadOf(r.uri, r.in, r.out)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

const (
	walkFor   = time.Millisecond
	walkedIn  = 4 << 20 // bytes, more than the caches near a core hold
	cacheLine = 64
)

// A walker does other work, for a fixed time: processes walk at different speeds, and what
// is subtracted must be the same in all.
type walker struct {
	memory [walkedIn]byte
	at     int
	walks  int64
}

func (w *walker) walk() {
	for end := time.Now().Add(walkFor); time.Now().Before(end); {
		for range 256 { // so that little of the time is spent on the clock
			w.memory[w.at]++
			w.at = (w.at + cacheLine) % walkedIn
		}
	}
	w.walks++
}

func openWalk(place) (*opened, error) {
	w := &walker{}
	return &opened{count: func() int64 { return w.walks }, run: func(n int) error {
		for range n {
			w.walk()
		}
		return nil
	}}, nil
}
