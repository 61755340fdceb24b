package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/audio"
	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/sqlite"
	"rubato/web"
	"rubato/web/live"
)

// The player is driven over HTTP in each style, and every command has its effect.
func TestServeAPI(t *testing.T) {
	t.Parallel()
	deps := real()
	deps.MakeLibrary = func(path string, wish live.LibraryWish, _ func(string)) error {
		tracks := []sqlite.Track{{Path: "river.wav", Title: "Slow River", Length: player.Minute}}
		return sqlite.Make(path, sqlite.Library{Passages: wish.Passages, Seed: wish.Seed, Tracks: tracks}, nil)
	}
	deps.Styles, deps.Token = []player.Style{direct.Style, orchestrated.Style, natsbus.Style}, "of the player"
	for _, style := range deps.Styles {
		t.Run(style.Name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			l := serve(t, deps, "-style", style.Name, "-data", data, "-passages", "300", "-rate", "0.1")
			c := client{web.NewClient(l.url, "")}
			defer c.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			events, err := c.Listen(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer events.Close()
			if e, err := events.Next(); err != nil || e.Name != "initial-state" {
				t.Fatalf("%+v, %v", e, err)
			}
			isDriven(t, ctx, c)
			var queue struct{ Entries []struct{ Title string } }
			if err := c.Ask(ctx, http.MethodGet, "/api/queue", nil, &queue); err != nil || len(queue.Entries) == 0 || queue.Entries[0].Title != "Slow River" {
				t.Errorf("the queue has no titles: %+v, %v", queue, err)
			}
			if err := c.Command(ctx, player.Stop); err != nil {
				t.Error(err)
			}
			heard(t, events, player.StateChanged, "stopped")
			l.stop(t)
			wantSaid(t, filepath.Join(data, "library.db"))
		})
	}
}

// client is a program that uses the API.
type client struct{ *web.Client }

func (c client) post(ctx context.Context, path string, body, into any) error {
	return c.Ask(ctx, http.MethodPost, web.APIRoot+path, body, into)
}

func (c client) Command(ctx context.Context, command string) error {
	return c.post(ctx, command, nil, nil)
}

func (c client) SetVolume(ctx context.Context, volume int) error {
	return c.post(ctx, "volume", map[string]int{"volume": volume}, nil)
}

func (c client) Enqueue(ctx context.Context, passage int64) (depth int, err error) {
	var answer struct{ Depth int }
	err = c.post(ctx, "queue", map[string]int64{"passage": passage}, &answer)
	return answer.Depth, err
}

func (c client) Queue(ctx context.Context) ([]player.Entry, error) {
	var answer struct{ Entries []player.Entry }
	err := c.Ask(ctx, http.MethodGet, "/api/queue", nil, &answer)
	return answer.Entries, err
}

// status is what the tests look at.
type status struct {
	State    player.State
	Passage  int64
	Position int64 `json:"position_ms"`
	Volume   int
}

func (c client) Status(ctx context.Context) (s status, err error) {
	err = c.Ask(ctx, http.MethodGet, "/api/status", nil, &s)
	return s, err
}

// isDriven sends one command of each kind, and commands that must be refused.
func isDriven(t *testing.T, ctx context.Context, c client) {
	t.Helper()
	for what, err := range map[string]error{
		"play":   c.Command(ctx, player.Play),
		"volume": c.SetVolume(ctx, 33),
		"say":    c.post(ctx, "messages", map[string]string{"username": "ada", "message": "over HTTP"}, nil),
		"flavor": c.post(ctx, "flavor", map[string]int{"passage": 3, "minutes": 60}, nil),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	before, err := c.Queue(ctx)
	depth, enqueue := c.Enqueue(ctx, 299)
	after, err2 := c.Queue(ctx)
	if err := errors.Join(err, enqueue, err2); err != nil || depth <= len(before) || len(after) < depth || after[depth-1].Passage != 299 {
		t.Errorf("%v; depth %d, queue %v, then %v", err, depth, before, after)
	}
	if s, err := c.Status(ctx); err != nil || s.State != player.Playing || s.Volume != 33 {
		t.Errorf("%+v, %v", s, err)
	}
	_, again := c.Enqueue(ctx, 299)
	_, unknown := c.Enqueue(ctx, 300_000)
	for want, err := range map[player.Code]error{
		player.AlreadyQueued: again, player.NotFound: unknown, player.Invalid: c.SetVolume(ctx, 101),
	} {
		if player.CodeOf(err) != want || strings.Contains(err.Error(), "::") || strings.Contains(err.Error(), ".db") {
			t.Errorf("%v, want %s, and no rule or path", err, want)
		}
	}
}

// heard reads on to an event with this name and text.
func heard(t *testing.T, events *web.Events, name, text string) player.Announcement {
	t.Helper()
	for {
		e, err := events.Next()
		if err != nil {
			t.Fatalf("until %s %s: %v", name, text, err)
		}
		if e.Name != name {
			continue
		}
		var a player.Announcement
		if err := json.Unmarshal(e.Data, &a); err != nil || text == "" || a.Text == text {
			return a
		}
	}
}

func wantSaid(t *testing.T, path string) {
	t.Helper()
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if stored, err := store.Stored(); err != nil || stored.Messages == 0 || stored.Messages != stored.Said {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

// sounding is real with sound: short tracks, at real pace.
func sounding(t *testing.T) live.Deps {
	deps := real()
	deps.MakeLibrary = func(path string, wish live.LibraryWish, say func(string)) error {
		lengths := []player.Ticks{2 * player.Second, 3 * player.Second, 2 * player.Second}
		found, err := audio.MakeTracks(wish.Tracks, wish.Seed, lengths)
		library := sqlite.Library{Passages: wish.Passages, Seed: wish.Seed}
		for _, track := range found {
			library.Tracks = append(library.Tracks, sqlite.Track(track))
		}
		say("made for the test")
		return errors.Join(err, sqlite.Make(path, library, nil))
	}
	deps.OpenSound = func() (live.Sound, error) {
		deck, err := audio.NewDeck(audio.DeckOptions{Output: audio.OpenRealTime(audio.RealTimeOptions{})})
		return deckAlone{deck}, err
	}
	return deps
}

type deckAlone struct{ *audio.Deck }

func (d deckAlone) Pump(ctx context.Context, do func(player.Stimulus) error) error {
	return audio.Pump(ctx, d.Deck, audio.Pumping{Frames: audio.PeriodFrames}, do)
}

// With sound, passages follow one another by themselves; a pause holds them; a skip
// ends one, and is refused when the last was less than five seconds ago.
func TestServeSounds(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	l := serve(t, sounding(t), "-data", data, "-passages", "300", "-rate", "5")
	c := client{web.NewClient(l.url, "")}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events, err := c.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	first := heard(t, events, player.PositionChanged, "")
	if second := heard(t, events, player.PositionChanged, ""); first.Number <= 0 || second.Number <= first.Number {
		t.Errorf("positions %d, %d", first.Number, second.Number)
	}
	s, err := c.Status(ctx)
	if err != nil || s.State != player.Playing || s.Passage == 0 || s.Position == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, passage := range []int64{7, 8} { // so that something follows at once
		if _, err := c.Enqueue(ctx, passage); err != nil {
			t.Error(err)
		}
	}
	if err := c.Command(ctx, player.Pause); err != nil {
		t.Error(err)
	}
	heard(t, events, player.StateChanged, "paused")
	a, err := c.Status(ctx)
	<-time.After(200 * time.Millisecond)
	if b, err2 := c.Status(ctx); err != nil || err2 != nil || a.Position != b.Position || a.State != player.Paused {
		t.Errorf("paused at %+v, then %+v: %v %v", a, b, err, err2)
	}
	if err := c.Command(ctx, player.Play); err != nil {
		t.Error(err)
	}
	eventually(t, "a skip", func() bool { return c.Command(ctx, player.Skip) == nil }) // NotFound between two
	skipped := time.Now()
	eventually(t, "the next passage plays", func() bool { s, err := c.Status(ctx); return err == nil && s.Passage != 0 })
	err = c.Command(ctx, player.Skip)
	if soon := time.Since(skipped) < player.SkipInterval.Duration(); soon && player.CodeOf(err) != player.TooSoon {
		t.Errorf("a second skip: %v", err)
	}
	l.stop(t)
	for _, name := range []string{"music.db", "music.begun", "tracks", "trace.db"} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(l.stderr.String(), "made for the test") {
		t.Errorf("stderr: %s", &l.stderr)
	}
}

// silence is a sound that fails: a deck without a pump.
type silence struct {
	*audio.Deck
	err    error
	closed chan struct{}
}

func (s silence) Pump(context.Context, func(player.Stimulus) error) error { return s.err }
func (s silence) Close() error                                            { close(s.closed); return s.Deck.Close() }

func TestServeWithoutItsSound(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken by the test")
	closed := make(chan struct{})
	for name, open := range map[string]func() (live.Sound, error){
		"does not open": func() (live.Sound, error) { return nil, broken },
		"stops": func() (live.Sound, error) {
			deck, err := audio.NewDeck(audio.DeckOptions{})
			return silence{deck, broken, closed}, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps := real()
			deps.OpenSound = open
			var stdout, stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			code := live.ServeCommand(deps)(ctx, []string{"-style", "direct", "-passages", "300", "-data", t.TempDir()}, &stdout, &stderr)
			if code != 5 || !strings.Contains(stderr.String(), broken.Error()) || !strings.Contains(stderr.String(), "-mute") {
				t.Errorf("%d %q %q", code, &stdout, &stderr)
			}
			if name == "stops" {
				<-closed
			}
		})
	}
}

// Each music has its own library, and so has silence.
func TestServeKeepsMusicApart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	deps := sounding(t)
	var wishes []live.LibraryWish
	make := deps.MakeLibrary
	deps.MakeLibrary = func(path string, wish live.LibraryWish, say func(string)) error {
		wishes = append(wishes, wish)
		wish.Tracks = filepath.Join(data, "any")
		return make(path, wish, say)
	}
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	if err := errors.Join(os.Mkdir(one, 0o755), os.Mkdir(two, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-mute"}, {"-music", one}, {"-music", two}, {"-music", one}} {
		serve(t, deps, append(args, "-style", "direct", "-data", data, "-passages", "300")...).stop(t)
	}
	if len(wishes) != 3 || wishes[0].Music != "" || wishes[0].Tracks != "" || filepath.Base(wishes[1].Music) != "one" || wishes[1].Tracks != "" ||
		!filepath.IsAbs(wishes[1].Music) || filepath.Base(wishes[2].Music) != "two" {
		t.Errorf("%+v", wishes)
	}
	if found, err := filepath.Glob(filepath.Join(data, "*.db")); err != nil || len(found) != 4 {
		t.Errorf("%v, %v, want three libraries and the trace", found, err)
	}
}
