package natsbus

import (
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/player"
)

// startWait bounds how long an embedded server may take to listen.
const startWait = 10 * time.Second

// startServer starts an embedded server: on a free loopback port for tcp, without
// any socket for pipe.
func startServer(transport string) (*server.Server, error) {
	options := &server.Options{
		ServerName: "rubato", Host: "127.0.0.1", Port: server.RANDOM_PORT,
		NoLog: true, NoSigs: true, MaxPayload: maxPayload,
	}
	switch transport {
	case "tcp":
	case "pipe":
		options.DontListen = true
	default:
		return nil, &player.Error{Code: player.Invalid, Op: "nats: transport",
			Err: fmt.Errorf("%q is neither tcp nor pipe", transport)}
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(startWait) {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("the embedded NATS server was not ready after %v", startWait)
	}
	return s, nil
}

// stopServer returns when nothing of the server runs any more.
func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// connect opens one module's connection. It does not reconnect: the server is in
// this process, and a server that is gone stays gone.
func connect(s *server.Server, transport, module string, timeout time.Duration) (*nats.Conn, error) {
	options := []nats.Option{nats.Name("rubato " + module), nats.Timeout(timeout), nats.NoReconnect()}
	if transport == "pipe" {
		options = append(options, nats.InProcessServer(s))
	}
	return nats.Connect(s.ClientURL(), options...)
}

// Versions of what the style stands on.
func Versions() map[string]string {
	return map[string]string{"nats-server": server.VERSION, "nats.go": nats.Version}
}
