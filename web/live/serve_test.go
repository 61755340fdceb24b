package live_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/direct"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/sqlite"
	"rubato/sqlite/tracedb"
	"rubato/web"
	"rubato/web/live"
)

const hostile = `<img src=x onerror="document.title='bitten'"><script>document.title='bitten'</script>`

// real is serve over the real styles and stores, with people who write markup.
func real() live.Deps {
	return live.Deps{
		Styles: []player.Style{direct.Style, orchestrated.Style}, Default: "bus", Epoch: sqlite.Epoch,
		MakeLibrary: func(path string, wish live.LibraryWish, _ func(string)) error {
			return sqlite.Make(path, sqlite.Library{Passages: wish.Passages, Seed: wish.Seed}, nil)
		},
		OpenStore: func(path string) (player.Store, io.Closer, error) {
			store, err := sqlite.Open(path, sqlite.Options{})
			return store, store, err
		},
		Titles: func(path string) (web.Titles, error) { return sqlite.Titles(path) },
		OpenTrace: func(path string) (live.Trace, error) {
			store, err := tracedb.Open(path, tracedb.Options{})
			return live.Trace{Sink: store, Reader: store, Closer: store}, err
		},
		Stimulus: func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus {
			return player.Stimulus{Kind: kind, Seq: seq, At: at, Seed: seed + seq, Command: player.Play, Volume: int(seq % 100),
				Message: player.Message{Username: "mallory", Text: fmt.Sprintf("%d %s", seq, hostile), At: at}}
		},
	}
}

// running is a serve that runs.
type running struct {
	url    string
	cancel context.CancelFunc
	code   chan int
	stderr bytes.Buffer
}

func serve(t *testing.T, deps live.Deps, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &running{cancel: cancel, code: make(chan int, 1)}
	out, in := io.Pipe()
	go func() {
		l.code <- live.ServeCommand(deps)(ctx, args, in, &l.stderr)
		in.Close()
	}()
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("serve ended with %d before it said where it is: %s", <-l.code, &l.stderr)
	}
	l.url = strings.TrimSuffix(said, "/\n")
	t.Cleanup(func() { l.stop(t) })
	return l
}

// stop ends it as Ctrl-C does. A second time it does nothing.
func (l *running) stop(t *testing.T) {
	l.cancel()
	select {
	case code, ok := <-l.code:
		if ok && code != 0 {
			t.Errorf("serve ended with %d: %s", code, &l.stderr)
		}
		if ok {
			close(l.code)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("serve did not end")
	}
}

// read decodes what a path answers.
func (l *running) read(t *testing.T, path string, into any) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get(l.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", path, response.Status, err, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !yes(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

func TestServeLive(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	l := serve(t, real(), "-dev", "-data", data, "-passages", "300", "-rate", "15", "-seed", "7")
	var queue []player.TraceRow
	eventually(t, "a passage was selected, and that is in the stored trace", func() bool {
		l.read(t, "/dev/traces/caused/AutoSelectWhenQueueLow?since=1h", &queue)
		return len(queue) > 0
	})
	var rules []player.RuleInfo
	eventually(t, "messages were logged", func() bool {
		l.read(t, "/dev/syncs", &rules)
		for _, r := range rules {
			if r.Name == "LogMessageWhenSaid" && r.Metrics.Activations > 3 && r.Metrics.Failures == 0 && r.Metrics.P95 > 0 {
				return true
			}
		}
		return false
	})
	var flow player.Flow
	l.read(t, fmt.Sprintf("/dev/traces/%d", queue[0].Flow), &flow)
	var actions []string
	for _, r := range flow.Rows {
		actions = append(actions, r.Action)
	}
	for _, want := range []string{"pd::Timeslots::flavorAt", "pd::Director::select", "ap::Queue::enqueue", "pd::Cooldowns::record"} {
		if !slices.Contains(actions, want) {
			t.Errorf("the flow of a refill has %v and not %s", actions, want)
		}
	}
	address := strings.TrimPrefix(l.url, "http://")
	l.stop(t)
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("the port is still served")
	}
	files, err := os.ReadDir(data)
	if err != nil || len(files) != 3 {
		t.Errorf("left %v, %v, want begun, library.db and trace.db alone", files, err)
	}
	wantStored(t, filepath.Join(data, "library.db"))

	again := serve(t, real(), "-dev", "-data", data, "-rate", "15", "-seed", "7")
	if strings.Contains(again.stderr.String(), "making") {
		t.Error("a library that is there was made again")
	}
	eventually(t, "it goes on with what it has", func() bool {
		var lines []live.FlowLine
		again.read(t, "/dev/traces", &lines)
		for _, f := range lines {
			if f.Failed > 0 {
				t.Fatalf("%+v", f)
			}
		}
		return len(lines) > 2
	})
}

func wantStored(t *testing.T, path string) {
	t.Helper()
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if stored, err := store.Stored(); err != nil || stored.Messages < 4 || stored.Messages != stored.Said {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

// A client that listens when the player stops is disconnected, and does not delay the stop.
func TestServeEndsWhileSomebodyListens(t *testing.T) {
	t.Parallel()
	l := serve(t, real(), "-dev", "-data", t.TempDir(), "-passages", "300")
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /dev/events/stream HTTP/1.1\r\nHost: %s\r\n\r\n", strings.TrimPrefix(l.url, "http://"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	l.stop(t)
}

// A server that other machines can reach needs the token, and prints an address that can be
// opened on this machine.
func TestServeElsewhere(t *testing.T) {
	t.Parallel()
	l := serve(t, real(), "-dev", "-data", t.TempDir(), "-passages", "300", "-addr", "0.0.0.0:0", "-token", "a token of some length")
	if !strings.HasPrefix(l.url, "http://127.0.0.1:") {
		t.Errorf("says %s", l.url)
	}
	for header, want := range map[string]int{"": 401, "Bearer a token of some length": 200} {
		r, err := http.NewRequest("GET", l.url+"/dev/syncs", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		r.Header.Set("Authorization", header)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != want {
			t.Errorf("%q: %s, want %d", header, response.Status, want)
		}
	}
}

func TestServeWithoutInsides(t *testing.T) {
	t.Parallel()
	l := serve(t, real(), "-dev", "-style", "direct", "-data", t.TempDir(), "-passages", "300", "-addr", "localhost:0")
	for path, want := range map[string]string{"/dev/syncs": "style direct has no concepts", "/": "no inside to show"} {
		r, err := http.NewRequest("GET", l.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if response.Body.Close(); err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v %s", path, err, body)
		}
	}
}

func TestServeUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		says  string
		token string
	}{
		"argument":      {args: []string{"now"}, says: `not "now"`},
		"flag":          {args: []string{"-port", "80"}, says: "-port"},
		"style":         {args: []string{"-style", "buss"}, says: "direct, bus"},
		"no port":       {args: []string{"-addr", "127.0.0.1"}, says: "HOST:PORT"},
		"elsewhere":     {args: []string{"-addr", "0.0.0.0:0"}, says: "needs a token"},
		"all addresses": {args: []string{"-addr", ":0"}, says: "needs a token"},
		"name":          {args: []string{"-addr", "player.example:0"}, says: "needs a token"},
		"short token":   {args: []string{"-addr", "0.0.0.0:0", "-token", "fifteen bytes !"}, says: "at least 16"},
		"short in env":  {args: nil, token: "short", says: "at least 16"},
		"rate":          {args: []string{"-rate", "1000"}, says: "rubato run"},
		"no rate":       {args: []string{"-rate", "NaN"}, says: "-rate NaN: want a number of stimuli a second from 0.1 to 15"},
		"passages":      {args: []string{"-passages", "7"}, says: "300 to 200000"},
		"no sound":      {args: []string{"-music", "somewhere"}, says: "-mute"},
		"no data":       {args: []string{"-data", ""}, says: "folder"},
		"data is none":  {args: []string{"-data", "serve_test.go"}, says: "give another -data"},
		"data in none":  {args: []string{"-data", "serve_test.go/data"}, says: "give another -data"},
		"long data":     {args: []string{"-data", strings.Repeat("long/", 90)}, says: "serve: -data is too long"},
		"high port":     {args: []string{"-addr", "127.0.0.1:99999"}, says: "0 to 65535"},
		"port's name":   {args: []string{"-addr", "127.0.0.1:telnetty"}, says: "0 to 65535"},
		"beside":        {args: []string{"-beside", "direct,buss"}, says: "direct, bus"},
		"cannot beside": {args: []string{"-beside", "direct"}, says: "cannot start itself again"},
		"no address":    {args: []string{"-addr", "192.0.2.1:0", "-token", "a token of some length"}, says: "-addr"}, // of no machine
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("RUBATO_TOKEN", c.token)
			var stdout, stderr bytes.Buffer
			code := live.ServeCommand(live.Deps{Styles: real().Styles, Default: "bus"})(t.Context(), c.args, &stdout, &stderr)
			if code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("%d %q %q, want 2 and %q", code, &stdout, &stderr, c.says)
			}
		})
	}
}

// A style that does not start beside the served one is named, with its own words, and ends nothing.
func TestServeBesideFails(t *testing.T) {
	t.Parallel()
	deps := real()
	deps.Program = []string{"sh", "-c", "echo one >&2; echo cannot play >&2; exit 3"}
	l := serve(t, deps, "-data", t.TempDir(), "-passages", "300", "-rate", "15", "-beside", "direct")
	eventually(t, "it is named", func() bool {
		var all []live.Figures
		l.read(t, "/live/figures", &all)
		return len(all) == 2 && all[1].Style == "direct" && all[1].Lacks == "cannot play" && all[0].Stimuli > 0
	})
	deps.Program = []string{"/nowhere/rubato"}
	var stdout, stderr bytes.Buffer
	if code := live.ServeCommand(deps)(t.Context(), []string{"-data", t.TempDir(), "-passages", "300", "-beside", "direct"}, &stdout, &stderr); code != 5 ||
		!strings.Contains(stderr.String(), "start a player of style direct") {
		t.Errorf("%d %s", code, &stderr)
	}
}

func TestServeHelp(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := live.ServeCommand(real())(t.Context(), []string{"-h"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 || !strings.Contains(stdout.String(), "rubato serve -dev") {
		t.Errorf("%d %q %q", code, &stdout, &stderr)
	}
}

// A failure names what cannot be opened, and what was opened before is closed: the leak
// check and the removal of the folder prove it.
func TestServeFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken by the test")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() })
	for name, c := range map[string]struct {
		change func(*live.Deps, string)
		says   string
		args   []string
	}{
		"port": {args: []string{"-addr", busy.Addr().String()}, says: "-addr"},
		"library": {change: func(d *live.Deps, _ string) {
			d.MakeLibrary = func(string, live.LibraryWish, func(string)) error { return broken }
		}, says: broken.Error()},
		"store": {change: func(d *live.Deps, _ string) {
			d.OpenStore = func(string) (player.Store, io.Closer, error) { return nil, nil, broken }
		}, says: broken.Error()},
		"trace": {change: func(d *live.Deps, _ string) {
			d.OpenTrace = func(string) (live.Trace, error) { return live.Trace{}, broken }
		}, says: broken.Error()},
		"style": {change: func(d *live.Deps, _ string) {
			d.Styles = []player.Style{{Name: "bus", Open: func(player.Config) (player.Player, error) { return nil, broken }}}
		}, says: "open bus: " + broken.Error()},
		"begun": {change: func(_ *live.Deps, dir string) {
			_ = os.WriteFile(filepath.Join(dir, "begun"), []byte("long ago"), 0o644)
		}, says: "does not hold a time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps, dir := real(), t.TempDir()
			if c.change != nil {
				c.change(&deps, dir)
			}
			args := append([]string{"-passages", "300", "-data", dir}, c.args...)
			var stdout, stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // one that does not fail would run on
			defer cancel()
			code := live.ServeCommand(deps)(ctx, args, &stdout, &stderr)
			if code != 5 || stdout.Len() > 0 || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("%d %q %q, want 5 and %q", code, &stdout, &stderr, c.says)
			}
		})
	}
}
