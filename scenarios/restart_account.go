package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/scenarios/workload"
)

// sendLog is what a sender knows: each attempt and its answer. It does not know the
// database; outcomes combines the two. Only the sender adds attempts, so it reads their
// number and their own fields without the mutex. Once complete is nil nothing changes.
type sendLog struct {
	start   time.Time
	first   uint64 // sequence number before the first
	poison  map[int]bool
	mu      sync.Mutex
	tries   []attempt
	settled bool  // answers from now on come after a Settle
	err     error // the first that is not an outage
}

// attempt is one send of a message, or an order to the module.
type attempt struct {
	message           int // -1: an order
	posted, answered  time.Duration
	complete, settled bool // answered; answered only after Settle
	err               error
}

// begin adds an attempt to send a message.
func (b *sendLog) begin(message int) (i int, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries = append(b.tries, attempt{message: message, posted: time.Since(b.start)})
	return len(b.tries) - 1, b.first + uint64(len(b.tries))
}

// done takes an answer, on any goroutine. An order must not fail; a message may be
// refused as unavailable.
func (b *sendLog) done(seq uint64, err error) {
	now := time.Since(b.start)
	b.mu.Lock()
	defer b.mu.Unlock()
	i := seq - b.first - 1
	if i >= uint64(len(b.tries)) || b.tries[i].complete {
		b.err = cmp.Or(b.err, fmt.Errorf("stimulus %d was answered twice, or was not sent here", seq))
		return
	}
	a := &b.tries[i]
	a.answered, a.complete, a.settled, a.err = now, true, b.settled, err
	if refused := b.poison[a.message] && player.CodeOf(err) == player.Invalid; a.message < 0 || player.CodeOf(err) != player.Unavailable && !refused {
		b.err = cmp.Or(b.err, err)
	}
}

// failed is the first error so far that is not an outage.
func (b *sendLog) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// settles marks that answers from now on come late.
func (b *sendLog) settles() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled = true
}

// final reports whether an attempt was reported durable, or refused for good.
func (b *sendLog) final(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tries[i].complete && (b.tries[i].err == nil || b.tries[i].refused())
}

// unanswered reports whether a message timed out. A stream may have it, and hand it over when its
// server is well again: it is stored then, unsure, and belongs to this block.
func (b *sendLog) unanswered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.tries, func(a attempt) bool { return a.settled && a.err != nil && !a.refused() })
}

// published is how many messages a network that keeps them has: those that were not refused at once.
func (b *sendLog) published() (n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.tries {
		if a.message >= 0 && (a.err == nil || a.settled) {
			n++
		}
	}
	return n
}

func (a attempt) refused() bool { return player.CodeOf(a.err) == player.Invalid }

// complete returns an error when an attempt was never answered, or for the first error.
func (b *sendLog) complete() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, a := range b.tries {
		if !a.complete {
			return cmp.Or(b.err, fmt.Errorf("attempt %d, of message %d, was never answered", i+1, a.message))
		}
	}
	return b.err
}

// latencies reports the latency of what was reported durable, from the intended time.
func (b *sendLog) latencies(due []time.Duration, latency func(time.Duration)) {
	reported := make([]bool, len(due))
	for _, a := range b.tries {
		if a.message >= 0 && a.err == nil && !reported[a.message] {
			reported[a.message] = true
			latency(a.answered - due[a.message])
		}
	}
}

// outcomes counts what happened to the messages, from the sendLog and the database.
type outcomes struct {
	stored, lost, unsure, duplicated int // messages; one reported durable but not stored is neither stored nor lost
	rejected, disordered, dropped    int // messages; rejected: refused for good
	unknown                          int // rows of no message
	refused, unanswered, again       int // attempts
	fates                            []fate
}

// fate is what happened to one message, in times since the start.
type fate struct {
	sent     time.Duration // the first time
	tries    int
	reported bool          // durable
	rejected bool          // for good
	durable  time.Duration // 0: not
}

// outcomes compares every message with the rows.
func (b *sendLog) outcomes(messages []player.Stimulus, rows []workload.CommittedRow) outcomes {
	t := outcomes{fates: make([]fate, len(messages))}
	sent := map[player.Ticks]*fate{} // by time in the script
	for i, m := range messages {
		sent[m.Message.At] = &t.fates[i]
	}
	users := map[player.Ticks]string{}
	for _, m := range messages {
		users[m.Message.At] = m.Message.Username
	}
	newest := map[string]player.Ticks{} // of a user, that is stored
	for _, r := range rows {
		switch f := sent[r.Said]; {
		case f == nil:
			t.unknown++
		case f.durable > 0:
			t.duplicated++
		default:
			f.durable = max(r.Durable.Sub(b.start), 1)
			if user := users[r.Said]; r.Said < newest[user] {
				t.disordered++
			} else {
				newest[user] = r.Said
			}
		}
	}
	for _, a := range b.tries {
		if a.message >= 0 {
			t.attempt(a, &t.fates[a.message])
		}
	}
	for _, f := range t.fates {
		switch {
		case f.durable > 0 && !f.reported:
			t.unsure++
			fallthrough
		case f.durable > 0:
			t.stored++
		case f.rejected && !f.reported:
			t.rejected++
		case !f.reported:
			t.lost++
		}
	}
	return t
}

// attempt counts an attempt and its answer.
func (t *outcomes) attempt(a attempt, f *fate) {
	if f.tries++; f.tries == 1 {
		f.sent = a.posted
	} else {
		t.again++
	}
	switch {
	case a.err == nil:
		f.reported = true
	case a.refused():
		f.rejected = true
	case a.settled:
		t.unanswered++
	default:
		t.refused++
	}
}

// figures returns the restartMeasures.
func (w *restarting) figures(t outcomes) map[string]float64 {
	if !w.can() { // zeros would look like merits
		return map[string]float64{"struck": 0}
	}
	f := map[string]float64{
		"struck": 1, "lost": float64(t.lost), "unsure": float64(t.unsure), "duplicated": float64(t.duplicated),
		"refused": float64(t.refused), "unanswered": float64(t.unanswered),
		"disordered": float64(t.disordered), "late": float64(late(w.due, t.fates)), "dropped": float64(t.dropped),
		"held": float64(w.held),
	}
	switch w.fault {
	case faultPoison:
		f["rejected"] = float64(t.rejected)
	case faultModule, faultServer:
		f["stopping"] = float64(w.outage.stopping)
		fallthrough
	case faultSubscriber, faultCrash:
		f["starting"] = float64(w.outage.starting)
	}
	if w.retry {
		f["again"] = float64(t.again)
	}
	w.hearing.figures(w.sendLog, f)
	if back, ok := back(t.fates, w.outage.asked.Sub(w.sendLog.start)); ok {
		f["recover"] = float64(back)
	}
	if share, ok := recovered(w.due, t.fates, w.outage.due); ok {
		f["recovered"] = 100 * share
	}
	if len(w.late) > 0 {
		f["gen-p99"] = openloop.Percentile(w.late, 99)
	}
	return f
}

// late is how many messages are stored, but not soon after they were due.
func late(due []time.Duration, fates []fate) (n int) {
	for i, f := range fates {
		if f.durable > due[i]+soon {
			n++
		}
	}
	return n
}

// back is the time from the order to start, at asked, until the first message that was first
// sent after it was durable.
func back(fates []fate, asked time.Duration) (after time.Duration, ok bool) {
	for _, f := range fates {
		if f.tries > 0 && f.sent >= asked && f.durable > 0 && (!ok || f.durable-asked < after) {
			after, ok = f.durable-asked, true
		}
	}
	return after, ok
}

// recovered is the share of messages due soon after the start that were durable soon after
// their time; false when none was due.
func recovered(due []time.Duration, fates []fate, start time.Duration) (share float64, ok bool) {
	n, well := 0, 0
	for i, at := range due {
		if at < start || at >= start+soon {
			continue
		}
		n++
		if f := fates[i]; f.durable > 0 && f.durable-at <= soon {
			well++
		}
	}
	return float64(well) / float64(max(n, 1)), n > 0
}
