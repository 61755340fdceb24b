package scenarios

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/audio"
	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
	"rubato/web"
)

// audio plays at real pace, to no sound card: a thread of its own takes a period from a
// ring each time that one is due. The style fills the ring. In the cases "storm" other
// events reach the player at the same time.
//
// No style works in the callback, so all should be as late as the machine itself. A
// metronome in the same process, an equal thread without sound, measures how late that is. The
// answer to a claim says whether periods were missed by the machine alone.
// GOMAXPROCS is raised by one for each of the two threads: with two busy goroutines on two
// cores, a thread without a processor of its own misses every other period of 10 ms. In the
// case "shared" the callback has no processor of its own, and there is no metronome, whose
// processor the callback could use. 100 events a second nearly always leave a processor
// free, so only a heavier load makes this case late.
//
// The case "rule" does what is forbidden: the callback asks the player.
func (s styles) audio() runner.Scenario {
	return runner.Scenario{
		Name:    "audio",
		Answers: "Is each period of sound ready in time, also under a load of other events?",
		Op:      "period",
		Keys: []runner.Key{
			{Name: "case", Default: strings.Join(audioCases, ","), Values: audioCases, Doc: "10ms: periods of 441 frames; 50ms: of 2208; storm: with 100 events a second; " +
				"shared: the callback has no processor of its own; rule: the callback asks the player, which is forbidden"},
			workload.MusicKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   200,
		Claims:   audioClaims,
		Measures: slices.Concat(audioMeasures, listeningMeasures),
		Paced:    true,
		Bare:     true,
		Size:     audioSize,
		Prepare:  prepareAudio,
		Open:     s.openAudio,
	}
}

var audioCases = []string{"10ms", "10ms-storm", "50ms", "50ms-storm", "10ms-storm-shared", "10ms-storm-rule"}

// audioSize has blocks of 2.5 s when quick, 20 s by default and a minute when full. The cases
// that are there for comparison have shorter blocks.
func audioSize(effort string, options runner.Options) runner.Size {
	name := options["case"]
	long := map[string]time.Duration{"quick": 2500 * time.Millisecond, "default": 20 * time.Second, "full": time.Minute}[effort]
	if name != "10ms" && name != "10ms-storm" {
		long = long * 2 / 5
	}
	size := runner.Size{Ops: int(long / periodOf(name)), Rounds: 3, Warmup: -1, Limit: 3 * time.Minute}
	if effort == "quick" {
		size.Rounds = 1
	}
	return size
}

// prepareAudio makes less music for short blocks.
func prepareAudio(setup runner.Setup) error {
	if setup.Effort == "quick" {
		return workload.PrepareMusic(setup, workload.Seconds(setup.Seed, 2, 15, 20))
	}
	return workload.PrepareMusic(setup, workload.Seconds(setup.Seed, 6, 30, 45))
}

// periodOf is the length of a period of a case, rounded to milliseconds.
func periodOf(name string) time.Duration {
	length, _, _ := strings.Cut(name, "-")
	d, _ := time.ParseDuration(length) // one of the cases
	return d
}

func (s styles) openAudio(setup runner.Setup) (runner.Workload, error) {
	name := setup.Options["case"]
	has := func(word string) bool { return slices.Contains(strings.Split(name, "-"), word) }
	w := &onTime{output: &blockOutput{off: setup.Verbatim}, shared: has("shared")}
	frames := audio.PeriodFrames
	if periodOf(name) == 10*time.Millisecond {
		frames = audio.StrictFrames
	}
	var err error
	if w.listening, err = s.listen(setup, w.output, frames); err != nil {
		return nil, err
	}
	w.effects = w.delivered
	if has("storm") {
		w.storm = newSideLoad(w.front)
	}
	if has("storm") && !w.output.off {
		w.digest = digestWithSideLoad
	}
	if has("rule") {
		w.rule = func() { _, _ = w.front.Status(context.Background()) } // the answer does not matter
	}
	return w, nil
}

// onTime is a player at real pace.
type onTime struct {
	*listening
	output *blockOutput
	storm  *sideLoad // nil: none
	shared bool      // the callback has no processor of its own
	rule   func()    // runs in the callback; nil: none, as it should be

	played  int64 // frames that the callback took in this block
	figures map[string]float64
}

// delivered expects that every period was mixed, that the callback took all its frames, and
// that the messages of the storm are stored.
func (w *onTime) delivered(before, after counts) (effects, expected int64) {
	d := after.since(before)
	return d.periods + w.played/int64(w.frames) + d.rows, 2*int64(w.ops) + 2*d.due
}

// Prepare makes the events of the storm.
func (w *onTime) Prepare(first, n int) error {
	if w.storm != nil {
		length := player.Ticks(n*w.frames) * player.TicksPerFrame
		w.storm.prepare(w.Seed, length.Duration())
	}
	return w.listening.Prepare(first, n)
}

// Run plays the block. Latency is how late each callback was. It then waits for the rest of
// the storm.
func (w *onTime) Run(_ int, latency func(time.Duration)) error {
	w.output.open(audio.RealTimeOptions{Period: w.frames, OwnP: !w.shared, InCallback: w.rule})
	endMetronome := w.metronome()
	start := time.Now()
	waitForStorm := w.storm.begin(start, !w.output.off)
	var err error
	for i := 0; i < w.ops && err == nil; i++ {
		err = w.period()
	}
	stats, closed := w.output.end()
	wall := time.Since(start)
	machine := endMetronome()
	err = errors.Join(err, closed, waitForStorm())
	w.due += w.storm.said()
	w.played = int64(w.ops) * int64(w.frames)
	if stats != nil {
		w.played = int64(stats.Played)
		w.figures = callbackFigures(stats, wall)
		maps.Copy(w.figures, machineFigures(machine, stats.Missed))
		maps.Copy(w.figures, w.storm.figures())
		w.figures["period-p99"] = float64(w.took.ValueAtPercentile(99))
		reportAll(stats.Lateness, latency)
	}
	return err
}

// Work adds the figures of the callbacks.
func (w *onTime) Work() (runner.Work, error) {
	work, err := w.listening.Work()
	if err == nil {
		maps.Copy(work.Figures, w.figures)
	}
	return work, err
}

// metronome starts a metronome of the same period and returns what ends it. It has no
// statistics where the callback shares its processor, or nothing is played at real pace.
func (w *onTime) metronome() (end func() *audio.CallbackStats) {
	if w.shared || w.output.off {
		return func() *audio.CallbackStats { return nil }
	}
	metronome := audio.OpenMetronome(audio.RealTimeOptions{Period: w.frames, OwnP: true})
	return func() *audio.CallbackStats {
		_ = metronome.Close() // never fails
		stats := metronome.Take()
		return &stats
	}
}

// stormRate is the number of events a second while the sound plays.
const stormRate = 100

// sideLoad is a storm of events while music plays: of ten events six are messages, one asks
// what would be selected, and three ask what plays. It is an open loop with exponential
// gaps. No event changes the sound, so the samples do not depend on when events come. A
// nil sideLoad does nothing.
type sideLoad struct {
	front  *web.SharedPlayer
	next   int // event
	events []player.Stimulus
	due    []time.Duration
	took   *hdrhistogram.Histogram
}

func newSideLoad(front *web.SharedPlayer) *sideLoad {
	return &sideLoad{front: front, took: newHistogram()}
}

// prepare makes the events of a block of this length.
func (b *sideLoad) prepare(seed uint64, length time.Duration) {
	most := int(2*stormRate*length.Seconds()) + 100 // twice the average
	due := openloop.Arrivals(seed, b.next, most, stormRate)
	n, _ := slices.BinarySearch(due, length)
	b.due, b.events = due[:n], b.events[:0]
	for i := b.next; i < b.next+n; i++ {
		b.events = append(b.events, sideEvent(seed, i))
	}
	b.next += n
	b.took.Reset()
}

// sideEvent is the i-th event. Kind 0 is a question.
func sideEvent(seed uint64, i int) player.Stimulus {
	const apart = 0x6265_7369_6465 // separates its seeds from those of the periods
	h := runner.SeedAt(seed^apart, i)
	switch {
	case h%10 < 6:
		return workload.Say(seed, i)
	case h%10 < 7:
		return player.Stimulus{Kind: player.Suggestion, At: sqlite.Epoch + player.Ticks(1+i%24)*player.Hour, Seed: h | 1}
	}
	return player.Stimulus{}
}

// begin starts the storm and returns what waits until all its events are handled. Unpaced,
// all events come one after the other while wait runs, so that the transcript is always the
// same.
func (b *sideLoad) begin(start time.Time, paced bool) (wait func() error) {
	switch {
	case b == nil:
		return func() error { return nil }
	case !paced:
		return func() error { return b.run(time.Now().Add(-time.Hour)) }
	}
	ended := make(chan error, 1)
	go func() { ended <- b.run(start) }()
	return func() error { return <-ended }
}

func (b *sideLoad) run(start time.Time) error {
	s := openloop.NewScheduler(start, 0) // no spin: it would take a core from the callback
	for i, due := range b.due {
		var err error
		s.At(due, func() { err = b.send(b.events[i]) })
		if err != nil {
			return err
		}
		record(b.took, s.Elapsed()-due)
	}
	return nil
}

func (b *sideLoad) send(s player.Stimulus) error {
	if s.Kind == 0 {
		_, err := b.front.Status(context.Background())
		return err
	}
	err := b.front.Do(context.Background(), s)
	if player.CodeOf(err) == player.NoCandidate {
		return nil // after hours, cooldowns may leave nothing to select
	}
	return err
}

// said is the number of messages among the events.
func (b *sideLoad) said() (n int64) {
	if b == nil {
		return 0
	}
	for _, s := range b.events {
		if s.Kind == player.MessageSaid {
			n++
		}
	}
	return n
}

func (b *sideLoad) figures() map[string]float64 {
	if b == nil || b.took.TotalCount() == 0 {
		return nil
	}
	return map[string]float64{"event-p99": float64(b.took.ValueAtPercentile(99))}
}

// digestWithSideLoad is Digest for a block with a storm. When its events fall between the
// periods depends on the clock, so it compares only the length of lanes in which both
// write. Samples, queue and everything stored are compared as usual.
func digestWithSideLoad(seen player.Observation) string {
	seen.Lanes = slices.Clone(seen.Lanes)
	for i, lane := range seen.Lanes {
		if slices.Contains([]string{"broadcast", "director", "timeslots"}, lane.Name) {
			seen.Lanes[i].Digest = math.MaxUint64
		}
	}
	return workload.Digest(seen)
}

var audioMeasures = []runner.Measure{
	{Name: "late-p50", Unit: "ns", Better: "less", Doc: "from when a callback was due until it started, median"},
	{Name: "late-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "late-max", Unit: "ns", Better: "less", Doc: "the same, the longest"},
	{Name: "missed", Better: "less", Doc: "periods that passed without a callback"},
	{Name: "underruns", Better: "less", Doc: "callbacks that found too few frames and played silence"},
	{Name: "took-p99", Unit: "ns", Better: "less", Doc: "from the start of a callback to its end, 99th percentile"},
	{Name: "callback-cpu", Unit: "%", Better: "less", Doc: "of one core: time inside callbacks over the time of the block"},
	{Name: "late-machine-p99", Unit: "ns", Better: "less", Doc: "how late a metronome in the same process was, 99th percentile: the machine's own lateness"},
	{Name: "late-machine-max", Unit: "ns", Better: "less", Doc: "the same, the longest"},
	{Name: "missed-machine", Better: "less", Doc: "periods that the metronome missed"},
	{Name: "missed-extra", Better: "less", Doc: "periods missed beyond those that the metronome missed: not the machine's own. When the machine pauses, either may miss one more than the other, because their periods do not start at the same time"},
	{Name: "period-p99", Unit: "ns", Better: "less", Doc: "handling of a period: waiting for its turn, mixing, and everything that its markers cause, 99th percentile"},
	{Name: "event-p99", Unit: "ns", Better: "less", Doc: "an event of the storm, from when it was due until its last effect, 99th percentile"},
}

// callbackFigures are the figures of the callbacks of a block.
func callbackFigures(s *audio.CallbackStats, wall time.Duration) map[string]float64 {
	return map[string]float64{
		"late-p50":     float64(s.Lateness.ValueAtPercentile(50)),
		"late-p99":     float64(s.Lateness.ValueAtPercentile(99)),
		"late-max":     float64(s.Lateness.Max()),
		"missed":       float64(s.Missed),
		"underruns":    float64(s.Underruns),
		"took-p99":     float64(s.Took.ValueAtPercentile(99)),
		"callback-cpu": 100 * s.Took.Mean() * float64(s.Took.TotalCount()) / float64(max(wall, 1)),
	}
}

// machineFigures are the metronome's, and how many periods the callbacks missed beyond its.
func machineFigures(s *audio.CallbackStats, missed uint64) map[string]float64 {
	if s == nil {
		return nil
	}
	return map[string]float64{
		"late-machine-p99": float64(s.Lateness.ValueAtPercentile(99)),
		"late-machine-max": float64(s.Lateness.Max()),
		"missed-machine":   float64(s.Missed),
		"missed-extra":     max(float64(missed)-float64(s.Missed), 0),
	}
}

var audioClaims = []runner.Claim{
	workload.Budget("audio callback under 10 ms", workload.PlayerDocument, 10_000).Of("", "figure:took-p99"),
	{Text: "callback thread at most 10 % of a core", Source: workload.PlayerDocument, Kind: "budget", Quantity: "figure:callback-cpu", Hi: 10},
	workload.Estimate("0 % audio overhead: alone, no period is missed", 0, 0).With("case", "10ms").Beyond("figure:missed-extra", 1).Of("", "figure:missed"),
	workload.Estimate("0 % audio overhead: at 100 events/s, no period is missed", 0, 0).With("case", "10ms-storm").Beyond("figure:missed-extra", 1).Of("", "figure:missed"),
	{Text: "0 % audio overhead: hardly a period is missed that the machine itself does not miss", Source: workload.Own, Kind: "budget",
		Quantity: "figure:missed-extra", Hi: 1},
	workload.Estimate("0 % audio overhead: alone, the sound is always there", 0, 0).With("case", "10ms").Of("", "figure:underruns"),
	workload.Estimate("0 % audio overhead: at 100 events/s, the sound is always there", 0, 0).With("case", "10ms-storm").Of("", "figure:underruns"),
	workload.Budget("audio callback under 10 ms, also with a question to the player in it, which is forbidden", workload.PlayerDocument, 10_000).
		With("case", "10ms-storm-rule").Of("", "figure:took-p99"),
}
