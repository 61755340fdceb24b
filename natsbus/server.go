package natsbus

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
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
	return startServerAs(transport, port, nil, users...)
}

// startServerAs starts one that is a node of a cluster, unless joins is nil.
func startServerAs(transport string, port int, joins func(*server.Options), users ...*server.User) (*server.Server, error) {
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
			Err: fmt.Errorf("%q is none of tcp, pipe, process, split, url, cluster", transport)}
	}
	if joins != nil {
		joins(options)
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
	delivery  string
	dir       string                // for the folder
	folder    string                // of streams; ends with this
	joins     func(*server.Options) // a cluster; nil: it is alone

	mu     sync.Mutex
	server *server.Server
	port   int              // that it listens on, also after a crash
	lines  map[string]*link // by module, where they can be parted
}

func startEmbedded(p player.Placement, users map[string]*server.User) (*embedded, error) {
	e := &embedded{transport: p.Transport, users: users, delivery: p.Delivery, dir: p.Dir}
	if err := e.start(server.RANDOM_PORT); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *embedded) start(port int) error {
	s, err := startServerAs(e.transport, port, e.joins, slices.Collect(maps.Values(e.users))...)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server = s; e.transport == "tcp" {
		e.port = s.Addr().(*net.TCPAddr).Port
	}
	if e.joins != nil {
		return nil // its streams are the cluster's
	}
	return e.keepStreams(s)
}

// keepStreams turns JetStream on, with a folder of the network's own. A server that takes the place
// of one that died finds its streams there, if they are files.
func (e *embedded) keepStreams(s *server.Server) (err error) {
	if e.folder == "" {
		e.folder, err = streamFolder(e.dir, e.delivery)
	}
	if e.folder == "" {
		return err
	}
	return keepStreams(s, e.folder)
}

// streamFolder makes a folder for streams; "": this delivery has none.
func streamFolder(dir, delivery string) (string, error) {
	if delivery == deliveryCore {
		return "", nil
	}
	folder, err := os.MkdirTemp(dir, "jetstream-")
	if err != nil {
		err = fmt.Errorf("turn on JetStream for delivery=%s: %w; use delivery=%s", delivery, err, deliveryCore)
	}
	return folder, err
}

func keepStreams(s *server.Server, folder string) error {
	if err := s.EnableJetStream(&server.JetStreamConfig{StoreDir: folder, MaxMemory: serverBytes, MaxStore: serverBytes}); err != nil {
		return fmt.Errorf("turn on JetStream: %w; use delivery=%s", err, deliveryCore)
	}
	return nil
}

// now is the server in use.
func (e *embedded) now() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
}

func (e *embedded) connect(module string, timeout time.Duration, reconnects bool, more ...nats.Option) (*nats.Conn, error) {
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

// close returns when the server has ended and its folder is gone.
func (e *embedded) close() error {
	for module := range e.users {
		e.Part(module, false) // nobody waits for what does not come
	}
	if s := e.now(); s != nil {
		stopServer(s)
	}
	if e.folder == "" {
		return nil
	}
	return os.RemoveAll(e.folder)
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

// connect opens the connection of one user to a server in this process. It does not reconnect
// unless more says so.
func connect(s *server.Server, transport string, user *server.User, timeout time.Duration, more ...nats.Option) (*nats.Conn, error) {
	options := seatOf(user, timeout)
	if transport == "pipe" {
		// No deadline for writes, of which each makes two timers here: a pipe fails when its server ends.
		options = append(options, nats.InProcessServer(s), nats.FlusherTimeout(0))
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
	return []nats.Option{nats.Name(name), nats.Timeout(timeout), nats.NoReconnect(), nats.CustomInboxPrefix(inbox), nats.SyncQueueLen(answersAtOnce),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})} // the default writes to stderr; lost and request report
}

// Versions are the versions of the NATS server and client.
func Versions() map[string]string {
	return map[string]string{"nats-server": server.VERSION, "nats.go": nats.Version}
}
