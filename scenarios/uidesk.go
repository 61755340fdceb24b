package scenarios

import (
	"context"
	"errors"
	"fmt"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
	"rubato/web"
)

// uiDesk is a style with what people use it by: its HTTP API and its events, on a free
// port of loopback. Server, player and whoever uses them are one process, so that time
// and CPU are of both sides; what the client side takes is the same in all styles.
//
// The player's clock goes on by one tick with each stimulus, so that nothing that is
// answered depends on how long a request takes, and nothing comes due meanwhile: the
// queue is refilled twice before the first block, and not again.
type uiDesk struct {
	*workload
	hub    *web.Hub
	front  *web.Front
	served *web.Served
	queued []player.Entry // before the first block
	clock  player.Ticks
}

// openUI opens a style and serves it. Its audience is what tap makes of the hub.
func (s styleSet) openUI(setup runner.Setup, config web.HubConfig, tap func(*web.Hub) player.Audience) (*uiDesk, error) {
	d := &uiDesk{hub: web.NewHub(config), clock: sqlite.Epoch + 3*player.Hour}
	d.workload = &workload{count: d.effects}
	_, err := s.start(setup, d.workload, func(c *player.Config) { c.Audience = tap(d.hub) })
	if err != nil {
		return nil, err
	}
	d.front = web.NewFront(d.player, web.FrontConfig{Clock: d.tick})
	if err = d.play(); err == nil {
		d.served, err = web.Serve(d.front, d.hub, web.APIConfig{})
	}
	if err != nil {
		return nil, fmt.Errorf("before the first request: %w", errors.Join(err, d.Close()))
	}
	return d, nil
}

// tick is asked by one goroutine at a time.
func (d *uiDesk) tick() player.Ticks {
	d.clock++
	return d.clock
}

// effects are lines of lanes, rows, and what was broadcast.
func (d *uiDesk) effects(seen player.Observation) int64 {
	return refillsAndStored(seen) + int64(d.hub.Counts().Heard)
}

// play has two passages queued and the first of them playing. The second is queued at
// the clock's time: the next refill would come RefillInterval later.
func (d *uiDesk) play() error {
	low := lowAt(d.seed, 0)
	err := d.do(low)
	if err == nil {
		low.Seed, low.At = 0, 0
		err = d.do(low)
	}
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

// do has the player do something that nobody asks for over HTTP.
func (d *uiDesk) do(s player.Stimulus) error { return d.front.Do(context.Background(), s) }

// Close ends what is served, then the player and its stores.
func (d *uiDesk) Close() (err error) {
	if d.served != nil {
		err = d.served.Close()
	}
	d.front.Close()
	return errors.Join(err, d.workload.Close())
}

// playPause is the i-th of commands each of which changes something: a player that plays
// is paused, and goes on.
func playPause(i int) string { return [...]string{player.Pause, player.Play}[i%2] }

const (
	commandLines = 3 // commanded, told, kept
	commandTold  = 1 // to the hub
)
