package scenarios

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// realStyles are those that ship.
var realStyles = styles{workload.Styles{direct.Style, orchestrated.Style, natsbus.Style}}

// A trial is a scenario of one set of options, run as the runner does, in small.
type trial struct {
	scenario func(styles) runner.Scenario
	options  runner.Options
	blocks   []int
	silent   bool // keeps no lines of lanes: a transcript is not paced
	sampled  bool // times one operation in sixteen: none for sure in a short block
}

func (c trial) String() string { return fmt.Sprint(c.scenario(styles{}).Name, c.options) }

// Blocks of a storm are so long that one storm ends in them and another begins.
var trials = []trial{
	{styles.passageSelect, runner.Options{"passages": "200"}, []int{1, 99, 25}, false, false},
	{styles.requestReply, runner.Options{"question": "status"}, []int{1, 7, 120}, false, true},
	{styles.requestReply, runner.Options{"question": "queue"}, []int{1, 7, 120}, false, true},
	{styles.manyRules, runner.Options{"rules": "100"}, []int{1, 7, 200}, false, true},
	{styles.breakEven, runner.Options{"fanout": "3", "payload": "300"}, []int{1, 7, 120}, false, true},
	{styles.storm, runner.Options{"rate": "max", "pace": "coalesced"}, []int{1, 7, 92, 900}, false, false},
	{styles.storm, runner.Options{"rate": "max", "pace": "limited"}, []int{1, 7, 92, 900}, false, false},
	{styles.storm, runner.Options{"rate": "max", "pace": "unlimited"}, []int{1, 7, 92, 900}, false, false},
	{styles.storm, runner.Options{"rate": "20000", "pace": "coalesced"}, []int{1, 120}, true, false},
}

// work opens a style and runs all blocks.
func (c trial) work(t *testing.T, styles styles, name, shared string) []runner.Work {
	t.Helper()
	options := runner.Options{"sync": "normal"}
	for _, key := range c.scenario(styles).Keys {
		options[key.Name], _, _ = strings.Cut(key.Default, ",")
	}
	maps.Copy(options, c.options)
	load, err := c.scenario(styles).Open(runner.Setup{Style: name, Options: options, Seed: 1, Shared: shared, Dir: t.TempDir(), Verbatim: !c.silent})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := load.Close(); err != nil {
			t.Error(err)
		}
	}()
	var all []runner.Work
	first := 0
	for _, n := range c.blocks {
		if err := load.Prepare(first, n); err != nil {
			t.Fatal(err)
		}
		heard := 0
		if err := load.Run(n, func(time.Duration) { heard++ }); err != nil {
			t.Fatal(err)
		}
		work, err := load.Work()
		if err != nil {
			t.Fatal(err)
		}
		if (heard == 0) != (work.NoLatency != "") && !(c.sampled && n < 31) {
			t.Errorf("%s: %d latencies of %d stimuli, %q", name, heard, n, work.NoLatency)
		}
		c.declared(t, work)
		all, first = append(all, work), first+n
	}
	return all
}

// declared checks that the scenario declares all figures.
func (c trial) declared(t *testing.T, work runner.Work) {
	t.Helper()
	declared := map[string]bool{}
	for _, m := range c.scenario(styles{}).Measures {
		declared[m.Name] = true
	}
	for name := range work.Figures {
		if !declared[name] {
			t.Errorf("figure %s is not declared", name)
		}
	}
}

func (c trial) prepared(t *testing.T) string {
	t.Helper()
	shared := t.TempDir()
	options := runner.Options{"passages": "200"}
	maps.Copy(options, c.options)
	if err := c.scenario(styles{}).Prepare(runner.Setup{Shared: shared, Options: options, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return shared
}

// TestSameWork: in every style each block has the effects that it must have, and leaves
// the same lanes and digests.
func TestSameWork(t *testing.T) {
	t.Parallel()
	for _, c := range trials {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			shared := c.prepared(t)
			reference := c.work(t, realStyles, "direct", shared)
			for i, work := range reference {
				if work.Stimuli != int64(c.blocks[i]) || work.Effects != work.Expected || work.Expected < work.Stimuli {
					t.Errorf("direct, %d stimuli: %d effects of %d from %d stimuli", c.blocks[i], work.Effects, work.Expected, work.Stimuli)
				}
			}
			for _, name := range []string{"bus", "nats"} {
				for i, work := range c.work(t, realStyles, name, shared) {
					want := reference[i]
					if work.Effects != want.Effects || work.Expected != want.Expected || work.Digest != want.Digest {
						t.Errorf("%s, block %d: %d effects of %d, digest %s; direct %d of %d, %s", name, i,
							work.Effects, work.Expected, work.Digest, want.Effects, want.Expected, want.Digest)
					}
					if !reflect.DeepEqual(work.Lanes, want.Lanes) {
						t.Errorf("%s, block %d: other lanes than direct's", name, i)
					}
				}
			}
		})
	}
}

// lazy is direct, but it lets every hundredth stimulus go, reports it done all the same,
// and answers questions from memory.
type lazy struct {
	player.Player
	taken   int
	status  *player.Status
	waiting []player.Entry
}

func (l *lazy) Do(s player.Stimulus) error {
	if l.taken++; l.taken%100 == 0 {
		return nil
	}
	return l.Player.Do(s)
}

func (l *lazy) Post(s player.Stimulus, done player.Done) error {
	if l.taken++; l.taken%100 == 0 {
		done(s.Seq, nil)
		return nil
	}
	return l.Player.Post(s, done)
}

func (l *lazy) Status(seq uint64) (player.Status, error) {
	if l.status == nil {
		status, err := l.Player.Status(seq)
		l.status = &status
		return status, err
	}
	return *l.status, nil
}

func (l *lazy) Waiting(seq uint64) (waiting []player.Entry, err error) {
	if l.waiting == nil {
		l.waiting, err = l.Player.Waiting(seq)
	}
	return l.waiting[:1], err
}

// TestLazyStyle: a style that does less than it says is found out by what it must have
// done or by the digest, whatever the scenario.
func TestLazyStyle(t *testing.T) {
	t.Parallel()
	idle := player.Style{Name: "lazy", Open: func(c player.Config) (player.Player, error) {
		p, err := direct.Open(c)
		return &lazy{Player: p}, err
	}}
	for _, c := range trials {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			shared := c.prepared(t)
			reference := c.work(t, realStyles, "direct", shared)
			for i, work := range c.work(t, styles{workload.Styles{idle}}, "lazy", shared) {
				if work.Effects != work.Expected || work.Digest != reference[i].Digest {
					return
				}
			}
			t.Error("nothing shows that it did less")
		})
	}
}
