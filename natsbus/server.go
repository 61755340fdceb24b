package natsbus

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
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
			Err: fmt.Errorf("%q is none of tcp, pipe, process, url", transport)}
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

// embedded is a server in this process, which can be killed and comes back.
type embedded struct {
	transport string
	users     map[string]*server.User // by module

	mu     sync.Mutex
	server *server.Server
	port   int              // that it listens on, also after a crash
	lines  map[string]*link // by module, where they can be parted
}

func startEmbedded(transport string, users map[string]*server.User) (*embedded, error) {
	e := &embedded{transport: transport, users: users}
	return e, e.start(server.RANDOM_PORT)
}

func (e *embedded) start(port int) error {
	s, err := startServer(e.transport, port, slices.Collect(maps.Values(e.users))...)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server = s; e.transport == "tcp" {
		e.port = s.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// now is the server in use.
func (e *embedded) now() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
}

func (e *embedded) connect(module string, timeout time.Duration, reconnects bool) (*nats.Conn, error) {
	var more []nats.Option
	if reconnects {
		more = append(more, e.reconnecting(module))
	}
	return connect(e.now(), e.transport, e.users[module], timeout, more...)
}

func (e *embedded) links() ([]player.Link, error) { return linksOf(e.now()) }

// linksOf reads the counters of a server in this process.
func linksOf(s *server.Server) ([]player.Link, error) {
	seen, err := s.Connz(&server.ConnzOptions{State: server.ConnAll, Limit: server.DefaultConnListSize})
	if err != nil {
		return nil, fmt.Errorf("nats: list connections: %w", err)
	}
	return summed(connectionName, seen.Conns), nil
}

func (e *embedded) counter() string                { return "its server" }
func (e *embedded) where() (pid int, id string)    { return os.Getpid(), e.now().ID() }
func (e *embedded) facts(*nats.Conn) []player.Fact { return nil }

func (e *embedded) close() {
	for module := range e.users {
		e.Part(module, false) // nobody waits for what does not come
	}
	stopServer(e.now())
}

// stopServer returns when the server has ended.
func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// connectionName begins the name of each connection; the module follows.
const connectionName = "rubato "

// connect opens the connection of one user to a server in this process. It does not reconnect
// unless more says so.
func connect(s *server.Server, transport string, user *server.User, timeout time.Duration, more ...nats.Option) (*nats.Conn, error) {
	options := seatOf(user, timeout)
	if transport == "pipe" {
		options = append(options, nats.InProcessServer(s))
	}
	return nats.Connect(s.ClientURL(), append(options, more...)...)
}

// seatOf are the options of a connection of one user of a server that rubato started.
func seatOf(user *server.User, timeout time.Duration) []nats.Option {
	return append(quiet(connectionName+user.Username, inboxPrefix+user.Username, timeout),
		nats.UserInfo(user.Username, user.Password))
}

// quiet are the options of every connection.
func quiet(name, inbox string, timeout time.Duration) []nats.Option {
	return []nats.Option{nats.Name(name), nats.Timeout(timeout), nats.NoReconnect(), nats.CustomInboxPrefix(inbox),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})} // the default writes to stderr; lost and request report
}

// Versions are the versions of the NATS server and client.
func Versions() map[string]string {
	return map[string]string{"nats-server": server.VERSION, "nats.go": nats.Version}
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
	s, err := startServer(transport, server.RANDOM_PORT, users...)
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
