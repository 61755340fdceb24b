package external

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rubato/runner"
)

// service answers by path.
func service(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	stop := make(chan struct{})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "elsewhere") }))
	answers := map[string]http.HandlerFunc{
		"/same":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "same\n") },
		"/count":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, asked.Load()) },
		"/broken":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no room", http.StatusInternalServerError) },
		"/created": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
		"/changes": func(w http.ResponseWriter, _ *http.Request) {
			if asked.Load()%2 == 0 {
				w.WriteHeader(http.StatusAccepted)
			}
		},
		"/hangs": func(http.ResponseWriter, *http.Request) { <-stop },
		"/cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		},
		"/stalls": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			<-stop
		},
		"/closes": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "bye")
		},
		"/here":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/same", http.StatusFound) },
		"/there": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"/round": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) },
		"/long": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, io.LimitReader(endless{}, mostBytes+1))
		},
		"/echo": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %q %s %s", r.Method, r.Host, body, r.Header.Get("Authorization"), r.Header.Values("X-Two"))
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answers[r.URL.Path](w, r)
	}))
	t.Cleanup(func() {
		close(stop)
		s.Close()
		other.Close()
	})
	return s, &asked
}

// answered asks a service n times, as a block does.
func answered(t *testing.T, u urls, url string, n int) runner.Work {
	t.Helper()
	u.Styles = []style{{"it", url}}
	if u.Method == "" {
		u.Method = http.MethodGet
	}
	w, err := u.open(runner.Setup{Style: "it", Verbatim: u.Rate == "", Seed: 7, Options: runner.Options{"rate": u.Rate}})
	if err != nil {
		t.Fatal(err)
	}
	var work runner.Work
	for range 2 { // blocks
		if err := w.Prepare(0, n); err != nil {
			t.Fatal(err)
		}
		if err := w.Run(n, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		if work, err = w.Work(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	return work
}

func usualURLs() urls { return urls{Compare: compareBody, Limit: time.Minute} }

func TestAnswers(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	hasty := usualURLs()
	hasty.Limit = 200 * time.Millisecond
	status := usualURLs()
	status.Compare = compareStatus
	created := usualURLs()
	created.Status = http.StatusCreated
	follows := usualURLs()
	follows.Follow = true
	found := usualURLs()
	found.Status = http.StatusFound
	for _, c := range []struct {
		how        urls
		path, want string // "" if nothing is wrong
	}{
		{usualURLs(), "/same", ""},
		{usualURLs(), "/closes", ""},
		{usualURLs(), "/created", ""},
		{created, "/created", ""},
		{created, "/same", "it answered 200 OK, want status 201"},
		{usualURLs(), "/broken", "it answered 500 Internal Server Error, want a status from 200 to 299"},
		{usualURLs(), "/count", "its answers change: from byte "},
		{status, "/count", ""},
		{status, "/changes", "its status changes: 20"},
		{hasty, "/hangs", "no whole answer within 200ms"},
		{hasty, "/stalls", "no whole answer within 200ms"},
		{usualURLs(), "/cut", "no whole answer: unexpected EOF"},
		{usualURLs(), "/here", ""},
		{usualURLs(), "/there", "no whole answer: it redirects to another host, 127.0.0.1:"},
		{follows, "/there", ""},
		{found, "/there", ""}, // the redirect is the answer
		{found, "/same", "it answered 200 OK, want status 302"},
		{usualURLs(), "/round", "no whole answer: it redirects ten times"},
		{usualURLs(), "/long", "its body is longer than 16 MiB"},
		{status, "/long", ""},
	} {
		work := answered(t, c.how, s.URL+c.path, 3)
		switch {
		case !strings.HasPrefix(work.Wrong, c.want) || (c.want == "") != (work.Wrong == ""):
			t.Errorf("%s: %q, want %q", c.path, work.Wrong, c.want)
		case c.want == "" && work.Effects != 3:
			t.Errorf("%s: %+v", c.path, work)
		}
	}
	plain, empty := answered(t, status, s.URL+"/same", 3), answered(t, status, s.URL+"/created", 3)
	if plain.Digest == empty.Digest || plain.Lanes["status"][0] != "200" || plain.Bytes != 0 {
		t.Errorf("another status is the same work: %+v, %+v", plain, empty)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if work := answered(t, usualURLs(), gone.URL, 3); !strings.Contains(work.Wrong, "connection refused") || work.Effects != 0 {
		t.Errorf("a service that is gone: %+v", work)
	}
}

// TestRequest: method, headers and body are what was asked for, and connections stay open.
func TestRequest(t *testing.T) {
	t.Parallel()
	s, asked := service(t)
	secret, body := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "body")
	for file, text := range map[string]string{secret: "Authorization: Bearer x\nX-Two: b\n", body: "hello"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u := usualURLs()
	u.Method, u.Body, u.Headers = http.MethodPut, body, []string{"X-Two: a", "@" + secret, "Host: a.example"}
	work := answered(t, u, s.URL+"/echo", 4)
	if got := work.Lanes["body"]; work.Wrong != "" || len(got) != 1 || got[0] != `PUT a.example "hello" Bearer x [a b]` {
		t.Errorf("%q %s", got, work.Wrong)
	}
	if n := asked.Load(); n != 9 { // the first, and two blocks
		t.Errorf("%d requests", n)
	}
	if work.Figures["dialled"] != 0 || answered(t, usualURLs(), s.URL+"/closes", 4).Figures["dialled"] != 100 {
		t.Error("connections are not counted")
	}
}

// TestRate: the open loop asks as often as it should, and has the open loop's figures. A
// service that breaks is named.
func TestRate(t *testing.T) {
	t.Parallel()
	s, asked := service(t)
	u := usualURLs()
	u.Rate = "2000"
	work := answered(t, u, s.URL+"/same", 100)
	if work.Effects != 100 || work.Bytes != 500 || asked.Load() != 201 || work.Digest == "" {
		t.Errorf("%d requests: %+v", asked.Load(), work)
	}
	for _, m := range u.suite().Scenarios[0].Measures {
		if _, known := work.Figures[m.Name]; !known {
			t.Errorf("no %s", m.Name)
		}
	}
	if work := answered(t, u, s.URL+"/broken", 100); !strings.HasPrefix(work.Wrong, "it answered 500") || work.Effects != 0 {
		t.Errorf("%+v", work)
	}
}

func TestSecretless(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"-header|Authorization: Bearer x|http://a":       "-header|Authorization: …|http://a",
		"--header=Cookie: a=b|http://a":                  "-header=Cookie: …|http://a",
		"-header|@file|-quick|x=http://a/header:y?a=b:c": "-header|@file|-quick|x=http://a/header:y?a=b:c",
	} {
		if got := secretless(strings.Split(typed, "|")); !slices.Equal(got, strings.Split(want, "|")) {
			t.Errorf("%s: %q", typed, got)
		}
	}
}
