package natsbus

import (
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/player"
)

// startWait bounds how long an embedded server may take to listen.
const startWait = 10 * time.Second

// startServer starts an embedded server, on a loopback port for tcp (server.RANDOM_PORT: a free
// one) and without a socket for pipe. Only these users can connect. The server itself can be asked for its
// counters (Varz, Connz) by whoever started it.
func startServer(transport string, port int, users ...*server.User) (*server.Server, error) {
	options := &server.Options{
		ServerName: "rubato", Host: "127.0.0.1", Port: port,
		NoLog: true, NoSigs: true, MaxPayload: maxPayload, Users: users,
	}
	switch transport {
	case "tcp":
		if err := loopback(options.Host); err != nil {
			return nil, err
		}
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
		stopServer(s)
		return nil, fmt.Errorf("the embedded NATS server was not ready after %v", startWait)
	}
	return s, nil
}

// loopback fails if this machine cannot reach itself over IPv4. The server would only say
// that it is not ready.
func loopback(host string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err == nil {
		defer l.Close()
		var c net.Conn
		if c, err = net.DialTimeout("tcp", l.Addr().String(), startWait); err == nil {
			return c.Close()
		}
	}
	return fmt.Errorf("this machine has no IPv4 loopback (%s), which transport=tcp needs: %w; use transport=pipe", host, err)
}

// stopServer returns when the server has ended.
func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// connectionName begins the name of each connection; the module follows.
const connectionName = "rubato "

// answersAtOnce is how many answers to one request are kept until it is read: one, and
// whatever else sent to its subject.
const answersAtOnce = 16

// connect opens the connection of one user. It does not reconnect unless more says so: a server
// in this process that is gone does not come back by itself.
func connect(s *server.Server, transport string, user *server.User, timeout time.Duration, more ...nats.Option) (*nats.Conn, error) {
	options := append([]nats.Option{nats.Name(connectionName + user.Username), nats.Timeout(timeout), nats.NoReconnect(),
		nats.UserInfo(user.Username, user.Password), nats.CustomInboxPrefix(inboxPrefix + user.Username), nats.SyncQueueLen(answersAtOnce),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // the default writes to stderr; lost and request report
	}, more...)
	if transport == "pipe" {
		// No deadline for writes, of which each makes two timers here: a pipe fails when its server ends.
		options = append(options, nats.InProcessServer(s), nats.FlusherTimeout(0))
	}
	return nats.Connect(s.ClientURL(), append(options, more...)...)
}

// Versions are the versions of the NATS server and client.
func Versions() map[string]string {
	return map[string]string{"nats-server": server.VERSION, "nats.go": nats.Version}
}

// transport asks a connection what it uses: only one over a socket knows a port.
func (w *wired) transport() string {
	if _, port, err := net.SplitHostPort(w.ui.conn.Load().ConnectedAddr()); err == nil && port != "" {
		return "tcp"
	}
	return "pipe"
}
