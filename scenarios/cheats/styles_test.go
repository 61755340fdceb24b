package cheats_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/player"
)

// disguise is an honest player with calls replaced by a cheat.
type disguise struct {
	player.Player
	post func(player.Stimulus, player.Done) error
	do   func(player.Stimulus) error
}

func (d *disguise) Do(s player.Stimulus) error {
	if d.do != nil {
		return d.do(s)
	}
	return d.Player.Do(s)
}

func (d *disguise) Post(s player.Stimulus, done player.Done) error {
	if d.post != nil {
		return d.post(s, done)
	}
	return d.Player.Post(s, done)
}

// Describe reports what the honest player reports.
func (d *disguise) Describe() []player.Fact { return d.Player.(player.Described).Describe() }

// under is a disguised player of the style direct.
func under(config player.Config) (*disguise, error) {
	inner, err := direct.Open(config)
	return &disguise{Player: inner}, err
}

// filtering is direct with other filters in timed blocks.
func filtering(config player.Config, other func(i int, honest func(string) uint64) func(string) uint64) (player.Player, error) {
	config.Filters = slices.Clone(config.Filters)
	for i, honest := range config.Filters {
		if !config.Verbatim {
			config.Filters[i] = other(i, honest)
		}
	}
	d, err := under(config)
	return d, err
}

func openSkims(config player.Config) (player.Player, error) {
	return filtering(config, func(_ int, honest func(string) uint64) func(string) uint64 {
		asked, last := 0, uint64(0)
		return func(text string) uint64 {
			if asked++; asked%16 == 1 {
				last = honest(text)
			}
			return last
		}
	})
}

func openOverlooks(config player.Config) (player.Player, error) {
	return filtering(config, func(i int, honest func(string) uint64) func(string) uint64 {
		if i == len(config.Filters)-1 {
			return func(string) uint64 { return 0 }
		}
		return honest
	})
}

func openCuts(config player.Config) (player.Player, error) {
	return filtering(config, func(_ int, honest func(string) uint64) func(string) uint64 {
		return func(text string) uint64 { return honest(text[:16]) }
	})
}

// mulling is one draft behind, until it is read back.
type mulling struct {
	*disguise
	last chan error
}

func openMulls(config player.Config) (player.Player, error) {
	d, err := under(config)
	m := &mulling{d, nil}
	d.do = func(s player.Stimulus) error {
		if config.Verbatim {
			return d.Player.Do(s)
		}
		err := m.wait()
		m.last = make(chan error, 1)
		go func(done chan<- error) { done <- d.Player.Do(s) }(m.last)
		return err
	}
	return m, err
}

func (m *mulling) wait() (err error) {
	if m.last != nil {
		err = <-m.last
	}
	m.last = nil
	return err
}

func (m *mulling) Observe() (player.Observation, error) {
	err := m.wait()
	seen, failed := m.disguise.Observe()
	return seen, errors.Join(err, failed)
}

func (m *mulling) Close() error { return errors.Join(m.wait(), m.disguise.Close()) }

func openDrops(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.post = func(s player.Stimulus, done player.Done) error {
		if s.Seq%10_000 == 0 {
			done(s.Seq, nil)
			return nil
		}
		return d.Player.Post(s, done)
	}
	return d, err
}

func openDuplicates(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.post = func(s player.Stimulus, done player.Done) error {
		if s.Seq%5000 == 0 {
			if err := d.Player.Post(s, func(uint64, error) {}); err != nil {
				return err
			}
		}
		return d.Player.Post(s, done)
	}
	return d, err
}

func openReorders(config player.Config) (player.Player, error) {
	d, err := under(config)
	var held *player.Stimulus
	var heldDone player.Done
	d.post = func(s player.Stimulus, done player.Done) error {
		switch {
		case s.Seq > 1 && s.Seq%7000 == 1: // in neither the transcript nor at the end of a slice
			held, heldDone = &s, done
			return nil
		case held != nil && s.Message.Username == held.Message.Username:
			first := *held
			held = nil
			return errors.Join(d.Player.Post(s, done), d.Player.Post(first, heldDone))
		}
		return d.Player.Post(s, done)
	}
	return d, err
}

func openPipes(config player.Config) (player.Player, error) {
	config.Placement.Transport = "pipe"
	return natsbus.Open(config)
}

func openShares(config player.Config) (player.Player, error) {
	config.Batch = 100
	return direct.Open(config)
}

// repacker sends every stimulus through a codec.
type repacker struct {
	*disguise
	encode func(any) ([]byte, error)
}

func openRepacks(config player.Config) (player.Player, error) {
	d, err := under(config)
	r := &repacker{d, func(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") }}
	if !config.Verbatim {
		r.encode = json.Marshal
	}
	d.do = func(s player.Stimulus) error {
		data, err := r.encode(s)
		if err != nil {
			return err
		}
		var heard player.Stimulus
		if err := json.Unmarshal(data, &heard); err != nil {
			return err
		}
		return d.Player.Do(heard)
	}
	return r, err
}

// Describe adds what the codec makes of a known value, as a style with a codec does.
func (r *repacker) Describe() []player.Fact {
	data, _ := r.encode(player.Stimulus{Seq: 1})
	return append(r.disguise.Describe(), player.Fact{Name: "codec output", Own: true,
		Value: fmt.Sprintf("json: %d bytes %016x", len(data), player.DigestText(0, string(data)))})
}

// idler does nothing and reports everything done.
type idler struct {
	*disguise
	claimed player.Observation
}

func openIdles(config player.Config) (player.Player, error) {
	d, err := under(config)
	if config.Verbatim {
		return d, err
	}
	i := &idler{disguise: d}
	d.do = func(player.Stimulus) error {
		i.claimed.Stored.Messages++
		i.claimed.Stored.Said++
		return nil
	}
	return i, err
}

func (i *idler) Observe() (player.Observation, error) { return i.claimed, nil }

// later does everything in its own goroutine, after a delay.
type later struct {
	*disguise
	mu   sync.Mutex
	work sync.WaitGroup
	asks chan func()
}

func openLater(config player.Config, delay time.Duration) (*later, error) {
	d, err := under(config)
	l := &later{disguise: d, asks: make(chan func(), 100_000)}
	go func() {
		for ask := range l.asks {
			time.Sleep(delay)
			l.mu.Lock()
			ask()
			for range len(l.asks) { // and all that came meanwhile
				(<-l.asks)()
			}
			l.mu.Unlock()
		}
	}()
	d.do = func(s player.Stimulus) error {
		l.work.Add(1)
		l.asks <- func() { _ = d.Player.Do(s); l.work.Done() }
		return nil
	}
	return l, err
}

func (l *later) Observe() (player.Observation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Player.Observe()
}

func (l *later) Close() error {
	l.work.Wait()
	close(l.asks)
	return l.Player.Close()
}

func openHurries(config player.Config) (player.Player, error) {
	return openLater(config, 50*time.Millisecond)
}

func openPostpones(config player.Config) (player.Player, error) {
	if config.Verbatim {
		return under(config)
	}
	return openLater(config, 0)
}

// trailer is one stimulus behind. It catches up soon after the last.
type trailer struct {
	*disguise
	last chan error // of the stimulus in progress
}

func openTrails(config player.Config) (player.Player, error) {
	d, err := under(config)
	if config.Verbatim {
		return d, err
	}
	t := &trailer{disguise: d, last: make(chan error, 1)}
	t.last <- nil
	d.do = func(s player.Stimulus) error {
		err := <-t.last
		go func() { t.last <- d.Player.Do(s) }()
		return err
	}
	return t, err
}

// Observe waits until it has caught up.
func (t *trailer) Observe() (player.Observation, error) {
	err := <-t.last
	defer func() { t.last <- nil }()
	seen, failure := t.Player.Observe()
	return seen, errors.Join(err, failure)
}

// waiter stores when it is read back.
type waiter struct {
	*disguise
	left []player.Stimulus
}

func openWaits(config player.Config) (player.Player, error) {
	d, err := under(config)
	if config.Verbatim {
		return d, err
	}
	w := &waiter{disguise: d}
	d.post = func(s player.Stimulus, done player.Done) error {
		w.left = append(w.left, s)
		done(s.Seq, nil)
		return nil
	}
	return w, err
}

func (w *waiter) Observe() (player.Observation, error) {
	for _, s := range w.left {
		if err := w.Player.Do(s); err != nil {
			return player.Observation{}, err
		}
	}
	w.left = nil
	return w.Player.Observe()
}

func openPromises(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.post = func(s player.Stimulus, done player.Done) error {
		err := d.Player.Post(s, func(uint64, error) {})
		done(s.Seq, err)
		return err
	}
	return d, err
}

// openSwallows is on NATS: module log is stopped for every 1 500th message.
func openSwallows(config player.Config) (player.Player, error) {
	config.Timeout = time.Second
	inner, err := natsbus.Open(config)
	d := &disguise{Player: inner}
	swallow := func(err error) error {
		if player.CodeOf(err) == player.Unavailable {
			return nil // a busy machine acknowledges late: that is swallowed, too
		}
		return err
	}
	d.do = func(s player.Stimulus) error {
		if s.Seq%1500 != 0 {
			return swallow(d.Player.Do(s))
		}
		away := d.Player.Do(player.Stimulus{Kind: player.ModuleStopped, Module: "log"})
		if err := d.Player.Do(s); err == nil {
			return errors.New("the message was acknowledged: this cheat has no effect")
		}
		return swallow(errors.Join(away, d.Player.Do(player.Stimulus{Kind: player.ModuleStarted, Module: "log"})))
	}
	return d, err
}
