package natsbus

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// BenchmarkRights compares a server that checks passwords and rights with one that is open
// to everybody, in turns: ratio is the median over the turns. The password is checked once
// for a connection, the rights of the sender for every message.
func BenchmarkRights(b *testing.B) {
	for _, transport := range []string{"pipe", "tcp"} {
		for _, c := range []struct {
			name    string
			n       int
			payload Payload
			send    func(*Rung, int) error
		}{
			{"publish/", 1000, Payload{There: 128}, (*Rung).Publish},
			{"request/", 50, Payload{There: 128, Back: 128}, (*Rung).Request},
		} {
			checked, err := OpenRung(transport, c.payload)
			if err != nil {
				b.Fatal(err)
			}
			free, err := openRung(transport, nil, []Payload{c.payload})
			if err != nil {
				b.Fatal(err)
			}
			by := func(r *Rung) func(int) error { return func(n int) error { return c.send(r, n) } }
			compare(b, c.name+transport, c.n, by(free), by(checked))
			for _, r := range []*Rung{free, checked} {
				if err := r.Close(); err != nil {
					b.Error(err)
				}
			}
		}
	}
}

func compare(b *testing.B, name string, n int, before, after func(int) error) {
	b.Run(name, func(b *testing.B) {
		var ratios []float64
		took := func(send func(int) error) float64 {
			start := time.Now()
			if err := send(n); err != nil {
				b.Fatal(err)
			}
			return float64(time.Since(start))
		}
		for b.Loop() {
			was := took(before)
			ratios = append(ratios, took(after)/was)
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
	})
}

// BenchmarkMessages compares messages through the whole style, pipelined and without a
// database, with as many raw messages as long to a subscriber, in turns: ratio is the share
// of the raw throughput.
func BenchmarkMessages(b *testing.B) {
	const messages, window = 2048, 256 // as in message-log
	user, text := "listener-01", strings.Repeat("x", 70)
	payload, err := PayloadOf(saidEvent, []engine.Value{engine.String(user), engine.String(text), engine.Int(1)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, transport := range []string{"pipe", "tcp"} {
		raw, err := OpenRung(transport, payload)
		if err != nil {
			b.Fatal(err)
		}
		p, err := Open(player.Config{Store: &memory{}, Window: window, Trace: player.Tracing{On: true}, Placement: player.Placement{Transport: transport}})
		if err != nil {
			b.Fatal(err)
		}
		said, failed := player.Stimulus{Kind: player.MessageSaid, Message: player.Message{Username: user, Text: text, At: 1}}, error(nil)
		done := func(_ uint64, err error) { failed = errors.Join(failed, err) }
		say := func(n int) error {
			for range n {
				said.Seq++
				if err := p.Post(said, done); err != nil {
					return err
				}
			}
			return errors.Join(p.Settle(), failed)
		}
		compare(b, "pipelined/"+transport, messages, say, raw.Publish)
		if err := errors.Join(p.Close(), raw.Close()); err != nil {
			b.Error(err)
		}
	}
}
