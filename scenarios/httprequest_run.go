package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/runner"
)

// requesting is a desk and its one client.
type requesting struct {
	*uiDesk
	client   *keepAlive
	writer   requestWriter
	verbatim bool

	asks     []uiRequest
	statuses []int        // of the answers of the last Run
	ends     []int        // where each ends in bodies
	bodies   bytes.Buffer // of the same
	answers  uint64       // digest of all answers ever, in order
	took     [askedKinds][]time.Duration
}

// Prepare writes the requests.
func (w *requesting) Prepare(first, n int) error {
	w.asks, w.statuses, w.ends = w.asks[:0], w.statuses[:0], w.ends[:0]
	w.bodies.Reset()
	for i := first; i < first+n; i++ {
		w.asks = append(w.asks, w.writer.at(i))
	}
	for k := range w.took {
		w.took[k] = w.took[k][:0]
	}
	if err := w.client.connect(); err != nil {
		return err
	}
	return w.uiDesk.Prepare(first, 0)
}

// Run sends one request after the other.
func (w *requesting) Run(latency func(time.Duration)) error {
	for i := range w.asks {
		a := &w.asks[i]
		if a.playDown {
			if err := w.do(playedDown); err != nil {
				return fmt.Errorf("play the queue down: %w", err)
			}
		}
		start := time.Now()
		status, err := w.client.ask(a, &w.bodies)
		took := time.Since(start)
		if err != nil {
			return fmt.Errorf("request %d of the block: %w", i+1, err)
		}
		latency(took)
		w.took[a.kind] = append(w.took[a.kind], took)
		w.statuses = append(w.statuses, status)
		w.ends = append(w.ends, w.bodies.Len())
	}
	return nil
}

// Work counts the answers that are as they must be beside what the player did, and
// digests them all.
func (w *requesting) Work() (runner.Work, error) {
	work, err := w.uiDesk.Work()
	if err != nil {
		return work, err
	}
	work.Stimuli, work.Expected = int64(len(w.asks)), 0
	var lines []string
	for i, a := range w.asks {
		work.Expected += a.effects + 1
		if i >= len(w.statuses) {
			continue
		}
		body := w.body(i)
		if w.statuses[i] == a.status && (len(body) > 0) == (a.status != http.StatusNoContent) {
			work.Effects++
		}
		w.answers = player.DigestText(player.DigestWord(w.answers, uint64(w.statuses[i])), body)
		if w.verbatim {
			lines = append(lines, fmt.Sprintf("%s %s: %d %s", a.method, a.path, w.statuses[i], body))
		}
	}
	work.Digest += fmt.Sprintf("-%016x", w.answers)
	work.Figures = w.figures()
	if w.verbatim {
		work.Lanes["answers"] = lines
	}
	return work, nil
}

// body is the i-th of the last Run.
func (w *requesting) body(i int) string {
	from := 0
	if i > 0 {
		from = w.ends[i-1]
	}
	return string(w.bodies.Bytes()[from:w.ends[i]])
}

// fewest is how many there must be to have a 95th percentile.
const fewest = 20

func (w *requesting) figures() map[string]float64 {
	figures := map[string]float64{"dials": float64(w.client.dials.Load())}
	add := func(name string, took []time.Duration) {
		if len(took) > 0 {
			figures[name+"-p50"] = percentile(took, 50)
		}
		if len(took) >= fewest {
			figures[name+"-p95"] = percentile(took, 95)
		}
	}
	add("status", slices.Concat(w.took[askStatus], w.took[askQueue]))
	add("change", w.took[askChange])
	add("control", w.took[askControl])
	add("said", w.took[askSay])
	return figures
}

// Close ends the client, then the desk.
func (w *requesting) Close() error {
	w.client.close()
	return w.uiDesk.Close()
}

// keepAlive is a client with one connection, which stays open. Go's client lets go of
// one over which an answer came 50 ms before it knew that all of the request was written,
// as happens on a machine with too much to do: so what is dialled is counted.
type keepAlive struct {
	base  string
	http  *http.Client
	dials atomic.Int64 // since connect
}

// requestPatience is the longest wait for an answer.
const requestPatience = 30 * time.Second

func newKeepAlive(base string) *keepAlive {
	c := &keepAlive{base: base}
	var dialer net.Dialer
	c.http = &http.Client{Timeout: requestPatience, Transport: &http.Transport{
		MaxConnsPerHost: 1, DisableCompression: true, // and no proxy: what is measured is the way to the player
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c.dials.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
	}}
	return c
}

// connect asks something, as the server may have closed what was idle for long.
func (c *keepAlive) connect() error {
	var forgotten bytes.Buffer
	_, err := c.ask(&uiRequest{method: http.MethodGet, path: "/api/status"}, &forgotten)
	c.dials.Store(0)
	return err
}

// longestAnswer bounds what is read, in bytes; the longest has some 600.
const longestAnswer = 1 << 16

// ask sends a request and appends the answer's body.
func (c *keepAlive) ask(a *uiRequest, into *bytes.Buffer) (status int, err error) {
	var body io.Reader
	if a.body != nil {
		body = bytes.NewReader(a.body)
	}
	r, err := http.NewRequest(a.method, c.base+a.path, body)
	if err != nil {
		return 0, err
	}
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	n, err := into.ReadFrom(io.LimitReader(answer.Body, longestAnswer+1))
	if err == nil && n > longestAnswer {
		err = fmt.Errorf("%s %s: the answer is longer than %d bytes", a.method, a.path, longestAnswer)
	}
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}

func (c *keepAlive) close() { c.http.CloseIdleConnections() }
