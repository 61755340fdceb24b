package scenarios

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// onDisk is what databases hold of a block of messages, read as another program would.
type onDisk struct {
	times              map[player.Ticks]int
	disordered, poison int
}

func readFiles(t *testing.T, paths ...string) onDisk {
	t.Helper()
	f := onDisk{times: map[player.Ticks]int{}}
	for _, path := range paths {
		f.read(t, path)
	}
	return f
}

func (f *onDisk) read(t *testing.T, path string) {
	t.Helper()
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	newest := map[string]player.Ticks{}
	err = store.MessagesAfter(0, func(m player.Message) {
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
}

// TestFaultsInFile: whatever fails, each message is in the file once, or was reported failed, and
// the figures are what the file shows. A style has the faults that it can have.
func TestFaultsInFile(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // when all have ended
	cells := some(4, [][2]string{{"direct"}, {"bus"}, {"nats", "core"}, {"nats", "jetstream-file"}, {"nats", "jetstream-memory"}})
	for _, fault := range []string{faultSlow, faultPoison, faultSubscriber, faultCrash, faultInstance} {
		shared := t.TempDir()
		if err := realStyles.restart().Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			if killed := fault == faultCrash || fault == faultInstance; killed && c[0] != "nats" && testing.Short() {
				continue // struck 0
			}
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
	paths := []string{filepath.Join(dir, workload.LibraryFile)}
	w, here := load.(*restarting)
	if !here {
		w = load.(*processes).block
		if paths, err = filepath.Glob(filepath.Join(dir, "block-1", "worker-*", workload.WorkerFile)); err != nil {
			t.Fatal(err)
		}
	}
	f, want, late := readFiles(t, paths...), map[string]int{}, 0
	if here {
		want["disordered"] = f.disordered
	}
	for i, a := range w.sendLog.tries {
		if a.message < 0 {
			continue
		}
		m := w.Stimuli[a.message].Message
		switch times := f.times[m.At]; {
		case a.err == nil && times != 1:
			t.Errorf("attempt %d was reported durable and is in the file %d times", i, times)
		case times == 0 && player.CodeOf(a.err) == player.Invalid:
			want["rejected"]++
		case times == 0 && m.Check() != nil: // on a busy machine its sender was told by time-out
			want["lost"]++
			late++
		case times == 0:
			want["lost"]++
		case a.err != nil:
			want["unsure"]++
		}
		want["duplicated"] += max(f.times[m.At]-1, 0)
	}
	for name, n := range want {
		if got, said := figures[name]; said && int(got) != n {
			t.Errorf("%s is %v, the file shows %d", name, got, n)
		}
	}
	if f.poison > 0 {
		t.Errorf("%d messages are in the file that module log refuses", f.poison)
	}
	if late > 0 {
		figures["lost"] -= float64(late)
	}
	return figures
}

// checkFault holds what each style makes of a fault.
func checkFault(t *testing.T, fault, style, delivery string, f map[string]float64) {
	t.Helper()
	killed := fault == faultCrash || fault == faultInstance
	without := style == "direct" && fault == faultSubscriber || killed && style != "nats"
	if without != (f["struck"] == 0) || without && len(f) != 1 {
		t.Fatalf("figures %v", f)
	}
	if fault == faultCrash && delivery == "core" && f["lost"] == 0 {
		t.Error("a process was killed and nothing is lost")
	}
	if killed && delivery != "core" && f["lost"] != 0 {
		t.Errorf("a process was killed and %v are lost, which the server had", f["lost"])
	}
	drops := fault == faultSlow && delivery == "core"
	more := f["dropped"] - f["lost"] // what asks module log to settle shares the buffer: on a busy machine it meets a full one
	if wrong := drops != (f["lost"] > 0) || more < 0 || more > 2 || !drops && more > 0; !killed && wrong {
		t.Errorf("%v lost, %v dropped", f["lost"], f["dropped"])
	}
	for _, never := range []string{"duplicated", "missed", "heard-twice", "heard-late"} {
		if f[never] != 0 {
			t.Errorf("%s: %v", never, f[never])
		}
	}
	if fault != faultInstance && f["disordered"] != 0 { // each of two instances has its own order
		t.Errorf("%v are out of order", f["disordered"])
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

// TestAccount counts, by hand, what is out of order within a user's own messages, what is late, and
// what was refused for good.
func TestAccount(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	users := []string{"ada", "ada", "bob", "ada", "bob", ""}
	stimuli := make([]player.Stimulus, len(users))
	due := make([]time.Duration, len(users))
	b := &sendLog{start: time.Now(), poison: map[int]bool{5: true}}
	for i, user := range users {
		stimuli[i].Message = player.Message{Username: user, At: player.Ticks(i + 1)}
		_, seq := b.begin(i)
		var err error
		if b.poison[i] {
			err = &player.Error{Code: player.Invalid}
		}
		b.done(seq, err)
		if due[i] = time.Duration(i) * ms; !b.final(i) {
			t.Errorf("message %d is still to be sent", i)
		}
	}
	var rows []workload.CommittedRow
	for i, at := range []player.Ticks{4, 1, 3, 2, 5} { // of ada 4, 1, 2; of bob 3, 5
		rows = append(rows, workload.CommittedRow{Said: at, Durable: b.start.Add(time.Duration(i) * 34 * ms)})
	}
	got := b.outcomes(stimuli, rows)
	if got.disordered != 2 || got.rejected != 1 || got.stored != 5 || got.lost != 0 || b.complete() != nil {
		t.Errorf("%+v, %v", got, b.complete())
	}
	if n := late(due, got.fates); n != 2 { // 2 after 102 - 1 ms, 5 after 136 - 4 ms
		t.Errorf("%d are late", n)
	}
}

// TestNoProcesses: processes need a server that they can reach.
func TestNoProcesses(t *testing.T) {
	t.Parallel()
	s := realStyles.restart()
	for _, transport := range []string{"pipe", "url"} {
		_, err := s.Open(runner.Setup{Style: "nats", Options: optionsOf(s, "nats", map[string]string{"fault": faultCrash, "transport": transport})})
		if err == nil || !strings.Contains(err.Error(), "transport=tcp or process, not "+transport) {
			t.Errorf("%s: %v", transport, err)
		}
	}
}

// TestKilledProcess: module log is a process that is killed (kill -9) again and again under load, right
// after a commit is in its file, and another goes on with the file; or two processes share the stream and
// the file, and one of them is killed. What the server had accepted is in the file once, whatever the
// codec, and was reported as stored. One process after the other keeps each user's order.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	for _, c := range some(2, []struct {
		codec, delivery string
		workers, kills  int
	}{{"msgpack", "jetstream-file", 1, 4}, {"json", "jetstream-file", 2, 1}, {"protobuf", "jetstream-memory", 1, 4}, {"json", "jetstream-memory", 1, 4}}) {
		t.Run(fmt.Sprint(c.codec, " ", c.workers), func(t *testing.T) {
			t.Parallel()
			setup := runner.Setup{Shared: t.TempDir(), Dir: t.TempDir(), Seed: 1, Options: runner.Options{
				"codec": c.codec, "delivery": c.delivery, "receipts": workload.ReceiptsInDatabase}}
			must(t, workload.Prepare(setup, 100))
			crew, err := realStyles.OpenCrew(setup, c.workers, func(c *player.Config) { c.Window, c.Timeout = 400, time.Minute })
			must(t, err)
			defer func() { must(t, crew.Close()) }()
			if files := crew.Files(); len(files) != 1 {
				t.Fatalf("files: %q", files)
			}
			watch, err := sqlite.Open(crew.Files()[0], sqlite.Options{})
			must(t, err)
			defer func() { must(t, watch.Close()) }()
			const n = 400
			var told atomic.Int64
			say := func(from, to int) {
				for i := from; i < to; i++ {
					must(t, crew.Player.Post(workload.Say(1, i), func(seq uint64, err error) {
						if told.Add(1); err != nil {
							t.Errorf("message %d: %v", seq, err)
						}
					}))
				}
			}
			for i := range c.kills {
				before, err := watch.Newest()
				must(t, err)
				say(n*i/c.kills, n*(i+1)/c.kills)
				for now := before; now < before+int64(10+i); {
					now, err = watch.Newest()
					must(t, err)
				}
				must(t, crew.Workers[len(crew.Workers)-1].Kill())
				if c.workers == 1 {
					must(t, crew.Another())
				}
			}
			must(t, crew.Player.Settle())
			f := readFiles(t, crew.Files()...)
			for i := range n {
				if at := workload.Say(1, i).Message.At; f.times[at] != 1 {
					t.Errorf("message %d is stored %d times", i, f.times[at])
				}
			}
			stored, err := watch.Stored()
			must(t, err)
			if stored.Said != n || stored.Messages != n || told.Load() != n {
				t.Errorf("%d messages are stored, %d counted, %d were reported", stored.Messages, stored.Said, told.Load())
			}
			if f.disordered > 0 && c.workers == 1 {
				t.Errorf("%d are out of order", f.disordered)
			}
		})
	}
}
