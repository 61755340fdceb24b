package web

import (
	"fmt"
	"net"
)

// Served is the API of a player on a socket of its own.
type Served struct {
	URL    string // "http://127.0.0.1:" and the port
	server *server
}

// Serve serves front and hub on a free port of loopback, to programs on this machine.
func Serve(front *Front, hub *Hub, config APIConfig) (*Served, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot listen on loopback: %w", err)
	}
	return serveOn(l, front, hub, config), nil
}

func serveOn(l net.Listener, front *Front, hub *Hub, config APIConfig) *Served {
	handler := newGuard(hosts(l.Addr()), "", API(front, hub, config))
	return &Served{URL: "http://" + l.Addr().String(), server: start(l, handler)}
}

// Close ends every stream, lets other answers finish for a moment, and frees the port.
// The player stays open.
func (s *Served) Close() error { return s.server.close() }
