package scenarios

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// inFile is what a database holds of some messages, read as another program would.
type inFile struct {
	times              map[player.Ticks]int
	disordered, poison int
}

func readFile(t *testing.T, path string, sent []player.Stimulus) inFile {
	t.Helper()
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	own, newest, f := map[player.Ticks]bool{}, map[string]player.Ticks{}, inFile{times: map[player.Ticks]int{}}
	for _, s := range sent {
		own[s.Message.At] = true
	}
	err = store.MessagesAfter(0, func(m player.Message) {
		if !own[m.At] {
			return // of another block
		}
		if f.times[m.At]++; f.times[m.At] == 1 && m.At < newest[m.Username] {
			f.disordered++
		}
		if newest[m.Username] = max(newest[m.Username], m.At); m.Check() != nil {
			f.poison++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFaultsInFile: whatever fails, each message is in the file once, or was reported failed, and
// the figures are what the file shows. A style has the faults that it can have.
func TestFaultsInFile(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // when all have ended
	for _, fault := range []string{faultSlow, faultPoison, faultSubscriber} {
		shared := t.TempDir()
		if err := realStyles.restart().Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		for _, c := range some(4, [][2]string{{"direct"}, {"bus"}, {"nats", "core"}, {"nats", "jetstream-file"}, {"nats", "jetstream-memory"}}) {
			t.Run(fault+"/"+c[0]+c[1], func(t *testing.T) {
				t.Parallel()
				figures := faultInFile(t, shared, c[0], map[string]string{"fault": fault, "retry": "no", "delivery": c[1]})
				checkFault(t, fault, c[0], c[1], figures)
			})
		}
	}
}

// faultInFile runs a block and compares its account with the file.
func faultInFile(t *testing.T, shared, style string, change map[string]string) map[string]float64 {
	s, dir := realStyles.restart(), t.TempDir()
	load, err := s.Open(runner.Setup{Style: style, Shared: shared, Dir: dir, Seed: 1, Effort: "quick", Options: optionsOf(s, style, change)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := load.Close(); err != nil {
			t.Error(err)
		}
	}()
	figures := driven(t, load, style, []int{200})[0].Figures
	w := load.(*restarting)
	f, want := readFile(t, filepath.Join(dir, workload.LibraryFile), w.Stimuli), map[string]int{}
	for i, a := range w.sendLog.tries {
		if a.message < 0 {
			continue
		}
		m := w.Stimuli[a.message].Message
		switch times := f.times[m.At]; {
		case a.err == nil && times != 1:
			t.Errorf("attempt %d was reported durable and is in the file %d times", i, times)
		case times == 0 && m.Check() != nil:
			want["rejected"]++
		case times == 0:
			want["lost"]++
		case a.err != nil:
			want["unsure"]++
		}
		want["duplicated"] += max(f.times[m.At]-1, 0)
	}
	want["disordered"] = f.disordered
	for name, n := range want {
		if got, said := figures[name]; said && int(got) != n {
			t.Errorf("%s is %v, the file shows %d", name, got, n)
		}
	}
	if f.poison > 0 {
		t.Errorf("%d messages are in the file that module log refuses", f.poison)
	}
	return figures
}

// checkFault holds what each style makes of a fault.
func checkFault(t *testing.T, fault, style, delivery string, f map[string]float64) {
	t.Helper()
	if direct := style == "direct" && fault == faultSubscriber; direct != (f["struck"] == 0) || direct && len(f) != 1 {
		t.Fatalf("figures %v", f)
	}
	if drops := fault == faultSlow && delivery == "core"; drops != (f["lost"] > 0) || f["dropped"] != f["lost"] {
		t.Errorf("%v lost, %v dropped", f["lost"], f["dropped"])
	}
	for _, never := range []string{"duplicated", "disordered", "missed", "heard-twice", "heard-late"} {
		if f[never] != 0 {
			t.Errorf("%s: %v", never, f[never])
		}
	}
	if fault == faultSlow && f["late"] == 0 {
		t.Error("none is late")
	}
	if fault == faultPoison && f["rejected"] < 5 { // 50 messages are due in the meantime
		t.Errorf("%v were rejected", f["rejected"])
	}
}

// TestHeard counts what a subscriber missed, heard twice and heard late, and what it need not hear.
func TestHeard(t *testing.T) {
	t.Parallel()
	b := &sendLog{start: time.Now(), first: 10}
	for i := range 6 { // 11 to 16
		b.begin(i)
	}
	h, f := &hearing{after: 12}, map[string]float64{}
	for _, seq := range []uint64{12, 13, 15, 15, 14} {
		h.hear(seq)
	}
	h.figures(b, f)
	if f["missed"] != 1 || f["heard-twice"] != 1 || f["heard-late"] != 1 {
		t.Errorf("figures %v", f)
	}
}
