package web

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"rubato/player"
)

// inner are words that no answer to a stranger may have: paths, addresses, types, rules.
var inner = []string{"/home", ".db", ".go", "sqlite", "::", "WhenQueueLow", "Go struct", "json:", "http: ", "tcp", "*player"}

func namesNothing(t *testing.T, body []byte) {
	t.Helper()
	for _, word := range inner {
		if strings.Contains(string(body), word) {
			t.Errorf("the answer names %q: %s", word, body)
		}
	}
}

// TestErrorsNameNoInsides: whatever fails inside, the answer has its code, and a reason in
// words of the API. It used to be the whole error, with paths and rules.
func TestErrorsNameNoInsides(t *testing.T) {
	t.Parallel()
	const inside = "rule AutoSelectWhenQueueLow: sqlite: /home/ada/data/music.db: read tcp 127.0.0.1:4222: *player.Parts"
	for code := range statuses {
		p := &fakePlayer{fails: &player.Error{Code: code, Op: "ap::Queue::enqueue", Err: errors.New(inside)}}
		s := httptest.NewServer(API(NewSharedPlayer(p, nil), NewHub(HubConfig{}), ""))
		for _, path := range []string{"/api/status", "/api/queue", "/api/events"} {
			response, body := request(t, http.MethodGet, s.URL+path, "", "", [2]string{})
			wantError(t, response, body, statuses[code], code)
		}
		response, body := request(t, http.MethodPost, s.URL+"/api/queue", asJSON, `{"passage":12}`, [2]string{})
		wantError(t, response, body, statuses[code], code)
		s.Close()
	}
	s := httptest.NewServer(API(NewSharedPlayer(&fakePlayer{fails: errors.New(inside)}, nil), NewHub(HubConfig{}), ""))
	defer s.Close()
	response, body := request(t, http.MethodPost, s.URL+"/api/play", "", "", [2]string{})
	wantError(t, response, body, http.StatusServiceUnavailable, player.Unavailable)
	for body, want := range map[string]string{
		`{"volume":"40"}`: `field \"volume\" must be a whole number`,
		`{"volume":101}`:  "volume must be 0 to 100",
		`{"sound":40}`:    `unknown field \"sound\"`,
		`{"volume":`:      "unexpected EOF",
	} {
		_, answer := request(t, http.MethodPost, s.URL+"/api/volume", asJSON, body, [2]string{})
		if namesNothing(t, answer); !strings.Contains(string(answer), want) {
			t.Errorf("%s: %s, want %s", body, answer, want)
		}
	}
}

// TestBearer: the word before the token may be in any case, as RFC 9110 has it for every
// scheme; only "Bearer" was taken. Both the guard and the commands read it.
func TestBearer(t *testing.T) {
	t.Parallel()
	const token = "a token of the test"
	for header, want := range map[string]int{
		"Bearer " + token: 204, "bearer " + token: 204, "BEARER " + token: 204, "bEaReR   " + token: 204,
		"Basic " + token: 401, "Bearer" + token: 401, "Bearer " + strings.ToUpper(token): 401, token: 401, "": 401,
	} {
		for name, handler := range map[string]http.Handler{
			"guard":   Guard(nil, token, API(NewSharedPlayer(&fakePlayer{}, nil), NewHub(HubConfig{}), "inner")),
			"command": API(NewSharedPlayer(&fakePlayer{token: token}, nil), NewHub(HubConfig{}), ""),
		} {
			r := httptest.NewRequest(http.MethodPost, "/api/play", nil)
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, r); w.Code != want {
				t.Errorf("%s: %q is answered %d, want %d", name, header, w.Code, want)
			}
		}
	}
}

// TestBehindProxy: what docs/api.md says of proxies is true. A reverse proxy, which holds
// back what it may, passes each event on at once; it forwards the token, and the page of
// another origin is refused behind it, too.
func TestBehindProxy(t *testing.T) {
	t.Parallel()
	const token = "a token of the test"
	l := listening(t)
	hub, p := NewHub(HubConfig{}), &fakePlayer{}
	s := StartServer(l, Guard(LocalHosts(l.Addr()), token, API(NewSharedPlayer(p, nil), hub, "")))
	defer s.Close()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(holding(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}))
	defer proxy.Close()
	c := NewClient(proxy.URL, token)
	defer c.Close()
	events, err := c.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"initial-state", "first", "second"} {
		if i > 0 {
			hub.Hear(player.Announcement{Kind: name})
		}
		if e, err := events.Next(); err != nil || e.Name != name { // it would wait for ever
			t.Errorf("%+v, %v, want %s", e, err, name)
		}
	}
	if err := events.Close(); err != nil {
		t.Error(err)
	}
	for site, want := range map[string]int{"same-origin": 204, "cross-site": 403} {
		r, err := http.NewRequest(http.MethodPost, proxy.URL+"/api/play", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Origin", "https://music.example")
		r.Header.Set("Sec-Fetch-Site", site)
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != want {
			t.Errorf("%s: %s, want %d", site, response.Status, want)
		}
	}
}

// holding is a proxy that buffers what it may: it passes an answer on in pieces of 64 KiB,
// unless X-Accel-Buffering forbids to hold it back.
func holding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&held{ResponseWriter: w, buffer: bufio.NewWriterSize(w, 64<<10)}, r)
	})
}

type held struct {
	http.ResponseWriter
	buffer *bufio.Writer
}

func (h *held) Write(text []byte) (int, error) { return h.buffer.Write(text) }

func (h *held) FlushError() error {
	if kind := h.Header().Get("Cache-Control"); h.Header().Get("X-Accel-Buffering") != "no" || !strings.Contains(kind, "no-transform") {
		return fmt.Errorf("held back: %s", kind)
	}
	return errors.Join(h.buffer.Flush(), http.NewResponseController(h.ResponseWriter).Flush())
}
