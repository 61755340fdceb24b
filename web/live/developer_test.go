package live

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rubato/player"
)

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

var routeTable = []struct {
	path     string
	status   int
	contains string
}{
	{"/dev/", 200, `"path": "/dev/syncs/{name}/metrics"`},
	{"/dev/", 200, `"path": "/dev/traces/why/{passage}"`},
	{"/dev/concepts", 200, `"uri": "ui::Chat::said"`},
	{"/dev/concepts/Messages", 200, `"log::Messages::append"`},
	{"/dev/concepts/pd::Queue", 200, `"module": "pd"`},
	{"/dev/concepts/Queue", 400, "ap::Queue, pd::Queue"},
	{"/dev/concepts/Nobody", 404, "GET /dev/concepts"},
	{"/dev/syncs", 200, `"name": "Idle"`},
	{"/dev/syncs/LogMessageWhenSaid", 200, `"then": [`},
	{"/dev/syncs/Nobody", 404, "GET /dev/syncs"},
	{"/dev/syncs/LogMessageWhenSaid/metrics", 200, `"p95_duration_us": 42`},
	{"/dev/syncs/Nobody/metrics", 404, "no rule"},
	{"/dev/traces", 200, `"flow": 8`},
	{"/dev/traces?n=1", 200, `"failed": 1`},
	{"/dev/traces?n=0", 400, "1 to 1000"},
	{"/dev/traces?n=1001", 400, "1 to 1000"},
	{"/dev/traces?n=x", 400, "1 to 1000"},
	{"/dev/traces/9", 200, `"token": 9`},
	{"/dev/traces/9?format=json", 200, `"cause": 1`},
	{"/dev/traces/9?format=text", 200, "log::Users::count"},
	{"/dev/traces/9?format=dot", 200, "digraph"},
	{"/dev/traces/9?format=svg", 200, "<svg"},
	{"/dev/traces/9?format=pdf", 400, "json, text, dot, svg"},
	{"/dev/traces/5", 200, `"token": 5`}, // stored, and no longer in memory
	{"/dev/traces/6", 404, "no flow 6"},
	{"/dev/traces/-1", 400, "not a token"},
	{"/dev/traces/x", 400, "not a token"},
	{"/dev/traces/why/7", 200, `"token": 5`},
	{"/dev/traces/why/7?format=text", 200, "ap::Queue::enqueue"},
	{"/dev/traces/why/7?format=svg", 400, "json nor text"},
	{"/dev/traces/why/7?n=-1", 400, "1 to 1000"},
	{"/dev/traces/why/8", 404, "was not enqueued"},
	{"/dev/traces/why/0", 400, "not a number"},
	{"/dev/traces/why/x", 400, "not a number"},
	{"/dev/traces/caused/LogMessageWhenSaid", 200, "ap::Queue::enqueue"},
	{"/dev/traces/caused/LogMessageWhenSaid?since=10m", 200, "ap::Queue::enqueue"},
	{"/dev/traces/caused/LogMessageWhenSaid?since=yesterday", 400, "10m"},
	{"/dev/traces/caused/LogMessageWhenSaid?n=x", 400, "1 to 1000"},
	{"/dev/traces/caused/Idle", 200, "[]"},
	{"/dev/traces/caused/Nobody", 404, "no rule"},
	{"/dev/events/stream?event=nobody::Is::here", 400, "GET /dev/concepts"},
	{"/dev/events/stream?interval=soon", 400, "100ms"},
	{"/dev/events/stream?interval=-1s", 400, "100ms"},
	{"/dev/events/stream?interval=2m", 400, "1m0s"},
	{"/dev/events/stream?coalesce=yes", 400, "neither 0 nor 1"},
	{"/dev/events/stream?" + strings.Repeat("event=ui::Chat::said&", 65), 400, "at most 64"},
	{"/dev/lost", 200, `"events": 3`},
	{"/dev/lost", 200, `"log": 4`},
	{"/dev/nothing", 404, "GET /dev/ lists all"},
	{"/dev/traces/why/7/8", 404, "GET /dev/ lists all"},
}

func exampleStore() *fakeTrace {
	return &fakeTrace{flow: player.Flow{Token: 5, Rows: []player.TraceRow{
		{Flow: 5, ID: 1, Rule: "AutoSelectWhenQueueLow", Action: "ap::Queue::enqueue", In: "passage=7 length=1", Start: noon}}}}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h := Developer(Insides{Style: "bus", Player: example(), Traces: exampleStore()})
	for _, c := range routeTable {
		w := ask(h, "GET", c.path)
		body := w.Body.String()
		if w.Code != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s: %d %s\nwant %d with %q", c.path, w.Code, body, c.status, c.contains)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", c.path, w.Header())
		}
		var refusal struct{ Error string }
		if c.status >= 400 && (json.Unmarshal(w.Body.Bytes(), &refusal) != nil || refusal.Error == "") {
			t.Errorf("%s: %s is no JSON with an error", c.path, body)
		}
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	h := Developer(Insides{Player: example()})
	for format, want := range map[string]string{"": "application/json; charset=utf-8", "text": "text/plain; charset=utf-8",
		"dot": "text/vnd.graphviz; charset=utf-8", "svg": "image/svg+xml; charset=utf-8"} {
		w := ask(h, "GET", "/dev/traces/9?format="+format)
		if got := w.Header().Get("Content-Type"); got != want {
			t.Errorf("format %q: %s, want %s", format, got, want)
		}
		if (format == "" || format == "svg") && strings.Contains(w.Body.String(), "<script") {
			t.Errorf("format %q holds an element that a user wrote: %s", format, w.Body)
		}
	}
	if csp := ask(h, "GET", "/dev/traces/9?format=svg").Header().Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
		t.Errorf("a picture opened by itself may do more than be seen: %q", csp)
	}
}

func TestMetricsAreAsPublished(t *testing.T) {
	t.Parallel()
	var got map[string]float64
	w := ask(Developer(Insides{Player: example()}), "GET", "/dev/syncs/LogMessageWhenSaid/metrics")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"activations": 1247, "avg_duration_us": 23.5, "max_duration_us": 87, "p95_duration_us": 42,
		"p99_duration_us": 60, "rejections": 3, "failures": 1} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestFlowLine(t *testing.T) {
	t.Parallel()
	got := line(example().flows[0])
	if got.Took != 60 || got.Actions != 2 || got.Failed != 1 || got.Root != "ui::Chat::said" || strings.Join(got.Rules, " ") != "LogMessageWhenSaid CountUserWhenSaid" {
		t.Errorf("%+v", got)
	}
	if got := line(player.Flow{Token: 3}); got.Flow != 3 || got.Rules == nil {
		t.Errorf("an empty flow: %+v", got)
	}
}

func TestOnlyGet(t *testing.T) {
	t.Parallel()
	h := Developer(Insides{Player: example()})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"} {
		w := ask(h, method, "/dev/syncs")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" || !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
		}
	}
	for _, path := range []string{"/dev/syncs", "/dev/events/stream"} {
		if w := ask(h, "HEAD", path); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
}

func TestStoredTraceFails(t *testing.T) {
	t.Parallel()
	h := Developer(Insides{Player: example(), Traces: &fakeTrace{err: errGone}})
	for _, path := range []string{"/dev/traces/5", "/dev/traces/why/7", "/dev/traces/caused/Idle"} {
		if w := ask(h, "GET", path); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), errGone.Error()) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/dev/traces/9"); w.Code != http.StatusOK {
		t.Errorf("what memory has needs no store: %d", w.Code)
	}
}

func TestWithoutStoredTrace(t *testing.T) {
	t.Parallel()
	h := Developer(Insides{Player: example()})
	for _, path := range []string{"/dev/traces/why/7", "/dev/traces/caused/Idle", "/dev/traces/5"} {
		if w := ask(h, "GET", path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{"": {}, "10m": noon.Add(-10 * time.Minute), "2026-01-02T11:00:00Z": noon.Add(-time.Hour)} {
		if got, err := instant(text, noon); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	store := exampleStore()
	ask(Developer(Insides{Player: example(), Traces: store}), "GET", "/dev/traces/caused/Idle?since=2026-01-02T12:00:00Z")
	if !store.since.Equal(noon) {
		t.Errorf("the store was asked since %v", store.since)
	}
}

// closed is a player without insides.
type closed struct{ player.Player }

func TestStyleWithoutInsides(t *testing.T) {
	t.Parallel()
	h := Developer(InsidesOf("direct", closed{}, nil))
	for _, path := range []string{"/dev/", "/dev/syncs", "/dev/events/stream"} {
		w := ask(h, "GET", path)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "style direct has no concepts") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
