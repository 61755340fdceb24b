package main

import (
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const watermillNATSModule = "github.com/ThreeDotsLabs/watermill-nats/v2"

// watermillNATSRival is Watermill over core NATS: an embedded server on a loopback socket, and a
// connection for each module, as the style nats has by default. The server forgets what it has passed
// on, and the client drops what comes when its buffer is full; the player's window keeps that from
// happening.
var watermillNATSRival = rival{
	name: "watermill-nats", doc: "Watermill over core NATS, an embedded server on loopback", library: watermillNATSModule, json: true, sockets: true,
	guarantees: guarantees{inOrder: true, how: "core NATS delivers at most once"},
	open:       openWatermillNATS,
}

// startWait bounds how long the server may take to listen.
const startWait = 10 * time.Second

func openWatermillNATS(p plan) (carrier, error) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		return nil, err
	}
	s.Start()
	var conns []*nats.Conn
	shut := func() error {
		for _, conn := range conns {
			conn.Close()
		}
		s.Shutdown()
		s.WaitForShutdown()
		return nil
	}
	if !s.ReadyForConnections(startWait) {
		return nil, errors.Join(errors.New("the NATS server does not listen"), shut())
	}
	lines := map[*end]line{}
	for _, e := range p.ends {
		conn, err := nats.Connect(s.ClientURL(), nats.Name(e.name), nats.NoReconnect())
		if err != nil {
			return nil, errors.Join(err, shut())
		}
		conns = append(conns, conn)
		both, err := overNATS(conn, p)
		if err != nil {
			return nil, errors.Join(err, shut())
		}
		lines[e] = both
	}
	ready := func() (err error) { // the server must know every subject before it is asked
		for _, conn := range conns {
			err = errors.Join(err, conn.Flush())
		}
		return err
	}
	return openWatermill(p, lines, ready, shut)
}

// natsLine publishes and subscribes over one connection.
type natsLine struct {
	*wnats.Publisher
	*wnats.Subscriber
}

// Close is for the connection, which ends both.
func (natsLine) Close() error { return nil }

func overNATS(conn *nats.Conn, p plan) (natsLine, error) {
	core, marshaler := wnats.JetStreamConfig{Disabled: true}, &wnats.NATSMarshaler{}
	out, err := wnats.NewPublisherWithNatsConn(conn, wnats.PublisherPublishConfig{Marshaler: marshaler, SubjectCalculator: wnats.DefaultSubjectCalculator, JetStream: core}, watermill.NopLogger{})
	if err != nil {
		return natsLine{}, err
	}
	in, err := wnats.NewSubscriberWithNatsConn(conn, wnats.SubscriberSubscriptionConfig{Unmarshaler: marshaler, SubjectCalculator: wnats.DefaultSubjectCalculator,
		AckWaitTimeout: time.Minute, CloseTimeout: p.timeout, SubscribeTimeout: p.timeout, JetStream: core}, watermill.NopLogger{})
	return natsLine{out, in}, err
}
