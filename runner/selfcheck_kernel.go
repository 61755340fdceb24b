package runner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"time"
)

// The arms of the self-check's kernel. Twin is the same code as arm; the others take
// more steps of the same kind in each operation, so that they are slower by what is
// planted whatever the weather. A plant that spun by the clock would not be: what takes
// the core away from it would count as planted, and is lost time in any case.
const (
	kernelArm    = "arm"
	kernelTwin   = "twin"
	kernelSlow   = "slow"
	kernelSlower = "slower"
)

// plantedShares are by how much the slowed arms are slower.
var plantedShares = map[string]float64{kernelSlow: 0.10, kernelSlower: 0.20}

// Names of what only the self-check opens: they stand in no list.
const (
	kernelName = "selfcheck-kernel"
	hogName    = "selfcheck-hog"
)

// withKernel is the suite of a measured child: the user's, and what the self-check
// measures.
func withKernel(suite Suite) Suite {
	suite.Scenarios = append(append([]Scenario{}, suite.Scenarios...), kernelScenario(), hogScenario())
	return suite
}

// kernelScenario is work that needs no player: hashing, a map larger than the nearer
// caches, small allocations.
func kernelScenario() Scenario {
	return Scenario{
		Name: kernelName, Answers: "Does this machine measure well enough?", Op: "turn", Script: 3,
		Open: func(s Setup) (Workload, error) { return newKernel(s), nil },
	}
}

const (
	kernelSteps = 1000    // of an operation, which then takes some 1 ms
	kernelKeys  = 1 << 16 // of the map
	kernelHeld  = 1 << 10 // allocations that stay alive
	// Of so many steps one allocates: few enough for a short block to end before the
	// collector begins.
	kernelRare = 8
)

// A kernel is the workload.
type kernel struct {
	setup  Setup
	more   int // steps of an operation that are planted
	text   []byte
	counts map[uint64]int
	held   [kernelHeld][]byte
	state  [sha256.Size]byte
	shadow [sha256.Size]byte // the same of the planted steps, so that the work stays what it is
	n      int
	done   int64
	lines  []string
	storm  *storm // nil: none
}

func newKernel(s Setup) *kernel {
	k := &kernel{setup: s, more: int(math.Round(plantedShares[s.Style] * kernelSteps)), text: make([]byte, 1<<10), counts: make(map[uint64]int, kernelKeys)}
	for i := range uint64(kernelKeys) {
		k.counts[i] = 0
	}
	if s.Options[weatherKey] == weatherStorm {
		k.storm = newStorm(s.Seed, s.Style)
	}
	return k
}

func (k *kernel) Prepare(first, n int) error {
	k.n, k.done, k.lines = n, 0, nil
	binary.LittleEndian.PutUint64(k.text, uint64(first))
	return nil
}

func (k *kernel) Run(latency func(time.Duration)) error {
	if k.storm != nil {
		defer k.storm.blow()()
	}
	for range k.n {
		start := time.Now()
		k.turn()
		latency(time.Since(start))
	}
	return nil
}

// turn is an operation.
func (k *kernel) turn() {
	k.steps(&k.state, kernelSteps)
	k.steps(&k.shadow, k.more)
	k.done++
	if k.setup.Verbatim {
		k.lines = append(k.lines, hex.EncodeToString(k.state[:8]))
	}
}

func (k *kernel) steps(state *[sha256.Size]byte, n int) {
	for range n {
		copy(k.text[8:], state[:])
		*state = sha256.Sum256(k.text)
		key := binary.LittleEndian.Uint64(state[:])
		k.counts[key%kernelKeys]++
		if key%kernelRare == 0 {
			k.held[key/kernelRare%kernelHeld] = append(make([]byte, 0, 64+key%64), state[:]...)
		}
	}
}

func (k *kernel) Work() (Work, error) {
	work := Work{Stimuli: int64(k.n), Effects: k.done, Expected: int64(k.n), Digest: hex.EncodeToString(k.state[:])}
	if k.setup.Verbatim {
		work.Lanes = map[string][]string{"kernel": k.lines}
	}
	return work, nil
}

func (k *kernel) Close() error {
	if k.storm != nil {
		k.storm.end()
	}
	return nil
}

// phases are how long something is on, and then off, drawn from a seed.
type phases struct {
	random         *rand.Rand
	least, longest time.Duration
}

func (p phases) next() time.Duration {
	return p.least + time.Duration(p.random.Int64N(int64(p.longest-p.least)))
}
