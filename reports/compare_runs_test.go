package reports

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/inference"
	"rubato/results"
)

// comparedFixture holds the fixture's run against one in which the bus is slower and
// allocates more, of which some cells are gone and others new.
func comparedFixture(t *testing.T) Comparison {
	t.Helper()
	before, after := Recorded{Path: "out/before"}, Recorded{Path: "out/after"}
	before.Run, before.Details = fixture(t)
	after.Run, after.Details = fixture(t)
	after.Run.Seed, after.Run.Incomplete = 8, "stopped by signal: interrupt"
	m := &after.Run.Machine
	m.Commit, m.Dirty, m.Warnings, m.Versions = "4567def", true, nil, map[string]string{"nats-server": "2.16.0"}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range after.Details.Blocks {
		b := &after.Details.Blocks[i]
		slower := 1 + 0.004*random.NormFloat64()
		if strings.HasPrefix(b.Cell, "queue-low/bus/") {
			slower, b.Allocs = 1.08*slower, b.Allocs+400
		}
		b.Wall = time.Duration(float64(b.Wall) * slower)
	}
	for i := range after.Run.Cells {
		c := &after.Run.Cells[i]
		old := c.Key()
		if c.Options["mode"] == "closed" {
			c.Options["mode"] = "open"
		} else if c.Style == "nats" {
			c.Options["delivery"] = "core"
		}
		for j := range after.Details.Blocks {
			if b := &after.Details.Blocks[j]; b.Cell == old {
				b.Cell = c.Key()
			}
		}
	}
	Summarize(before.Run, before.Details)
	Summarize(after.Run, after.Details)
	return mustCompare(t, before, after, Question{Margin: results.DefaultMargin})
}

func TestCompareGolden(t *testing.T) {
	t.Parallel()
	c := comparedFixture(t)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"compare.txt":  func(b *bytes.Buffer) error { return c.Text(b) },
		"compare.md":   func(b *bytes.Buffer) error { return c.Markdown(b) },
		"compare.json": func(b *bytes.Buffer) error { return c.JSON(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

func TestCompareMatches(t *testing.T) {
	t.Parallel()
	run := func(keys ...string) *results.Run {
		r := &results.Run{}
		for _, k := range keys {
			c, err := results.ParseKey(k)
			if err != nil {
				t.Fatal(err)
			}
			r.Cells = append(r.Cells, c)
		}
		return r
	}
	for name, c := range map[string]struct {
		before, after   *results.Run
		matches         []string // old to new
		onlyOld, notOld []string
	}{
		"equal":         {run("s/a/x=1", "s/b"), run("s/b", "s/a/x=1"), []string{"s/b s/b", "s/a/x=1 s/a/x=1"}, nil, nil},
		"new option":    {run("s/a/x=1", "s/a/x=2"), run("s/a/x=2/y=0", "s/a/x=1/y=0"), []string{"s/a/x=2 s/a/x=2/y=0", "s/a/x=1 s/a/x=1/y=0"}, nil, nil},
		"two values":    {run("s/a/x=1"), run("s/a/x=1/y=0", "s/a/x=1/y=1"), nil, []string{"s/a/x=1"}, []string{"s/a/x=1/y=0", "s/a/x=1/y=1"}},
		"both ways":     {run("s/a/x=1/y=0", "s/a/x=1/y=1"), run("s/a/x=1"), nil, []string{"s/a/x=1/y=0", "s/a/x=1/y=1"}, []string{"s/a/x=1"}},
		"exact first":   {run("s/a/x=1", "s/a/x=1/y=1"), run("s/a/x=1/y=1", "s/a/x=1/z=1"), []string{"s/a/x=1/y=1 s/a/x=1/y=1", "s/a/x=1 s/a/x=1/z=1"}, nil, nil},
		"another value": {run("s/a/x=1"), run("s/a/x=2"), nil, []string{"s/a/x=1"}, []string{"s/a/x=2"}},
		"another style": {run("s/a"), run("s/b", "t/a"), nil, []string{"s/a"}, []string{"s/b", "t/a"}},
	} {
		matches, onlyOld, onlyNew := match(c.before, c.after)
		var got []string
		for _, m := range matches {
			got = append(got, m.old.Key()+" "+m.new.Key())
		}
		if !slices.Equal(got, c.matches) || !slices.Equal(onlyOld, c.onlyOld) || !slices.Equal(onlyNew, c.notOld) {
			t.Errorf("%s: %q, only old %q, only new %q", name, got, onlyOld, onlyNew)
		}
	}
}

func TestCompareMachines(t *testing.T) {
	t.Parallel()
	one := results.Machine{CPU: "A", Cores: 2, GOMAXPROCS: 2, OS: "linux", Arch: "amd64", Memory: 1000, Kernel: "6.0", Go: "go1.26"}
	for name, c := range map[string]struct {
		change func(*results.Machine)
		want   string // "" is the same machine, of which this is a warning
		warns  string
	}{
		"same":       {func(*results.Machine) {}, "", ""},
		"CPU":        {func(m *results.Machine) { m.CPU = "B" }, "CPU: A in OLD, B in NEW", ""},
		"cores":      {func(m *results.Machine) { m.Cores = 4 }, "cores: 2 in OLD, 4 in NEW", ""},
		"processors": {func(m *results.Machine) { m.GOMAXPROCS = 1 }, "GOMAXPROCS: 2 in OLD, 1 in NEW", ""},
		"system":     {func(m *results.Machine) { m.Arch = "arm64" }, "system: linux/amd64 in OLD, linux/arm64 in NEW", ""},
		"quota":      {func(m *results.Machine) { m.Quota = "max 100000" }, "CPU quota: unknown in OLD, max 100000 in NEW", ""},
		"memory":     {func(m *results.Machine) { m.Memory = 2000 }, "memory: ", ""},
		"some less":  {func(m *results.Machine) { m.Memory = 950 }, "", ""},
		"kernel":     {func(m *results.Machine) { m.Kernel = "6.1" }, "", "kernel differs: 6.0 in OLD, 6.1 in NEW"},
		"governor":   {func(m *results.Machine) { m.Governor = "powersave" }, "", "governor differs"},
		"Go":         {func(m *results.Machine) { m.Go = "go1.27" }, "", "Go differs: go1.26 in OLD, go1.27 in NEW"},
		"load":       {func(m *results.Machine) { m.Load[0] = 1.5 }, "", "the load before the run differs: 0.00 in OLD, 1.50 in NEW"},
		"own":        {func(m *results.Machine) { m.Warnings = []string{"it was hot"} }, "", "NEW: it was hot"},
		"versions":   {func(m *results.Machine) { m.Versions = map[string]string{"sqlite": "3"} }, "", "sqlite differs: unknown in OLD, 3 in NEW"},
	} {
		other := one
		c.change(&other)
		got := strings.Join(otherMachine(one, other), "; ")
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		warnings := strings.Join(settings(&results.Run{Machine: one}, &results.Run{Machine: other}), "; ")
		if !strings.Contains(warnings, c.warns) || c.warns == "" && c.want == "" && warnings != "" {
			t.Errorf("%s: warns %q, want %q", name, warnings, c.warns)
		}
	}
}

func TestCompareSettings(t *testing.T) {
	t.Parallel()
	before, after := recorded(1, 12, 0.004, costs(1.1, 2)), recorded(2, 12, 0.004, costs(1.1, 2))
	for i := range before.Run.Cells {
		before.Run.Cells[i].Equivalence = &results.Equivalence{Settings: []results.Setting{{Name: "codec", Value: "json"}, {Name: "gone", Value: "1"}}}
		after.Run.Cells[i].Equivalence = &results.Equivalence{Settings: []results.Setting{{Name: "codec", Value: "msgp"}, {Name: "came", Value: "1"}}}
	}
	got := ofRatio(t, mustCompare(t, before, after, Question{}), "bus")
	if want := []string{"codec: json in OLD, msgp in NEW"}; !slices.Equal(got.Warnings, want) {
		t.Errorf("%q, want %q", got.Warnings, want)
	}
}

// A run is read from its folder and from each of its files; a summary alone is
// compared by its intervals.
func TestLoadRecorded(t *testing.T) {
	t.Parallel()
	dir, _, _ := writtenFixture(t)
	alone := filepath.Join(t.TempDir(), "baseline.json")
	data, err := os.ReadFile(filepath.Join(dir, results.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, data, 0o644); err != nil {
		t.Fatal(err)
	}
	var read []Recorded
	for _, path := range []string{dir, filepath.Join(dir, results.SummaryFile), filepath.Join(dir, results.RawFile), alone} {
		r, err := LoadRecorded(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Run.Cells[1].Ratio; got == nil || *got != *read0(read, r).Run.Cells[1].Ratio || (len(r.Details.Blocks) == 0) != (path == alone) {
			t.Errorf("%s: ratio %v, %d blocks", path, got, len(r.Details.Blocks))
		}
		read = append(read, r)
	}
	whole, cut := mustCompare(t, read[0], read[1], Question{Margin: 0.02}), mustCompare(t, read[0], read[3], Question{Margin: 0.02})
	a, b := ofRatio(t, whole, "bus"), ofRatio(t, cut, "bus")
	if b.Rounds[1] != 0 || !(b.Change.Lo <= a.Change.Lo && a.Change.Hi <= b.Change.Hi) || b.Verdict == inference.Over {
		t.Errorf("by summaries %+v, by rounds %+v", b, a)
	}
	if _, err := LoadRecorded(filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "give the folder of a run") {
		t.Errorf("nowhere: %v", err)
	}
}

// read0 is the first that was read, or this one.
func read0(all []Recorded, r Recorded) Recorded {
	if len(all) == 0 {
		return r
	}
	return all[0]
}
