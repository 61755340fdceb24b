package reports

import (
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"rubato/results"
)

func TestSpentOn(t *testing.T) {
	t.Parallel()
	waited, energy := 300*time.Nanosecond, 0.5
	whole := results.Block{Ops: 100, GCs: 2, Voluntary: 50, Resources: &results.Resources{MinorFaults: 10, Waited: &waited, Energy: &energy,
		IO: &results.IO{Reads: 200, WrittenBytes: 1000}, Apart: map[string]time.Duration{"server": 4000}}}
	less := results.Block{Ops: 100, Resources: &results.Resources{MinorFaults: 30}}
	for _, c := range []struct {
		name   string
		blocks []results.Block
		want   map[string]float64
		absent []string
	}{
		{"reported in all", []results.Block{whole, whole}, map[string]float64{"gcs": 0.02, "voluntary": 0.5, "minor_faults": 0.1, "waited_ns": 3,
			"energy_j": 0.005, "reads": 2, "written_bytes": 10, "cpu_ns of server": 40}, nil},
		{"reported in one", []results.Block{whole, less}, map[string]float64{"minor_faults": 0.2, "gcs": 0.01, "cpu_ns of server": 20},
			[]string{"waited_ns", "energy_j", "reads"}},
		{"an older run", []results.Block{{Ops: 10, GCs: 1}}, map[string]float64{"gcs": 0.1}, []string{"minor_faults", "reads"}},
		{"nothing", nil, nil, []string{"gcs"}},
	} {
		got := spentOn(c.blocks)
		for name, want := range c.want {
			if have, known := got[name]; !known || have != want {
				t.Errorf("%s: %s is %v, want %v", c.name, name, have, want)
			}
		}
		for _, name := range c.absent {
			if have, known := got[name]; known {
				t.Errorf("%s: %s is %v, and no block reported it", c.name, name, have)
			}
		}
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	known := map[string]string{"nats-server": "2", "nats.go": "1", "sqlite": "3"}
	for _, c := range []struct {
		stack []string
		want  string
	}{
		{[]string{"syscall.write", "net.(*conn).Write", "github.com/nats-io/nats-server/v2/server.(*client).flush"}, "nats-server"},
		{[]string{"runtime.memmove", "modernc.org/libc.Xmemcpy", "modernc.org/sqlite/lib._step", "rubato/direct.(*p).Do"}, "sqlite"},
		{[]string{"rubato/player.distance", "github.com/nats-io/nats%2ego.(*Conn).wait"}, "rubato/player"},
		{[]string{"bufio.(*Writer).Flush", "github.com/nats-io/nats%2ego.(*Conn).flush", "rubato/natsbus.(*b).Do"}, "nats.go"},
		{[]string{"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}, collecting},
		{[]string{"runtime.futex", "runtime.findRunnable", "runtime.mcall"}, scheduling},
		{[]string{"golang.org/x/sys/unix.Write", "runtime.goexit"}, elsewhere},
		{[]string{"strings.ToUpper", "main.upper", "example.com/library.run", "main.main"}, mainModule},
		{[]string{"example.com/library.run", "main.main"}, elsewhere},
		{nil, scheduling},
	} {
		if got := ownerOf(c.stack, known); got != c.want {
			t.Errorf("%v belongs to %q, want %q", c.stack, got, c.want)
		}
	}
}

// What the harness does between blocks is no style's.
func TestOwnersOfProfile(t *testing.T) {
	t.Parallel()
	sample := func(function, phase string, value int64) *profile.Sample {
		s := &profile.Sample{Value: []int64{1, value}, Location: []*profile.Location{{Line: []profile.Line{{Function: &profile.Function{Name: function}}}}}}
		if phase != "" {
			s.Label = map[string][]string{"phase": {phase}}
		}
		return s
	}
	got, samples := ownersOf(&profile.Profile{Sample: []*profile.Sample{
		sample("rubato/direct.Do", "run", 60), sample("rubato/runner.count", "count", 1000), sample("runtime.futex", "", 20),
	}}, nil)
	if samples != 2 || len(got) != 2 || got["rubato/direct"] != 0.75 || got[scheduling] != 0.25 {
		t.Errorf("got %v", got)
	}
}
