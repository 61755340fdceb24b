package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
				if err := w.sender.send(utter(seq), func(uint64, error) {}, w.sender.publish, true); err != nil {
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
	writer, err := connect(n.carrier.(*embedded).now(), placement.Transport, n.users["ui"], never)
	if err != nil {
		b.Fatal(err)
	}
	reader, err := connect(n.carrier.(*embedded).now(), placement.Transport, n.users["log"], never)
	if err != nil {
		b.Fatal(err)
	}
	s := &stream{config: like.config, consumer: like.consumer, timeout: never}
	if !read { // a stream that fills up refuses, so this one forgets
		s.config.Retention, s.config.Discard = jetstream.LimitsPolicy, jetstream.DiscardOld
	}
	subscription, err := s.listen(reader, func(m *nats.Msg) { _ = m.Ack() }, s.wait)
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

// compare reports the median of the ratios of time, and the ratio of all CPU time, which other
// programs on the machine disturb less.
func compare(b *testing.B, name string, n int, before, after func(int) error, rest ...func() error) {
	b.Run(name, func(b *testing.B) {
		var ratios []float64
		took := func(send func(int) error, cpu *time.Duration) float64 {
			start, used := time.Now(), cpuTime()
			if err := send(n); err != nil {
				b.Fatal(err)
			}
			took := float64(time.Since(start))
			*cpu += cpuTime() - used
			for _, f := range rest { // what goes on after it is no part of the next
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			return took
		}
		var first, second time.Duration
		for b.Loop() {
			was := took(before, &first)
			ratios = append(ratios, took(after, &second)/was)
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
		b.ReportMetric(float64(second)/float64(first), "ratio-of-cpu")
	})
}

// reportCPU reports the CPU time of an operation, all threads of the process together, and its
// allocations.
func reportCPU(b *testing.B) func() {
	b.ReportAllocs()
	used := cpuTime()
	return func() { b.ReportMetric(float64(cpuTime()-used)/float64(b.N), "cpu-ns/op") }
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkRefill is one refill whose parts answer from a recording, so that the conversation
// is left. allocs/op counts everything in the process, the embedded server included.
func BenchmarkRefill(b *testing.B) {
	for _, transport := range []string{"pipe", "tcp"} {
		for _, envelope := range []string{envelopeInHeader, envelopeInBody} {
			b.Run(transport+"/"+envelope, func(b *testing.B) { refill(b, player.Placement{Transport: transport, Envelope: envelope}) })
		}
	}
}

// BenchmarkFloor is what NATS itself takes for the four requests of a refill: to a server with
// rights, each with a kept inbox, 128 bytes and no header, answered with the same.
func BenchmarkFloor(b *testing.B) {
	for _, transport := range []string{"pipe", "tcp"} {
		r, err := OpenRung(transport, Payload{128, 128})
		if err != nil {
			b.Fatal(err)
		}
		inbox := newInbox(r.asker, time.Second, false)
		b.Run(transport, func(b *testing.B) {
			defer reportCPU(b)()
			for b.Loop() {
				for range 4 {
					floor(b, inbox, r.turn())
				}
			}
		})
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	}
}

func floor(b *testing.B, i *inbox, c carried) {
	l, err := i.take()
	if err == nil {
		l.Subject, l.Data, l.Header = c.subject, c.body, nil
		err = l.send()
	}
	if err == nil {
		_, err = l.answer()
	}
	if err != nil {
		b.Fatal(err)
	}
	i.give(l, true)
}

func refill(b *testing.B, placement player.Placement) {
	p, err := Open(player.Config{Store: &memory{}, Replay: recorded(), Trace: player.Tracing{On: true}, Placement: placement})
	if err != nil {
		b.Fatal(err)
	}
	low := player.Stimulus{Kind: player.QueueLow}
	next := func() {
		low.Seq, low.At, low.Seed = low.Seq+1, low.At+player.Hour, low.Seed+0x9e3779b97f4a7c15
		if err := p.Do(low); err != nil {
			b.Fatal(err)
		}
	}
	for range 1100 { // fills the trace's ring
		next()
	}
	report := reportCPU(b)
	for b.Loop() {
		next()
	}
	report()
	if err := p.Close(); err != nil {
		b.Error(err)
	}
}

// recorded is a recording of refills with a full flavor.
func recorded() *player.Recording {
	_, values := probe()
	r := &player.Recording{Answers: make([]player.Answer, 8)}
	for i := range r.Answers {
		r.Answers[i] = player.Answer{Flavor: *values[len(values)-1].Flavor(), Passage: player.Passage{ID: int64(i + 1), End: player.Minute}, Eligible: 100, Rows: 3}
	}
	return r
}

// BenchmarkCodec encodes and decodes, into kept memory, what crosses: a command, the inputs
// of a selection with their flavor, and 100 outcomes.
func BenchmarkCodec(b *testing.B) {
	flavor := recorded().Answers[0].Flavor
	texts := func(names ...string) (list []engine.Field) {
		for _, n := range names {
			list = append(list, engine.Field{Name: n, Type: engine.Text})
		}
		return list
	}
	command := all(append(texts("command"), engine.Field{Name: "at", Type: engine.Integer}, engine.Field{Name: "seed", Type: engine.Natural}))
	selection := all([]engine.Field{{Name: "target", Type: engine.Integer}, {Name: "flavor", Type: engine.Flavor}, {Name: "seed", Type: engine.Natural}})
	var outcomes []engine.Value
	for i := range 100 {
		outcomes = append(outcomes, engine.Nat(uint64(1000+i)), engine.Value{}, engine.Value{}, engine.Value{})
	}
	at, seed := engine.Int(int64(49_379_155_200_000_000)), engine.Nat(0x9e3779b97f4a7c15)
	for _, what := range []struct {
		name   string
		schema schema
		values []engine.Value
	}{{"command", command, []engine.Value{engine.String(player.Play), at, seed}},
		{"flavor", selection, []engine.Value{at, engine.FlavorOf(&flavor), seed}}, {"outcomes", outcomeSchema, outcomes}} {
		for _, name := range []string{"json", "msgpack", "protobuf", "none"} {
			b.Run(what.name+"/"+name, func(b *testing.B) { thereAndBack(b, codecs(b)[name], what.schema, what.values) })
		}
	}
}

func thereAndBack(b *testing.B, c codec, s schema, values []engine.Value) {
	var body []byte
	var err error
	back := make([]engine.Value, len(values))
	one := len(values) == len(s.fields)
	b.ReportAllocs()
	for b.Loop() {
		if one {
			body, err = c.encode(body[:0], s, values)
			err = errors.Join(err, c.decode(body, s, back))
		} else {
			body, err = c.encodeList(body[:0], s, values)
			if err == nil {
				back, err = c.decodeList(body, s, back[:0])
			}
		}
		if err != nil || len(back) != len(values) {
			b.Fatalf("%d values: %v", len(back), err)
		}
	}
	b.ReportMetric(float64(len(body)), "bytes")
}

// BenchmarkMessage is one message that is posted, stored nowhere, and reported, among others
// that are on their way.
func BenchmarkMessage(b *testing.B) {
	for _, name := range []string{"json", "msgpack", "protobuf", "none"} {
		b.Run(name, func(b *testing.B) {
			p, err := Open(player.Config{Store: &memory{}, Batch: 100, Placement: player.Placement{Codec: name}})
			if err != nil {
				b.Fatal(err)
			}
			next := said(0)
			done := func(_ uint64, err error) {
				if err != nil {
					b.Error(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				next.Seq++
				if err := p.Post(next, done); err != nil {
					b.Fatal(err)
				}
			}
			if err := p.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
