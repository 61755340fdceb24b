package cheats_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
)

// Cheats against what is counted, read back and looked at.

// claims is a player that reports facts of another.
type claims struct {
	*disguise
	facts func([]player.Fact) []player.Fact
}

func (c *claims) Describe() []player.Fact { return c.facts(c.disguise.Describe()) }

// claim replaces the value of a fact, or adds it.
func claim(name, value string) func([]player.Fact) []player.Fact {
	return func(facts []player.Fact) []player.Fact {
		facts = slices.DeleteFunc(facts, func(f player.Fact) bool { return f.Name == name })
		return append(facts, player.Fact{Name: name, Value: value, Own: name == "transport"})
	}
}

func openBunches(config player.Config) (player.Player, error) {
	config.Batch = 100
	inner, err := natsbus.Open(config)
	return &claims{&disguise{Player: inner}, claim("batch", "1")}, err
}

// shown is a disguise of a style with a trace.
type shownPlayer struct {
	player.Player
	player.Inspected
}

func (s *shownPlayer) Describe() []player.Fact { return s.Player.(player.Described).Describe() }

// disguised opens a style with a trace.
func disguised(style player.Style, config player.Config) (*shownPlayer, error) {
	inner, err := style.Open(config)
	if err != nil {
		return nil, err
	}
	return &shownPlayer{inner, inner.(player.Inspected)}, nil
}

// rememberer answers a question as it answered the last, until something happens.
type rememberer struct {
	*shownPlayer
	last  player.Status
	known bool
}

func (r *rememberer) Do(s player.Stimulus) error {
	r.known = false
	return r.Player.Do(s)
}

func (r *rememberer) Status(seq uint64) (status player.Status, err error) {
	if !r.known {
		r.last, err = r.Player.Status(seq)
		r.known = err == nil
	}
	return r.last, err
}

func openRemembers(config player.Config) (player.Player, error) {
	inner, err := disguised(natsbus.Style, config)
	return &rememberer{shownPlayer: inner}, err
}

// insider says that its modules are joined by sockets, and calls in process.
type insider struct{ *shownPlayer }

func (i insider) Describe() []player.Fact {
	return claim("transport", "tcp")(i.shownPlayer.Describe())
}

func openCallsInside(config player.Config) (player.Player, error) {
	inner, err := disguised(orchestrated.Style, config)
	return insider{inner}, err
}

// keepsNothing is a store in which nothing is kept.
type keepsNothing struct {
	player.Store
	player.LogStore
}

func (v keepsNothing) Director() player.DirectorStore   { return v.Store.Director() }
func (v keepsNothing) Log() player.LogStore             { return v }
func (keepsNothing) AppendMessage(player.Message) error { return nil }
func (keepsNothing) CountUser(string) error             { return nil }
func (keepsNothing) Commit() error                      { return nil }
func (keepsNothing) Rollback() error                    { return nil }
func (v keepsNothing) Stored() (player.Stored, error)   { return v.Store.Stored() }

// decoy works in process, and has a second player send as many messages for nothing.
type decoy struct {
	insider
	sends player.Player
}

func (d *decoy) Do(s player.Stimulus) error {
	_ = d.sends.Do(s)
	return d.insider.Do(s)
}

func (d *decoy) Close() error { return errors.Join(d.insider.Close(), d.sends.Close()) }

func openDecoy(config player.Config) (player.Player, error) {
	inner, err := disguised(orchestrated.Style, config)
	if err != nil {
		return nil, err
	}
	config.Store, config.Trace = keepsNothing{Store: config.Store}, player.Tracing{}
	sends, err := natsbus.Open(config)
	return &decoy{insider{inner}, sends}, err
}

// slowly keeps the CPU busy.
func slowly(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

func openSpins(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.do = func(s player.Stimulus) error {
		slowly(100 * time.Microsecond)
		return d.Player.Do(s)
	}
	return d, err
}

func openRereads(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.do = func(s player.Stimulus) error {
		_, failed := config.Store.Cuts().Cut(1)
		return errors.Join(failed, d.Player.Do(s))
	}
	return d, err
}

// debtor keeps the flavors, and reads them when it is read back, so that the sum is right.
type debtor struct {
	*disguise
	keeper *keeper
}

func openPaysLater(config player.Config) (player.Player, error) {
	k := &keeper{DirectorStore: config.Store.Director()}
	config.Store = &forger{Store: config.Store, director: k}
	d, err := under(config)
	return &debtor{d, k}, err
}

func (d *debtor) Observe() (player.Observation, error) {
	for range d.keeper.owed {
		if err := d.keeper.DirectorStore.Flavors(func(int64, []byte) error { return nil }); err != nil {
			return player.Observation{}, err
		}
	}
	d.keeper.owed = 0
	return d.Player.Observe()
}

// blinkered keeps one flow of sixteen in its trace.
type blinkered struct{ *shownPlayer }

func (b blinkered) Flows(n int) []player.Flow {
	return slices.DeleteFunc(b.Inspected.Flows(16*n), func(f player.Flow) bool { return f.Token%16 != 0 })
}

func openBlinkered(config player.Config) (player.Player, error) {
	inner, err := disguised(orchestrated.Style, config)
	return blinkered{inner}, err
}

// rootless has a trace in which everything was caused by the stimulus itself.
type rootless struct{ *shownPlayer }

func (r rootless) Flows(n int) []player.Flow {
	flows := r.Inspected.Flows(n)
	for _, f := range flows {
		for i := range f.Rows {
			f.Rows[i].Cause = 0
		}
	}
	return flows
}

func openRootless(config player.Config) (player.Player, error) {
	inner, err := disguised(natsbus.Style, config)
	return rootless{inner}, err
}

// rewired has a trace in which the first action caused everything else.
type rewired struct{ *shownPlayer }

func (r rewired) Flows(n int) []player.Flow {
	flows := r.Inspected.Flows(n)
	for _, f := range flows {
		for i := range f.Rows {
			if f.Rows[i].Cause != 0 {
				f.Rows[i].Cause = f.Rows[0].ID
			}
		}
	}
	return flows
}

func openRewires(config player.Config) (player.Player, error) {
	inner, err := disguised(natsbus.Style, config)
	return rewired{inner}, err
}

// openPretends does not use the bus at all: it calls, and says that its trace is on.
func openPretends(config player.Config) (player.Player, error) {
	d, err := under(config)
	return &claims{d, func(facts []player.Fact) []player.Fact {
		return claim("trace", "on")(claim("rules", "20")(claim("dispatch", "inline")(facts)))
	}}, err
}

// inflater has messages share a commit, and makes commits of nothing until their number is right.
type inflater struct {
	player.LogStore
	pending, made int
}

func (i *inflater) AppendMessage(m player.Message) error {
	i.pending++
	return i.LogStore.AppendMessage(m)
}

func (i *inflater) Commit() error {
	err := i.LogStore.Commit()
	for ; i.pending > 1; i.pending-- {
		i.made++
		err = errors.Join(err, i.LogStore.PutSetting("made", fmt.Sprint(i.made%2)), i.LogStore.Commit())
	}
	i.pending = 0
	return err
}

func openInflates(config player.Config) (player.Player, error) {
	config.Store = &forger{Store: config.Store, log: &inflater{LogStore: config.Store.Log()}}
	config.Batch = 100
	inner, err := direct.Open(config)
	return &claims{&disguise{Player: inner}, claim("batch", "1")}, err
}

// openSettlesIn is honest in the transcript, at the beginning, and later, when it may be looked at.
func openSettlesIn(config player.Config) (player.Player, error) {
	l, err := openLiesSeldom(config)
	honest := l.(*liar).do
	l.(*liar).do = func(s player.Stimulus) error {
		l := l.(*liar)
		if config.Verbatim || s.Seq%2500 < 200 || s.Seq%2500 > 2300 || s.Seq > 5000 {
			return honest(s)
		}
		if err := <-l.last; err != nil {
			return err
		}
		go func() { l.last <- l.Player.Do(s) }()
		return nil
	}
	return l, err
}

// liar reports one of 64 messages done at once, and stores it soon after, before the next.
type liar struct {
	*disguise
	last chan error
}

func openLiesSeldom(config player.Config) (player.Player, error) {
	d, err := under(config)
	l := &liar{d, make(chan error, 1)}
	l.last <- nil
	d.do = func(s player.Stimulus) error {
		if err := <-l.last; err != nil {
			return err
		}
		if s.Seq%64 != 5 || config.Verbatim {
			err := d.Player.Do(s)
			l.last <- nil
			return err
		}
		go func() { l.last <- d.Player.Do(s) }()
		return nil
	}
	return l, err
}

// Observe waits until all is stored.
func (l *liar) Observe() (player.Observation, error) {
	err := <-l.last
	defer func() { l.last <- nil }()
	seen, failed := l.Player.Observe()
	return seen, errors.Join(err, failed)
}

// forethinker works while others are measured, as if it prepared what comes next.
type forethinker struct {
	*disguise
	busy atomic.Bool
	stop chan struct{}
}

func openForethinks(config player.Config) (player.Player, error) {
	d, err := under(config)
	f := &forethinker{disguise: d, stop: make(chan struct{})}
	go func() {
		for {
			select {
			case <-f.stop:
				return
			default:
			}
			if f.busy.Load() {
				time.Sleep(time.Millisecond)
			} else {
				slowly(time.Millisecond)
			}
		}
	}()
	d.do = func(s player.Stimulus) error {
		f.busy.Store(true)
		defer f.busy.Store(false)
		return d.Player.Do(s)
	}
	return f, err
}

func (f *forethinker) Close() error {
	close(f.stop)
	return f.Player.Close()
}

// whisperer tells its clients from a goroutine of its own, in its own time.
type whisperer struct{ player.Audience }

func (w whisperer) Hear(a player.Announcement) {
	go func() {
		time.Sleep(5 * time.Millisecond)
		w.Audience.Hear(a)
	}()
}

func openWhispers(config player.Config) (player.Player, error) {
	config.Audience = whisperer{config.Audience}
	return direct.Open(config)
}

// backdater stores plays with another time.
type backdater struct{ player.LogStore }

func (b backdater) AppendPlay(passage int64, began, ended player.Ticks) error {
	return b.LogStore.AppendPlay(passage, began-player.Second, ended-player.Second)
}

func openBackdates(config player.Config) (player.Player, error) {
	config.Store = &forger{Store: config.Store, log: backdater{config.Store.Log()}}
	return direct.Open(config)
}
