package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/montanaflynn/stats"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// soak is a player that works for a long time, and the memory that it uses. Stimuli of every
// kind come at 100 a second, ten times more than users make; most are messages. The
// player's time advances by an hour with every hundred, so that the library never runs
// out. Some stimuli must be refused.
//
// Every few seconds the garbage is collected, so that the readings show what the style
// keeps. This disturbs all styles alike. Growth compares the medians of the last and the
// second fifth of the block: in the first, pools and the kernel's caches fill. A minute
// shows a plain leak; a slow one needs the hour of a full run.
func (s styles) soak() runner.Scenario {
	passages := workload.PassagesKey
	passages.Default = "2000"
	return runner.Scenario{
		Name:    "soak",
		Answers: "Does memory grow while a player works for long?",
		Op:      "stimulus",
		Keys: []runner.Key{
			{Name: "rate", Default: "100", Check: workload.Between(10, 1000), Doc: "stimuli a second, in an open loop"},
			passages, workload.SyncKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   2 * soakCycle,
		Claims:   soakClaims,
		Measures: soakMeasures,
		Paced:    true,
		Together: true,
		Bare:     true,
		Size:     soakSize,
		Prepare: func(setup runner.Setup) error {
			return workload.Prepare(setup, workload.Number(setup.Options, "passages"))
		},
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &soaking{Workload: &workload.Workload{Count: workload.Stored, Loose: true}, rate: workload.Rate(setup), passages: workload.Number(setup.Options, "passages")}
			_, err := s.Start(setup, w.Workload, func(c *player.Config) { c.Token, c.Deck = liveToken, &metronome{} })
			return w, err
		},
	}
}

// soakSize is one block whose length depends on the effort.
func soakSize(effort string, options runner.Options) runner.Size {
	length := map[string]time.Duration{"quick": time.Minute, "default": 5 * time.Minute, "full": time.Hour}[effort]
	return runner.Size{Ops: int(length.Seconds()) * workload.Number(options, "rate"), Rounds: 1, Warmup: -1, Limit: length + 5*time.Minute}
}

// soaking is a workload that makes its stimuli when they are due, so that the memory is the
// style's and not the script's.
type soaking struct {
	*workload.Workload
	rate     float64 // 0: as fast as they are accepted, without memory readings
	passages int
	first, n int
	stream   *stream // of the last Run
	memory   *memoryWatch
	core     float64
}

// Prepare records the range of stimuli.
func (w *soaking) Prepare(first, n int) error {
	w.first, w.n = first, n
	return w.Workload.Prepare(first, 0)
}

// Run posts all stimuli and reads memory meanwhile.
func (w *soaking) Run(_ int, latency func(time.Duration)) error {
	w.stream, w.memory = newStream(w.n, latency), nil
	if w.rate == 0 {
		return w.postAll()
	}
	w.memory = watchMemory(watchEvery(time.Duration(float64(w.n) / w.rate * float64(time.Second))))
	before, start := host.UsageNow(), time.Now()
	err := w.postAll()
	w.core = workload.UsageFigures(before, time.Since(start))["core"]
	w.memory.end()
	return err
}

// Work counts messages. The digest covers everything else, with the number of refusals.
func (w *soaking) Work() (runner.Work, error) {
	work, err := w.Workload.Work()
	if err != nil {
		return work, err
	}
	work.Stimuli, work.Expected = int64(w.n), 2*said(w.first, w.n)
	work.Digest += fmt.Sprintf("-%d", w.stream.refused)
	if w.memory == nil {
		return work, nil
	}
	work.Series, work.Figures = w.memory.series, w.memory.figures()
	work.Figures["refused"] = float64(w.stream.refused)
	work.Figures["gen-late"] = 100 * float64(w.stream.late) / float64(w.n)
	work.Figures["core"] = w.core
	return work, nil
}

var soakMeasures = []runner.Measure{
	{Name: "rss", Unit: "bytes", Better: "less", Doc: "peak memory of the process; in nats with the embedded server"},
	{Name: "growth", Unit: "%", Better: "less", Doc: "of rss: the median of the last fifth of the block against that of the second"},
	{Name: "heap", Unit: "bytes", Better: "less", Doc: "size of Go objects after a collection, median of the last fifth"},
	{Name: "heap-growth", Unit: "%", Better: "less", Doc: "of heap, as growth is of rss"},
	{Name: "goroutines", Better: "less", Doc: "the highest number"},
	{Name: "core", Unit: "%", Better: "less", Doc: "of one core: CPU of the process over the block, with the collections and the generator"},
	{Name: "gen-late", Unit: "%", Better: "less", Doc: "share of stimuli that the generator itself posted more than 10 ms late; over 1 %, the percentiles of latency are those of the machine"},
	{Name: "refused", Doc: "stimuli refused with a reason, as they must be; the same in all styles"},
}

var soakClaims = []runner.Claim{
	workload.AtMost("memory grows by less than 10 %", workload.NatsDocument, 10).Of("", "figure:growth"),
	workload.AtMost("RSS at most 150 MB", workload.PlayerDocument, 150e6).Of("", "figure:rss"),
	workload.Budget("an event takes under 5 ms", workload.NatsDocument, 5000).Of("nats", "p99_ns"),
}

// soakCycle is the number of stimuli in an hour of the player's time.
const soakCycle = 100

// soakTurns are the stimuli of a cycle other than messages, volume, play and pause. A
// stimulus about a passage of the queue gets its number when it is posted.
var soakTurns = map[int]player.Stimulus{
	0:  {Kind: player.QueueLow},
	5:  {Kind: player.BufferReady}, // of the first
	25: {Kind: player.PassageEnd},
	35: {Kind: player.Suggestion},
	45: {Kind: player.FlavorWanted},
	55: {Kind: player.Wanted},
	65: {Kind: player.BufferFailed}, // of the last
	75: {Kind: player.Period, Frames: stormPeriod},
	85: {Kind: player.Control, Command: player.Skip, Token: liveToken},
	95: {Kind: player.Control, Command: player.Stop, Token: "somebody else's"}, // refused
}

// soakAt makes the i-th stimulus.
func soakAt(seed uint64, i, passages int) player.Stimulus {
	k, h := i%soakCycle, runner.SeedAt(seed, i)
	at := sqlite.Epoch + player.Ticks(1+i/soakCycle)*player.Hour + player.Ticks(k)*(player.Hour/soakCycle)
	if saysAt(k) {
		s := workload.Say(seed, i)
		s.Message.At = at
		return s
	}
	s, special := soakTurns[k]
	switch {
	case special:
	case k%4 == 1:
		s = player.Stimulus{Kind: player.VolumeSet, Volume: int(h % (player.MaxVolume + 1))}
	default:
		s = player.Stimulus{Kind: player.Control, Command: [...]string{player.Play, player.Pause}[k/4%2], Token: liveToken}
	}
	s.Seq, s.At, s.Seed = uint64(i)+1, at, h
	if s.Kind == player.Wanted || s.Kind == player.FlavorWanted {
		s.Passage, s.Until = 1+int64(h%uint64(passages)), at+player.Hour/4
	}
	return s
}

// saysAt reports whether the k-th stimulus of a cycle is a message: most are.
func saysAt(k int) bool {
	_, special := soakTurns[k]
	return !special && (k%2 == 0 || k%10 == 3)
}

// said is the number of messages among n stimuli from first.
func said(first, n int) (messages int64) {
	for i := first; i < first+n; i++ {
		if saysAt(i % soakCycle) {
			messages++
		}
	}
	return messages
}

// room is the number of stimuli that a stream remembers: more than can be under way.
const room = 1024

// stream is an open loop with constant memory, however long it lasts.
type stream struct {
	latency func(time.Duration)
	times   *openloop.Scheduler
	mu      sync.Mutex
	due     [room]time.Duration // by sequence number, modulo room
	left    int                 // not yet completed
	refused int
	err     error
	late    int // posted far too late by the generator itself
}

func newStream(n int, latency func(time.Duration)) *stream {
	return &stream{latency: latency, left: n, times: openloop.NewScheduler(time.Now(), openloop.SpinBefore)}
}

// postAll posts each stimulus when it is due, then settles.
func (w *soaking) postAll() error {
	due, s := time.Duration(0), w.stream
	for i := w.first; i < w.first+w.n && s.failed() == nil; i++ {
		if w.rate > 0 {
			due += time.Duration(openloop.Gap(w.Seed, i, w.rate))
			s.times.Wait(due)
		}
		stimulus, err := w.complete(soakAt(w.Seed, i, w.passages))
		if err != nil {
			return err
		}
		late, _ := s.times.At(due, func() { err = w.Player.Post(stimulus, s.posted(stimulus.Seq, due)) })
		if err != nil {
			return err
		}
		if late > openloop.Stalled {
			s.late++
		}
	}
	err := cmp.Or(s.failed(), w.Player.Settle(), s.failed())
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.left != 0 {
		return errors.New("some stimuli were never completed, or completed twice")
	}
	return err
}

// complete fills in the passage of a stimulus about the queue: the first passage has been
// decoded, so it plays; the last, which a user requested, cannot be decoded.
func (w *soaking) complete(s player.Stimulus) (player.Stimulus, error) {
	if s.Kind != player.BufferReady && s.Kind != player.BufferFailed {
		return s, nil
	}
	waiting, err := w.Player.Waiting(aside + s.Seq)
	if err == nil && len(waiting) > 0 {
		s.Passage = waiting[0].Passage
		if s.Kind == player.BufferFailed {
			s.Passage = waiting[len(waiting)-1].Passage
		}
	}
	return s, err
}

// posted records when a stimulus was due, and returns its callback.
func (s *stream) posted(seq uint64, due time.Duration) player.Done {
	s.mu.Lock()
	s.due[seq%room] = due
	s.mu.Unlock()
	return s.done
}

// done takes a completion. A refusal with a reason is one; the digest checks that it is the
// same in all styles.
func (s *stream) done(seq uint64, err error) {
	now := s.times.Elapsed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	switch code := player.CodeOf(err); code {
	case "":
		s.latency(max(now-s.due[seq%room], 1))
	case player.NotFound, player.AlreadyQueued, player.TooSoon, player.Unauthorised:
		s.refused++
	default:
		s.err = cmp.Or(s.err, fmt.Errorf("stimulus %d: %w", seq, err))
	}
}

// failed is the first failure so far. Posting stops then: with a dead module every stimulus
// would wait for its time-out.
func (s *stream) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// memoryWatch reads the memory of this process at intervals.
type memoryWatch struct {
	start  time.Time
	stop   chan struct{}
	ended  sync.WaitGroup
	series map[string][]runner.Point
}

// watchEvery gives a hundred readings per block, and at least one every two seconds.
func watchEvery(block time.Duration) time.Duration {
	return max(block/100, min(block/15, 2*time.Second))
}

// watchMemory reads until end.
func watchMemory(every time.Duration) *memoryWatch {
	w := &memoryWatch{start: time.Now(), stop: make(chan struct{}), series: map[string][]runner.Point{}}
	w.ended.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-ticker.C:
				w.read()
			}
		}
	})
	return w
}

// read collects the garbage, then reads memory.
func (w *memoryWatch) read() {
	if len(w.series["heap"]) == runner.MaxPoints {
		return
	}
	runtime.GC()
	objects := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(objects)
	at := time.Since(w.start)
	add := func(name string, value float64) {
		w.series[name] = append(w.series[name], runner.Point{At: at, Value: value})
	}
	add("heap", float64(objects[0].Value.Uint64()))
	add("goroutines", float64(runtime.NumGoroutine()))
	if rss := host.RSS(); rss > 0 {
		add("rss", float64(rss))
	}
}

// end stops the readings; afterwards series and figures are valid.
func (w *memoryWatch) end() {
	close(w.stop)
	w.ended.Wait()
}

// figures summarises the series. A series that is too short is left out.
func (w *memoryWatch) figures() map[string]float64 {
	f := map[string]float64{}
	for _, name := range []string{"rss", "goroutines"} {
		if points := w.series[name]; len(points) > 0 {
			f[name] = slices.Max(values(points))
		}
	}
	if g, ok := growth(w.series["rss"]); ok {
		f["growth"] = g
	}
	if g, ok := growth(w.series["heap"]); ok {
		f["heap-growth"], f["heap"] = g, fifth(w.series["heap"], 4)
	}
	return f
}

func values(points []runner.Point) (values []float64) {
	for _, p := range points {
		values = append(values, p.Value)
	}
	return values
}

// growth compares the last fifth of a series with its second, in percent; false with too
// few points.
func growth(points []runner.Point) (percent float64, ok bool) {
	if len(points) < 10 {
		return 0, false
	}
	early, late := fifth(points, 1), fifth(points, 4)
	if early <= 0 {
		return 0, false
	}
	return 100 * (late - early) / early, true
}

// fifth is the median of the i-th fifth of a series, from 0. The fifth must not be empty.
func fifth(points []runner.Point, i int) float64 {
	n := len(points)
	median, _ := stats.Median(values(points[i*n/5 : (i+1)*n/5]))
	return median
}
