package scenarios

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/web"
)

// lastTime is when something happened last, for many goroutines.
type lastTime struct{ at atomic.Int64 }

func (t *lastTime) note(at time.Duration) { t.at.Store(int64(at)) }
func (t *lastTime) is() time.Duration     { return time.Duration(t.at.Load()) }

// gathering is all clients that listen. One broadcast is under way at a time: await
// comes before it, and everybody is told of after it.
type gathering struct {
	listeners []*listener
	began     time.Time
	pending   atomic.Int64 // have not read it
	first     lastTime     // when it was read, since began
	last      lastTime
	all       chan struct{} // everybody has read it
	broken    chan error    // of who cannot listen any more
	listening sync.WaitGroup
}

// gather has n clients listen, one after the other, each of which has been told the state.
func gather(ctx context.Context, client *web.Client, n int, began time.Time) (*gathering, error) {
	g := &gathering{began: began, all: make(chan struct{}, 1), broken: make(chan error, n)}
	for i := range n {
		events, err := client.Listen(ctx)
		if err != nil {
			return g, fmt.Errorf("client %d of %d: %w", i+1, n, err)
		}
		l := &listener{events: events}
		g.listeners = append(g.listeners, l)
		state, err := events.Next()
		if err != nil {
			return g, fmt.Errorf("client %d of %d: %w", i+1, n, err)
		}
		l.take(state)
		l.heard = 0
	}
	for _, l := range g.listeners {
		g.listening.Go(func() { g.broken <- g.listen(l) })
	}
	return g, nil
}

// listen reads until the stream ends.
func (g *gathering) listen(l *listener) error {
	for {
		event, err := l.events.Next()
		at := time.Since(g.began)
		if err != nil {
			return err
		}
		l.take(event)
		switch g.pending.Add(-1) {
		case int64(len(g.listeners)) - 1:
			g.first.note(at)
			if len(g.listeners) > 1 {
				continue
			}
			fallthrough
		case 0:
			g.last.note(at)
			g.all <- struct{}{}
		}
	}
}

// await begins a broadcast.
func (g *gathering) await() { g.pending.Store(int64(len(g.listeners))) }

// hear waits until everybody has read it.
func (g *gathering) hear(late <-chan struct{}) error {
	select {
	case <-g.all:
		return nil
	case err := <-g.broken:
		return fmt.Errorf("a client cannot listen any more: %w", err)
	case <-late:
		return fmt.Errorf("%d of %d clients have not heard what was broadcast", g.pending.Load(), len(g.listeners))
	}
}

// leave ends all streams, whose context has ended, and waits for whoever reads them.
func (g *gathering) leave() (err error) {
	for _, l := range g.listeners {
		err = errors.Join(err, l.events.Close())
	}
	g.listening.Wait()
	return err
}

// listener is one client, and what it has heard.
type listener struct {
	events *web.Events

	mu     sync.Mutex
	heard  int64
	bytes  int64
	digest uint64 // of all, in order
}

// take counts an event. Its id is the hub's, and says nothing of the work.
func (l *listener) take(e web.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard++
	l.bytes += int64(len(e.Data))
	l.digest = player.DigestText(player.DigestText(l.digest, e.Name), string(e.Data))
}

// tally is what all clients together have heard so far.
func (g *gathering) tally() (heard, bytes int64, digest uint64) {
	for _, l := range g.listeners {
		h, b, d := l.tally()
		heard, bytes, digest = heard+h, bytes+b, player.DigestWord(digest, d)
	}
	return heard, bytes, digest
}

// tally is what a listener has heard so far.
func (l *listener) tally() (heard, bytes int64, digest uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard, l.bytes, l.digest
}
