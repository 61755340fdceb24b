package scenarios

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/audio"
	"rubato/audio/decode"
	"rubato/direct"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// short gives a scenario tracks of 6 to 8 seconds.
func short(s runner.Scenario) runner.Scenario {
	s.Prepare = func(setup runner.Setup) error {
		return workload.PrepareMusic(setup, workload.Seconds(setup.Seed, 3, 6, 8))
	}
	return s
}

func audioCase(name string) map[string]string { return map[string]string{"case": name} }

// TestSoundIsTheSame: every line and every sample is the same in all styles, block after
// block.
func TestSoundIsTheSame(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, c := range some(1, []struct {
		scenario runner.Scenario
		change   map[string]string
		sizes    []int
	}{
		{short(realStyles.crossfade()), nil, []int{1, 3}},
		{short(realStyles.audio()), audioCase("10ms-storm"), []int{100, 900}},
		{short(realStyles.audio()), audioCase("50ms"), []int{200}},
		{short(realStyles.playerHour()), nil, []int{1, 2}},
	}) {
		work := worked(t, c.scenario, c.change, true, c.sizes...)
		want := work[realStyles.Styles[0].Name]
		for _, style := range realStyles.Styles[1:] {
			for i, got := range work[style.Name] {
				if got.Digest != want[i].Digest || got.Effects != want[i].Effects {
					t.Errorf("%s %v, block %d, %s: %d effects, %s; want %d, %s", c.scenario.Name, c.change, i, style.Name,
						got.Effects, got.Digest, want[i].Effects, want[i].Digest)
				}
				for lane, lines := range want[i].Lanes {
					if !slices.Equal(got.Lanes[lane], lines) {
						t.Errorf("%s %v, block %d, %s: lane %s differs", c.scenario.Name, c.change, i, style.Name, lane)
					}
				}
			}
		}
		for _, lane := range []string{"playback", "decoder", "queue", "broadcast"} {
			if len(want[0].Lanes[lane]) == 0 {
				t.Errorf("%s: lane %s is empty", c.scenario.Name, lane)
			}
		}
	}
}

// openedSound opens a scenario in style direct. The caller closes it.
func openedSound(t *testing.T, s runner.Scenario, change map[string]string, keep string) runner.Workload {
	t.Helper()
	options := optionsOf(s, "direct", change)
	shared := t.TempDir()
	must(t, s.Prepare(runner.Setup{Shared: shared, Seed: 1, Options: options}))
	load, err := s.Open(runner.Setup{Style: "direct", Shared: shared, Dir: t.TempDir(), Seed: 1, Options: options, Keep: keep})
	must(t, err)
	return load
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// soundBlock runs a block and returns its work and latencies.
func soundBlock(t *testing.T, load runner.Workload, first, n int) (work runner.Work, took []time.Duration) {
	t.Helper()
	must(t, load.Prepare(first, n))
	must(t, load.Run(n, func(d time.Duration) { took = append(took, d) }))
	work, err := load.Work()
	must(t, err)
	return work, took
}

// altered is style direct with a changed config.
func altered(change func(*player.Config)) styles {
	style := direct.Style
	style.Open = func(c player.Config) (player.Player, error) {
		change(&c)
		return direct.Open(c)
	}
	return styles{workload.Styles{style}}
}

// louder is a deck that plays louder than requested.
type louder struct{ player.Deck }

func (l louder) SetVolume(volume int) { l.Deck.SetVolume(min(volume+1, player.MaxVolume)) }

// TestSoundDetectsOtherWork: a style that announces nothing has fewer effects, and one that
// plays different samples has a different digest.
func TestSoundDetectsOtherWork(t *testing.T) {
	t.Parallel()
	honest := openedSound(t, short(styles{workload.Styles{direct.Style}}.crossfade()), nil, "")
	want, took := soundBlock(t, honest, 0, 3)
	must(t, honest.Close())
	if want.Effects != 9 || want.Expected != 9 || len(took) != 3 {
		t.Errorf("%d effects of %d, latencies %v", want.Effects, want.Expected, took)
	}
	deaf := openedSound(t, short(altered(func(c *player.Config) { c.Audience = nil }).crossfade()), nil, "")
	got, _ := soundBlock(t, deaf, 0, 3)
	must(t, deaf.Close())
	if got.Effects != 3 || got.Expected != 9 {
		t.Errorf("without announcements: %d effects of %d", got.Effects, got.Expected)
	}
	loud := openedSound(t, short(altered(func(c *player.Config) { c.Deck = louder{c.Deck} }).crossfade()), nil, "")
	got, _ = soundBlock(t, loud, 0, 3)
	must(t, loud.Close())
	if got.Effects != 9 || got.Digest == want.Digest {
		t.Errorf("louder: %d effects, digest %s", got.Effects, got.Digest)
	}
}

// TestCrossfadeIsKept: the file holds a minute of sound, and the figures of the deck are
// reported.
func TestCrossfadeIsKept(t *testing.T) {
	t.Parallel()
	keep := filepath.Join(t.TempDir(), "kept")
	load := openedSound(t, short(styles{workload.Styles{direct.Style}}.crossfade()), map[string]string{"wav": "on"}, keep)
	work, _ := soundBlock(t, load, 0, 14)
	must(t, load.Close())
	info, err := decode.Probe(filepath.Join(keep, "crossfade.wav"))
	if err != nil || info.Frames != 60*player.SampleRate {
		t.Errorf("%+v, %v", info, err)
	}
	for _, name := range []string{"mix-one", "mix-two", "decode"} {
		if work.Figures[name] <= 0 {
			t.Errorf("%s is %v", name, work.Figures[name])
		}
	}
}

// TestListeningPlaysOn: files without music are not in the library, the player skips files
// that have gone since, and when no file is left that is an error.
func TestListeningPlaysOn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tracks, err := audio.MakeTracks(folder, 1, workload.Seconds(1, 3, 1, 2))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "text.mp3"), []byte("no music"), 0o644))
	must(t, os.WriteFile(filepath.Join(folder, "empty.wav"), nil, 0o644))
	load := openedSound(t, styles{workload.Styles{direct.Style}}.crossfade(), map[string]string{"music": folder}, "")
	must(t, os.Remove(tracks[1].Path))
	work, _ := soundBlock(t, load, 0, 10)
	if work.Effects != 10 || work.Expected != 10 || work.Figures["unplayable"] != 2 || work.Figures["broken"] == 0 {
		t.Errorf("%d effects of %d, figures %v", work.Effects, work.Expected, work.Figures)
	}
	must(t, os.Remove(tracks[0].Path))
	must(t, os.Remove(tracks[2].Path))
	must(t, load.Prepare(10, 100))
	if err := load.Run(100, func(time.Duration) {}); err == nil {
		t.Error("no error without any file")
	}
	must(t, load.Close())
}

// TestMusicKey: the value is "made" or a folder with music.
func TestMusicKey(t *testing.T) {
	t.Parallel()
	full, empty := t.TempDir(), t.TempDir()
	_, err := audio.MakeTracks(full, 1, workload.Seconds(1, 1, 1, 1))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(empty, "notes.txt"), []byte("do re mi"), 0o644))
	for value, ok := range map[string]bool{"made": true, full: true, empty: false, filepath.Join(full, "nowhere"): false} {
		if err := workload.Playable(value); (err == nil) != ok {
			t.Errorf("music %q: %v", value, err)
		}
	}
	for _, length := range workload.Seconds(7, 100, 3, 5) {
		if length < 3*player.Second || length > 5*player.Second {
			t.Errorf("a track of %v, want 3 to 5 s", length.Duration())
		}
	}
}

// TestAudioAtRealPace: every frame reaches the callback, and the block reports how late it was.
func TestAudioAtRealPace(t *testing.T) {
	for _, name := range some(1, []string{"10ms-storm", "10ms-storm-shared", "10ms-storm-rule"}) {
		const periods = 40
		machine := name != "10ms-storm-shared"
		work := worked(t, short(realStyles.audio()), audioCase(name), false, some(1, []int{periods, periods})...)
		for style, blocks := range work {
			for i, got := range blocks {
				if got.Digest != work["direct"][i].Digest {
					t.Errorf("%s %s, block %d: digest %s, want %s", name, style, i, got.Digest, work["direct"][i].Digest)
				}
				_, reported := got.Figures["late-machine-p99"]
				if got.Figures["late-p50"] <= 0 || got.Figures["callback-cpu"] <= 0 || got.Figures["event-p99"] <= 0 || reported != machine {
					t.Errorf("%s %s, block %d: %v", name, style, i, slices.Sorted(maps.Keys(got.Figures)))
				}
			}
		}
	}
}

// TestSideLoadDigest: the digest ignores the order of a storm's lines, but not the sound.
func TestSideLoadDigest(t *testing.T) {
	t.Parallel()
	seen := func(lane string, digest, sound uint64) string {
		return digestWithSideLoad(player.Observation{Lanes: []player.Lane{{Name: lane, Count: 3, Digest: digest}}, Sound: player.Delivered{Digest: sound}})
	}
	if seen("broadcast", 1, 1) != seen("broadcast", 2, 1) {
		t.Error("the digest depends on the order of broadcasts")
	}
	if seen("playback", 1, 1) == seen("playback", 2, 1) || seen("broadcast", 1, 1) == seen("broadcast", 1, 2) {
		t.Error("the digest ignores what is played")
	}
}

// TestUsers: what users do does not depend on how often next is called. Actions are in order
// of time and have a natural rate, and each pause ends.
func TestUsers(t *testing.T) {
	t.Parallel()
	const start, length = sqlite.Epoch, player.Hour
	actions := func(step player.Ticks) (all []player.Stimulus) {
		p := newUsers(1, start)
		for at := start; at <= start+length; at += step {
			for s, ok := p.next(at); ok; s, ok = p.next(at) {
				if s.At > at || s.At < at-step {
					t.Fatalf("an action at %v, want one between %v and %v", s.At, at-step, at)
				}
				all = append(all, s)
			}
		}
		return all
	}
	often, seldom := actions(player.Second/20), actions(player.Second*3)
	if !reflect.DeepEqual(often, seldom) {
		t.Errorf("%d actions when asked often, %d when asked seldom, or they differ", len(often), len(seldom))
	}
	kinds := map[player.Kind]int{}
	words := map[string]int{}
	last := player.Ticks(0)
	for _, s := range often {
		kinds[s.Kind]++
		words[s.Command]++
		if s.At < last {
			t.Fatalf("%v after %v", s.At, last)
		}
		last = s.At
	}
	for _, kind := range []player.Kind{0, player.MessageSaid, player.VolumeSet, player.Wanted, player.FlavorWanted, player.Control} {
		if kinds[kind] == 0 {
			t.Errorf("no action of kind %d in an hour", kind)
		}
	}
	if gap := words[player.Pause] - words[player.Play]; words[player.Pause] == 0 || gap < 0 || gap > 1 || words[player.Skip] == 0 {
		t.Errorf("commands: %v", words)
	}
	if rate := float64(len(often)) / length.Duration().Seconds(); rate < 2 || rate > 13 {
		t.Errorf("%.1f actions a second beside two positions is not natural", rate)
	}
}

// TestSideLoad: a storm depends only on its seed, continues in the next block, and ends with
// the block.
func TestSideLoad(t *testing.T) {
	t.Parallel()
	a, b := newSideLoad(nil), newSideLoad(nil)
	for range 3 {
		a.prepare(5, 2*time.Second)
		b.prepare(5, 2*time.Second)
		if !reflect.DeepEqual(a.events, b.events) || !reflect.DeepEqual(a.due, b.due) || a.next != b.next {
			t.Error("the same seed gives different storms")
		}
		if n := len(a.due); n < 100 || n > 320 || len(a.events) != n || a.due[n-1] >= 2*time.Second || a.said() == 0 || a.said() == int64(n) {
			t.Errorf("%d events, %d messages, in 2 s, the last after %v", n, a.said(), a.due[n-1])
		}
	}
}

// TestSoundSizes: every effort has a size, and a longer effort has longer blocks.
func TestSoundSizes(t *testing.T) {
	t.Parallel()
	for _, name := range audioCases {
		last := 0
		for _, effort := range []string{"quick", "default", "full"} {
			size := audioSize(effort, audioCase(name))
			if size.Ops <= last {
				t.Errorf("%s %s: %d periods, after %d", name, effort, size.Ops, last)
			}
			last = size.Ops
		}
	}
	for _, pace := range []string{"fast", "real"} {
		for _, effort := range []string{"quick", "default", "full"} {
			if size := playerHourSize(effort, runner.Options{"pace": pace}); size.Ops == 0 || size.Rounds == 0 {
				t.Errorf("%s %s: %+v", effort, pace, size)
			}
		}
	}
}
