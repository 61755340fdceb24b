package external

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"rubato/runner"
)

// An asking is one service, and its client.
type asking struct {
	urls
	url      string
	headers  http.Header
	content  []byte // of the body
	client   *http.Client
	first    *answer      // nil: bodies are not compared
	gave     atomic.Int64 // the first status; 0: none yet
	script   bool
	readings chan *reading // free ones; as many requests may be under way
	dials    atomic.Int64
	asked    int
	done     atomic.Int64
	length   atomic.Int64 // bytes of all bodies
	wrong    atomic.Pointer[string]
}

func (u urls) open(setup runner.Setup) (runner.Workload, error) {
	text, err := textOf(u.Styles, setup.Style)
	if err != nil {
		return nil, err
	}
	w := &asking{urls: u, url: text, script: setup.Verbatim}
	if w.headers, err = u.header(); err != nil {
		return nil, err
	}
	if w.content, err = u.body(); err != nil {
		return nil, err
	}
	if u.Compare == compareBody {
		w.first = &answer{}
	}
	most := 1
	if u.Rate != "" {
		most = mostUnderWay
	}
	w.readings = make(chan *reading, most)
	for range most {
		w.readings <- newReading(w.first)
	}
	w.client = w.newClient(most)
	if u.Rate == "" {
		return w, nil
	}
	return atRate(w, setup)
}

// newClient keeps so many connections. It asks no proxy, which would be measured, too, and for
// no compression, which would have to be undone.
func (w *asking) newClient(connections int) *http.Client {
	var dialer net.Dialer
	transport := &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections, DisableCompression: true, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			w.dials.Add(1)
			return dialer.DialContext(ctx, network, address)
		}}
	return &http.Client{Transport: transport, Timeout: w.Limit, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		switch {
		case w.Status/100 == 3:
			return http.ErrUseLastResponse // the redirect is the answer
		case r.URL.Host != via[0].URL.Host && !w.Follow:
			return fmt.Errorf("it redirects to another host, %s: measure that one, or give -follow", r.URL.Host)
		case len(via) >= 10:
			return errors.New("it redirects ten times")
		}
		return nil
	}}
}

// ask sends a request and reads the answer. It returns what is wrong with that; "" if nothing is.
func (w *asking) ask(into *reading) (wrong string) {
	r, err := http.NewRequest(w.Method, w.url, bytes.NewReader(w.content))
	if err != nil {
		return err.Error()
	}
	r.Header, r.Host = w.headers, w.headers.Get("Host")
	into.begin()
	got, err := w.client.Do(r)
	if err != nil {
		return w.fault(err)
	}
	_, err = io.Copy(into, got.Body)
	if err = errors.Join(err, got.Body.Close()); err != nil {
		into.forget()
		return w.fault(err)
	}
	if wrong = w.statusFault(got); wrong != "" {
		into.forget()
		return wrong
	}
	if difference := into.end(); difference != "" {
		return "its answers change: " + difference + ". -compare status does not look at bodies"
	}
	w.done.Add(1)
	w.length.Add(int64(into.length))
	return ""
}

// statusFault says what is wrong with a status: it must be one that is wanted, and always the same.
func (w *asking) statusFault(got *http.Response) string {
	switch want := w.Status; {
	case want == 0 && got.StatusCode/100 != 2:
		return fmt.Sprintf("it answered %s, want a status from 200 to 299 (-status wants another)", got.Status)
	case want != 0 && got.StatusCode != want:
		return fmt.Sprintf("it answered %s, want status %d", got.Status, want)
	}
	w.gave.CompareAndSwap(0, int64(got.StatusCode))
	if first := w.gave.Load(); first != int64(got.StatusCode) {
		return fmt.Sprintf("its status changes: %d at first, now %d", first, got.StatusCode)
	}
	return ""
}

// fault is why there is no answer, in few words.
func (w *asking) fault(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Sprintf("no whole answer within %v: -limit sets how long it may take", w.Limit)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if errors.Is(err, errTooLong) {
		return fmt.Sprintf("its body is longer than %d MiB, the most that is compared: -compare status does not look at it", mostBytes>>20)
	}
	return fmt.Sprintf("no whole answer: %v", err)
}

// Prepare begins a block. A new process first asks once, so that its connection is open and every
// answer, of which many may come at once, has a first one to be compared with.
func (w *asking) Prepare(_, n int) error {
	w.wrong.Store(nil)
	if w.gave.Load() == 0 {
		w.take(<-w.readings)
	}
	w.asked = n
	w.done.Store(0)
	w.length.Store(0)
	w.dials.Store(0)
	return nil
}

// take asks once, with a reading that it gives back. After a failure nothing more is asked: the
// cell is invalid.
func (w *asking) take(free *reading) {
	if w.wrong.Load() == nil {
		if wrong := w.ask(free); wrong != "" {
			w.wrong.CompareAndSwap(nil, &wrong)
		}
	}
	w.readings <- free
}

// Run asks n times, one after the other.
func (w *asking) Run(n int, latency func(time.Duration)) error {
	for range n {
		start := time.Now()
		w.take(<-w.readings)
		latency(time.Since(start))
	}
	return nil
}

// Work counts the answers that were as they should be.
func (w *asking) Work() (runner.Work, error) {
	work := runner.Work{Stimuli: int64(w.asked), Effects: w.done.Load(), Expected: int64(w.asked),
		Figures: map[string]float64{dialMeasure.Name: 100 * float64(w.dials.Load()) / float64(max(w.asked, 1))}}
	if wrong := w.wrong.Load(); wrong != nil {
		work.Wrong = *wrong
	}
	status := strconv.FormatInt(w.gave.Load(), 10)
	work.Digest = "status " + status
	if w.script {
		work.Lanes = map[string][]string{"status": {status}}
	}
	if w.first != nil {
		work.Digest, work.Bytes = work.Digest+", "+w.first.digest(), w.length.Load()
		if w.script {
			work.Lanes["body"] = w.first.lines()
		}
	}
	return work, nil
}

// Close leaves no connection.
func (w *asking) Close() error {
	w.client.CloseIdleConnections()
	return nil
}
