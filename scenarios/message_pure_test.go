package scenarios

import (
	"errors"
	"math"
	"testing"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// TestSearch checks that the search finds the highest held rate, to within the given number
// of halvings, and that one failure alone does not end it.
func TestSearch(t *testing.T) {
	t.Parallel()
	s := search{lowest: 100, highest: 1600, halvings: 4}
	for _, c := range []struct {
		limit, lo, hi float64
	}{{50, 0, 0}, {100, 100, 100}, {1000, 1000 / math.Pow(2, 1.0/16), 1000}, {799, 750, 799}, {1e9, 1600, 1600}} {
		held, err := s.find(func(rate float64) (bool, error) { return rate <= c.limit, nil })
		if err != nil || held < c.lo || held > c.hi {
			t.Errorf("a style whose limit is %v holds %v, %v; want %v to %v", c.limit, held, err, c.lo, c.hi)
		}
	}
	tries := map[float64]int{}
	held, err := s.find(func(rate float64) (bool, error) {
		tries[rate]++
		return tries[rate] == 2, nil
	})
	if err != nil || held != 1600 {
		t.Errorf("when each first try fails: %v, %v", held, err)
	}
	if held, err = s.find(func(rate float64) (bool, error) { return rate <= 800 && rate != 200, nil }); err != nil || held < 750 {
		t.Errorf("when one rate on the way is disturbed: %v, %v", held, err)
	}
	broken := errors.New("the disk is full")
	if held, err = s.find(func(rate float64) (bool, error) {
		if rate > 300 {
			return false, broken
		}
		return true, nil
	}); held != 200 || !errors.Is(err, broken) {
		t.Errorf("when a step breaks: %v, %v", held, err)
	}
}

func TestSustained(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		p99, backlog, length time.Duration
		want                 bool
	}{
		{5 * ms, 0, 200 * ms, true},
		{5*ms + 1, 0, 200 * ms, false},
		{ms, 20 * ms, 200 * ms, true},
		{ms, 21 * ms, 200 * ms, false},
		{ms, 5 * ms, 10 * ms, true},
	} {
		if got := sustained(c.p99, c.backlog, c.length); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestGrowth checks that growth compares the last fifth with the second and ignores the
// first.
func TestGrowth(t *testing.T) {
	t.Parallel()
	series := func(values ...float64) (points []runner.Point) {
		for i, v := range values {
			points = append(points, runner.Point{At: time.Duration(i), Value: v})
		}
		return points
	}
	for name, c := range map[string]struct {
		points []runner.Point
		want   float64
		ok     bool
	}{
		"level":   {series(1, 1, 50, 50, 50, 50, 50, 50, 50, 50), 0, true},
		"rising":  {series(0, 0, 10, 10, 0, 0, 0, 0, 15, 15), 50, true},
		"falling": {series(0, 0, 10, 10, 0, 0, 0, 0, 5, 5), -50, true},
		"spikes":  {series(9, 9, 9, 10, 10, 99, 3, 3, 3, 3, 3, 3, 11, 11, 999), 10, true},
		"short":   {series(1, 2, 3, 4, 5, 6, 7, 8, 9), 0, false},
		"nothing": {series(0, 0, 0, 0, 0, 0, 0, 0, 1, 1), 0, false},
	} {
		got, ok := growth(c.points)
		if math.Abs(got-c.want) > 1e-9 || ok != c.ok {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, ok, c.want, c.ok)
		}
	}
}

// TestWatchEvery checks that there are enough readings for growth, and no more than fit.
func TestWatchEvery(t *testing.T) {
	t.Parallel()
	for _, block := range []time.Duration{time.Second, time.Minute, 5 * time.Minute, time.Hour} {
		if n := block / watchEvery(block); n < 10 || n > runner.MaxPoints {
			t.Errorf("%v: %d readings", block, n)
		}
	}
}

// TestOutcomes checks the counts made from what was sent, how it was answered and what is in
// the database. A message that was reported durable and is not stored counts as neither
// stored nor lost.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	stimuli := make([]player.Stimulus, 6)
	for i := range stimuli {
		stimuli[i] = workload.Say(1, i)
	}
	b := &sendLog{start: time.Now(), first: 100}
	gone := &player.Error{Code: player.Unavailable, Op: "log"}
	for i, err := range []error{nil, gone, gone, nil, nil} { // 0 to 4
		_, seq := b.begin(i)
		b.done(seq, err)
	}
	b.settles()
	_, seq := b.begin(5)
	if b.complete() == nil {
		t.Error("an attempt without an answer is complete")
	}
	b.done(seq, gone)
	_, seq = b.begin(1)
	b.done(seq, nil) // sent again
	if err := b.complete(); err != nil {
		t.Error(err)
	}
	row := func(i int) workload.CommittedRow {
		return workload.CommittedRow{Said: stimuli[i].Message.At, Durable: b.start.Add(time.Second)}
	}
	got := b.outcomes(stimuli, []workload.CommittedRow{row(0), row(1), row(2), row(2), row(3), {Said: -1}})
	// 4 was reported durable and is not stored; 5 was lost.
	if got.stored != 4 || got.lost != 1 || got.unsure != 1 || got.duplicated != 1 || got.unknown != 1 ||
		got.refused != 2 || got.unanswered != 1 || got.again != 1 {
		t.Errorf("outcomes %+v", got)
	}
}

// TestSendLogRefuses checks that unexpected answers and errors other than an outage fail.
func TestSendLogRefuses(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]func(b *sendLog, seq uint64){
		"twice":   func(b *sendLog, seq uint64) { b.done(seq, nil); b.done(seq, nil) },
		"unasked": func(b *sendLog, seq uint64) { b.done(seq, nil); b.done(seq+1, nil) },
		"invalid": func(b *sendLog, seq uint64) { b.done(seq, &player.Error{Code: player.Invalid}) },
		"order": func(b *sendLog, seq uint64) {
			b.done(seq, nil)
			_, seq = b.begin(-1)
			b.done(seq, &player.Error{Code: player.Unavailable})
		},
	} {
		b := &sendLog{start: time.Now(), first: 7}
		_, seq := b.begin(0)
		if wrong(b, seq); b.complete() == nil {
			t.Errorf("%s: complete", name)
		}
	}
}

func TestRecovered(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	fates := func(durable []time.Duration) (f []fate) {
		for _, at := range durable {
			f = append(f, fate{durable: at})
		}
		return f
	}
	due := []time.Duration{0, 100 * ms, 150 * ms, 199 * ms, 200 * ms}
	for name, c := range map[string]struct {
		durable []time.Duration
		share   float64
	}{
		"all":     {[]time.Duration{0, 101 * ms, 151 * ms, 299 * ms, 0}, 1},
		"late":    {[]time.Duration{1, 101 * ms, 251 * ms, 300 * ms, 201 * ms}, 1.0 / 3},
		"nothing": {make([]time.Duration, 5), 0},
	} {
		if share, ok := recovered(due, fates(c.durable), 100*ms); share != c.share || !ok {
			t.Errorf("%s: %v, %v, want %v", name, share, ok, c.share)
		}
	}
	if _, ok := recovered(due, fates(due), time.Second); ok {
		t.Error("nothing was due, but it reports a share")
	}
}

// fakeLog is a log store whose commits fail when fails is set.
type fakeLog struct {
	player.LogStore
	fails bool
}

func (p *fakeLog) AppendMessage(player.Message) error { return nil }
func (p *fakeLog) CountUser(string) error             { return nil }
func (p *fakeLog) Rollback() error                    { return nil }
func (p *fakeLog) Commit() error {
	if p.fails {
		return errors.New("the disk is full")
	}
	return nil
}

type fakeStore struct {
	player.Store
	log player.LogStore
}

func (p fakeStore) Log() player.LogStore { return p.log }

// TestCommitLog checks that only committed rows are recorded, that the sum does not depend on
// their order, and that Audit compares them with the database.
func TestCommitLog(t *testing.T) {
	t.Parallel()
	fake := new(fakeLog)
	l := workload.NewCommitLog(fakeStore{log: fake})
	write := func(i int, end func() error) {
		m := workload.Say(1, i).Message
		if l.Log().AppendMessage(m) != nil || l.Log().CountUser(m.Username) != nil {
			t.Fatal("the fake does not write")
		}
		_ = end()
	}
	write(1, l.Log().Commit)
	write(2, l.Log().Rollback)
	fake.fails = true
	write(3, l.Log().Commit)
	fake.fails = false
	write(4, l.Log().Commit)
	if rows := l.Rows(); len(rows) != 2 || l.Counted() != 2 {
		t.Fatalf("%d rows, %d counts", len(rows), l.Counted())
	}
	sum := l.Sum()
	for _, c := range []struct {
		messages, said int64
		well           bool
	}{{2, 2, true}, {1, 2, false}, {2, 1, false}, {3, 3, false}} {
		if err := l.Audit(player.Stored{Messages: 5, Said: 5}, player.Stored{Messages: 5 + c.messages, Said: 5 + c.said}); (err == nil) != c.well {
			t.Errorf("%+v: %v", c, err)
		}
	}
	l.Forget()
	write(4, l.Log().Commit)
	write(1, l.Log().Commit)
	if l.Sum() != sum {
		t.Error("the sum depends on the order")
	}
	write(5, l.Log().Commit)
	if l.Sum() == sum {
		t.Error("the sum does not depend on the rows")
	}
}

// TestSenders checks that every message is sent once, by the sender whose turn it is.
func TestSenders(t *testing.T) {
	t.Parallel()
	for _, first := range []int{0, 1, 5, 13} {
		c, seen := newConcurrentSenders(5), map[int]bool{}
		stimuli := make([]player.Stimulus, 13)
		for i := range stimuli {
			stimuli[i] = c.say(1, first+i)
		}
		for k := range c.senders {
			for i := c.turn(stimuli[0].Seq, k); i < len(stimuli); i += c.senders {
				if seen[i] || stimuli[i].Message.Username != stimuli[c.turn(stimuli[0].Seq, k)].Message.Username {
					t.Errorf("from %d: message %d is sent by two senders", first, i)
				}
				seen[i] = true
			}
		}
		if len(seen) != len(stimuli) {
			t.Errorf("from %d: %d of %d are sent", first, len(seen), len(stimuli))
		}
	}
}

// TestSoakScript checks that an hour has every kind of stimulus, that time goes forward, and
// that the count of messages is right.
func TestSoakScript(t *testing.T) {
	t.Parallel()
	kinds, messages, last := map[player.Kind]int{}, int64(0), player.Ticks(0)
	for i := range 3 * soakCycle {
		s := soakAt(1, i, 500)
		if s.Seq != uint64(i)+1 || s.At+s.Message.At <= last || s.Passage > 500 {
			t.Errorf("stimulus %d: %+v", i, s)
		}
		last = s.At + s.Message.At
		if kinds[s.Kind]++; s.Kind == player.MessageSaid {
			messages++
		}
	}
	if len(kinds) != 11 || messages < soakCycle || messages != said(0, 3*soakCycle) {
		t.Errorf("kinds %v, messages %d", kinds, said(0, 3*soakCycle))
	}
}
