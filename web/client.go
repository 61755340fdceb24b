package web

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rubato/player"
)

// answerLimit is the longest answer that a Client reads, in bytes. A full queue has about
// 5 000.
const answerLimit = 1 << 20

// Limits of a Client.
const (
	clientPatience    = 10 * time.Second // for a request and its answer
	clientConnections = 64               // the most idle connections that stay open
)

// A Client uses the API of a player over HTTP, as any program would. It reuses its
// connections, and may be used from many goroutines. Errors are player.Errors with the
// code that the player gave.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// NewClient returns a client of the player at base, such as "http://127.0.0.1:8080". It
// sends token with every request, unless it is "".
func NewClient(base, token string) *Client {
	transport := &http.Transport{
		MaxIdleConns: clientConnections, MaxIdleConnsPerHost: clientConnections,
		IdleConnTimeout: time.Minute, ResponseHeaderTimeout: clientPatience, DisableCompression: true,
	} // no proxy: the path to the player is measured
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a player never redirects
	return &Client{base: strings.TrimSuffix(base, "/"), token: token, http: &http.Client{Transport: transport, CheckRedirect: stay}}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ask sends body as JSON, unless it is nil, and decodes the answer into into, unless that
// is nil. API lists the paths.
func (c *Client) Ask(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, clientPatience)
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

// send returns the answer, or the error that it holds.
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
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.http.Do(r)
}

// refusal is the error in an answer of the player.
func refusal(response *http.Response, op string) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	var a errorAnswer
	if err != nil || json.Unmarshal(text, &a) != nil || a.Error.Code == "" {
		a.Error.Code, a.Error.Message = player.Unavailable, "the answer is not from a player"
	}
	return &player.Error{Code: a.Error.Code, Op: op, Err: errors.New(response.Status + ": " + a.Error.Message)}
}

// EventLimit is the length of the longest event, and of the longest line, in bytes.
const EventLimit = 1 << 20

// ErrEventTooLong ends a stream with an event longer than EventLimit.
var ErrEventTooLong = fmt.Errorf("an event of more than %d bytes", EventLimit)

// An Event is a server-sent event.
type Event struct {
	ID   uint64 // 0 if it has none, or one that is not a number
	Name string // "message" if it has none
	Data []byte
}

// Events reads server-sent events as the HTML standard defines them. But an id holds for
// one event only, and the stream does not reconnect.
type Events struct {
	bytes   *bufio.Reader
	body    io.Closer
	line    []byte // scratch
	afterCR bool   // an LF now belongs to the CR before it
	begun   bool
}

// ReadEvents reads events from r.
func ReadEvents(r io.Reader) *Events { return &Events{bytes: bufio.NewReader(r)} }

// Listen opens the stream of events. It ends with ctx, or when it is closed.
func (c *Client) Listen(ctx context.Context) (*Events, error) {
	response, err := c.send(ctx, http.MethodGet, "/api/events", nil)
	if err != nil {
		return nil, err
	}
	e := ReadEvents(response.Body)
	e.body = response.Body
	return e, nil
}

// Close ends the stream.
func (e *Events) Close() error {
	if e.body == nil {
		return nil
	}
	return e.body.Close()
}

// Next waits for the next event. It returns io.EOF at the end of the stream, and drops an
// incomplete event there.
func (e *Events) Next() (Event, error) {
	event, size, some := Event{Name: "message"}, 0, false
	for {
		line, err := e.nextLine()
		if err != nil {
			return Event{}, err
		}
		if len(line) == 0 && some {
			event.Data = bytes.TrimSuffix(event.Data, []byte{'\n'})
			return event, nil
		}
		if len(line) == 0 { // without data there is no event
			event, size = Event{Name: "message"}, 0
			continue
		}
		if size += len(line); size > EventLimit {
			return Event{}, ErrEventTooLong
		}
		some = event.add(line) || some
	}
}

// add adds a line to the event, and reports whether it was data.
func (e *Event) add(line []byte) bool {
	field, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(field) { // "" is a comment
	case "data":
		e.Data = append(append(e.Data, value...), '\n')
		return true
	case "event":
		e.Name = cmp.Or(string(value), "message")
	case "id":
		e.ID, _ = strconv.ParseUint(string(value), 10, 64)
	}
	return false
}

// nextLine reads up to LF, CR LF or CR. The line is valid until the next call. It does not
// wait for what may follow a CR, because the event that ends there is complete.
func (e *Events) nextLine() ([]byte, error) {
	e.line = e.line[:0]
	for {
		c, err := e.bytes.ReadByte()
		if err != nil {
			return nil, err
		}
		after := e.afterCR
		e.afterCR = c == '\r'
		switch {
		case c == '\n' && after:
		case c == '\n' || c == '\r':
			return e.text(), nil
		case len(e.line) == EventLimit:
			return nil, ErrEventTooLong
		default:
			e.line = append(e.line, c)
		}
	}
}

// text is the line, without the byte order mark that a stream may begin with.
func (e *Events) text() []byte {
	if e.begun {
		return e.line
	}
	e.begun = true
	return bytes.TrimPrefix(e.line, []byte("\ufeff"))
}
