package components

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"

	"rubato/player"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// The reference rungs are floors to compare costs with.

func referencePieces() []piece {
	return []piece{
		{"channel-round-trip", "a message to another goroutine and one back, channels without room", 1, openChannel},
		{"empty-loop", "one turn of a loop that counts in memory", 1, openEmptyLoop},
		{"call", "a function call that is not inlined", 1, openCall},
		{"interface-call", "a call through an interface of which two types are in use", 1, openInterface},
		{"http-request", "GET on loopback over a connection that stays open, answered by a handler with 2 bytes", 1, openHTTP},
	}
}

func openEmptyLoop(place) (*opened, error) {
	turned := new(int64)
	return &opened{count: func() int64 { return *turned }, run: func(n int) error {
		for range n {
			*turned++
		}
		return nil
	}}, nil
}

//go:noinline
func bump(n *int64) { *n++ }

func openCall(place) (*opened, error) {
	called := new(int64)
	return &opened{count: func() int64 { return *called }, run: func(n int) error {
		for range n {
			bump(called)
		}
		return nil
	}}, nil
}

// counter has two implementations, and a path decides which is used: the compiler would
// call a known type directly.
type (
	counter interface{ add() }
	byOne   struct{ n int64 }
	byTwo   struct{ n int64 }
)

func (c *byOne) add() { c.n++ }
func (c *byTwo) add() { c.n += 2 }

func openInterface(at place) (*opened, error) {
	one, two := &byOne{}, &byTwo{}
	var c counter = one
	if at.dir == "" {
		c = two
	}
	return &opened{count: func() int64 { return one.n + two.n/2 }, run: func(n int) error {
		for range n {
			c.add()
		}
		return nil
	}}, nil
}

func openChannel(place) (*opened, error) {
	there, back := make(chan int), make(chan int)
	var answered int64 // written by the other goroutine, read after its answer
	go func() {
		defer close(back)
		for v := range there {
			answered++
			back <- v
		}
	}()
	return &opened{
		count: func() int64 { return answered },
		run: func(n int) error {
			for i := range n {
				there <- i
				if <-back != i {
					return errors.New("the answer differs from what was sent")
				}
			}
			return nil
		},
		close: func() error { close(there); <-back; return nil },
	}, nil
}

func openHTTP(place) (*opened, error) {
	var answered atomic.Int64
	served, err := serveLoopback(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answered.Add(1)
		_, _ = io.WriteString(w, "ok") // the client notices
	}))
	if err != nil {
		return nil, err
	}
	return &opened{
		count: answered.Load,
		run: func(n int) error {
			for range n {
				if err := get(served.client, served.url); err != nil {
					return err
				}
			}
			return nil
		},
		close: served.close,
	}, nil
}

// loopback is an HTTP server on a free port, and a client whose connection stays open.
type loopback struct {
	url    string
	client *http.Client
	server *http.Server
	ended  chan struct{}
}

func serveLoopback(handler http.Handler) (*loopback, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &loopback{url: "http://" + listener.Addr().String() + "/", client: &http.Client{Transport: &http.Transport{}},
		server: &http.Server{Handler: handler}, ended: make(chan struct{})}
	go func() { defer close(l.ended); _ = l.server.Serve(listener) }() // returns that it was closed
	return l, nil
}

func (l *loopback) close() error {
	l.client.CloseIdleConnections()
	err := l.server.Close()
	<-l.ended
	return err
}

func get(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 16))
	if err == nil && string(body) != "ok" {
		err = fmt.Errorf("the handler answered %q", body)
	}
	return err
}

func sqlitePieces() []piece {
	return []piece{
		{"sqlite-read", "one row by its key from SQLite", 1, withStore(openRead)},
		{"sqlite-write", "one row into SQLite and a commit, synchronous=NORMAL", 1, withStore(openWrite)},
	}
}

// withStore opens a piece over its own copy of the library, and closes both.
func withStore(open func(*sqlite.Store) (*opened, error)) func(place) (*opened, error) {
	return func(at place) (*opened, error) {
		path := filepath.Join(at.dir, workload.LibraryFile)
		if err := sqlite.Copy(filepath.Join(at.shared, workload.LibraryFile), path); err != nil {
			return nil, err
		}
		store, err := sqlite.Open(path, sqlite.Options{})
		if err != nil {
			return nil, err
		}
		o, err := open(store)
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
		closePiece := o.close
		o.close = func() error {
			var err error
			if closePiece != nil {
				err = closePiece()
			}
			return errors.Join(err, store.Close())
		}
		return o, nil
	}
}

func openRead(store *sqlite.Store) (*opened, error) {
	var found int64
	return &opened{count: func() int64 { return found }, run: func(n int) error {
		for i := range n {
			id := int64(i%100) + 1
			p, err := store.Director().Passage(id)
			if err != nil {
				return err
			}
			if p.ID == id {
				found++
			}
		}
		return nil
	}}, nil
}

// storeMessage appends one message and commits it.
func storeMessage(log player.LogStore) error {
	return errors.Join(log.AppendMessage(player.Message{Username: "ada", Text: messageText, At: sqlite.Epoch}), log.Commit())
}

var messageText = strings.Repeat("x", 70)

func openWrite(store *sqlite.Store) (*opened, error) {
	var failed error
	return &opened{
		check: func() error { return failed },
		count: func() int64 {
			stored, err := store.Stored()
			failed = errors.Join(failed, err)
			return stored.Messages
		},
		run: func(n int) error {
			log := store.Log()
			for range n {
				if err := storeMessage(log); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}
