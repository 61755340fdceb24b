package natsbus

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/player"
)

// A server, or a cluster, of the user's: environment.go says where it is and who we are there.
// All modules are the one user that it knows us as. What separates them there is a convention.

const (
	// remoteWait bounds each step towards the server: the way, the handshake, an answer.
	remoteWait = 1500 * time.Millisecond
	// mostListed bounds a page of connections, in bytes. One of 1 024 has some 600 kB.
	mostListed = 16 << 20
	// remoteRights are what the user needs there.
	remoteRights = "allow it to publish to and subscribe to rubato.>"
)

// remote is the user's server.
type remote struct {
	urls      []string      // without who we are
	identity  string        // what says who we are
	corrected string        // where to correct that
	options   []nats.Option // who we are
	secrets   []string      // which no message may show
	monitor   *url.URL      // nil: connections count for themselves
	http      *http.Client
	space     space

	mu      sync.Mutex
	joined  []member
	sockets map[net.Conn]struct{}
	closed  bool
	until   time.Time // no way is tried after it; zero: any time
}

// member is a module's connection. A module may leave and join again.
type member struct {
	module string
	conn   *nats.Conn
}

// joinRemote finds the server that the environment names, and tries what the modules need.
func joinRemote(getenv func(string) string, p player.Placement) (*network, error) {
	return joinNamed(getenv, "", p)
}

// joinNamed joins as a player of this name; "": a name that is drawn.
func joinNamed(getenv func(string) string, name space, p player.Placement) (*network, error) {
	r, err := remoteOf(getenv)
	if err == nil {
		r.space = cmp.Or(name, r.space)
		if err = r.try(p); err != nil {
			_ = r.close()
		}
	}
	if err != nil {
		return nil, &player.Error{Code: player.Invalid, Op: "transport url", Err: err}
	}
	return &network{carrier: r, transport: "url", delivery: p.Delivery, space: r.space}, nil
}

// modulesName begins the names of the modules' connections, probeName is that of the trial.
func (r *remote) modulesName() string { return connectionName + string(r.space) + " " }
func (r *remote) probeName() string   { return connectionName + "probe " + string(r.space) }

func (r *remote) connect(module string, timeout time.Duration, _ bool, more ...nats.Option) (*nats.Conn, error) {
	conn, err := r.reach(r.modulesName()+module, module, timeout, more...)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.joined = append(r.joined, member{module, conn})
	}
	return conn, err
}

func (r *remote) reach(name, inbox string, timeout time.Duration, more ...nats.Option) (*nats.Conn, error) {
	options := append(quiet(name, r.space.of(subjectPrefix+"inbox."+inbox), timeout),
		nats.SetCustomDialer(r), nats.SkipHostLookup(), nats.IgnoreDiscoveredServers(), nats.DontRandomize())
	conn, err := nats.Connect(r.address(), slices.Concat(options, r.options, more)...)
	if err != nil {
		return nil, r.explain(err)
	}
	return conn, nil
}

// Dial opens the socket of a connection, and keeps it, so that close can cut it.
func (r *remote) Dial(kind, address string) (net.Conn, error) {
	r.mu.Lock()
	closed, until := r.closed, r.until
	r.mu.Unlock()
	if closed {
		return nil, net.ErrClosed
	}
	socket, err := (&net.Dialer{Timeout: remoteWait, Deadline: until}).Dial(kind, address)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sockets[socket] = struct{}{}
	return socket, nil
}

// close cuts every connection, as the end of the server would. The server itself is the
// user's and stays.
func (r *remote) close() error {
	r.mu.Lock()
	r.closed = true
	sockets, joined := maps.Clone(r.sockets), slices.Clone(r.joined)
	r.mu.Unlock()
	for socket := range sockets {
		_ = socket.Close() // it may be closed already
	}
	for _, m := range joined {
		m.conn.Close()
	}
	r.http.CloseIdleConnections()
	return nil
}

// try connects as a module does, and has one message go there and back.
func (r *remote) try(p player.Placement) error {
	conn, err := r.probe()
	// A player with a folder is measured. Its server may have gone in the trial before, and may be
	// about to come back.
	for end := time.Now().Add(reconnectFor); p.Dir != "" && errors.Is(err, nats.ErrNoServers) && time.Now().Before(end); <-time.After(reconnectEvery) {
		conn, err = r.probe()
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	switch at := r.address(); {
	case !conn.HeadersSupported():
		return fmt.Errorf("the server %s, version %s, has no headers: rubato needs NATS 2.2 or newer, with headers", at, conn.ConnectedServerVersion())
	case conn.MaxPayload() < maxPayload:
		return fmt.Errorf("the server %s takes messages of at most %d bytes, rubato sends up to %d: raise its max_payload", at, conn.MaxPayload(), maxPayload)
	}
	if err := r.roundTrip(conn); err != nil {
		return err
	}
	if err := r.tryStream(conn, p); err != nil {
		return err
	}
	// All modules join this server of a cluster: another one learns of a subject later, and the
	// figures would depend on who is where.
	r.urls = []string{conn.ConnectedUrl()}
	return r.tryMonitor()
}

func (r *remote) probe() (*nats.Conn, error) {
	r.until = time.Now().Add(2 * remoteWait) // however many addresses there are
	defer func() { r.until = time.Time{} }()
	return r.reach(r.probeName(), "probe", remoteWait)
}

func (r *remote) roundTrip(conn *nats.Conn) error {
	subject := r.space.of(subjectPrefix + "probe")
	_, err := conn.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond(nil) })
	if err == nil {
		_, err = conn.Request(subject, nil, remoteWait)
	}
	if denied := conn.LastError(); errors.Is(denied, nats.ErrPermissionViolation) {
		return r.explain(denied)
	}
	if err != nil {
		return fmt.Errorf("the server %s does not bring back a message: %w", r.address(), r.explain(err))
	}
	return nil
}

// tryStream makes a stream like that of a player, has a message go through it, and removes it.
func (r *remote) tryStream(conn *nats.Conn, p player.Placement) error {
	s := newStream(player.Config{Timeout: remoteWait, Placement: p}.Defaults(), r.space)
	if s == nil {
		return nil
	}
	heard := make(chan *nats.Msg, 1)
	_, err := s.listen(conn, func(m *nats.Msg) { heard <- m }, s.wait)
	if err == nil {
		defer s.remove()
		_, err = s.js.Publish(context.Background(), r.space.of(saidSubject), nil)
	}
	if err == nil {
		select {
		case m := <-heard:
			err = m.AckSync(nats.AckWait(remoteWait))
		case <-time.After(remoteWait):
			err = errors.New("it does not deliver what its stream has")
		}
	}
	if denied := conn.LastError(); errors.Is(denied, nats.ErrPermissionViolation) {
		err = denied
	}
	if err != nil {
		return fmt.Errorf("the server %s does not keep messages for delivery=%s: %w; start it with JetStream and let the user publish to $JS.API.> and $JS.ACK.>, or use delivery=%s", r.address(), p.Delivery, r.hide(err), deliveryCore)
	}
	return nil
}

// tryMonitor looks for the connection that was tried.
func (r *remote) tryMonitor() error {
	if r.monitor == nil {
		return nil
	}
	seen, err := r.listed()
	if err == nil && !slices.ContainsFunc(seen, func(c *server.ConnInfo) bool { return c.Name == r.probeName() }) {
		err = fmt.Errorf("%s does not list the connection to %s: name the monitoring of that server", MonitorVar, r.address())
	}
	return err
}

// address is where the server is, without secrets.
func (r *remote) address() string { return strings.Join(r.urls, ",") }

// explain says what is wrong with the way to the server, and what to do next.
func (r *remote) explain(err error) error {
	at, shown := r.address(), r.hide(err)
	var unknown x509.UnknownAuthorityError
	var cert x509.CertificateInvalidError
	var host x509.HostnameError
	var refused *net.OpError
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Errorf("the server %s denies its user a subject: %w; %s", at, shown, remoteRights)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), errors.Is(err, nats.ErrNkeysNotSupported):
		return fmt.Errorf("the server %s does not let rubato in, by %s: %w; correct %s", at, r.identity, shown, r.corrected)
	case errors.As(err, &unknown):
		return fmt.Errorf("nobody known has signed the certificate of %s: %w; name the file of its CA in %s", at, shown, CAVar)
	case errors.As(err, &cert), errors.As(err, &host):
		return fmt.Errorf("the certificate of %s is not valid: %w; renew it on the server", at, shown)
	case errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("the server %s has no TLS: use nats:// without %s and %s", at, CAVar, CertVar)
	case errors.Is(err, nats.ErrTLS), errors.As(err, &refused) && refused.Op == "remote error": // which of them is chance
		return fmt.Errorf("the server %s ends the encrypted connection, as it does without a client certificate that it trusts: %w; correct %s and %s", at, shown, CertVar, KeyVar)
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), errors.As(err, &refused):
		return fmt.Errorf("no NATS server answers at %s: %w; start it, or correct %s", at, shown, URLVar)
	}
	return fmt.Errorf("the server %s: %w", at, shown)
}

// hide leaves out secrets, should a library have quoted one. It is not for texts of our own: where a
// short password is missing tells it.
func (r *remote) hide(err error) error {
	for _, secret := range r.secrets {
		if strings.Contains(err.Error(), secret) {
			return errors.New(strings.ReplaceAll(err.Error(), secret, "…"))
		}
	}
	return err
}

func (r *remote) links() ([]player.Link, error) {
	if r.monitor == nil {
		return r.clientLinks(), nil
	}
	seen, err := r.listed()
	return summed(r.modulesName(), seen), err
}

// listed are all connections of the server, by its monitoring.
func (r *remote) listed() (seen []*server.ConnInfo, err error) {
	at := r.monitor.JoinPath("connz")
	for {
		at.RawQuery = url.Values{"state": {"all"}, "limit": {strconv.Itoa(server.DefaultConnListSize)}, "offset": {strconv.Itoa(len(seen))}}.Encode()
		page, err := r.page(at)
		if err != nil {
			return nil, err
		}
		if seen = append(seen, page.Conns...); len(page.Conns) == 0 || len(seen) >= page.Total {
			return seen, nil
		}
	}
}

func (r *remote) page(at *url.URL) (page server.Connz, err error) {
	answer, err := r.http.Get(at.String())
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // without the address, which may hold a password
		}
		return page, fmt.Errorf("the monitoring at %s does not answer: %w; correct %s, or unset it", at.Host, err, MonitorVar)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostListed))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	if err == nil {
		err = json.Unmarshal(text, &page)
	}
	if err != nil {
		return page, fmt.Errorf("the monitoring at %s does not list connections: %w; correct %s, or unset it", at.Host, err, MonitorVar)
	}
	return page, nil
}

// clientLinks are what the connections themselves have counted.
func (r *remote) clientLinks() []player.Link {
	r.mu.Lock()
	defer r.mu.Unlock()
	links := map[string]player.Link{}
	for _, m := range r.joined {
		n, l := m.conn.Stats(), links[m.module]
		links[m.module] = player.Link{Module: m.module, Sent: l.Sent + int64(n.OutMsgs), Received: l.Received + int64(n.InMsgs),
			SentBytes: l.SentBytes + int64(n.OutBytes), ReceivedBytes: l.ReceivedBytes + int64(n.InBytes)}
	}
	return listed(links)
}

func (r *remote) counter() string {
	if r.monitor == nil {
		return "the modules' own connections"
	}
	return "its server's monitoring"
}

func (r *remote) where() (pid int, id string) { return 0, "" }

func (r *remote) facts(conn *nats.Conn) []player.Fact {
	encrypted := "none"
	if state, err := conn.TLSConnectionState(); err == nil {
		encrypted = tls.VersionName(state.Version)
	}
	return []player.Fact{{Name: "server", Value: r.address(), Own: true}, {Name: "identity", Value: r.identity, Own: true},
		{Name: "encryption", Value: encrypted, Own: true}, {Name: "CPU of the server", Value: "not counted: it is no process of rubato's", Own: true}}
}
