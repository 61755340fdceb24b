package scenarios

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/audio"
	"rubato/direct"
	"rubato/player"
	"rubato/runner"
)

// short has a scenario of sound play tracks of 6 to 8 seconds.
func short(s runner.Scenario) runner.Scenario {
	s.Prepare = func(setup runner.Setup) error { return prepareMusic(setup, seconds(setup.Seed, 3, 6, 8)) }
	return s
}

// TestSoundIsTheSame: every style does the same to the last line and the last sample,
// block after block.
func TestSoundIsTheSame(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, c := range []struct {
		scenario runner.Scenario
		change   map[string]string
		sizes    []int
	}{
		{short(realStyles.crossfade()), nil, []int{1, 3}},
		{short(realStyles.audio()), audioCase("10ms-storm"), []int{100, 900}},
		{short(realStyles.audio()), audioCase("50ms"), []int{200}},
		{short(realStyles.playerHour()), nil, []int{1, 2}},
	} {
		work := worked(t, c.scenario, c.change, true, c.sizes...)
		want := work[realStyles[0].Name]
		for _, style := range realStyles[1:] {
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
				t.Errorf("%s: nothing in lane %s", c.scenario.Name, lane)
			}
		}
	}
}

// openedSound is a scenario in one style, over music in a folder; close it.
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

// soundBlock runs a block and counts what comes of it.
func soundBlock(t *testing.T, load runner.Workload, first, n int) (work runner.Work, took []time.Duration) {
	t.Helper()
	must(t, load.Prepare(first, n))
	must(t, load.Run(func(d time.Duration) { took = append(took, d) }))
	work, err := load.Work()
	must(t, err)
	return work, took
}

// altered is direct with its config changed.
func altered(change func(*player.Config)) styleSet {
	style := direct.Style
	style.Open = func(c player.Config) (player.Player, error) {
		change(&c)
		return direct.Open(c)
	}
	return styleSet{style}
}

// louder is a deck that plays at another volume than it is told.
type louder struct{ player.Deck }

func (l louder) SetVolume(volume int) { l.Deck.SetVolume(min(volume+1, player.MaxVolume)) }

// TestSoundFindsOut: a style that does not tell people, or plays something else, does
// not pass for one that does.
func TestSoundFindsOut(t *testing.T) {
	t.Parallel()
	honest := openedSound(t, short(styleSet{direct.Style}.crossfade()), nil, "")
	want, took := soundBlock(t, honest, 0, 3)
	must(t, honest.Close())
	if want.Effects != 9 || want.Expected != 9 || len(took) != 3 {
		t.Errorf("%d effects of %d, latencies %v", want.Effects, want.Expected, took)
	}
	deaf := openedSound(t, short(altered(func(c *player.Config) { c.Audience = nil }).crossfade()), nil, "")
	got, _ := soundBlock(t, deaf, 0, 3)
	must(t, deaf.Close())
	if got.Effects != 3 || got.Expected != 9 {
		t.Errorf("nobody heard anything, and %d effects of %d", got.Effects, got.Expected)
	}
	loud := openedSound(t, short(altered(func(c *player.Config) { c.Deck = louder{c.Deck} }).crossfade()), nil, "")
	got, _ = soundBlock(t, loud, 0, 3)
	must(t, loud.Close())
	if got.Effects != 9 || got.Digest == want.Digest {
		t.Errorf("louder, and %d effects, digest %s", got.Effects, got.Digest)
	}
}

// TestCrossfadeIsKept: the file holds a minute of what was mixed, and the figures are
// of what was played.
func TestCrossfadeIsKept(t *testing.T) {
	t.Parallel()
	keep := filepath.Join(t.TempDir(), "kept")
	load := openedSound(t, short(styleSet{direct.Style}.crossfade()), map[string]string{"wav": "on"}, keep)
	work, _ := soundBlock(t, load, 0, 14)
	must(t, load.Close())
	info, err := audio.Probe(filepath.Join(keep, "crossfade.wav"))
	if err != nil || info.Frames != 60*player.SampleRate {
		t.Errorf("%+v, %v", info, err)
	}
	for _, name := range []string{"mix-one", "mix-two", "decode"} {
		if work.Figures[name] <= 0 {
			t.Errorf("%s is %v", name, work.Figures[name])
		}
	}
}

// TestListeningPlaysOn: what is no music is left out of the library, what has gone
// since then is left out of the queue, and where nothing is left that is an error.
func TestListeningPlaysOn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tracks, err := audio.MakeTracks(folder, 1, seconds(1, 3, 1, 2))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "text.mp3"), []byte("no music"), 0o644))
	must(t, os.WriteFile(filepath.Join(folder, "empty.wav"), nil, 0o644))
	load := openedSound(t, styleSet{direct.Style}.crossfade(), map[string]string{"music": folder}, "")
	must(t, os.Remove(tracks[1].Path))
	work, _ := soundBlock(t, load, 0, 10)
	if work.Effects != 10 || work.Expected != 10 || work.Figures["unplayable"] != 2 || work.Figures["broken"] == 0 {
		t.Errorf("%d effects of %d, figures %v", work.Effects, work.Expected, work.Figures)
	}
	must(t, os.Remove(tracks[0].Path))
	must(t, os.Remove(tracks[2].Path))
	must(t, load.Prepare(10, 100))
	if err := load.Run(func(time.Duration) {}); err == nil {
		t.Error("played on without any file")
	}
	must(t, load.Close())
}

// TestMusicKey: made, or a folder with music in it.
func TestMusicKey(t *testing.T) {
	t.Parallel()
	full, empty := t.TempDir(), t.TempDir()
	_, err := audio.MakeTracks(full, 1, seconds(1, 1, 1, 1))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(empty, "notes.txt"), []byte("do re mi"), 0o644))
	for value, ok := range map[string]bool{"made": true, full: true, empty: false, filepath.Join(full, "nowhere"): false} {
		if err := playable(value); (err == nil) != ok {
			t.Errorf("music %q: %v", value, err)
		}
	}
	for _, length := range seconds(7, 100, 3, 5) {
		if length < 3*player.Second || length > 5*player.Second {
			t.Errorf("a track of %v, asked for 3 to 5 s", length.Duration())
		}
	}
}

// TestAudioAtRealPace: every frame gets to the callback, and how late it was is told.
func TestAudioAtRealPace(t *testing.T) {
	for name, machine := range map[string]bool{"10ms-storm": true, "10ms-storm-shared": false, "10ms-storm-rule": true} {
		const periods = 40
		work := worked(t, short(realStyles.audio()), audioCase(name), false, periods, periods)
		for style, blocks := range work {
			for i, got := range blocks {
				if got.Digest != work["direct"][i].Digest {
					t.Errorf("%s %s, block %d: digest %s, want %s", name, style, i, got.Digest, work["direct"][i].Digest)
				}
				_, told := got.Figures["late-machine-p99"]
				if got.Figures["late-p50"] <= 0 || got.Figures["callback-cpu"] <= 0 || got.Figures["event-p99"] <= 0 || told != machine {
					t.Errorf("%s %s, block %d: %v", name, style, i, slices.Sorted(maps.Keys(got.Figures)))
				}
			}
		}
	}
}

// TestBesideDigest: in which order a storm's lines fall is free, what sounds is not.
func TestBesideDigest(t *testing.T) {
	t.Parallel()
	seen := func(lane string, digest, sound uint64) string {
		return digestBeside(player.Observation{Lanes: []player.Lane{{Name: lane, Count: 3, Digest: digest}}, Sound: player.Delivered{Digest: sound}})
	}
	if seen("broadcast", 1, 1) != seen("broadcast", 2, 1) {
		t.Error("the order of broadcasts is compared")
	}
	if seen("playback", 1, 1) == seen("playback", 2, 1) || seen("broadcast", 1, 1) == seen("broadcast", 1, 2) {
		t.Error("what is played is not compared")
	}
}
