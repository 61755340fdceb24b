package web

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"rubato/player"
)

// TestClientDrivesThePlayer: each call has its effect, and only that.
func TestClientDrivesThePlayer(t *testing.T) {
	t.Parallel()
	s := startAPI(t, &fakePlayer{token: "secret"}, HubConfig{}, func() player.Ticks { return player.Day }, "")
	c, ctx := s.client, t.Context()
	for i, call := range []func() error{
		func() error { return c.Command(ctx, player.Play) },
		func() error { return c.SetVolume(ctx, 40) },
		func() error { return c.Say(ctx, "ada", hostile+"\n\x00") },
		func() error { return c.WantFlavor(ctx, 12, 120) },
	} {
		if err := call(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	for want := 1; want <= 2; want++ {
		if depth, err := c.Enqueue(ctx, int64(10*want)); err != nil || depth != want {
			t.Errorf("enqueue: %d, %v", depth, err)
		}
	}
	s.status.Passage, s.status.Position = 7, 1500*millisecond+1
	status, err := c.Status(ctx)
	if want := (player.Status{State: "playing", Passage: 7, Position: 1500 * millisecond, Volume: 40}); err != nil || status != want {
		t.Errorf("%+v, %v, want %+v", status, err, want)
	}
	queue, err := c.Queue(ctx)
	if err != nil || len(queue) != 2 || queue[1] != (player.Entry{Passage: 20, Length: 3 * player.Minute}) {
		t.Errorf("%+v, %v", queue, err)
	}
	took := s.taken()
	if len(took) != 6 || took[0].Command != player.Play || took[0].Token != "secret" || took[2].Message.Text != hostile+"\n\x00" ||
		took[2].Message.At != player.Day || took[3].Until != player.Day+2*player.Hour {
		t.Errorf("took %+v", took)
	}
}

// The client gets the player's code back, whatever it is.
func TestCodesSurvive(t *testing.T) {
	t.Parallel()
	for code, status := range map[player.Code]string{
		player.Invalid: "400", player.Unauthorised: "401", player.NotFound: "404", player.QueueFull: "409", player.AlreadyQueued: "409",
		player.TooSoon: "409", player.NoCandidate: "409", player.Unavailable: "503", player.Closed: "503", "new-one": "500",
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			s := startAPI(t, &fakePlayer{fails: &player.Error{Code: code, Op: "fake"}}, HubConfig{}, nil, "")
			_, queue := s.client.Queue(t.Context())
			_, status2 := s.client.Status(t.Context())
			_, events := s.client.Listen(t.Context())
			for name, err := range map[string]error{"command": s.client.Command(t.Context(), player.Play), "queue": queue, "status": status2,
				"events": events, "say": s.client.Say(t.Context(), "ada", "")} {
				if player.CodeOf(err) != code || !strings.Contains(err.Error(), status) {
					t.Errorf("%s: %v, want %s and %s", name, err, code, status)
				}
			}
		})
	}
}

// A handler behind its own guard commands for its clients.
func TestAPIToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		let   string
		token string
		want  player.Code
	}{
		"own":           {"", "secret", ""},
		"none":          {"", "", player.Unauthorised},
		"wrong":         {"", "wrong", player.Unauthorised},
		"let in before": {"secret", "of the guard", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startAPI(t, &fakePlayer{token: "secret"}, HubConfig{}, nil, c.let)
			client := NewClient(s.url, c.token)
			defer client.Close()
			if err := client.Command(t.Context(), player.Pause); player.CodeOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// An answer from another program differs from a refusal.
func TestClientOfSomethingElse(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"text": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
		"404":  http.NotFound,
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"state":"`+strings.Repeat("x", answerLimit)+`"}`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewClient(served(t, answer)+"/", "")
			defer c.Close()
			if _, err := c.Status(t.Context()); player.CodeOf(err) != player.Unavailable {
				t.Errorf("%v", err)
			}
		})
	}
	c := NewClient("http://127.0.0.1:1", "")
	defer c.Close()
	if err := c.Say(t.Context(), "ada", ""); player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), "POST /api/messages") {
		t.Errorf("nobody there: %v", err)
	}
}

// benched is an API over a fake player, with clients that listen.
func benched(b *testing.B, listeners int) (*Hub, *Client, []*Events) {
	b.Helper()
	hub := NewHub(HubConfig{})
	served, err := Serve(NewSharedPlayer(&fakePlayer{}, nil), hub, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = served.Close() })
	client := NewClient(served.URL, "")
	b.Cleanup(client.Close)
	var all []*Events
	for range listeners {
		e, err := client.Listen(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { e.Close() })
		if _, err := e.Next(); err != nil {
			b.Fatal(err)
		}
		all = append(all, e)
	}
	return hub, client, all
}

// What the API itself costs: the player behind it answers at once.
func BenchmarkStatus(b *testing.B) {
	_, client, _ := benched(b, 0)
	for b.Loop() {
		if _, err := client.Status(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// From the broadcast until the last of 100 clients has read it.
func BenchmarkBroadcastTo100(b *testing.B) {
	hub, _, listeners := benched(b, 100)
	var read sync.WaitGroup
	for _, e := range listeners {
		go func() {
			for {
				if _, err := e.Next(); err != nil {
					return // the benchmark is over
				}
				read.Done()
			}
		}()
	}
	for b.Loop() {
		read.Add(len(listeners))
		hub.Hear(player.Announcement{Kind: player.SongChanged, Number: 12})
		read.Wait()
	}
}

// A turn without competition.
func BenchmarkTurn(b *testing.B) {
	f := NewSharedPlayer(&fakePlayer{}, nil)
	for b.Loop() {
		if _, err := f.Status(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
