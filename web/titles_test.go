package web

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"rubato/player"
)

// Before, people saw numbers of passages alone. With titles, each answer and event that
// names a passage has its title. Without, the bytes are those that are measured.
func TestTitles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		titles Titles
		want   []string
	}{
		"with": {Titles{12: "Slow River"}, []string{
			`{"passage":12,"title":"Slow River","depth":1}`,
			`{"passage":13,"depth":2}`,
			`{"state":"stopped","passage":12,"title":"Slow River","position_ms":0,"volume":0}`,
			`{"entries":[{"passage":12,"title":"Slow River","length_ms":180000},{"passage":13,"length_ms":180000}]}`,
			`{"text":"","number":12,"title":"Slow River"}`,
			`{"text":"","number":12,"title":"Slow River"}`,
			`{"text":"","number":12}`,
		}},
		"without": {nil, []string{
			`{"passage":12,"depth":1}`,
			`{"passage":13,"depth":2}`,
			`{"state":"stopped","passage":12,"position_ms":0,"volume":0}`,
			`{"entries":[{"passage":12,"length_ms":180000},{"passage":13,"length_ms":180000}]}`,
			`{"text":"","number":12}`,
			`{"text":"","number":12}`,
			`{"text":"","number":12}`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startAPI(t, &fakePlayer{}, HubConfig{Titles: c.titles}, nil, "")
			s.status = player.Status{State: player.Stopped, Passage: 12}
			got := []string{
				asked(t, http.MethodPost, s.url+"/api/queue", `{"passage":12}`),
				asked(t, http.MethodPost, s.url+"/api/queue", `{"passage":13}`),
				asked(t, http.MethodGet, s.url+"/api/status", ""),
				asked(t, http.MethodGet, s.url+"/api/queue", ""),
			}
			events := s.listens(t)
			opening := string(next(t, events).Data)
			if want := `{"status":` + c.want[2] + `,"queue":` + c.want[3] + `}`; opening != want {
				t.Errorf("it opens with %s, want %s", opening, want)
			}
			for _, kind := range []string{player.SongChanged, player.Suggested, player.DepthChanged} {
				s.hub.Hear(player.Announcement{Kind: kind, Number: 12})
				got = append(got, string(next(t, events).Data))
			}
			for i, want := range c.want {
				if got[i] != want {
					t.Errorf("answer %d: %s, want %s", i, got[i], want)
				}
			}
		})
	}
}

// asked is the answer to a request, which must be given.
func asked(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s: %v, %s", url, err, answer)
	}
	return strings.TrimSuffix(string(answer), "\n")
}
