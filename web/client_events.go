package web

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"rubato/player"
)

// EventLimit is the longest event, and the longest line of one, that is read, in bytes.
const EventLimit = 1 << 20

// ErrEventTooLong is what a stream ends with that goes beyond EventLimit.
var ErrEventTooLong = fmt.Errorf("an event of more than %d bytes", EventLimit)

// An Event is a server-sent event.
type Event struct {
	ID   uint64 // 0 when it has none of its own, or none that is a number
	Name string // "message" when it has none
	Data []byte
}

// Events reads server-sent events, as the HTML standard has them. It keeps no id from
// one event to the next, and does not connect again.
type Events struct {
	bytes   *bufio.Reader
	body    io.Closer
	line    []byte // scratch
	afterCR bool   // an LF that comes now ends no line of its own
	begun   bool
}

// ReadEvents reads them from r.
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

// Next waits for the next event. At the end of the stream it is io.EOF; an event that
// was cut off there is none.
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
		if len(line) == 0 { // without data it is none
			event, size = Event{Name: "message"}, 0
			continue
		}
		if size += len(line); size > EventLimit {
			return Event{}, ErrEventTooLong
		}
		some = event.take(line) || some
	}
}

// take takes a line in, and tells whether it is data.
func (e *Event) take(line []byte) bool {
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

// nextLine reads up to LF, CR LF or CR; it is good until the next. What may come after
// a CR is not waited for: the event that ends there is complete.
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

// text is the line, without the mark that a stream may begin with.
func (e *Events) text() []byte {
	if e.begun {
		return e.line
	}
	e.begun = true
	return bytes.TrimPrefix(e.line, []byte("\ufeff"))
}

// State decodes an initial-state.
func (e Event) State() (player.Status, []player.Entry, error) {
	var o opening
	err := e.decode(&o)
	return o.Status.status(), o.Queue.entries(), err
}

// Announcement decodes what was broadcast.
func (e Event) Announcement() (player.Announcement, error) {
	a := heardAnswer{}
	err := e.decode(&a)
	return player.Announcement{Kind: e.Name, Text: a.Text, Number: a.Number}, err
}

// Lost decodes how many events were lost before the next; 0 for any other event.
func (e Event) Lost() (uint64, error) {
	var a lostAnswer
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
