package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/web"
)

// broadcasting is a desk with clients that listen.
type broadcasting struct {
	*uiDesk
	bell     *doorbell
	client   *web.Client
	stop     context.CancelFunc
	crowd    *gathering
	deaf     *web.Events // nil: nobody is
	verbatim bool
	patience time.Duration // for a block

	first, n             int
	heard, bytes         int64 // before this block, by all
	lost                 uint64
	fast, slow, fannedTo []time.Duration // first, last, fan-out of each broadcast
}

// Prepare notes what has been heard so far.
func (w *broadcasting) Prepare(first, n int) error {
	w.first, w.n = first, n
	w.fast, w.slow, w.fannedTo = w.fast[:0], w.slow[:0], w.fannedTo[:0]
	w.heard, w.bytes, _ = w.crowd.tally()
	w.lost = w.losses()
	return w.uiDesk.Prepare(first, 0)
}

// Run does one broadcast after the other.
func (w *broadcasting) Run(latency func(time.Duration)) error {
	late := make(chan struct{})
	alarm := time.AfterFunc(w.patience, func() { close(late) })
	defer alarm.Stop()
	for i := range w.n {
		w.crowd.await()
		start := time.Since(w.bell.began)
		if err := w.do(player.Stimulus{Kind: player.Control, Command: playPause(w.first + i)}); err != nil {
			return err
		}
		kept := time.Since(w.bell.began)
		if err := w.crowd.hear(late); err != nil {
			return fmt.Errorf("broadcast %d of the block: %w", i+1, err)
		}
		first, last := w.crowd.first.is(), w.crowd.last.is()
		latency(max(last, kept) - start)
		w.fast, w.slow = append(w.fast, first-start), append(w.slow, last-start)
		w.fannedTo = append(w.fannedTo, last-w.bell.heard.is())
	}
	return nil
}

// Work counts what each client has read beside what the player did, and digests all.
func (w *broadcasting) Work() (runner.Work, error) {
	work, err := w.uiDesk.Work()
	if err != nil {
		return work, err
	}
	if err := w.audit(w.hub.Counts()); err != nil {
		return work, err
	}
	heard, bytes, digest := w.crowd.tally()
	work.Stimuli = int64(w.n)
	work.Effects += heard - w.heard
	work.Expected = int64(w.n) * int64(commandLines+commandTold+len(w.crowd.listeners))
	work.Digest += fmt.Sprintf("-%016x", digest)
	work.Figures = w.figures()
	work.Figures["bytes"] = float64(bytes-w.bytes) / float64(max(w.n, 1))
	if w.deaf != nil {
		work.Figures["deaf-lost"] = float64(w.losses() - w.lost)
	}
	if w.verbatim {
		for i, l := range w.crowd.listeners {
			_, _, digest := l.tally()
			work.Lanes["clients"] = append(work.Lanes["clients"], fmt.Sprintf("client %d heard %016x", i+1, digest))
		}
	}
	return work, nil
}

// audit holds the hub's books against what has to be: everybody is there, and of those
// who read nobody has lost anything.
func (w *broadcasting) audit(counts web.HubCounts) error {
	deaf := 0
	if w.deaf != nil {
		deaf = 1
	}
	if there := len(counts.Clients) - deaf; there != len(w.crowd.listeners) {
		return fmt.Errorf("%d clients listen, want %d", there, len(w.crowd.listeners))
	}
	for _, c := range counts.Clients[deaf:] {
		if c.Lost > 0 {
			return fmt.Errorf("client %d has lost %d events, though it reads all of them", c.Client, c.Lost)
		}
	}
	return nil
}

// losses are those of the deaf client, which came first.
func (w *broadcasting) losses() uint64 {
	if w.deaf == nil {
		return 0
	}
	return w.hub.Counts().Clients[0].Lost
}

func (w *broadcasting) figures() map[string]float64 {
	figures := map[string]float64{}
	if w.n == 0 {
		return figures
	}
	figures["first-p50"], figures["last-p50"] = percentile(w.fast, 50), percentile(w.slow, 50)
	figures["fan-out"], figures["last-max"] = percentile(w.fannedTo, 50), percentile(w.slow, 100)
	if w.n >= 100 {
		figures["first-p99"], figures["last-p99"] = percentile(w.fast, 99), percentile(w.slow, 99)
	}
	return figures
}

// Close has the clients leave, then ends the desk.
func (w *broadcasting) Close() (err error) {
	w.stop()
	if w.deaf != nil {
		err = w.deaf.Close()
	}
	if w.crowd != nil {
		err = errors.Join(err, w.crowd.leave())
	}
	w.client.Close()
	return errors.Join(err, w.uiDesk.Close())
}
