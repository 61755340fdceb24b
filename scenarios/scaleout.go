package scenarios

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// scaleOut is module log in 1, 2 and 4 processes, which share the messages as a queue group.
// That is what people buy with a network, and neither direct calls nor a bus in one process
// can have it. So the arms are numbers of workers, and ratios are to one worker.
//
// The measured process has the server and the player without module log. It posts messages as
// fast as a window of them under way allows, and the clock stops when the last is reported
// durable. Then the harness reads the workers' files itself, or asks workers that others have
// started: each message must be in one store, once. Generators elsewhere can say the messages
// instead: then the clock runs from the order to the last answer.
//
// With sync=full each commit waits for the disk, and the waits of several workers overlap, as
// far as the system waits: some spend CPU on it (docs/scale-out.md).
// With sync=normal a message is CPU time only, so there cannot be a gain beyond the cores that
// the sender and the server leave free.
func (s styles) scaleOut() runner.Scenario {
	scenario := runner.Scenario{
		Name:     "scale-out",
		Answers:  "What is gained when several processes share the messages?",
		Op:       "message",
		ArmKey:   "workers",
		Keys:     []runner.Key{workerSyncKey, workersTransportKey, workload.GeneratorsKey},
		Script:   100,
		Measures: scaleOutMeasures,
		Unit:     func(runner.Options) int { return 2 * scaleOutWindow }, // with fewer, the window would only fill and drain
		Prepare:  func(setup runner.Setup) error { return workload.Prepare(setup, 100) },
		Open:     s.openScaleOut,
	}
	for _, n := range []string{"1", "2", "4"} {
		scenario.Arms = append(scenario.Arms, runner.Style{Name: n, Doc: "a message stored by one of so many workers: " + n})
	}
	return scenario
}

const (
	// mostWorkers is how many an arm can have.
	mostWorkers = 4
	// scaleOutWindow is the most messages under way.
	scaleOutWindow = 128
	// surelyShared messages leave none of mostWorkers without one, but once in 10¹² times.
	surelyShared = 100
)

var workerSyncKey = runner.Key{
	Name: workload.SyncKey.Name, Default: "full", Values: workload.SyncKey.Values,
	Doc: "SQLite's synchronous, in each worker: full is one fsync a commit, and these waits overlap",
}

var workersTransportKey = runner.Key{
	Name: workload.TransportKey.Name, Default: "tcp", Values: []string{"tcp", "process", "url"},
	Doc: "tcp: embedded server on loopback; process: server in a process of its own; url: your server, and workers that you have started (rubato worker -h)",
}

func (s styles) openScaleOut(setup runner.Setup) (runner.Workload, error) {
	n, err := strconv.Atoi(setup.Style)
	if err != nil || n < 1 || n > mostWorkers {
		return nil, fmt.Errorf("%q workers: want 1 to %d", setup.Style, mostWorkers)
	}
	crew, err := s.OpenCrew(setup, n, func(c *player.Config) { c.Window = scaleOutWindow })
	if err != nil {
		return nil, err
	}
	commit, err := sqlite.SynchronousOf(setup.Options["sync"])
	return &scaledOut{Crew: crew, seed: setup.Seed, commit: commit}, err
}

// scaledOut is a workload of messages that workers share.
type scaledOut struct {
	*workload.Crew
	seed    uint64
	commit  string // whether the workers' commits shall wait for the disk
	stimuli []player.Stimulus
	first   int           // of stimuli, in the script
	at      int           // of stimuli, the next to run
	busy    time.Duration // in Run since Prepare
	sealed  int64         // messages that were durable when the clock had stopped
}

// Prepare makes the messages.
func (w *scaledOut) Prepare(first, n int) error {
	w.stimuli, w.first, w.at, w.busy = w.stimuli[:0], first, 0, 0
	for i := first; i < first+n; i++ {
		w.stimuli = append(w.stimuli, workload.Say(w.seed, i))
	}
	return w.Mark()
}

// Run posts the next n messages.
func (w *scaledOut) Run(n int, latency func(time.Duration)) error {
	next := w.stimuli[w.at:]
	if n > len(next) {
		return fmt.Errorf("%d messages to post, but only %d of those prepared are left", n, len(next))
	}
	from := w.first + w.at
	w.at += n
	defer func(start time.Time) { w.busy += time.Since(start) }(time.Now())
	if err := w.Say(w.seed, from, next[:n], scaleOutWindow, latency); err != nil {
		if gone := w.Standing(); gone != nil {
			return fmt.Errorf("%w (%w)", gone, err)
		}
		return err
	}
	return nil
}

// Seal counts what is durable when the clock has stopped.
func (w *scaledOut) Seal() (err error) {
	w.sealed, err = w.Stored()
	return err
}

// Work reads what the workers have stored.
func (w *scaledOut) Work() (runner.Work, error) {
	shares, wrong, err := w.Shares(w.stimuli)
	if err != nil {
		return runner.Work{}, err
	}
	if gone := w.Standing(); gone != nil {
		wrong = cmp.Or(wrong, gone.Error())
	}
	now, err := w.Stored()
	if err == nil && wrong == "" && now != w.sealed {
		wrong = fmt.Sprintf("%d messages became durable after all were reported so", now-w.sealed)
	}
	work := runner.Work{Stimuli: int64(len(w.stimuli)), Expected: int64(len(w.stimuli)), Wrong: wrong, Figures: map[string]float64{}}
	most := int64(0)
	for i, n := range shares {
		work.Effects, most = work.Effects+n, max(most, n)
		if n == 0 && len(w.stimuli) >= surelyShared {
			work.Wrong = cmp.Or(work.Wrong, fmt.Sprintf("worker %d has stored none of %d messages: it is gone", i+1, len(w.stimuli)))
		}
		work.Figures["share-"+strconv.Itoa(i+1)] = 100 * float64(n) / float64(len(w.stimuli))
		name := "worker " + strconv.Itoa(i+1)
		work.Settings = append(work.Settings, runner.Setting{Name: name, Value: w.Workers[i].Facts},
			runner.Setting{Name: name + " commit", Value: w.Workers[i].Fact(workload.CommitFact), Asked: w.commit})
	}
	work.Figures["most"] = float64(most) * float64(len(shares)) / float64(len(w.stimuli))
	work.Figures["throughput"] = float64(work.Effects) / w.busy.Seconds()
	for i, facts := range w.Generators() {
		work.Settings = append(work.Settings, runner.Setting{Name: "generator " + strconv.Itoa(i+1), Value: facts})
	}
	w.Limit(&work, shares)
	return work, err
}

var scaleOutMeasures = []runner.Measure{
	{Name: "throughput", Unit: "/s", Better: "more", Doc: "messages stored a second, while messages were under way"},
	{Name: "share-1", Unit: "%", Better: "less", Doc: "of the messages, those that worker 1 stored"},
	{Name: "share-2", Unit: "%", Better: "less", Doc: "the same of worker 2"},
	{Name: "share-3", Unit: "%", Better: "less", Doc: "the same of worker 3"},
	{Name: "share-4", Unit: "%", Better: "less", Doc: "the same of worker 4"},
	{Name: "most", Better: "less", Doc: "messages of the worker that stored most, as a multiple of an even share: 1 is fair, and the gain can be at most the number of workers divided by it"},
}
