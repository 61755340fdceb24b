package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"rubato/player"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []Event
		err  error
	}{
		"one":              {"id: 3\nevent: song\ndata: {}\n\n", []Event{{3, "song", []byte("{}")}}, io.EOF},
		"no name":          {"data: x\n\n", []Event{{0, "message", []byte("x")}}, io.EOF},
		"empty name":       {"event:\ndata: x\n\n", []Event{{0, "message", []byte("x")}}, io.EOF},
		"two lines":        {"data: a\ndata:b\ndata:  c\n\n", []Event{{0, "message", []byte("a\nb\n c")}}, io.EOF},
		"empty data":       {"data\n\ndata:\n\n", []Event{{0, "message", []byte{}}, {0, "message", []byte{}}}, io.EOF},
		"CR LF":            {"data: x\r\n\r\ndata: y\r\n\r\n", []Event{{0, "message", []byte("x")}, {0, "message", []byte("y")}}, io.EOF},
		"CR LF, two lines": {"id: 3\r\ndata: x\r\n\r\n", []Event{{3, "message", []byte("x")}}, io.EOF},
		"CR":               {"data: x\r\rdata: y\r\r", []Event{{0, "message", []byte("x")}, {0, "message", []byte("y")}}, io.EOF},
		"mixed":            {"data: x\r\n\rdata: y\n\r\ndata: z\r\n\n", []Event{{0, "message", []byte("x")}, {0, "message", []byte("y")}, {0, "message", []byte("z")}}, io.EOF},
		"mark":             {"\ufeffdata: x\n\n\ufeffdata: y\n\n", []Event{{0, "message", []byte("x")}}, io.EOF},
		"comments":         {": a\n\n:\n\ndata: x\n: b\n\n: c\n", []Event{{0, "message", []byte("x")}}, io.EOF},
		"no data":          {"event: a\nid: 4\n\ndata: x\n\n", []Event{{0, "message", []byte("x")}}, io.EOF},
		"cut off":          {"data: x\n\ndata: y\n", []Event{{0, "message", []byte("x")}}, io.EOF},
		"unknown field":    {"dat: x\nretry: 5\nData: x\n\ndata: y\n\n", []Event{{0, "message", []byte("y")}}, io.EOF},
		"id of another":    {"id: abc\ndata: x\n\nid: -1\ndata: y\n\n", []Event{{0, "message", []byte("x")}, {0, "message", []byte("y")}}, io.EOF},
		"nothing":          {"", nil, io.EOF},
		"longest":          {"data:" + strings.Repeat("x", EventLimit-5) + "\n\n", []Event{{0, "message", bytes.Repeat([]byte("x"), EventLimit-5)}}, io.EOF},
		"line too long":    {"data: " + strings.Repeat("x", EventLimit), nil, ErrEventTooLong},
		"event too long":   {strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000), nil, ErrEventTooLong},
		"comments forever": {strings.Repeat(": x\n", EventLimit), nil, ErrEventTooLong},
		"beats for ever":   {strings.Repeat(": x\n\n", EventLimit), nil, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readers := map[string]io.Reader{"at once": strings.NewReader(c.text)}
			if len(c.text) < 1000 {
				readers["byte by byte"] = iotest.OneByteReader(strings.NewReader(c.text))
			}
			for how, r := range readers {
				events := ReadEvents(r)
				for i, want := range c.want {
					if got, err := events.Next(); err != nil || got.ID != want.ID || got.Name != want.Name || !bytes.Equal(got.Data, want.Data) {
						t.Fatalf("%s: event %d is %+v, %v, want %+v", how, i, got, err, want)
					}
				}
				if got, err := events.Next(); !errors.Is(err, c.err) {
					t.Errorf("%s: then %+v, %v, want %v", how, got, err, c.err)
				}
			}
		})
	}
}

// An event is complete with its last byte, even if a CR may be the first half of a CR LF.
func TestEventsDoNotWait(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "data: x\r\n\r")
	if e, err := ReadEvents(r).Next(); err != nil || string(e.Data) != "x" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestEventDecodes(t *testing.T) {
	t.Parallel()
	broken := Event{Name: "lost", Data: []byte("no JSON")}
	if _, err := broken.Lost(); err == nil {
		t.Error("lost: no error")
	}
	if _, err := broken.Announcement(); err == nil {
		t.Error("announcement: no error")
	}
	if _, _, err := broken.State(); err == nil {
		t.Error("state: no error")
	}
	if n, err := (Event{Name: "song", Data: []byte(`{"lost":3}`)}).Lost(); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// A listener's stream ends with its context, and with the server.
func TestListenEnds(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{}, nil, "")
	ctx, cancel := context.WithCancel(t.Context())
	e, err := s.client.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	next(t, e)
	cancel()
	if _, err := e.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	e.Close()
	served, err := Serve(s.shared, NewHub(HubConfig{}), "")
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(served.URL, "")
	defer c.Close()
	if e, err = c.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	next(t, e)
	began := time.Now()
	if err := served.Close(); err != nil || time.Since(began) > closePatience {
		t.Errorf("%v after %v: a listener holds the server up", err, time.Since(began))
	}
	if _, err := e.Next(); err == nil {
		t.Error("the stream goes on without its server")
	}
	if _, err := c.Status(t.Context()); player.CodeOf(err) != player.Unavailable {
		t.Errorf("the port is still served: %v", err)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("id: 3\nevent: song\ndata: {}\n\n: x\r\n\r\rdata"))
	f.Add(Titles(nil).encode(1, player.Announcement{Kind: "a\nb", Text: "\n\r\u2028", Number: -1}))
	f.Add(appendEvents(nil, [][]byte{Titles(nil).encode(2, player.Announcement{})}, 3))
	f.Fuzz(func(t *testing.T, text []byte) {
		once := ReadEvents(bytes.NewReader(text))
		again := ReadEvents(iotest.OneByteReader(bytes.NewReader(text)))
		for range len(text) + 1 {
			a, err := once.Next()
			b, err2 := again.Next()
			if a.ID != b.ID || a.Name != b.Name || !bytes.Equal(a.Data, b.Data) || !errors.Is(err2, err) {
				t.Fatalf("%+v %v, byte by byte %+v %v", a, err, b, err2)
			}
			if err != nil {
				return
			}
			if strings.ContainsAny(a.Name, "\r\n") || bytes.ContainsRune(a.Data, '\r') {
				t.Fatalf("%+v has a line end in it", a)
			}
		}
		t.Fatal("more events than bytes")
	})
}

// Every announcement is decoded unchanged.
func FuzzAnnouncement(f *testing.F) {
	f.Add("song", "x\n\ndata: y", int64(3))
	f.Add("a\r\nb", "\u2028\x00\xff", int64(-1))
	f.Fuzz(func(t *testing.T, kind, text string, number int64) {
		events := ReadEvents(bytes.NewReader(Titles(nil).encode(9, player.Announcement{Kind: kind, Text: text, Number: number})))
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		a, err := e.Announcement()
		if err != nil || e.ID != 9 || a.Number != number || a.Text != strings.ToValidUTF8(text, "\ufffd") && strings.ToValidUTF8(text, "") == text {
			t.Fatalf("%+v, %v from %q %q", a, err, kind, text)
		}
		if _, err := events.Next(); err != io.EOF {
			t.Fatalf("more than one event: %v", err)
		}
	})
}
