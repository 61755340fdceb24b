package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rubato/player"
)

// answerLimit is the longest answer that a Client reads, in bytes. A full queue has
// some 5 000.
const answerLimit = 1 << 20

// ClientConfig says how a Client asks. The zero value is usable.
type ClientConfig struct {
	Token       string        // sent with every request; "": none
	Timeout     time.Duration // for a request and its answer; 0: 10 s
	Connections int           // kept open while idle, at most; 0: 64
}

// A Client uses the API of a player over HTTP, as somebody else's program would. Its
// connections are kept and used again. It may be used by many at once. Errors are
// player.Errors with the code that the player gave.
type Client struct {
	base   string
	config ClientConfig
	http   *http.Client
}

// NewClient returns a client of what is served below base, such as
// "http://127.0.0.1:8080".
func NewClient(base string, config ClientConfig) *Client {
	config.Timeout = cmp.Or(max(config.Timeout, 0), 10*time.Second)
	config.Connections = cmp.Or(max(config.Connections, 0), 64)
	transport := &http.Transport{
		MaxIdleConns: config.Connections, MaxIdleConnsPerHost: config.Connections,
		IdleConnTimeout: time.Minute, ResponseHeaderTimeout: config.Timeout, DisableCompression: true,
	} // no proxy: what is measured is the way to the player
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a player sends nobody elsewhere
	return &Client{base: strings.TrimSuffix(base, "/"), config: config, http: &http.Client{Transport: transport, CheckRedirect: stay}}
}

// Close lets go of the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status is what people see of the player; the position in whole milliseconds.
func (c *Client) Status(ctx context.Context) (player.Status, error) {
	var a statusAnswer
	err := c.ask(ctx, http.MethodGet, "/api/status", nil, &a)
	return a.status(), err
}

func (a statusAnswer) status() player.Status {
	return player.Status{State: a.State, Passage: a.Passage, Position: player.Ticks(a.PositionMS) * millisecond, Volume: a.Volume}
}

// Queue is what waits, first to play first; lengths in whole milliseconds.
func (c *Client) Queue(ctx context.Context) ([]player.Entry, error) {
	var a queueAnswer
	err := c.ask(ctx, http.MethodGet, "/api/queue", nil, &a)
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
	return c.ask(ctx, http.MethodPost, apiRoot+command, nil, nil)
}

// SetVolume takes 0 to player.MaxVolume.
func (c *Client) SetVolume(ctx context.Context, volume int) error {
	return c.ask(ctx, http.MethodPost, "/api/volume", map[string]int{"volume": volume}, nil)
}

// Enqueue tells how many wait when the passage does.
func (c *Client) Enqueue(ctx context.Context, passage int64) (depth int, err error) {
	var a enqueued
	err = c.ask(ctx, http.MethodPost, "/api/queue", map[string]int64{"passage": passage}, &a)
	return a.Depth, err
}

// Say logs a message.
func (c *Client) Say(ctx context.Context, username, message string) error {
	return c.ask(ctx, http.MethodPost, "/api/messages", map[string]string{"username": username, "message": message}, nil)
}

// WantFlavor wants the flavor of a passage for so many minutes.
func (c *Client) WantFlavor(ctx context.Context, passage, minutes int64) error {
	return c.ask(ctx, http.MethodPost, "/api/flavor", map[string]int64{"passage": passage, "minutes": minutes}, nil)
}

// ask sends body as JSON, if there is one, and decodes the answer into into.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	if err == nil && len(text) > answerLimit {
		err = fmt.Errorf("the answer is longer than %d bytes", answerLimit)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return &player.Error{Code: player.Unavailable, Op: method + " " + path, Err: err}
	}
	return nil
}

// send returns an answer that is none of an error.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	response, err := c.roundTrip(ctx, method, path, body)
	if err != nil {
		return nil, &player.Error{Code: player.Unavailable, Op: method + " " + path, Err: err}
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, refusal(response, method+" "+path)
}

func (c *Client) roundTrip(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.config.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	return c.http.Do(r)
}

// refusal is the error that the player gave, if this is one.
func refusal(response *http.Response, op string) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	var a errorAnswer
	if err != nil || json.Unmarshal(text, &a) != nil || a.Error.Code == "" {
		a.Error.Code, a.Error.Message = player.Unavailable, "it is no player that answers"
	}
	return &player.Error{Code: a.Error.Code, Op: op, Err: errors.New(response.Status + ": " + a.Error.Message)}
}
