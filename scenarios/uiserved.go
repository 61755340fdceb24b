package scenarios

import (
	"context"
	"errors"
	"fmt"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
	"rubato/web"
)

// servedPlayer is a style with its HTTP API and events on a free port of loopback. Server,
// player and clients are one process, so time and CPU include both sides; the clients' share
// is the same in all styles.
//
// The player's clock advances by one tick with each stimulus. So no answer depends on how
// long a request takes, and nothing becomes due meanwhile: the queue is refilled twice before
// the first block, and not again.
type servedPlayer struct {
	*workload.Workload
	hub    *web.Hub
	front  *web.SharedPlayer
	served *web.Server
	queued []player.Entry // before the first block
	clock  player.Ticks
}

// openUI opens a style and serves it. The style announces to audience, which passes it on to
// the hub.
func (s styles) openUI(setup runner.Setup, hub *web.Hub, audience player.Audience) (*servedPlayer, error) {
	d := &servedPlayer{hub: hub, clock: sqlite.Epoch + 3*player.Hour}
	d.Workload = &workload.Workload{Count: d.effects}
	_, err := s.Start(setup, d.Workload, func(c *player.Config) { c.Audience = audience })
	if err != nil {
		return nil, err
	}
	d.front = web.NewSharedPlayer(d.Player, d.tick)
	if err = d.play(); err == nil {
		d.served, err = web.Serve(d.front, d.hub, "")
	}
	if err != nil {
		return nil, fmt.Errorf("before the first request: %w", errors.Join(err, d.Close()))
	}
	return d, nil
}

// tick advances the clock. One goroutine at a time calls it.
func (d *servedPlayer) tick() player.Ticks {
	d.clock++
	return d.clock
}

// effects counts lines of lanes, rows, and announcements.
func (d *servedPlayer) effects(seen player.Observation) int64 {
	return workload.RefillsAndStored(seen) + int64(d.hub.Counts().Heard)
}

// play queues two passages and starts the first. It queues the second at the clock's time,
// so that the next refill would come RefillInterval later.
func (d *servedPlayer) play() error {
	err := errors.Join(d.do(workload.LowAt(d.Seed, 0)), d.do(player.Stimulus{Kind: player.QueueLow}))
	if err != nil {
		return err
	}
	if d.queued, err = d.front.Waiting(context.Background()); err != nil {
		return err
	}
	if len(d.queued) != player.LowDepth-1 {
		return fmt.Errorf("%d passages are queued, want %d", len(d.queued), player.LowDepth-1)
	}
	return d.do(player.Stimulus{Kind: player.BufferReady, Passage: d.queued[0].Passage})
}

// do sends a stimulus without HTTP.
func (d *servedPlayer) do(s player.Stimulus) error { return d.front.Do(context.Background(), s) }

// Close closes the server, then the player and its stores.
func (d *servedPlayer) Close() (err error) {
	if d.served != nil {
		err = d.served.Close()
	}
	d.front.Close()
	return errors.Join(err, d.Workload.Close())
}

// playPause is the i-th command: pause and play in turn, so that each changes something.
func playPause(i int) string { return [...]string{player.Pause, player.Play}[i%2] }

const (
	commandLines     = 3 // lines of lanes: received, announced, stored
	commandAnnounced = 1 // to the hub
)
