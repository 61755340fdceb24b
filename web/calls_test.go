package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"rubato/player"
)

// The calls of a client, and what events hold, as a program would write them.

// Status is the status that people see, with the position in whole milliseconds.
func (c *Client) Status(ctx context.Context) (player.Status, error) {
	var a statusAnswer
	err := c.Ask(ctx, http.MethodGet, "/api/status", nil, &a)
	return a.status(), err
}

func (a statusAnswer) status() player.Status {
	return player.Status{State: a.State, Passage: a.Passage, Position: player.Ticks(a.PositionMS) * millisecond, Volume: a.Volume}
}

// Queue is the queue, first to play first, with lengths in whole milliseconds.
func (c *Client) Queue(ctx context.Context) ([]player.Entry, error) {
	var a queueAnswer
	err := c.Ask(ctx, http.MethodGet, "/api/queue", nil, &a)
	return a.entries(), err
}

func (a queueAnswer) entries() []player.Entry {
	entries := make([]player.Entry, 0, len(a.Entries))
	for _, e := range a.Entries {
		entries = append(entries, player.Entry{Passage: e.Passage, Length: player.Ticks(e.LengthMS) * millisecond})
	}
	return entries
}

// Command is player.Play, Pause, Stop or Skip.
func (c *Client) Command(ctx context.Context, command string) error {
	return c.Ask(ctx, http.MethodPost, APIRoot+command, nil, nil)
}

// SetVolume takes 0 to player.MaxVolume.
func (c *Client) SetVolume(ctx context.Context, volume int) error {
	return c.Ask(ctx, http.MethodPost, "/api/volume", map[string]int{"volume": volume}, nil)
}

// Enqueue enqueues a passage and returns how many wait then.
func (c *Client) Enqueue(ctx context.Context, passage int64) (depth int, err error) {
	var a enqueued
	err = c.Ask(ctx, http.MethodPost, "/api/queue", map[string]int64{"passage": passage}, &a)
	return a.Depth, err
}

// Say logs a message.
func (c *Client) Say(ctx context.Context, username, message string) error {
	return c.Ask(ctx, http.MethodPost, "/api/messages", map[string]string{"username": username, "message": message}, nil)
}

// WantFlavor makes the player want the flavor of a passage for so many minutes.
func (c *Client) WantFlavor(ctx context.Context, passage, minutes int64) error {
	return c.Ask(ctx, http.MethodPost, "/api/flavor", map[string]int64{"passage": passage, "minutes": minutes}, nil)
}

// State decodes an initial-state.
func (e Event) State() (player.Status, []player.Entry, error) {
	var o opening
	err := e.decode(&o)
	return o.Status.status(), o.Queue.entries(), err
}

// Announcement decodes a broadcast.
func (e Event) Announcement() (player.Announcement, error) {
	a := heardAnswer{}
	err := e.decode(&a)
	return player.Announcement{Kind: e.Name, Text: a.Text, Number: a.Number}, err
}

// Lost decodes an event lost: how many events were lost. It is 0 for any other event.
func (e Event) Lost() (uint64, error) {
	var a struct {
		Lost uint64 `json:"lost"`
	}
	if e.Name != "lost" {
		return 0, nil
	}
	err := e.decode(&a)
	return a.Lost, err
}

func (e Event) decode(into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("event %s: %w", e.Name, err)
	}
	return nil
}
