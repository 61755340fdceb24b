package scenarios

import (
	"errors"
	"fmt"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// requestReply is one question from module ui to module ap: a call, an action, a request. It
// changes nothing, so its cost is the way there and back.
//
// A passage plays and others wait, so that there is something to answer. Between blocks,
// outside the clock, the volume changes, so that an outdated answer would show.
func (s styles) requestReply() runner.Scenario {
	return runner.Scenario{
		Name:    "request-reply",
		Answers: "What does it cost to ask another module and get its answer?",
		Op:      "question",
		Keys: []runner.Key{
			{Name: "question", Default: "status", Values: []string{"status", "queue"},
				Doc: "status: passage, position and volume; queue: the passages that wait"},
			workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey, workload.CodecKey, workload.EnvelopeKey,
		},
		Script: 20,
		// For nats: direct answers a thousand times as fast, so its blocks are short and their spread shows it.
		Size:    sizes(runner.Size{Ops: 5000}, runner.Size{Ops: 20_000}),
		Claims:  requestReplyClaims,
		Prepare: func(setup runner.Setup) error { return workload.Prepare(setup, 200) }, // two selections, before the clock
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &questions{Workload: &workload.Workload{Count: workload.Refills, Crosses: map[string]int64{"ui": 1, "ap": 1}}, about: setup.Options["question"], verbatim: setup.Verbatim}
			if _, err := s.Start(setup, w.Workload, func(*player.Config) {}); err != nil {
				return nil, err
			}
			if err := w.play(); err != nil {
				return nil, fmt.Errorf("before the first question: %w", errors.Join(err, w.Close()))
			}
			return w, nil
		},
	}
}

// aside is the first sequence number of stimuli outside the clock. It is far from those of
// questions, because both are flow tokens.
const aside = 1 << 40

// questions is a player that is asked questions.
type questions struct {
	*workload.Workload
	about    string
	verbatim bool
	asides   uint64
	first, n int      // the prepared questions
	asked    int      // of these
	answers  uint64   // digest of all answers, in order
	heard    int      // valid answers since Prepare
	lines    []string // since Prepare, when verbatim
}

// play queues two passages and starts the first.
func (w *questions) play() error {
	for i := range 2 {
		if err := w.aside(workload.LowAt(w.Seed, i)); err != nil {
			return err
		}
	}
	seen, err := w.Player.Observe()
	if err != nil {
		return err
	}
	if len(seen.Queue) == 0 {
		return errors.New("nothing was queued")
	}
	return w.aside(player.Stimulus{Kind: player.BufferReady, At: sqlite.Epoch + player.Day, Passage: seen.Queue[0].Passage})
}

func (w *questions) aside(s player.Stimulus) error {
	w.asides++
	s.Seq = aside + w.asides
	return w.Player.Do(s)
}

// Prepare changes the volume, so that the answers are new.
func (w *questions) Prepare(first, n int) error {
	w.first, w.n, w.asked, w.heard, w.lines = first, n, 0, 0, nil
	err := w.aside(player.Stimulus{Kind: player.VolumeSet, Volume: int(runner.SeedAt(w.Seed, first) % (player.MaxVolume + 1))})
	return errors.Join(err, w.PrepareQuestions(first, n))
}

// Run asks the next n questions, one after the other.
func (w *questions) Run(n int, latency func(time.Duration)) error {
	first := w.first + w.asked
	w.asked += n
	return workload.Sampled(first, n, func(i int) error { return w.ask(uint64(i) + 1) }, latency)
}

// ask digests the answer, and counts it if it is valid.
func (w *questions) ask(seq uint64) error {
	if w.about == "queue" {
		return w.askQueue(seq)
	}
	status, err := w.Asked().Status(seq)
	if err != nil {
		return err
	}
	h := player.DigestText(w.answers, string(status.State))
	h = player.DigestWord(h, uint64(status.Passage))
	h = player.DigestWord(h, uint64(status.Position))
	w.answers = player.DigestWord(h, uint64(status.Volume))
	if status.State == player.Playing {
		w.heard++
	}
	if w.verbatim {
		w.lines = append(w.lines, fmt.Sprint(status))
	}
	return nil
}

func (w *questions) askQueue(seq uint64) error {
	waiting, err := w.Asked().Waiting(seq)
	if err != nil {
		return err
	}
	h := w.answers
	for _, e := range waiting {
		h = player.DigestWord(h, uint64(e.Passage))
		h = player.DigestWord(h, uint64(e.Length))
	}
	w.answers = player.DigestWord(h, uint64(len(waiting)))
	if len(waiting) == 2 {
		w.heard++
	}
	if w.verbatim {
		w.lines = append(w.lines, fmt.Sprint(waiting))
	}
	return nil
}

// Isolate asks one more question.
func (w *questions) Isolate() (string, error) {
	return w.IsolateFrom(func() error { return w.ask(uint64(w.first+w.n) + 1) })
}

// Work counts the answers of a playing player, and digests all answers with the rest of
// the player's work.
func (w *questions) Work() (runner.Work, error) {
	work, err := w.Workload.Work()
	if err != nil {
		return work, err
	}
	work.Stimuli, work.Effects, work.Expected = int64(w.n), int64(w.heard), int64(w.n)
	work.Digest += fmt.Sprintf("-%016x", w.answers)
	if w.verbatim {
		work.Lanes["answers"] = w.lines
	}
	return work, nil
}

var requestReplyClaims = []runner.Claim{
	workload.Budget("request and reply under 10 ms", workload.NatsDocument, 10_000).Of("nats", "p99_ns"),
	workload.Estimate("HTTP on localhost, which the request stands for, 100–500 µs", 100, 500).On("nats"),
	workload.Budget("state queries: median under 10 ms (here without HTTP)", workload.PlayerDocument, 10_000).Of("", "p50_ns"),
	workload.Budget("state queries: 95 in 100 under 50 ms (here without HTTP)", workload.PlayerDocument, 50_000).Of("", "p95_ns"),
	workload.Times("orchestration under 10 times direct", workload.BudgetDocument, 10).On("bus"),
}
