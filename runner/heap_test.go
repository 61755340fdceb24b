package runner

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"
	"time"

	"rubato/results"
)

// heapVariable makes the test binary measure a workload of known allocations, or be busy. A
// process counts all allocations in it, so it must have no other tests.
const heapVariable = "RUBATO_TEST_HEAP"

func init() {
	text := os.Getenv(heapVariable)
	if text == "" {
		return
	}
	var each, kept, turns int
	if _, err := fmt.Sscanf(text, "%d %d %d", &each, &kept, &turns); err != nil {
		go func() {
			_, _ = os.Stdin.Read(make([]byte, 1)) // until it is closed
			os.Exit(0)
		}()
		for {
			spin(time.Second)
		}
	}
	b, err := turnsOf(&making{each: each, keep: kept}, slicing{Ops: 4, Hot: 2, Turns: turns + warmupTurns, Warmup: warmupTurns})
	if err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(b); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// A making is a workload whose operations make so many objects of 64 bytes each, and keep so
// many bytes in one more. It makes far more once: in its first operation, which it keeps, and
// when it is sealed.
type making struct {
	counted
	each, keep int
	last       *[64]byte
	kept       [][]byte
	once       [][]byte
}

func (m *making) Run(n int, latency func(time.Duration)) error {
	if m.kept == nil {
		m.kept = make([][]byte, 0, 100_000)
		m.lots()
	}
	for range n {
		for range m.each {
			m.last = new([64]byte)
		}
		if m.keep > 0 {
			m.kept = append(m.kept, make([]byte, m.keep))
		}
		latency(time.Microsecond)
	}
	return nil
}

func (m *making) lots() {
	for range 20_000 {
		m.once = append(m.once, make([]byte, 100))
	}
}

func (m *making) Seal() error { new(making).lots(); return nil }

// TestAllocationsAreASlope: what an operation allocates and keeps is the same in a short trial
// and in one of ten times as many turns, alone and beside two busy programs.
func TestAllocationsAreASlope(t *testing.T) {
	for _, c := range []struct{ each, keep int }{{16, 1024}, {1, 4096}, {0, 0}} {
		for _, turns := range []int{20, 200} {
			for _, busy := range []int{0, 2} {
				calm := beside(t, busy)
				b := makingOf(t, c.each, c.keep, turns)
				calm()
				objects := float64(c.each)
				if c.keep > 0 {
					objects++
				}
				per := func(n uint64) float64 { return float64(n) / float64(b.Ops) }
				near := func(what string, got, want, slack float64) {
					if math.Abs(got-want) > 0.02*want+slack {
						t.Errorf("%+v in %d turns beside %d busy programs: %.4g %s an operation, want %.4g", c, turns, busy, got, what, want)
					}
				}
				near("allocations", per(b.Allocs), objects, 0.02)
				near("bytes", per(b.Bytes), float64(64*c.each+c.keep), 64)
				near("bytes kept", *b.KeptOp, float64(c.keep), 256)
			}
		}
	}
}

// makingOf measures in a process of its own.
func makingOf(t *testing.T, each, keep, turns int) (b results.Block) {
	t.Helper()
	command := again(t, fmt.Sprintf("%d %d %d", each, keep, turns))
	out, err := command.Output()
	if err == nil {
		err = json.Unmarshal(out, &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// beside has so many processes use a CPU each until calm is called.
func beside(t *testing.T, n int) (calm func()) {
	t.Helper()
	var all []func()
	for range n {
		command := again(t, "busy")
		input, err := command.StdinPipe()
		if err == nil {
			err = command.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, func() { _ = input.Close(); _ = command.Wait() })
	}
	return func() {
		for _, end := range all {
			end()
		}
	}
}

// again is this program, with the variable set.
func again(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), heapVariable+"="+text)
	command.Stderr = os.Stderr
	return command
}
