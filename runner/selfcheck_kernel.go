package runner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// The arms of the self-check's kernel. Twin is the same code as arm; the others spin
// after each operation for a share of the time that it took.
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
	spunFigure = "spun"
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
		Measures: []Measure{{Name: spunFigure, Unit: "ns", Doc: "planted slowness, by the clock of the one who spins"}},
		Open:     func(s Setup) (Workload, error) { return newKernel(s), nil },
	}
}

const (
	kernelSteps = 1000    // of an operation, which then takes some 1 ms
	kernelKeys  = 1 << 16 // of the map
	kernelHeld  = 1 << 10 // allocations that stay alive
	// Of so many steps one allocates: few enough for a block to end before the
	// collector begins. It would work on while a slowed arm spins, and the arm would
	// be half a percent less slow than its own clock says.
	kernelRare = 8
)

// A kernel is the workload.
type kernel struct {
	setup  Setup
	share  float64 // of an operation's time, to spin after it
	text   []byte
	counts map[uint64]int
	held   [kernelHeld][]byte
	state  [sha256.Size]byte
	n      int
	done   int64
	spun   time.Duration
	lines  []string
	storm  *storm // nil: none
}

func newKernel(s Setup) *kernel {
	k := &kernel{setup: s, share: plantedShares[s.Style], text: make([]byte, 1<<10), counts: make(map[uint64]int, kernelKeys)}
	for i := range uint64(kernelKeys) {
		k.counts[i] = 0
	}
	if s.Options[weatherKey] == weatherStorm {
		k.storm = newStorm(s.Seed, s.Style)
	}
	return k
}

func (k *kernel) Prepare(first, n int) error {
	k.n, k.done, k.spun, k.lines = n, 0, 0, nil
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
		if k.share > 0 {
			k.spin(time.Since(start))
		}
		latency(time.Since(start))
	}
	return nil
}

// turn is an operation.
func (k *kernel) turn() {
	for range kernelSteps {
		copy(k.text[8:], k.state[:])
		k.state = sha256.Sum256(k.text)
		key := binary.LittleEndian.Uint64(k.state[:])
		k.counts[key%kernelKeys]++
		if key%kernelRare == 0 {
			k.held[key/kernelRare%kernelHeld] = append(make([]byte, 0, 64+key%64), k.state[:]...)
		}
	}
	k.done++
	if k.setup.Verbatim {
		k.lines = append(k.lines, hex.EncodeToString(k.state[:8]))
	}
}

// spin makes the operation longer by the planted share of what it took: whatever
// slows the operation slows the plant as much, so the ratio stays what it is.
func (k *kernel) spin(took time.Duration) {
	start, want := time.Now(), time.Duration(k.share*float64(took))
	spent := time.Duration(0)
	for spent < want {
		spent = time.Since(start)
	}
	k.spun += spent
}

func (k *kernel) Work() (Work, error) {
	work := Work{Stimuli: int64(k.n), Effects: k.done, Expected: int64(k.n), Digest: hex.EncodeToString(k.state[:]),
		Figures: map[string]float64{spunFigure: float64(k.spun)}}
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
