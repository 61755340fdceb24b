package live

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/web"
)

// listen opens the stream and returns its lines; leaving ends it.
func listen(t *testing.T, url string) (lines *bufio.Scanner, leave func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != "text/event-stream; charset=utf-8" {
		t.Fatalf("%s %s", response.Status, got)
	}
	leave = func() { cancel(); response.Body.Close(); transport.CloseIdleConnections() }
	t.Cleanup(leave)
	return bufio.NewScanner(response.Body), leave
}

// until reads on to a line with this start.
func until(t *testing.T, lines *bufio.Scanner, start string) string {
	t.Helper()
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), start) {
			return lines.Text()
		}
	}
	t.Fatalf("the stream ended before %q: %v", start, lines.Err())
	return ""
}

func served(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestStream(t *testing.T) {
	t.Parallel()
	p := example()
	url := served(t, Developer(Insides{Player: p}))
	lines, leave := listen(t, url+"/dev/events/stream?event=ui::Chat::said&interval=100ms&coalesce=1")
	e := p.listening(t, 1)
	if o := e.options; len(o.Events) != 1 || o.Interval != 100*time.Millisecond || !o.Coalesce || o.Capacity != StreamBacklog {
		t.Errorf("listens with %+v", o)
	}
	e.events <- player.Heard{Flow: 3, Event: "ui::Chat::said", Fields: "text=\"" + hostile + "\n\ndata: forged\"", Lost: 4}
	got := until(t, lines, "data: ")
	for _, want := range []string{`"flow":3`, `"lost":4`, `\n\ndata: forged`, `\u003cscript`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	leave()
	e.ended(t)
}

// An event about a passage has its title; one in which a user names a passage has none.
func TestStreamTitles(t *testing.T) {
	t.Parallel()
	p := example()
	lines, _ := listen(t, served(t, Developer(Insides{Player: p, Titles: web.Titles{12: "Slow River"}}))+"/dev/events/stream")
	e := p.listening(t, 1)
	for fields, title := range map[string]string{"passage=12": `,"title":"Slow River"}`, "passage=12 at=7": `,"title":"Slow River"}`,
		"passage=13": `"fields":"passage=13"}`, `text="passage=12 "`: `"fields":"text=\"passage=12 \""}`} {
		e.events <- player.Heard{Fields: fields}
		if got := until(t, lines, "data: "); !strings.HasSuffix(got, title) {
			t.Errorf("%s: %s, want %s at its end", fields, got, title)
		}
	}
}

func TestStreamEndsWithThePlayer(t *testing.T) {
	t.Parallel()
	p := example()
	lines, _ := listen(t, served(t, Developer(Insides{Player: p}))+"/dev/events/stream")
	e := p.listening(t, 1)
	close(e.events)
	until(t, lines, "event: end")
	if got := until(t, lines, "data: "); !strings.Contains(got, "closed") {
		t.Errorf("it ends with %s", got)
	}
	e.ended(t)
}

func TestStreamHeartbeat(t *testing.T) {
	t.Parallel()
	p := example()
	s := newStream(p, nil)
	s.heartbeat = 5 * time.Millisecond
	lines, _ := listen(t, served(t, s)+"/dev/events/stream")
	until(t, lines, ": still here")
	until(t, lines, ": still here")
	p.listening(t, 1).events <- player.Heard{Event: "after silence"}
	until(t, lines, `data: {"flow":0,"event":"after silence"`)
}

func TestStreamIsBounded(t *testing.T) {
	t.Parallel()
	p := example()
	s := newStream(p, nil)
	s.places = make(chan struct{}, 2)
	url := served(t, s)
	_, leave := listen(t, url)
	listen(t, url)
	if w := ask(s, "GET", "/"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"error"`) {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	leave()
	first := p.listening(t, 1)
	first.ended(t)
	deadline := time.Now().Add(10 * time.Second)
	for len(s.places) > 1 && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	listen(t, url)
}

// A client that does not read delays no other, and is disconnected.
func TestStreamClientThatNeverReads(t *testing.T) {
	t.Parallel()
	p := example()
	s := newStream(p, nil)
	s.patience = 50 * time.Millisecond
	address := strings.TrimPrefix(served(t, s), "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: " + address + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	e := p.listening(t, 1)
	long := player.Heard{Fields: strings.Repeat("long ", 20_000)}
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e.events <- long:
		case <-e.closed:
			return
		case <-deadline:
			t.Fatal("a client that never reads is never cut off")
		}
	}
}

// A stream outlives the limits that every other request has.
func TestStreamOutlivesTheServersLimits(t *testing.T) {
	t.Parallel()
	p := example()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.StartServer(l, Developer(Insides{Player: p}), func(h *http.Server) {
		h.ReadTimeout, h.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	})
	lines, leave := listen(t, "http://"+l.Addr().String()+"/dev/events/stream")
	e := p.listening(t, 1)
	<-time.After(150 * time.Millisecond)
	e.events <- player.Heard{Event: "late"}
	until(t, lines, `data: {"flow":0,"event":"late"`)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	e.ended(t)
	leave()
}
