package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rubato/player"
)

const asJSON = "application/json"

// badInput is what must be refused, and how.
var badInput = map[string]struct {
	method, path, kind, body string
	header                   [2]string
	status                   int
	code                     player.Code
}{
	"malformed":           {"POST", "/api/volume", asJSON, `{"volume":`, [2]string{}, 400, player.Invalid},
	"not JSON":            {"POST", "/api/volume", asJSON, `volume=40`, [2]string{}, 400, player.Invalid},
	"empty":               {"POST", "/api/volume", asJSON, ``, [2]string{}, 400, player.Invalid},
	"null":                {"POST", "/api/volume", asJSON, `null`, [2]string{}, 400, player.Invalid},
	"array":               {"POST", "/api/volume", asJSON, `[{"volume":40}]`, [2]string{}, 400, player.Invalid},
	"no field":            {"POST", "/api/volume", asJSON, `{}`, [2]string{}, 400, player.Invalid},
	"null field":          {"POST", "/api/volume", asJSON, `{"volume":null}`, [2]string{}, 400, player.Invalid},
	"unknown field":       {"POST", "/api/volume", asJSON, `{"volume":40,"fade":true}`, [2]string{}, 400, player.Invalid},
	"twice":               {"POST", "/api/volume", asJSON, `{"volume":40,"volume":50}`, [2]string{}, 400, player.Invalid},
	"capitals":            {"POST", "/api/volume", asJSON, `{"Volume":40}`, [2]string{}, 400, player.Invalid},
	"text for number":     {"POST", "/api/volume", asJSON, `{"volume":"40"}`, [2]string{}, 400, player.Invalid},
	"fraction":            {"POST", "/api/volume", asJSON, `{"volume":40.5}`, [2]string{}, 400, player.Invalid},
	"too great to hold":   {"POST", "/api/volume", asJSON, `{"volume":1e99}`, [2]string{}, 400, player.Invalid},
	"too loud":            {"POST", "/api/volume", asJSON, `{"volume":101}`, [2]string{}, 400, player.Invalid},
	"below silence":       {"POST", "/api/volume", asJSON, `{"volume":-1}`, [2]string{}, 400, player.Invalid},
	"trailing":            {"POST", "/api/volume", asJSON, `{"volume":40}{"volume":50}`, [2]string{}, 400, player.Invalid},
	"trailing text":       {"POST", "/api/volume", asJSON, `{"volume":40} x`, [2]string{}, 400, player.Invalid},
	"trailing bracket":    {"POST", "/api/volume", asJSON, `{"volume":40}]`, [2]string{}, 400, player.Invalid},
	"no UTF-8":            {"POST", "/api/messages", asJSON, "{\"username\":\"a\",\"message\":\"\xff\"}", [2]string{}, 400, player.Invalid},
	"deep":                {"POST", "/api/messages", asJSON, `{"message":` + strings.Repeat("[", 60_000), [2]string{}, 400, player.Invalid},
	"nobody":              {"POST", "/api/messages", asJSON, `{"username":"","message":"hi"}`, [2]string{}, 400, player.Invalid},
	"no message":          {"POST", "/api/messages", asJSON, `{"username":"ada"}`, [2]string{}, 400, player.Invalid},
	"long name":           {"POST", "/api/messages", asJSON, `{"username":"` + strings.Repeat("a", 65) + `","message":""}`, [2]string{}, 400, player.Invalid},
	"long message":        {"POST", "/api/messages", asJSON, `{"username":"ada","message":"` + strings.Repeat("a", 4097) + `"}`, [2]string{}, 400, player.Invalid},
	"no passage":          {"POST", "/api/queue", asJSON, `{}`, [2]string{}, 400, player.Invalid},
	"passage 0":           {"POST", "/api/queue", asJSON, `{"passage":0}`, [2]string{}, 400, player.Invalid},
	"passage -1":          {"POST", "/api/queue", asJSON, `{"passage":-1}`, [2]string{}, 400, player.Invalid},
	"unknown passage":     {"POST", "/api/queue", asJSON, `{"passage":1000}`, [2]string{}, 404, player.NotFound},
	"unknown flavor":      {"POST", "/api/flavor", asJSON, `{"passage":1000,"minutes":1}`, [2]string{}, 404, player.NotFound},
	"no minutes":          {"POST", "/api/flavor", asJSON, `{"passage":1}`, [2]string{}, 400, player.Invalid},
	"0 minutes":           {"POST", "/api/flavor", asJSON, `{"passage":1,"minutes":0}`, [2]string{}, 400, player.Invalid},
	"years":               {"POST", "/api/flavor", asJSON, `{"passage":1,"minutes":9223372036854775807}`, [2]string{}, 400, player.Invalid},
	"command with a wish": {"POST", "/api/play", asJSON, `{"passage":1}`, [2]string{}, 400, player.Invalid},
	"command with text":   {"POST", "/api/play", asJSON, `now`, [2]string{}, 400, player.Invalid},
	"nothing to skip":     {"POST", "/api/skip", "", ``, [2]string{}, 404, player.NotFound},
	"form":                {"POST", "/api/volume", "application/x-www-form-urlencoded", `volume=40`, [2]string{}, 400, player.Invalid},
	"plain text":          {"POST", "/api/play", "text/plain", ``, [2]string{}, 415, player.Invalid},
	"no media type":       {"POST", "/api/volume", "json; ;", `{"volume":40}`, [2]string{}, 415, player.Invalid},
	"too large":           {"POST", "/api/volume", asJSON, `{"volume":40` + strings.Repeat(" ", BodyLimit) + `}`, [2]string{}, 413, player.Invalid},
	"large and no JSON":   {"POST", "/api/play", asJSON, strings.Repeat("x", BodyLimit+1), [2]string{}, 413, player.Invalid},
	"no route":            {"GET", "/api/nothing", "", ``, [2]string{}, 404, player.NotFound},
	"root":                {"GET", "/api/", "", ``, [2]string{}, 404, player.NotFound},
	"slash":               {"GET", "/api/status/", "", ``, [2]string{}, 404, player.NotFound},
	"two slashes":         {"GET", "//api/status", "", ``, [2]string{}, 404, player.NotFound},
	"POST to read":        {"POST", "/api/status", asJSON, `{}`, [2]string{}, 405, player.Invalid},
	"GET to command":      {"GET", "/api/skip", "", ``, [2]string{}, 405, player.Invalid},
	"HEAD to command":     {"HEAD", "/api/skip", "", ``, [2]string{}, 405, ""},
	"DELETE":              {"DELETE", "/api/queue", "", ``, [2]string{}, 405, player.Invalid},
	"OPTIONS":             {"OPTIONS", "/api/queue", "", ``, [2]string{}, 405, player.Invalid},
	"from elsewhere":      {"POST", "/api/play", "", ``, [2]string{"Origin", "http://evil.example"}, 403, player.Unauthorised},
	"from nowhere":        {"POST", "/api/play", "", ``, [2]string{"Origin", "null"}, 403, player.Unauthorised},
	"cross-site":          {"POST", "/api/play", "", ``, [2]string{"Sec-Fetch-Site", "cross-site"}, 403, player.Unauthorised},
	"same-site":           {"POST", "/api/play", "", ``, [2]string{"Sec-Fetch-Site", "same-site"}, 403, player.Unauthorised},
	"other name":          {"GET", "/api/status", "", ``, [2]string{"Host", "evil.example"}, 403, player.Unauthorised},
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{}, nil, "")
	s.queue = []player.Entry{{Passage: 5, Length: player.Minute}}
	events := s.listens(t)
	next(t, events)
	for name, c := range badInput {
		t.Run(name, func(t *testing.T) {
			response, body := request(t, c.method, s.url+c.path, c.kind, c.body, c.header)
			wantError(t, response, body, c.status, c.code)
			if allow := response.Header.Get("Allow"); (c.status == 405) != (allow != "") {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
	if s.status != (player.Status{}) || len(s.queue) != 1 || s.hub.Counts().Heard != 0 {
		t.Errorf("what is refused had an effect: %+v, %v, %+v", s.status, s.queue, s.hub.Counts())
	}
	if err := s.client.SetVolume(t.Context(), 40); err != nil || s.status.Volume != 40 {
		t.Errorf("after all that: %v", err)
	}
	if e := next(t, events); e.Name != "took" {
		t.Errorf("whoever listens hears %+v", e)
	}
}

// What the player refuses because of its state is a conflict.
func TestConflicts(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{}, nil, "")
	s.status.Passage = 3
	for i := range int64(player.QueueLimit) {
		if depth, err := s.client.Enqueue(t.Context(), i+1); err != nil || depth != int(i+1) {
			t.Fatalf("%d, %v", depth, err)
		}
	}
	response, body := request(t, "POST", s.url+"/api/queue", asJSON, `{"passage":500}`, [2]string{})
	wantError(t, response, body, http.StatusConflict, player.QueueFull)
	response, body = request(t, "POST", s.url+"/api/skip", "", "", [2]string{})
	wantError(t, response, body, http.StatusConflict, player.TooSoon)
}

// A valid request is answered in every form.
func TestGoodInput(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{}, HubConfig{}, nil, "")
	for name, c := range map[string]struct {
		path, kind, body string
		header           [2]string
	}{
		"no type":       {"/api/volume", "", `{"volume":40}`, [2]string{}},
		"as curl says":  {"/api/volume", "application/x-www-form-urlencoded", `{"volume":40}`, [2]string{}},
		"with charset":  {"/api/volume", "application/json; charset=utf-8", " {\"volume\":40}\r\n", [2]string{}},
		"own page":      {"/api/volume", asJSON, `{"volume":40}`, [2]string{"Origin", s.url}},
		"same origin":   {"/api/pause", "", ``, [2]string{"Sec-Fetch-Site", "same-origin"}},
		"no wish":       {"/api/pause", asJSON, ` {} `, [2]string{}},
		"at the limit":  {"/api/volume", asJSON, `{"volume":40` + strings.Repeat(" ", BodyLimit-13) + `}`, [2]string{}},
		"longest words": {"/api/messages", asJSON, `{"username":"` + strings.Repeat("a", 64) + `","message":"` + strings.Repeat("b", 4096) + `"}`, [2]string{}},
	} {
		response, body := request(t, "POST", s.url+c.path, c.kind, c.body, c.header)
		if response.StatusCode != http.StatusNoContent || len(body) > 0 {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
	for _, path := range []string{"/api/status", "/api/queue", "/api/events"} {
		response, body := request(t, "HEAD", s.url+path, "", "", [2]string{})
		if response.StatusCode != http.StatusOK || len(body) > 0 || response.Header.Get("Content-Type") == "" {
			t.Errorf("HEAD %s: %s %q", path, response.Status, body)
		}
	}
}

func request(t *testing.T, method, url, kind, body string, header [2]string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	switch header[0] {
	case "":
	case "Host":
		r.Host = header[1]
	default:
		r.Header.Set(header[0], header[1])
	}
	// The server expects to reuse the connection, so it reads what has been sent of a body
	// that is too large before it answers.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, text
}

func wantError(t *testing.T, response *http.Response, body []byte, status int, code player.Code) {
	t.Helper()
	if response.StatusCode != status || response.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%s %s, want %d in JSON: %s", response.Status, response.Header.Get("Content-Type"), status, body)
	}
	if code == "" {
		return
	}
	namesNothing(t, body)
	var a errorAnswer
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil || a.Error.Code != code || a.Error.Message == "" {
		t.Errorf("%s: %v, want code %s and a message", body, err, code)
	}
}

// What no client library would send: by hand, over a socket.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	p := &fakePlayer{}
	l := listening(t)
	address := l.Addr().String()
	handler := Guard(LocalHosts(l.Addr()), "", API(NewSharedPlayer(p, nil), NewHub(HubConfig{}), ""))
	s := StartServer(l, handler, func(h *http.Server) {
		h.ReadHeaderTimeout, h.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond
	})
	defer s.Close()
	post := "POST /api/volume HTTP/1.1\r\nHost: " + address + "\r\n"
	large := strings.Repeat("10000\r\n"+strings.Repeat(" ", 0x10000)+"\r\n", 2)
	for name, c := range map[string]struct{ send, answer string }{
		"chunked, too large":     {post + "Transfer-Encoding: chunked\r\n\r\n" + large + "0\r\n\r\n", "HTTP/1.1 413 "},
		"chunked, broken":        {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", "HTTP/1.1 400 "},
		"chunked, good":          {post + "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"vo\r\n9\r\nlume\":40}\r\n0\r\n\r\n", "HTTP/1.1 204 "},
		"announced, too large":   {post + "Content-Length: 99999999999\r\n\r\n{", "HTTP/1.1 413 "},
		"negative length":        {post + "Content-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
		"two lengths":            {post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "HTTP/1.1 400 "},
		"body that never comes":  {post + "Content-Length: 13\r\n\r\n{\"vol", "HTTP/1.1 400 "},
		"header that never ends": {"POST /api/play HTTP/1.1\r\nHost: " + address + "\r\nX: ", ""},
		"nothing":                {"", ""},
		"no host":                {"GET /api/status HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		"HTTP/1.0, no host":      {"GET /api/status HTTP/1.0\r\n\r\n", "HTTP/1.0 403 "},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, c.send) // the server may hang up on it
			line, err := bufio.NewReader(conn).ReadString('\n')
			if !strings.HasPrefix(line, c.answer) || c.answer == "" && (line != "" || err == nil) {
				t.Errorf("%q, %v, want %q", line, err, c.answer)
			}
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("the server holds on to it")
			}
		})
	}
	if took := p.taken(); len(took) != 1 || took[0].Volume != 40 {
		t.Errorf("took %+v, want one stimulus", took)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range badInput {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var into struct {
			Username *string `json:"username"`
			Message  *string `json:"message"`
			Passage  *int64  `json:"passage"`
		}
		if decode(body, &into) != nil {
			return
		}
		var fields map[string]any // what is let in is one object of these fields
		if err := json.Unmarshal(body, &fields); err != nil || bytes.Count(body, []byte{':'}) < len(fields) {
			t.Fatalf("%q was let in: %v", body, err)
		}
		for name := range fields {
			if name != "username" && name != "message" && name != "passage" {
				t.Fatalf("%q was let in with %q", body, name)
			}
		}
	})
}
