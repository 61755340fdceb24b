package host

import (
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/fstest"
	"time"
)

// burnVariable makes the test binary, started again, use CPU time and wait for its end.
const burnVariable = "RUBATO_TEST_BURN"

func init() {
	if text := os.Getenv(burnVariable); text != "" {
		d, _ := time.ParseDuration(text)
		for OwnCPU() < d {
			for range 1000 {
			}
		}
		_, _ = os.Stdout.WriteString("burnt\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
}

// What a process started counts as its own, while that lives and when it is gone.
func TestUsageOfTree(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const burnt = 150 * time.Millisecond
	before := UsageNow()
	child := exec.Command(program)
	child.Env = append(os.Environ(), burnVariable+"="+burnt.String())
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	living, rss := UsageNow().Since(before), min(RSS(), PeakRSS())
	outside, tree := CPUOf(child.Process.Pid), CPUOf(os.Getpid())
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if gone := UsageNow().Since(before); gone.CPU() < burnt || gone.MinorFaults <= 0 {
		t.Errorf("a child burnt %v and is gone: %+v", burnt, gone)
	}
	if runtime.GOOS != "linux" {
		return // a living child is counted on Linux alone
	}
	var apart time.Duration
	for _, used := range living.Apart {
		apart += used
	}
	if whole, own := rss, residentOf("self"); whole < own+own/4 {
		t.Errorf("with a living child %d bytes are resident, and %d here alone", whole, own)
	}
	if outside < burnt || tree < outside {
		t.Errorf("a child burnt %v and lives: its clock says %v, those of all %v", burnt, outside, tree)
	}
	if living.CPU() < burnt || apart < burnt || apart > living.CPU() {
		t.Errorf("a child burnt %v and lives: %v in all, apart %v", burnt, living.CPU(), living.Apart)
	}
}

// While children end, one after another, what was used only grows: none of them counts twice.
func TestUsageWhileChildrenEnd(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	children, ended := 20, make(chan error, 1)
	if testing.Short() {
		children = 8
	}
	go func() {
		for range children {
			child := exec.Command(program)
			child.Env = append(os.Environ(), burnVariable+"=30ms")
			if err := child.Run(); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for last := UsageNow().CPU(); ; {
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		now := UsageNow().CPU()
		if now < last {
			t.Fatalf("used %v, and later %v", last, now)
		}
		last = now
	}
}

func TestUsageSince(t *testing.T) {
	t.Parallel()
	earlier := Usage{User: 5, System: 7, Voluntary: 1, MinorFaults: 2, Apart: map[string]time.Duration{"server": 3, "gone": 4}}
	now := Usage{User: 9, System: 6, Voluntary: 4, MinorFaults: 8, Apart: map[string]time.Duration{"server": 10, "new": 2}}
	got := now.Since(earlier) // the kernel has counted 1 of the system's as the user's
	if got.User != 3 || got.System != 0 || got.Voluntary != 3 || got.MinorFaults != 6 {
		t.Errorf("got %+v", got)
	}
	if len(got.Apart) != 2 || got.Apart["server"] != 7 || got.Apart["new"] != 2 {
		t.Errorf("apart %v", got.Apart)
	}
}

func rapl(used string) fs.FS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\n")} }
	return fstest.MapFS{
		powercap + "/intel-rapl:0/name":                  file("package-0"),
		powercap + "/intel-rapl:0/energy_uj":             file(used),
		powercap + "/intel-rapl:0/max_energy_range_uj":   file("262143328850"),
		powercap + "/intel-rapl:0:0/name":                file("core"),
		powercap + "/intel-rapl:0:0/energy_uj":           file("99"),
		powercap + "/intel-rapl:0:0/max_energy_range_uj": file("262143328850"),
		powercap + "/intel-rapl:1/name":                  file("psys"),
		powercap + "/intel-rapl:1/energy_uj":             file("77"),
		powercap + "/intel-rapl:1/max_energy_range_uj":   file("262143328850"),
	}
}

func TestEnergy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, after string
		joules        float64
		told          bool
	}{
		{"1000000", "3500000", 2.5, true},
		{"262143000000", "500000", 0.82885, true}, // the counter began again
		{"1000000", "", 0, false},
	} {
		got := counts{energy: readEnergy(rapl(c.after))}.since(counts{energy: readEnergy(rapl(c.before))})
		if (got.Energy != nil) != c.told || c.told && (*got.Energy-c.joules > 1e-9 || c.joules-*got.Energy > 1e-9) {
			t.Errorf("%s to %s: got %v, want %v", c.before, c.after, got.Energy, c.joules)
		}
	}
	if why := noEnergy(rapl("1")); why != "" {
		t.Errorf("energy can be read, and yet: %s", why)
	}
	for _, without := range []fs.FS{fstest.MapFS{}, rapl("")} {
		if noEnergy(without) == "" || unavailable(without)["energy"] == "" {
			t.Error("no energy can be read, and nothing says why")
		}
	}
}

// A reading of the runtime follows its settings and allocates nothing, as it is taken in trials.
func TestRuntimeNow(t *testing.T) { // not parallel: it changes a setting of the process
	before := RuntimeNow()
	if before.GOGC != 100 || before.Procs != runtime.GOMAXPROCS(0) {
		t.Errorf("%v", before)
	}
	debug.SetGCPercent(-1)
	off := RuntimeNow()
	debug.SetGCPercent(int(before.GOGC))
	if off == before || RuntimeNow() != before {
		t.Errorf("off: %v, on again: %v, before: %v", off, RuntimeNow(), before)
	}
	if n := testing.AllocsPerRun(100, func() { RuntimeNow() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
