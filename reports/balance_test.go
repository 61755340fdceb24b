package reports

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"rubato/results"
)

// stack is a sample of functions, innermost first, each "name" or "name file".
func stack(value int64, functions ...[2]string) *profile.Sample {
	s := &profile.Sample{Value: []int64{value, value * 1e7}}
	for _, f := range functions {
		s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: f[0], Filename: f[1]}}}})
	}
	return s
}

// TestPartOf: stacks as profiles of a run hold them, and whose time they are.
func TestPartOf(t *testing.T) {
	t.Parallel()
	const syscall6 = "internal/runtime/syscall/linux.Syscall6"
	f := func(names ...string) (all [][2]string) {
		for _, n := range names {
			all = append(all, [2]string{n, "x.go"})
		}
		return all
	}
	for name, c := range map[string]struct {
		stack [][2]string
		want  string
	}{
		"SQLite writes its file":       {f(syscall6, "golang.org/x/sys/unix.Pwrite", "modernc.org/libc.Xpwrite64", "modernc.org/sqlite/lib._seekAndWrite", "rubato/sqlite.(*Store).Commit", "rubato/natsbus.(*receiver).receive"), partWork},
		"SQLite reckons":               {f("modernc.org/sqlite/lib._walChecksumBytes", "rubato/sqlite.(*Store).Commit"), partWork},
		"the player":                   {f("rubato/player.Distance", "rubato/orchestrated/engine.(*Engine).run"), partWork},
		"a rule":                       {f("rubato/orchestrated/engine.(*Engine).run", "rubato/natsbus.(*receiver).emit"), partRules},
		"a copy for a rule":            {f("runtime.memmove", "rubato/orchestrated/engine.(*Engine).run"), partRules},
		"the client writes its socket": {f(syscall6, "syscall.write", "internal/poll.(*FD).Write", "net.(*conn).Write", "github.com/nats-io/nats%2ego.(*natsWriter).flush"), partSockets},
		"the client parses":            {f("github.com/nats-io/nats%2ego.(*Conn).parse", "github.com/nats-io/nats%2ego.(*Conn).readLoop"), partClient},
		"the server delivers":          {f("github.com/nats-io/nats-server/v2/server.(*client).deliverMsg"), partServer},
		"JSON":                         {[][2]string{{"strconv.AppendInt", "itoa.go"}, {"rubato/natsbus.jsonCodec.encode", "/src/rubato/natsbus/json.go"}, {"rubato/natsbus.(*sender).send", "/src/rubato/natsbus/messages.go"}}, partCodec},
		"planted time":                 {[][2]string{{"rubato/runner.steps", "arms.go"}, {"rubato/runner.(*Slowdown).Stall", "arms.go"}, {"rubato/scenarios/workload.(*planted).stall", "stores.go"}, {"rubato/natsbus.plantedCodec.encode", "/src/rubato/natsbus/codec.go"}}, partCodec},
		"an envelope":                  {[][2]string{{"rubato/natsbus.addressed", "/src/rubato/natsbus/wire.go"}}, partModules},
		"waking another thread":        {f("runtime.futex", "runtime.futexwakeup", "runtime.notewakeup", "runtime.startm", "runtime.wakep", "runtime.ready"), partFutex},
		"waiting for sockets":          {f(syscall6, "internal/runtime/syscall/linux.EpollWait", "runtime.netpoll", "runtime.findRunnable", "runtime.schedule"), partEpoll},
		"looking for work":             {f("runtime.runqgrab", "runtime.findRunnable", "runtime.schedule", "runtime.park_m", "runtime.mcall"), partScheduler},
		"a channel":                    {f("runtime.lock2", "runtime.chansend", "rubato/natsbus.(*sender).acquire"), partScheduler},
		"an allocation":                {f("runtime.nextFreeFast", "runtime.mallocgc", "runtime.newobject", "github.com/nats-io/nats%2ego.(*Conn).processMsg"), partMemory},
		"marking":                      {f("runtime.scanObject", "runtime.gcDrain", "runtime.gcBgMarkWorker.func2", "runtime.systemstack", "runtime.gcBgMarkWorker"), partMemory},
		"the histogram":                {f("github.com/HdrHistogram/hdrhistogram-go.(*Histogram).RecordValue", "rubato/runner.(*timed).Run"), partHarness},
		"a function of one's own":      {f("strings.ToUpper", "main.upper", `rubato/measure.(*work[go.shape.struct { At int "json:\"a/b\"" },int]).runPlain`, "rubato/runner.(*timing).next"), partWork},
		"the library's loop":           {f(`rubato/measure.(*work[go.shape.struct { At int "json:\"a/b\"" },int]).runPlain`, "rubato/runner.(*timing).next", "main.main"), partHarness},
		"somebody else":                {f("example.com/other.Work", "example.com/other.Start"), partRest},
	} {
		if got := sampledOf(stack(1, c.stack...)).part; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestBalance: 3 µs more in one part of a style move that row by 3 µs, and no other; rows add up
// to the gap. Time and CPU are made up: 100 µs an operation, of which 80 are CPU.
func TestBalance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	group := func(planted float64) balance {
		run := &results.Run{Baseline: "direct", Cells: []results.Cell{
			{Scenario: "s", Style: "direct", Verdict: results.Measured},
			{Scenario: "s", Style: "nats", Verdict: results.Measured, Ratio: &results.Estimate{Median: 1.5, Lo: 1.4, Hi: 1.6}}}}
		var details results.Details
		for i := range run.Cells {
			c := &run.Cells[i]
			cpu := map[string]float64{"rubato/player.Distance": 80}
			if c.Style == "nats" {
				cpu = map[string]float64{"rubato/player.Distance": 85, "github.com/nats-io/nats-server/v2/server.(*client).readLoop": 20, "rubato/natsbus.addressed": 10 + planted}
			}
			leaves, total := map[string]int64{}, 0.0
			for name, us := range cpu {
				leaves[name], total = int64(us*100), total+us
			}
			path := filepath.Join("profiles", c.Style+".pb.gz")
			writeProfile(t, filepath.Join(dir, path), leaves)
			details.Profiles = append(details.Profiles, results.Profile{Cell: c.Key(), Kind: "cpu", Path: path})
			for round := range 4 {
				user := time.Duration(total * 1000 * 200)
				details.Blocks = append(details.Blocks, results.Block{Cell: c.Key(), Round: round, Ops: 200, Wall: user + 4*time.Millisecond, User: user})
			}
		}
		books, err := booksOf(dir, run, details)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := balancesOf(run, groups(run)[0], books)
		if len(all) != 1 {
			t.Fatalf("%d balances", len(all))
		}
		return all[0]
	}
	before, after := group(0), group(3)
	for _, b := range []balance{before, after} {
		sum := 0.0
		for _, part := range parts {
			sum += b.difference(part).Median
		}
		if math.Abs(sum-b.gap()) > 1 {
			t.Errorf("the rows add up to %.0f ns, the gap is %.0f", sum, b.gap())
		}
	}
	for _, part := range parts {
		want := 0.0
		if part == partModules {
			want = 3000
		}
		if moved := after.difference(part).Median - before.difference(part).Median; math.Abs(moved-want) > 30 {
			t.Errorf("%s moved by %.0f ns, want %.0f", part, moved, want)
		}
	}
	if d := before.difference(partWork); math.Abs(d.Median-5000) > 50 || d.Lo > 5000 || d.Hi < 5000 {
		t.Errorf("the work took %+v more, want 5 000 ns", d)
	}
}
