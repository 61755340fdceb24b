package scenarios

import (
	"errors"
	"fmt"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// requestReply is a question that module ui asks module ap, and nothing else: a call,
// an action, a request. It changes nothing, so what it costs is the way there and back.
//
// A passage plays and others wait, so that there is something to answer; between blocks,
// outside the clock, the volume is set anew, so that an old answer would show.
func (s styleSet) requestReply() runner.Scenario {
	return runner.Scenario{
		Name:    "request-reply",
		Answers: "What does it cost to ask another module, and have its answer?",
		Op:      "question",
		Keys: []runner.Key{
			{Name: "question", Default: "status", Values: []string{"status", "queue"},
				Doc: "status: what plays, where in it and how loud; queue: what waits"},
			traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:  20,
		Size:    requestReplySize,
		Claims:  requestReplyClaims,
		Prepare: func(setup runner.Setup) error { return prepare(setup, 200) }, // two selections, before the clock
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &questions{workload: &workload{count: refills}, about: setup.Options["question"], verbatim: setup.Verbatim}
			if _, err := s.start(setup, w.workload, func(*player.Config) {}); err != nil {
				return nil, err
			}
			if err := w.play(); err != nil {
				return nil, fmt.Errorf("before the first question: %w", errors.Join(err, w.Close()))
			}
			return w, nil
		},
	}
}

// requestReplySize is set so that a block of nats lasts no more than it must: direct
// answers a thousand times as fast, so its blocks are short, and their spread shows it.
func requestReplySize(effort string, _ runner.Options) runner.Size {
	if effort == "quick" {
		return runner.Size{Ops: 5000}
	}
	return runner.Size{Ops: 20_000}
}

// aside begins the sequence numbers of what is done outside the clock, far from those
// of questions: they are flow tokens, too.
const aside = 1 << 40

// questions are asked of a player at work.
type questions struct {
	*workload
	about    string
	verbatim bool
	asides   uint64
	first, n int
	answers  uint64   // digest of all, in order
	heard    int      // answers that made sense
	lines    []string // of the last Run, when verbatim
}

// play has two passages queued and the first of them playing.
func (w *questions) play() error {
	for i := range 2 {
		low := lowAt(w.seed, i)
		if err := w.aside(low); err != nil {
			return err
		}
	}
	seen, err := w.player.Observe()
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
	return w.player.Do(s)
}

// Prepare sets the volume, so that the answers are new ones.
func (w *questions) Prepare(first, n int) error {
	w.first, w.n, w.heard, w.lines = first, n, 0, nil
	return w.aside(player.Stimulus{Kind: player.VolumeSet, Volume: int(stir(w.seed, first) % (player.MaxVolume + 1))})
}

// Run asks one question after the other.
func (w *questions) Run(latency func(time.Duration)) error {
	return sampled(w.n, func(i int) error { return w.ask(uint64(w.first+i) + 1) }, latency)
}

// ask takes an answer in, and counts it if it is one.
func (w *questions) ask(seq uint64) error {
	if w.about == "queue" {
		return w.askQueue(seq)
	}
	status, err := w.player.Status(seq)
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
	waiting, err := w.player.Waiting(seq)
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

// Work counts the answers that tell of a player that plays, and digests them all with
// what the player did beside.
func (w *questions) Work() (runner.Work, error) {
	work, err := w.workload.Work()
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
	{Text: "request and reply under 10 ms", Source: natsDocument, Kind: "budget", Style: "nats", Quantity: "p99_ns", Hi: us(10_000)},
	{Text: "HTTP on localhost, which the request stands for, 100–500 µs", Source: overheadDocument, Kind: "estimate",
		Style: "nats", Quantity: "ns_op", Lo: us(100), Hi: us(500)},
	{Text: "state queries: median under 10 ms (here without HTTP)", Source: playerDocument, Kind: "budget", Quantity: "p50_ns", Hi: us(10_000)},
	{Text: "state queries: 95 in 100 under 50 ms (here without HTTP)", Source: playerDocument, Kind: "budget", Quantity: "p95_ns", Hi: us(50_000)},
	{Text: "orchestration under 10 times direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 10},
}
