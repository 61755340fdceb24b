package scenarios

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rubato/audio"
	"rubato/direct"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/reports"
	"rubato/results"
	"rubato/sqlite"
	"rubato/web/live"
)

// TestServedMusic: the user's folder becomes the sound of a library, and each file that cannot
// be played, or not to its end, is named.
func TestServedMusic(t *testing.T) {
	t.Parallel()
	folder, empty, data := t.TempDir(), t.TempDir(), t.TempDir()
	tracks, err := audio.MakeTracks(folder, 1, []player.Ticks{player.Second, 2 * player.Second})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(tracks[0].Path)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "zz half.flac"), whole[:len(whole)/2], 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "letter.mp3"), []byte("no music"), 0o644); err != nil {
		t.Fatal(err)
	}
	var said []string
	say := func(text string) { said = append(said, text) }
	path := filepath.Join(data, "music.db")
	if err := makeLive(path, live.LibraryWish{Passages: 200, Music: folder}, say); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "3 files to play, 1 skipped") {
		t.Errorf("it reported %q", text)
	} else if !strings.Contains(text, `skipped: "`+folder+`/letter.mp3": neither WAV`) || !strings.Contains(text, `notice: "`+folder+`/zz half.flac": is truncated`) {
		t.Errorf("it does not say what is wrong: %q", text)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for passage, want := range map[int64]player.Ticks{1: player.Second, 2: 2 * player.Second, 4: player.Second} {
		cut, err := store.Cuts().Cut(passage)
		if err != nil || cut.End-cut.Start != want || filepath.Dir(cut.File) == "." {
			t.Errorf("passage %d: %+v, %v", passage, cut, err)
		}
	}
	if err := makeLive(filepath.Join(data, "none.db"), live.LibraryWish{Passages: 200, Music: empty}, say); err == nil || !strings.Contains(err.Error(), "no music") {
		t.Errorf("a folder without music: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "none.db")); err == nil {
		t.Error("it left a library")
	}
}

// TestServedSound: the sound of serve opens, is silent while nothing plays, and closes.
func TestServedSound(t *testing.T) {
	sound, err := openLive()
	if err != nil {
		t.Fatal(err)
	}
	if markers, err := sound.Mix(audio.PeriodFrames); err != nil || len(markers) != 0 {
		t.Errorf("%v, %v", markers, err)
	}
	if d := sound.Delivered(); d.Frames != audio.PeriodFrames || d.Starved != 0 {
		t.Errorf("%+v", d)
	}
	if err := sound.Close(); err != nil {
		t.Error(err)
	}
}

// pastRun writes results of two styles, as the runner leaves them.
func pastRun(t *testing.T, dir, other string) (raw, summary string) {
	t.Helper()
	run := &results.Run{Schema: results.Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Effort: "quick", Baseline: "direct",
		Styles: []results.Arm{{Name: "direct"}, {Name: other}}, Scenarios: []results.Scenario{{Name: "s", Op: "thing"}}}
	var details results.Details
	var lines bytes.Buffer
	out := json.NewEncoder(&lines)
	add := func(l results.Line) {
		if err := out.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	add(results.Line{Run: run})
	for i, style := range []string{"direct", other} {
		run.Cells = append(run.Cells, results.Cell{Scenario: "s", Style: style, Options: map[string]string{}, Work: results.Work{Digest: "d"}})
		for round := range 12 {
			b := results.Block{Cell: run.Cells[i].Key(), Round: round, Ops: 100, Wall: time.Duration(100_000*(i+1) + round), User: 50_000,
				Stimuli: 100, Effects: 100, Expected: 100, Digest: "d"}
			details.Blocks = append(details.Blocks, b)
			add(results.Line{Block: &b})
		}
	}
	details.Profiles = []results.Profile{{Cell: run.Cells[0].Key(), Kind: "cpu", Path: "profiles/gone.pb.gz"}}
	add(results.Line{Profile: &details.Profiles[0]})
	reports.Summarize(run, details)
	add(results.Line{Run: run})
	data, err := json.Marshal(results.SummaryJSON{Run: run, Profiles: details.Profiles})
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil && lines.Len() > 0 {
		err = errors.Join(os.WriteFile(filepath.Join(dir, results.RawFile), lines.Bytes(), 0o644), os.WriteFile(filepath.Join(dir, results.SummaryFile), data, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	return lines.String(), string(data)
}

// servedRuns serves a folder of runs until the test ends, and gives the address.
func servedRuns(t *testing.T, runs string, more ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- live.ServeCommand(liveDeps([]player.Style{direct.Style, orchestrated.Style}))(ctx,
			append([]string{"-mute", "-passages", "300", "-rate", "15", "-data", t.TempDir(), "-runs", runs}, more...), in, &stderr)
		in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve ended with %d: %s", code, &stderr)
		}
	})
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	return strings.TrimSuffix(said, "/\n")
}

// TestBeside: another style plays at the same time in a process of its own, and ends with serve.
func TestBeside(t *testing.T) {
	t.Parallel()
	address := servedRuns(t, t.TempDir(), "-beside", "direct,bus")
	var all []live.Figures
	for began := time.Now(); time.Since(began) < 2*time.Minute; <-time.After(100 * time.Millisecond) {
		_, _, body := asked(t, address, "/live/figures")
		if err := json.Unmarshal([]byte(body), &all); err != nil || len(all) != 2 {
			t.Fatalf("%v: %s", err, body)
		}
		if all[0].P50 != nil && all[1].P50 != nil && all[1].CPU != nil {
			break
		}
	}
	if all[0].Style != "bus" || all[1].Style != "direct" || all[1].Stimuli == 0 || all[1].CPU == nil || *all[1].CPU <= 0 {
		t.Errorf("%+v", all)
	}
}

// asked is the answer to a path as it stands.
func asked(t *testing.T, address, path string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequest("GET", address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(all)
}

// TestPastRuns: of whatever lies in the folder of runs, what can be shown is shown, and what is
// missing is named. Nothing outside it is read, and no name is markup.
func TestPastRuns(t *testing.T) {
	t.Parallel()
	const hostile = `<img src=x onerror=alert(1)>`
	runs, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	at := func(name ...string) string { return filepath.Join(append([]string{runs}, name...)...) }
	raw, summary := pastRun(t, outside, "bus")
	pastRun(t, at("whole"), "bus")
	pastRun(t, at("unknown"), "telepathy")
	pastRun(t, at(hostile), hostile)
	put := func(dir, name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(at(dir), 0o755), os.WriteFile(at(dir, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("cut", results.RawFile, raw[:len(raw)-200])
	put("two", results.RawFile, raw+strings.ReplaceAll(raw, "2026-01-02", "2026-05-05"))
	put("later", results.SummaryFile, strings.Replace(summary, `"schema":2`, `"schema":7`, 1))
	put("later bare", results.SummaryFile, `{"schema":7}`)
	put("later", results.ReportFile, "<p>as it was</p><script>alert(1)</script>")
	put("junk", results.RawFile, "hello\n")
	put("linked", results.SummaryFile, summary)
	if err := errors.Join(os.Symlink(outside, at("out")), os.Symlink("whole", at("latest")), os.Symlink(filepath.Join(outside, results.RawFile), at("linked", results.RawFile)),
		os.Mkdir(at("empty"), 0o755), syscall.Mkfifo(at("empty", results.SummaryFile), 0o644)); err != nil {
		t.Fatal(err)
	}
	address := servedRuns(t, runs)
	for path, want := range map[string][]string{
		"whole":      {"the profile is missing"},
		"latest":     {"the profile is missing"},
		"unknown":    {"telepathy"},
		"cut":        {"results.jsonl ends in the middle of line 27", "results.json is missing"},
		"two":        {"line 28: a second run begins here"},
		"later bare": {"a newer rubato wrote these results"},
		"later":      {"as it was"},
		"junk":       {"nothing to show"},
		"linked":     {"results.jsonl cannot be read whole", "its rounds, curves and trials are not shown"},
		hostile:      {html.EscapeString(hostile)},
	} {
		status, header, body := asked(t, address, "/runs/"+url.PathEscape(path)+"/report")
		for _, text := range want {
			if status != 200 || !strings.Contains(body, text) {
				t.Errorf("%s: %d, without %q:\n%s", path, status, text, last(body, 300))
			}
		}
		// The other style takes twice the time of direct.
		if figures := strings.Contains(body, "2.00"); figures == slices.Contains([]string{"junk", "later", "later bare"}, path) {
			t.Errorf("%s: figures shown: %v", path, figures)
		}
		if strings.Contains(body, hostile) || strings.HasSuffix(header.Get("Content-Security-Policy"), "sandbox") != slices.Contains([]string{"junk", "later", "later bare"}, path) ||
			strings.Contains(header.Get("Content-Security-Policy"), "script-src 'unsafe") || strings.Contains(header.Get("Content-Security-Policy"), "same-origin") {
			t.Errorf("%s: markup, or %v", path, header)
		}
	}
	for _, path := range []string{"out", "empty", "none", ".hidden", "..%2f..%2fetc", "%2e%2e", "whole%2f..%2fwhole", "linked%2fresults.json", "%00"} {
		for _, page := range []string{"/", "/report"} {
			if status, _, body := asked(t, address, "/runs/"+path+page); status != 404 {
				t.Errorf("%s%s: %d %.200s", path, page, status, body)
			}
		}
	}
	for path, want := range map[string]string{"two": "Missing: results.jsonl cannot be read whole: line 28: a second run begins here", "whole": "Missing: profiles/gone.pb.gz: the profile is missing",
		"unknown": "Missing: style telepathy is not in this program", "cut": "Missing: the run is incomplete: ", "later": "Missing: schema 7 is later than 2", "junk": "Missing: its first line is not that of a run"} {
		if status, _, body := asked(t, address, "/runs/"+path+"/"); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q:\n%s", path, status, want, body)
		}
	}
	_, _, list := asked(t, address, "/runs/")
	for _, want := range []string{">whole</a>", html.EscapeString(hostile), "style telepathy is not in this program", "schema 7 is later than 2", "results.json is missing", "nothing can be shown"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
	if strings.Contains(list, hostile) || strings.Contains(list, ">out</a>") || strings.Contains(list, ">latest</a>") {
		t.Errorf("the list:\n%s", list)
	}
	status, header, page := asked(t, address, "/runs/"+url.PathEscape(hostile)+"/")
	if status != 200 || strings.Contains(page, hostile) || !strings.Contains(page, `<iframe src="report" sandbox="allow-scripts"`) || !strings.Contains(page, `id="figures"`) || !strings.Contains(page, `id="skip"`) ||
		!strings.Contains(header.Get("Content-Security-Policy"), "frame-src 'self'") {
		t.Errorf("%d %v\n%s", status, header, page)
	}
}

// last is the end of a long text.
func last(text string, n int) string { return text[max(0, len(text)-n):] }
