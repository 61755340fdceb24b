package natsbus

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/player"
)

// startWait bounds how long an embedded server may take to listen.
const startWait = 10 * time.Second

// startServer starts an embedded server, on a free loopback port for tcp and without a
// socket for pipe. Only these users can connect. The server itself can be asked for its
// counters (Varz, Connz) by whoever started it.
func startServer(transport string, users ...*server.User) (*server.Server, error) {
	options := &server.Options{
		ServerName: "rubato", Host: "127.0.0.1", Port: server.RANDOM_PORT,
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

// connect opens the connection of one user. It does not reconnect, since the server is in
// this process and does not come back.
func connect(s *server.Server, transport string, user *server.User, timeout time.Duration) (*nats.Conn, error) {
	options := []nats.Option{nats.Name(connectionName + user.Username), nats.Timeout(timeout), nats.NoReconnect(),
		nats.UserInfo(user.Username, user.Password), nats.CustomInboxPrefix(inboxPrefix + user.Username), nats.SyncQueueLen(answersAtOnce),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})} // the default writes to stderr; lost and request report
	if transport == "pipe" {
		// No deadline for writes, of which each makes two timers here: a pipe fails when its server ends.
		options = append(options, nats.InProcessServer(s), nats.FlusherTimeout(0))
	}
	return nats.Connect(s.ClientURL(), options...)
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

// The floor of this style: messages on NATS without concept, rule or codec.

const (
	rungSubject = "rubato.rung"
	rungWindow  = 1024 // messages on their way, fewer than make a slow consumer
	rungWait    = 10 * time.Second
)

// A Rung is two connections to a server of its own, one that asks and one that hears.
// Only one goroutine may use it.
type Rung struct {
	server        *server.Server
	asker, hearer *nats.Conn // with passwords and rights, as the modules have
	body          []byte
	heard         atomic.Int64
	wanted        atomic.Int64  // value of heard that Publish waits for
	reached       chan struct{} // heard is wanted
}

// OpenRung opens one on transport "tcp" or "pipe". Messages have 128 bytes.
func OpenRung(transport string) (*Rung, error) {
	return openRung(transport, rungUsers()...)
}

func rungUsers() []*server.User {
	return []*server.User{newUser("asker", rights{publish: []string{rungSubject}}), newUser("hearer", rights{subscribe: []string{rungSubject}})}
}

// openRung lets only these users in; without one, everybody.
func openRung(transport string, users ...*server.User) (*Rung, error) {
	s, err := startServer(transport, users...)
	if err != nil {
		return nil, err
	}
	r := &Rung{server: s, body: make([]byte, 128), reached: make(chan struct{}, 1)}
	if len(users) == 0 {
		users = rungUsers()
	}
	if err := r.join(transport, users[0], users[1]); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Rung) join(transport string, asker, hearer *server.User) (err error) {
	if r.asker, err = connect(r.server, transport, asker, rungWait); err != nil {
		return err
	}
	if r.hearer, err = connect(r.server, transport, hearer, rungWait); err != nil {
		return err
	}
	if _, err = r.hearer.Subscribe(rungSubject, r.hear); err != nil {
		return err
	}
	return r.hearer.FlushTimeout(rungWait)
}

func (r *Rung) hear(m *nats.Msg) {
	n := r.heard.Add(1)
	if m.Reply != "" {
		_ = m.Respond(m.Data) // otherwise Request times out
		return
	}
	if n == r.wanted.Load() {
		r.reached <- struct{}{}
	}
}

// Publish sends n messages one way without waiting for each, and returns when the last
// has been heard.
func (r *Rung) Publish(n int) error {
	for n > 0 {
		some := min(n, rungWindow)
		r.wanted.Store(r.heard.Load() + int64(some))
		for range some {
			if err := r.asker.Publish(rungSubject, r.body); err != nil {
				return err
			}
		}
		select {
		case <-r.reached:
		case <-time.After(rungWait):
			return fmt.Errorf("%d of %d messages were heard within %v", r.heard.Load(), r.wanted.Load(), rungWait)
		}
		n -= some
	}
	return nil
}

// Request sends n messages, each after the answer to the previous one.
func (r *Rung) Request(n int) error {
	r.wanted.Store(-1)
	for range n {
		if _, err := r.asker.Request(rungSubject, r.body, rungWait); err != nil {
			return err
		}
	}
	return nil
}

// Heard is how many messages have arrived.
func (r *Rung) Heard() int64 { return r.heard.Load() }

// Close closes the connections and the server.
func (r *Rung) Close() error {
	for _, c := range []*nats.Conn{r.asker, r.hearer} {
		if c != nil {
			c.Close()
		}
	}
	stopServer(r.server)
	return nil
}
