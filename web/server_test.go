package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rubato/player"
)

func listening(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// readOnly answers GET alone.
var readOnly = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
})

// A stream outlives the limits that every other request has.
func TestServerKeepsStreamsOpen(t *testing.T) {
	t.Parallel()
	l := listening(t)
	hub := NewHub(HubConfig{})
	s := StartServer(l, API(NewSharedPlayer(&fakePlayer{}, nil), hub, ""), func(h *http.Server) {
		h.ReadTimeout, h.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	})
	response, leave := openEvents(t, s.URL)
	defer leave()
	lines := bufio.NewScanner(response.Body)
	until(t, lines, "event: initial-state")
	<-time.After(150 * time.Millisecond)
	hub.Hear(player.Announcement{Kind: "late"})
	until(t, lines, "event: late")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestServerLimits(t *testing.T) {
	t.Parallel()
	l := listening(t)
	s := StartServer(l, readOnly)
	defer s.Close()
	if h := s.http; h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %+v", h)
	}
	for name, c := range map[string]struct{ request, answer string }{
		"long header": {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
		"body":        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", "HTTP/1.1 405 "},
		"no HTTP":     {"hello\r\n\r\n", "HTTP/1.1 400 "},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, c.request) // the server may hang up on it
			answer := make([]byte, len(c.answer))
			if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != c.answer {
				t.Errorf("%q, %v, want %q", answer, err, c.answer)
			}
		})
	}
}

// One connection too many is closed, and room is made when another goes.
func TestServerBoundsConnections(t *testing.T) {
	t.Parallel()
	l := listening(t)
	s := StartServer(l, readOnly)
	defer s.Close()
	s.open.Store(connections)
	if _, err := http.Get("http://" + l.Addr().String()); err == nil {
		t.Error("one too many is answered")
	}
	deadline := time.Now().Add(10 * time.Second)
	for s.open.Load() != connections && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	s.open.Store(0)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for port, want := range map[int]string{
		8080: "127.0.0.1:8080 127.0.0.1:8080 localhost:8080 [::1]:8080",
		80:   "127.0.0.1:80 127.0.0.1 127.0.0.1:80 127.0.0.1 localhost:80 localhost [::1]:80 [::1]",
	} {
		if got := strings.Join(LocalHosts(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}), " "); got != want {
			t.Errorf("%d: %s, want %s", port, got, want)
		}
	}
}
