package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// askWait is how long an answer of a member elsewhere is waited for. Each is a page, or less than
// saidWait away, so a longer silence means that it is gone or hangs.
const askWait = 5 * time.Second

// errDisagrees: what a worker tells of its rows does not fit together, so nothing that it tells
// counts.
var errDisagrees = errors.New("it contradicts itself")

// elsewhere is a member that others have started.
type elsewhere struct {
	player.Elsewhere
	network player.Inviting
}

func ask[T any](e elsewhere, q question) (*T, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	data, err := e.network.Ask(e.ID, text, askWait)
	if err != nil {
		return nil, err
	}
	a, err := readAnswer[T](data)
	if err != nil {
		return nil, fmt.Errorf("ask member %s: %w", e.ID, err)
	}
	return a, nil
}

// ledger is a worker's word for its store, where the harness does not see the file.
type ledger struct{ elsewhere }

// Newest is the id of the newest message that is durable.
func (l ledger) Newest() (int64, error) {
	s, err := l.Stored()
	return s.Messages, err
}

// quickest has the worker measure its disk.
func (l ledger) quickest() (time.Duration, error) {
	a, err := ask[quickestAnswer](l.elsewhere, question{Do: askQuickest})
	return max(0, a.Took), err
}

// Stored counts messages and users.
func (l ledger) Stored() (player.Stored, error) {
	a, err := ask[storedAnswer](l.elsewhere, question{Do: askStored})
	if err != nil {
		return player.Stored{}, err
	}
	return player.Stored{Messages: a.Messages, Said: a.Counted}, nil
}

// MessagesAfter asks for page after page, and at last for a digest of all of them, which tells if
// one is lost or was told twice.
func (l ledger) MessagesAfter(id int64, visit func(player.Message)) error {
	last, err := l.Newest()
	if err != nil || last == id {
		return err
	}
	if last < id || last-id > mostSaid { // else it could keep the run busy for ever
		return fmt.Errorf("%w: it had stored %d messages, and has %d now", errDisagrees, id, last)
	}
	digest := uint64(0)
	for at := id; at < last; {
		p, err := ask[pageAnswer](l.elsewhere, question{Do: askRows, After: at, Last: last})
		if err != nil {
			return err
		}
		if n := int64(len(p.Rows)); p.After != at || n < 1 || n > last-at {
			return fmt.Errorf("%w: asked for rows %d to %d, it tells %d after %d", errDisagrees, at+1, last, n, p.After)
		}
		for _, r := range p.Rows {
			m := player.Message{Username: string(r.User), Text: string(r.Text), At: r.At}
			at++
			digest = digestRow(digest, at, m)
			visit(m)
		}
	}
	whole, err := ask[storedAnswer](l.elsewhere, question{Do: askStored, After: id, Last: last})
	if err == nil && whole.Digest != digest {
		err = fmt.Errorf("%w: the digest of its rows %d to %d is %016x, that of those it told %016x", errDisagrees, id+1, last, whole.Digest, digest)
	}
	return err
}

// Close leaves the worker as it is.
func (l ledger) Close() error { return nil }

// speak has generators say count messages of the script from first on, in parts as even as can
// be. Latencies are by the generators' own clocks.
func (c *Crew) speak(seed uint64, first, count, window int, latency func(time.Duration)) error {
	errs := make([]error, len(c.generators))
	trips := make([][][2]int64, len(c.generators))
	var all sync.WaitGroup
	for i, g := range c.generators {
		from, to := count*i/len(c.generators), count*(i+1)/len(c.generators)
		if from == to {
			continue
		}
		q := question{Do: askSay, Seed: seed, First: first + from, Count: to - from, Window: max(1, window/len(c.generators))}
		all.Go(func() {
			if trips[i], errs[i] = g.say(q); errs[i] != nil {
				errs[i] = fmt.Errorf("generator %d: %w", i+1, errs[i])
			}
		})
	}
	all.Wait()
	for _, t := range slices.Concat(trips...) {
		for range t[1] {
			latency(time.Duration(t[0]))
		}
	}
	return errors.Join(errs...)
}

// say orders, and waits for the end. A generator that is gone is noticed, however long it takes.
func (e elsewhere) say(q question) ([][2]int64, error) {
	a, err := ask[saidAnswer](e, q)
	for err == nil && !a.Done {
		a, err = ask[saidAnswer](e, question{Do: askSaid})
	}
	if err != nil {
		return nil, err
	}
	return a.Trips, a.check(int64(q.Count))
}

// check holds the answer against what was ordered.
func (a *saidAnswer) check(ordered int64) error {
	n := int64(0)
	for _, t := range a.Trips {
		if t[0] < 1 || t[0] > int64(2*longestTrip) || t[1] < 1 || t[1] > math.MaxInt64-n {
			return fmt.Errorf("it tells that %d messages took %d ns", t[1], t[0])
		}
		n += t[1]
	}
	if n != ordered {
		return fmt.Errorf("it tells how long %d messages took, and was to say %d", n, ordered)
	}
	return nil
}

// find waits for workers and generators that others have started.
func (c *Crew) find(inviting player.Inviting, workers, generators int) error {
	for end := time.Now().Add(joinWait); ; {
		members, err := inviting.Members(membersWait)
		if err != nil {
			return err
		}
		var says, logs []player.Elsewhere
		for _, m := range members {
			if m.Sends {
				says = append(says, m)
			} else {
				logs = append(logs, m)
			}
		}
		if len(logs) == workers && len(says) >= generators {
			return c.meet(inviting, logs, says[:generators])
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d workers and %d generators have joined, want %d and %d: start rubato worker for each (rubato worker -h)", len(logs), len(says), workers, generators)
		}
	}
}

// meet asks workers once what does not change.
func (c *Crew) meet(network player.Inviting, workers, generators []player.Elsewhere) error {
	for i, m := range workers {
		l := ledger{elsewhere{m, network}}
		its := &disk{measure: l.quickest}
		var err error
		if its.quickest, err = l.quickest(); err != nil {
			return named(i, err)
		}
		c.Workers = append(c.Workers, &Worker{Facts: lasting(m.Facts), store: l, disk: its})
	}
	for _, m := range generators {
		c.generators = append(c.generators, elsewhere{m, network})
	}
	return nil
}
