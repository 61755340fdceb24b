package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rubato/player"
)

// BenchmarkRights compares a server that checks passwords and rights with one that is open
// to everybody, in turns: ratio is the median over the turns. The password is checked once
// for a connection, the rights of the sender for every message.
func BenchmarkRights(b *testing.B) {
	for _, transport := range []string{"pipe", "tcp"} {
		checked, err := OpenRung(transport)
		if err != nil {
			b.Fatal(err)
		}
		free, err := openRung(transport)
		if err != nil {
			b.Fatal(err)
		}
		compare(b, "publish/"+transport, 1000, free.Publish, checked.Publish)
		compare(b, "request/"+transport, 50, free.Request, checked.Request)
		for _, r := range []*Rung{free, checked} {
			if err := r.Close(); err != nil {
				b.Error(err)
			}
		}
	}
}

// BenchmarkJetStream compares our synchronous publish, in turns, with a loop of the client
// alone that publishes as many bytes into such a stream on a server of its own: until the
// server has acknowledged. "alone" has no reader beside it, "read" one that acknowledges, as
// module log does.
func BenchmarkJetStream(b *testing.B) {
	for _, delivery := range kept {
		placement := player.Placement{Transport: "tcp", Delivery: delivery, Dir: b.TempDir()}
		p, err := Open(player.Config{Store: &memory{}, Timeout: never, Placement: placement})
		if err != nil {
			b.Fatal(err)
		}
		w, seq := p.(*wired), uint64(0)
		ours := func(n int) error {
			for range n {
				seq++
				if err := w.sender.send(utter(seq), func(uint64, error) {}, w.sender.publish); err != nil {
					return err
				}
			}
			return nil
		}
		for _, read := range []bool{false, true} {
			raw, end := rawStream(b, placement, w.receiver.stream, read)
			for _, n := range []int{1, 50} {
				compare(b, fmt.Sprintf("%s/read=%v/%d", delivery, read, n), n, raw, ours, w.sender.settle)
			}
			end()
		}
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	}
}

// rawStream publishes into a stream like this one, by the client alone.
func rawStream(b *testing.B, placement player.Placement, like *stream, read bool) (publish func(int) error, end func()) {
	n, err := startNetwork(placement)
	if err != nil {
		b.Fatal(err)
	}
	writer, err := connect(n.server, placement.Transport, n.users["ui"], never)
	if err != nil {
		b.Fatal(err)
	}
	reader, err := connect(n.server, placement.Transport, n.users["log"], never)
	if err != nil {
		b.Fatal(err)
	}
	s := &stream{config: like.config, consumer: like.consumer, timeout: never}
	if !read { // a stream that fills up refuses, so this one forgets
		s.config.Retention, s.config.Discard = jetstream.LimitsPolicy, jetstream.DiscardOld
	}
	subscription, err := s.listen(reader, func(m *nats.Msg) { _ = m.Ack() })
	if err == nil && !read {
		err = errors.Join(subscription.Unsubscribe(), s.js.DeleteConsumer(b.Context(), streamName, s.consumer.Durable))
	}
	js, failed := jetstream.New(writer)
	if err := errors.Join(err, failed); err != nil {
		b.Fatal(err)
	}
	return func(n int) error {
			for range n {
				msg := message(eventSubject(saidEvent), 1, 0, 0, []byte(`{"user":"ada","text":"1","at":0}`))
				if _, err := js.PublishMsg(b.Context(), msg); err != nil {
					return err
				}
			}
			return nil
		}, func() {
			writer.Close()
			reader.Close()
			_ = n.Close()
		}
}

func compare(b *testing.B, name string, n int, before, after func(int) error, rest ...func() error) {
	b.Run(name, func(b *testing.B) {
		var ratios []float64
		took := func(send func(int) error) float64 {
			start := time.Now()
			if err := send(n); err != nil {
				b.Fatal(err)
			}
			took := float64(time.Since(start))
			for _, f := range rest { // what goes on after it is no part of the next
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			return took
		}
		for b.Loop() {
			was := took(before)
			ratios = append(ratios, took(after)/was)
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
	})
}
