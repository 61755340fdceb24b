package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"rubato/player"
)

// Limits of the server.
const (
	headerPatience = 5 * time.Second  // to send a header
	readPatience   = 10 * time.Second // to send a request, body included
	writePatience  = 30 * time.Second // for a whole answer; a stream has its own
	idlePatience   = time.Minute
	headerBytes    = 16 << 10
	connections    = 512             // one more is closed at once; the clients of a hub alone do not use them up
	closePatience  = 2 * time.Second // for answers under way when the server stops
)

// Server is a handler on a socket, with limits on everything that a client can hold.
type Server struct {
	URL  string // "http://", and the address
	http *http.Server
	stop context.CancelFunc // ends every request
	done chan struct{}
	err  error // why it stopped; read it when done is closed
	open atomic.Int64
}

// Serve serves the API of a player on a free port of loopback, to programs on this
// machine.
func Serve(shared *SharedPlayer, hub *Hub, token string) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot listen on loopback: %w", err)
	}
	return StartServer(l, Guard(LocalHosts(l.Addr()), "", API(shared, hub, token))), nil
}

// StartServer serves handler on l, which belongs to the server from now on. changes are
// for tests of its limits.
func StartServer(l net.Listener, handler http.Handler, changes ...func(*http.Server)) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{URL: "http://" + l.Addr().String(), stop: stop, done: make(chan struct{})}
	s.http = &http.Server{
		Handler:           http.MaxBytesHandler(handler, BodyLimit),
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       readPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    headerBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.count,
		ErrorLog:          log.New(io.Discard, "", 0), // a client is told what it does wrong
	}
	for _, change := range changes {
		change(s.http)
	}
	go func() { s.err = s.http.Serve(l); close(s.done) }()
	return s
}

// count closes a connection that is one too many.
func (s *Server) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if s.open.Add(1) > connections {
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}

// Done is closed when the server has stopped; then Err says why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err is why the server stopped, once Done is closed.
func (s *Server) Err() error { return s.err }

// Close ends every stream, lets other answers finish for a moment, and frees the port.
func (s *Server) Close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if <-s.done; !errors.Is(s.err, http.ErrServerClosed) {
		err = errors.Join(err, s.err)
	}
	return err
}

// ShortestToken is the smallest length of a token, in bytes.
const ShortestToken = 16

// cookieName names the cookie that stands for the token after the first visit.
const cookieName = "rubato"

// guard checks every request before its handler.
type guard struct {
	hosts  []string // Host headers that are answered; nil: all
	token  []byte   // its hash; nil: no token is needed
	cookie string   // the value of the cookie: random at every start, so it does not reveal the token
	next   http.Handler
}

// Guard lets only those requests through to next that have one of these Host headers, in
// lower case, and the token; nil and "" let all through. It tells browsers to use what
// they get from here only.
func Guard(hosts []string, token string, next http.Handler) http.Handler {
	g := &guard{hosts: hosts, next: next}
	if token != "" {
		g.token, g.cookie = hash(token), rand.Text()
	}
	return g
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// policy lets the page use this origin only, and no other page embed it.
var policy = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range policy {
		w.Header().Set(name, value)
	}
	switch {
	// DNS rebinding: a page of another name that resolves to this address sends its own name as Host.
	case len(g.hosts) > 0 && !slices.Contains(g.hosts, strings.ToLower(r.Host)):
		g.refuse(w, r, http.StatusForbidden, fmt.Sprintf("host %q is not served: open http://%s/", r.Host, g.hosts[0]))
	case g.token == nil || g.bearer(r) || g.hasCookie(r):
		g.next.ServeHTTP(w, r)
	case g.same(r.URL.Query().Get("token")):
		g.exchange(w, r)
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="rubato"`)
		g.refuse(w, r, http.StatusUnauthorized, "a token is needed: open /?token=TOKEN once, or send Authorization: Bearer TOKEN")
	}
}

// refuse answers in the form of the handler behind it.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if strings.HasPrefix(r.URL.Path, APIRoot) {
		deny(w, status, player.Unauthorised, why)
		return
	}
	WriteError(w, status, "%s", why)
}

// same compares in constant time, for any length.
func (g *guard) same(token string) bool { return subtle.ConstantTimeCompare(hash(token), g.token) == 1 }

func (g *guard) bearer(r *http.Request) bool {
	return g.same(bearerOf(r))
}

func (g *guard) hasCookie(r *http.Request) bool {
	return slices.ContainsFunc(r.CookiesNamed(cookieName), func(c *http.Cookie) bool {
		return subtle.ConstantTimeCompare([]byte(c.Value), []byte(g.cookie)) == 1
	})
}

// exchange sets a cookie for the token and redirects the browser to an address without it,
// because addresses stay in histories and logs.
func (g *guard) exchange(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: g.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	query := r.URL.Query()
	query.Del("token")
	// One slash at its start, so that it cannot name another host.
	to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, `/\`), RawQuery: query.Encode()}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// LocalHosts are the Host headers by which a browser on this machine may call what
// listens at addr.
func LocalHosts(addr net.Addr) []string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return []string{addr.String()}
	}
	var out []string
	for _, name := range []string{host, "127.0.0.1", "localhost", "::1"} {
		out = append(out, net.JoinHostPort(name, port))
		if port == "80" { // browsers leave it out
			out = append(out, strings.TrimSuffix(net.JoinHostPort(name, port), ":80"))
		}
	}
	return out
}
