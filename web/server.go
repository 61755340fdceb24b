package web

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits of the server.
const (
	headerPatience = 5 * time.Second  // to send a header
	readPatience   = 10 * time.Second // to send a request, body included
	writePatience  = 30 * time.Second // for a whole answer; a stream has its own
	idlePatience   = time.Minute
	headerBytes    = 16 << 10
	connections    = 512             // one more is closed at once; listeners alone do not use them up
	farewell       = 2 * time.Second // for answers under way when the server stops
)

// server is a handler on a socket, with limits on all that a client can hold on to.
type server struct {
	http   *http.Server
	stop   context.CancelFunc // ends every request
	served chan error
	open   atomic.Int64
}

// start serves handler on l, which is the server's from now on. Tests change limits.
func start(l net.Listener, handler http.Handler, changes ...func(*http.Server)) *server {
	ctx, stop := context.WithCancel(context.Background())
	s := &server{stop: stop, served: make(chan error, 1)}
	s.http = &http.Server{
		Handler:           http.MaxBytesHandler(handler, BodyLimit),
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       readPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    headerBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.count,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong is told to them
	}
	for _, change := range changes {
		change(s.http)
	}
	go func() { s.served <- s.http.Serve(l) }()
	return s
}

// count closes a connection that is one too many.
func (s *server) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if s.open.Add(1) > connections {
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}

// close ends streams, lets other answers finish for a moment, and frees the port.
func (s *server) close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
