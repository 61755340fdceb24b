package scenarios

import (
	"time"
)

// balance is what became of what was said: the book and the database brought together.
type balance struct {
	stored, lost, unsure, duplicated int             // messages; promised but not stored are neither stored nor lost
	unknown                          int             // rows that are nobody's
	refused, unanswered, again       int             // attempts
	durable                          []time.Duration // by message, since the start; 0: not
}

// balance holds every message against the rows that are there.
func (b *book) balance(rows []ledgerRow) (t balance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.durable = make([]time.Duration, len(b.due))
	for _, r := range rows {
		switch i, known := b.said[r.said]; {
		case !known:
			t.unknown++
		case t.durable[i] > 0:
			t.duplicated++
		default:
			t.durable[i] = max(r.durable.Sub(b.start), 1)
		}
	}
	well := b.attempts(&t)
	for i, at := range t.durable {
		switch {
		case at > 0 && well[i]:
			t.stored++
		case at > 0:
			t.stored++
			t.unsure++
		case !well[i]:
			t.lost++
		}
	}
	return t
}

// attempts counts what senders were told, and answers which messages were reported well.
func (b *book) attempts(t *balance) (well []bool) {
	well = make([]bool, len(b.due))
	tried := make([]bool, len(b.due))
	for _, a := range b.tries {
		if a.message < 0 {
			continue
		}
		if tried[a.message] {
			t.again++
		}
		tried[a.message] = true
		switch {
		case a.err == nil:
			well[a.message] = true
		case a.settled:
			t.unanswered++
		default:
			t.refused++
		}
	}
	return well
}

// figures are a balance as restartMeasures has it.
func (w *restarting) figures(t balance) map[string]float64 {
	f := map[string]float64{
		"lost": float64(t.lost), "unsure": float64(t.unsure), "duplicated": float64(t.duplicated),
		"refused": float64(t.refused), "unanswered": float64(t.unanswered), "again": float64(t.again),
		"stopping": float64(w.outage.stopping), "starting": float64(w.outage.starting),
	}
	if back, ok := w.book.back(t, w.outage.asked.Sub(w.book.start)); ok {
		f["recover"] = float64(back)
	}
	if share, ok := recovered(w.due, t.durable, w.outage.due); ok {
		f["recovered"] = 100 * share
	}
	if len(w.book.late) > 0 {
		f["gen-p99"] = percentile(w.book.late, 99)
	}
	return f
}

// back is how long after the order to start, given at asked, the first message was
// durable that was said for the first time after it.
func (b *book) back(t balance, asked time.Duration) (after time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tried := make([]bool, len(b.due))
	for _, a := range b.tries {
		if a.message < 0 || tried[a.message] {
			continue
		}
		tried[a.message] = true
		at := t.durable[a.message]
		if a.posted >= asked && at > 0 && (!ok || at-asked < after) {
			after, ok = at-asked, true
		}
	}
	return after, ok
}

// recovered is the share of what was due soon after the start that was durable soon
// after it was due; false when nothing was due.
func recovered(due, durable []time.Duration, start time.Duration) (share float64, ok bool) {
	n, well := 0, 0
	for i, at := range due {
		if at < start || at >= start+soon {
			continue
		}
		n++
		if durable[i] > 0 && durable[i]-at <= soon {
			well++
		}
	}
	return float64(well) / float64(max(n, 1)), n > 0
}
