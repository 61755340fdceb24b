package external

import (
	"cmp"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"rubato/openloop"
	"rubato/runner"
)

// rateKey names the rate in results.
const (
	rateKey    = "rate"
	rateWanted = "rates a second from 1 to 100000, such as 200 or 100,200"
)

func checkRate(value string) error {
	if r, err := strconv.ParseFloat(value, 64); err != nil || !(r >= 1 && r <= 100_000) {
		return errors.New("want " + rateWanted)
	}
	return nil
}

// mostUnderWay are the most requests that wait for their answers. The next one then waits, too,
// which counts in its latency.
const mostUnderWay = 512

// paced makes the closed loop an open one.
func (u urls) paced(s *runner.Scenario) {
	s.Answers = "How long does an answer of each service take, and what does it cost its client, when requests come at a rate that does not wait for answers?" + clientsFigures
	s.Paced = true
	s.Keys = []runner.Key{{Name: rateKey, Default: u.Rate, Check: checkRate, Doc: "requests a second on average"}}
	s.Measures = append(s.Measures, openloop.Measures...)
	s.Size = func(effort string, options runner.Options) runner.Size {
		rate, _ := strconv.ParseFloat(options[rateKey], 64) // which was checked
		seconds := 2.0
		if effort == "quick" {
			seconds = 0.5
		}
		n := max(100, int(seconds*rate)) // with fewer the 99th percentile is the longest latency
		return runner.Size{Ops: n, Warmup: -1, Limit: patient(u.Limit) + 2*time.Duration(float64(n)/rate*float64(time.Second))}
	}
}

// A load is a service that is asked at times of its own: the same in all styles.
type load struct {
	*asking
	seed  uint64
	rate  float64
	from  int
	last  *openloop.Pacing
	posts poster
}

func atRate(w *asking, setup runner.Setup) (runner.Workload, error) {
	rate, err := strconv.ParseFloat(setup.Options[rateKey], 64)
	if err != nil {
		return nil, err
	}
	return &load{asking: w, seed: setup.Seed, rate: rate, posts: poster{asking: w}}, nil
}

// Prepare notes which gaps come.
func (l *load) Prepare(first, n int) error {
	l.from = first
	return l.asking.Prepare(first, n)
}

// Run asks n times when it is due, and waits for all answers. In the script only the work counts.
func (l *load) Run(n int, latency func(time.Duration)) (err error) {
	if l.script {
		return l.asking.Run(n, latency)
	}
	l.last, err = openloop.Run(&l.posts, 0, openloop.Arrivals(l.seed, l.from, n, l.rate), latency)
	return err
}

// Work adds what the open loop measured of itself.
func (l *load) Work() (runner.Work, error) {
	work, err := l.asking.Work()
	if err == nil && l.last != nil {
		maps.Copy(work.Figures, l.last.Figures())
		work.NoLatency, work.Wrong = l.last.NoLatency(), cmp.Or(work.Wrong, l.last.Wrong())
	}
	return work, err
}

// A poster is what the open loop knows of a service: it accepts requests and tells when each is
// answered.
type poster struct {
	asking   *asking
	underWay sync.WaitGroup
}

// Post asks in a goroutine, unless too many requests are under way.
func (p *poster) Post(i int, done func(uint64, error)) error {
	free := <-p.asking.readings
	p.underWay.Go(func() {
		p.asking.take(free)
		done(uint64(i), nil)
	})
	return nil
}

// Settle waits for all answers.
func (p *poster) Settle() error {
	p.underWay.Wait()
	return nil
}
