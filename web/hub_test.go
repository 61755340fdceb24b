package web

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rubato/player"
)

// What a client receives, byte by byte.
func TestHubTranscript(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{}, nil, "")
	s.status = player.Status{State: player.Playing, Passage: 7, Position: 3 * player.Second / 2, Volume: 50}
	s.queue = []player.Entry{{Passage: 7, Length: player.Minute}}
	s.hub.Hear(player.Announcement{Kind: "before anybody listens"})
	response, leave := openEvents(t, s.url)
	defer leave()
	s.hub.Hear(player.Announcement{Kind: player.StateChanged, Text: "paused"})
	s.hub.Hear(player.Announcement{Kind: player.DepthChanged, Number: 3})
	s.hub.Hear(player.Announcement{Kind: "two\r\nlines", Text: "data: forged\n\n" + hostile})
	const want = "retry: 2000\n\n" +
		"event: initial-state\ndata: {\"status\":{\"state\":\"playing\",\"passage\":7,\"position_ms\":1500,\"volume\":50}," +
		"\"queue\":{\"entries\":[{\"passage\":7,\"length_ms\":60000}]}}\n\n" +
		"id: 2\nevent: playback-state\ndata: {\"text\":\"paused\",\"number\":0}\n\n" +
		"id: 3\nevent: queue-depth\ndata: {\"text\":\"\",\"number\":3}\n\n" +
		"id: 4\nevent: two  lines\ndata: {\"text\":\"data: forged\\n\\n\\u003cscript\\u003ealert(\\\"\\u0026\\\")\\u003c/script\\u003e\",\"number\":0}\n\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" || response.Header.Get("Cache-Control") != "no-store, no-transform" {
		t.Errorf("%v", response.Header)
	}
}

// openEvents opens the events without a reader of events.
func openEvents(t *testing.T, url string) (*http.Response, func()) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Get(url + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	return response, func() { response.Body.Close() }
}

func TestHubTellsEverybody(t *testing.T) {
	t.Parallel()
	const clients, events = 100, 200
	s := startAPI(t, &fakePlayer{}, HubConfig{Backlog: events}, nil, "")
	var all sync.WaitGroup
	for range clients {
		e := s.listens(t)
		if status, queue, err := next(t, e).State(); err != nil || status != s.status || len(queue) != 0 {
			t.Fatalf("%+v %v %v", status, queue, err)
		}
		all.Go(func() {
			for i := range uint64(events) {
				event, err := e.Next()
				if err != nil || event.ID != i+1 || event.Name != "took" {
					t.Errorf("event %d: %+v, %v", i+1, event, err)
					return
				}
				if a, err := event.Announcement(); err != nil || a != (player.Announcement{Kind: "took", Number: int64(player.VolumeSet)}) {
					t.Errorf("%+v, %v", a, err)
				}
			}
		})
	}
	for i := range events {
		if err := s.client.SetVolume(t.Context(), i%100); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	c := s.hub.Counts()
	if c.Heard != events || len(c.Clients) != clients {
		t.Fatalf("%+v", c)
	}
	for i, client := range c.Clients {
		// What has been read may be counted a moment later, but nothing is lost.
		if client.Client != uint64(i+1) || client.Lost != 0 {
			t.Errorf("%+v", client)
		}
	}
}

// tight is a listener whose connections have next to no buffers, so that a client that
// does not read is noticed at once.
type tight struct{ net.Listener }

func (l tight) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(1)
	}
	return c, err
}

// tightHub is a hub behind such a listener.
func tightHub(t *testing.T, config HubConfig) (*Hub, string) {
	t.Helper()
	hub, l := NewHub(config), listening(t)
	served := StartServer(tight{l}, Guard(LocalHosts(l.Addr()), "", API(NewSharedPlayer(&fakePlayer{}, nil), hub, "")))
	t.Cleanup(func() {
		if err := served.Close(); err != nil {
			t.Error(err)
		}
	})
	return hub, l.Addr().String()
}

// deaf is a client that asks for events, and reads no further than their start.
func deaf(t *testing.T, address string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	conn := c.(*net.TCPConn)
	_ = conn.SetReadBuffer(1)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, "GET /api/events HTTP/1.1\r\nHost: "+address+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReaderSize(conn, 16)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "event: initial-state") {
			return conn, lines
		}
	}
}

// A client that does not read loses its own oldest events, learns how many before the next
// one, and costs the others nothing.
func TestHubSlowClient(t *testing.T) {
	t.Parallel()
	const backlog = 8
	hub, address := tightHub(t, HubConfig{Backlog: backlog, Patience: 20 * time.Second})
	_, slow := deaf(t, address)
	client := NewClient("http://"+address, "")
	t.Cleanup(client.Close)
	quick, err := client.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer quick.Close()
	next(t, quick)
	sent := uint64(0)
	for hub.Counts().Clients[0].Lost < 100 {
		sent++
		hub.Hear(player.Announcement{Kind: "long", Text: strings.Repeat("x", 4000), Number: int64(sent)})
		if e := next(t, quick); e.ID != sent {
			t.Fatalf("the quick client got %d, want %d, as without other clients", e.ID, sent)
		}
		if sent > 20_000 {
			t.Fatal("a client that does not read never loses anything")
		}
	}
	if c := hub.Counts().Clients[1]; c.Lost != 0 {
		t.Errorf("the quick client: %+v", c)
	}
	hearsOfLoss(t, ReadEvents(slow), hub, sent)
}

// hearsOfLoss reads on to the last event: ids and losses must add up.
func hearsOfLoss(t *testing.T, e *Events, hub *Hub, last uint64) {
	t.Helper()
	_, err := e.Next() // what is left of the initial state
	var expected, lost uint64 = 1, 0
	for err == nil && expected <= last {
		var event Event
		if event, err = e.Next(); err != nil {
			break
		}
		n, _ := event.Lost()
		lost += n
		if expected += n; event.Name == "lost" {
			continue
		}
		if event.ID != expected {
			t.Fatalf("event %d came where %d was expected: a gap that was not reported", event.ID, expected)
		}
		expected++
	}
	if c := hub.Counts().Clients[0]; err != nil || lost == 0 || c.Lost != lost {
		t.Errorf("%v; %d were reported as lost, and %+v is counted", err, lost, c)
	}
}

// A client that does not read for long is disconnected, and its goroutine ends.
func TestHubCutsOff(t *testing.T) {
	t.Parallel()
	hub, address := tightHub(t, HubConfig{Patience: 50 * time.Millisecond})
	deaf(t, address)
	deadline := time.Now().Add(20 * time.Second)
	for len(hub.Counts().Clients) > 0 {
		hub.Hear(player.Announcement{Kind: "long", Text: strings.Repeat("x", 4000)})
		if <-time.After(time.Millisecond); time.Now().After(deadline) {
			t.Fatal("a client that never reads is never cut off")
		}
	}
	if c := hub.Counts(); c.Gone.Client != 1 || c.Gone.Lost == 0 || c.Gone.Lost+c.Gone.Delivered > c.Heard {
		t.Errorf("%+v", c)
	}
}

func TestHubHeartbeat(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{Heartbeat: 5 * time.Millisecond}, nil, "")
	response, leave := openEvents(t, s.url)
	defer leave()
	lines := bufio.NewScanner(response.Body)
	until(t, lines, ": still here")
	until(t, lines, ": still here")
	s.hub.Hear(player.Announcement{Kind: "after silence"})
	until(t, lines, "event: after silence")
}

// One client too many is refused, and there is room when another has left.
func TestHubIsBounded(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{Clients: 2}, nil, "")
	first := s.listens(t)
	next(t, first)
	next(t, s.listens(t))
	response, body := request(t, "GET", s.url+"/api/events", "", "", [2]string{})
	wantError(t, response, body, http.StatusServiceUnavailable, player.Unavailable)
	if response.Header.Get("Retry-After") == "" {
		t.Error("it is not said when to try again")
	}
	first.Close()
	deadline := time.Now().Add(10 * time.Second)
	for len(s.hub.Counts().Clients) == 2 && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	next(t, s.listens(t))
	if c := s.hub.Counts(); c.Gone.Client != 1 || len(c.Clients) != 2 || c.Clients[1].Client != 3 {
		t.Errorf("%+v", c)
	}
}

// A client that cannot get the state is told why, and its place is free again.
func TestHubWithoutState(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{fails: errBroken}, HubConfig{Clients: 1}, nil, "")
	for range 3 {
		response, body := request(t, "GET", s.url+"/api/events", "", "", [2]string{})
		wantError(t, response, body, http.StatusServiceUnavailable, player.Unavailable)
		if !strings.Contains(string(body), reasons[player.Unavailable]) || strings.Contains(string(body), errBroken.Error()) {
			t.Errorf("%s", body)
		}
	}
}

// Events are broadcast while clients come and go and others read counts; for the race
// detector.
func TestHubWhileClientsComeAndGo(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{Backlog: 4}, nil, "")
	stop := make(chan struct{})
	var telling, all sync.WaitGroup
	telling.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.hub.Hear(player.Announcement{Kind: "any"})
				s.hub.Counts()
			}
		}
	})
	for range 8 {
		all.Go(func() {
			for range 5 {
				e, err := s.client.Listen(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for range 10 {
					if _, err := e.Next(); err != nil {
						t.Error(err)
					}
				}
				e.Close()
			}
		})
	}
	all.Wait()
	close(stop)
	telling.Wait()
}

// The subscriber is a ring: in any order, it returns the newest events, and these and the
// lost ones are all.
func TestSubscriber(t *testing.T) {
	t.Parallel()
	s := newSubscriber(1, 3)
	for round := range 4 {
		for i := range round * 2 {
			s.put([]byte{byte(i)})
		}
		events, lost := s.take(nil)
		if len(events) != min(3, round*2) || int(lost) != max(0, round*2-3) {
			t.Errorf("%d events: %d come out, %d lost", round*2, len(events), lost)
		}
		for i, e := range events {
			if want := byte(round*2 - len(events) + i); e[0] != want {
				t.Errorf("%d is %d, want %d", i, e[0], want)
			}
		}
	}
	s.written(2, nil)
	s.written(5, errBroken)
	if c := s.count(); c.Delivered != 2 || c.Lost != 1+3+5 {
		t.Errorf("%+v", c)
	}
}

func TestHubCountsAreJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(NewHub(HubConfig{}).Counts())
	if want := `{"heard":0,"gone":{"client":0,"delivered":0,"lost":0,"waiting":0},"clients":[]}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

func BenchmarkHear100(b *testing.B) {
	hub := NewHub(HubConfig{})
	for range 100 {
		hub.subscribe()
	}
	a := player.Announcement{Kind: player.StateChanged, Text: "playing"}
	for b.Loop() {
		hub.Hear(a)
	}
}
