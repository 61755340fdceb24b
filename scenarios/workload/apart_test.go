package workload

import (
	"path/filepath"
	"strings"
	"testing"

	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/sqlite"
)

// scatteredOver answers as the processes of two modules would.
type scatteredOver map[string]player.Reopened

func (s scatteredOver) AskStores(question []byte) (map[string][]byte, error) {
	answers := map[string][]byte{}
	for module, of := range s {
		answers[module] = of.Answer(question)
	}
	return answers, nil
}

// TestHoldings: what modules do elsewhere to the library is counted, a commit that does not wait for
// the disk there is seen, and so is another runtime.
func TestHoldings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), LibraryFile)
	fine := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fine(sqlite.Make(path, sqlite.Library{Passages: 100, Seed: 1}, nil))
	store, err := sqlite.Open(path, sqlite.Options{Synchronous: "full"})
	fine(err)
	defer store.Close()
	how, err := store.Reopen()
	fine(err)
	pd, err := Reopen(how)
	fine(err)
	defer pd.Close()
	hasty, err := Reopen([]byte(strings.Replace(string(how), "full", "normal", 1)))
	fine(err)
	defer hasty.Close()

	w := &verifier{store: store, scattered: scatteredOver{"pd": pd, "log": hasty}, runtime: host.RuntimeNow(), wanted: map[string]string{"commit": "synchronous=2"}}
	before, err := w.tally()
	fine(err)
	_, err = pd.Store.Director().RecordPlayed(1, sqlite.Epoch)
	fine(err)
	log := hasty.Store.Log()
	fine(log.AppendMessage(player.Message{Username: "ada", Text: "over there"}))
	fine(log.Commit())
	now, err := w.tally()
	fine(err)
	if d := now.Since(before); d.Commits != 2 || d.Writes < 2 {
		t.Errorf("counted %v", d)
	}
	if own, err := store.Tally(); err != nil || own.Writes != 0 {
		t.Errorf("this process wrote %v, %v", own, err)
	}
	levels, err := w.levels()
	fine(err)
	if levels != [2]int64{2, 1} {
		t.Errorf("synchronous is %v", levels)
	}
	settings, err := w.read()
	fine(err)
	if last := settings[len(settings)-1]; last.Name != "commit" || last.Value != "synchronous=1" || last.Asked != "synchronous=2" {
		t.Errorf("settings end with %+v", last)
	}
	if w.early != "" {
		t.Error(w.early)
	}
	w.runtime.GOGC++
	if _, err := w.tally(); err != nil || !strings.Contains(w.early, "runs with GOGC") {
		t.Errorf("another runtime: %q, %v", w.early, err)
	}
	w.scattered = scatteredOver{"log": {Answer: func([]byte) []byte { return []byte("nonsense") }}}
	if _, err := w.tally(); err == nil || !strings.Contains(err.Error(), "module log: its store: its answer cannot be read") {
		t.Errorf("nonsense: %v", err)
	}
}

// TestSlowPlayer: a slowdown that no store here can have is at the beginning of each stimulus.
func TestSlowPlayer(t *testing.T) {
	t.Parallel()
	asked := 0
	p := slowPlayer{countedPlayer{asked: &asked}, &runner.Slowdown{}}
	p.slowdown.Set(1)
	if err := p.Do(player.Stimulus{}); err != nil {
		t.Error(err)
	}
	if err := p.Post(player.Stimulus{}, func(uint64, error) {}); err != nil || asked != 2 {
		t.Errorf("%d stimuli came through, %v", asked, err)
	}
}

type countedPlayer struct {
	player.Player
	asked *int
}

func (p countedPlayer) Do(player.Stimulus) error                { *p.asked++; return nil }
func (p countedPlayer) Post(player.Stimulus, player.Done) error { *p.asked++; return nil }
