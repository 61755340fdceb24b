package reports

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"rubato/inference"
	"rubato/results"
)

// comparingDoc holds the table that this program writes.
const (
	comparingDoc = "../docs/comparing.md"
	ratesBegin   = "<!-- rates -->\n"
	ratesEnd     = "<!-- /rates -->"
)

// TestCompareRates measures how often comparisons err, from simulated pairs of runs
// whose answer is known, and holds the table in the docs to it. It prints the table:
// go test ./reports -run CompareRates -v. With -update it writes it.
func TestCompareRates(t *testing.T) {
	if testing.Short() {
		t.Skip("it simulates 35 000 runs: go test runs it without -short")
	}
	t.Parallel()
	kinds := map[string]inference.Noise{}
	var pairs [][2]inference.Noise
	for _, n := range inference.Noises() {
		kinds[n.Name] = n
		pairs = append(pairs, [2]inference.Noise{n, n})
	}
	quiet, hog := kinds["normal"], kinds["on/off hog"]
	if quiet.Name == "" || hog.Name == "" {
		t.Fatal("the noises have other names")
	}
	pairs = append(pairs, [2]inference.Noise{quiet, hog})
	table := Grid{Head: []string{"noise of OLD, NEW", "a ratio changed, they say", "over", "an absolute time changed, they say", "a ratio changed, runs that decided", "+10 % lies in the interval", "+10 % is over"}, Text: []int{0}}
	for _, n := range pairs {
		r, err := simulateUnpaired(n, 5, 1000, [2]int{10, 20}, math.Log1p(results.DefaultMargin), math.Log(1.1))
		if err != nil {
			t.Fatal(err)
		}
		name := n[0].Name
		if n[1].Name != name {
			name += ", " + n[1].Name
		}
		if r.TypeI.Share() > 0.07 || r.Over.Share() > 0.025 || r.Coverage.Share() < 0.92 || r.Decided.Share() > 0.07 {
			t.Errorf("%s: %+v", name, r)
		}
		share := func(r inference.Rate) string {
			lo, hi := r.Between()
			return fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100*r.Share(), 100*lo, 100*hi)
		}
		table.Rows = append(table.Rows, Row{Cells: []string{name, share(r.TypeI), share(r.Over), share(r.Absolute), share(r.Decided), share(r.Coverage), share(r.Found)}})
	}
	var b bytes.Buffer
	table.markdown(&b)
	t.Logf("\n%s", b.String())
	text, err := os.ReadFile(comparingDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := bytes.Cut(text, []byte(ratesBegin))
	held, after, ends := bytes.Cut(rest, []byte(ratesEnd))
	if !begins || !ends {
		t.Fatalf("%s has no lines %q and %q", comparingDoc, ratesBegin, ratesEnd)
	}
	if *update {
		whole := bytes.Join([][]byte{before, []byte(ratesBegin), b.Bytes(), []byte(ratesEnd), after}, nil)
		if err := os.WriteFile(comparingDoc, whole, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(held) != b.String() {
		t.Errorf("%s: the table is not what was found; run: go test ./reports -run CompareRates -update\n%s", comparingDoc, firstDifference(b.String(), string(held)))
	}
}

// unpairedRates are how often comparisons of two runs ended in which way. The runs
// are of one program, unless a shift is added to the second.
type unpairedRates struct {
	TypeI    inference.Rate // the interval of the change of a ratio leaves out that there is none
	Over     inference.Rate // a ratio is judged worse by more than the margin
	Absolute inference.Rate // the interval of the change of an arm's own time leaves out that there is none
	Coverage inference.Rate // the interval of an injected change of a ratio holds it
	Found    inference.Rate // an injected change is judged worse by more than the margin
	Decided  inference.Rate // TypeI of runs that each stopped when they knew that their slowed arm was slower
}

// simulateUnpaired compares pairs of runs, each of so many trials and under its own
// noise, which it met anew. margin and shift are log-ratios.
func simulateUnpaired(n [2]inference.Noise, seed uint64, pairs int, lengths [2]int, margin, shift float64) (unpairedRates, error) {
	random, rates := rand.New(rand.NewPCG(seed, uint64(lengths[0]<<16+lengths[1]))), unpairedRates{}
	looks, err := inference.NewSequentialPaired(inference.DefaultLooks(), inference.Confidence)
	if err != nil {
		return rates, err
	}
	for range pairs {
		before, after := n[0].Session(random, lengths[0], shift), n[1].Session(random, lengths[1], shift)
		if err := rates.add(before, after, margin); err != nil {
			return rates, err
		}
		if err := rates.addDecided(n, random, looks, shift); err != nil {
			return rates, err
		}
	}
	return rates, nil
}

func (r *unpairedRates) add(before, after inference.Session, margin float64) error {
	aa, err := inference.Shift(inference.Ratios(before.AA, before.Arm), inference.Ratios(after.AA, after.Arm), inference.Confidence)
	if err != nil {
		return err
	}
	alone, err := inference.Shift(before.Arm, after.Arm, inference.Confidence)
	if err != nil {
		return err
	}
	slowed, err := inference.Shift(inference.Ratios(before.AA, before.Arm), inference.Ratios(after.Slow, after.Arm), inference.Confidence)
	if err != nil {
		return err
	}
	r.TypeI.Count(leavesOut(aa, 0))
	r.Over.Count(inference.AgainstLimit(aa, margin) == inference.Over)
	r.Absolute.Count(leavesOut(alone, 0))
	r.Coverage.Count(!leavesOut(slowed, after.Shift))
	r.Found.Count(inference.AgainstLimit(slowed, margin) == inference.Over)
	return nil
}

// addDecided compares two runs that each looked at their trials and stopped at will.
func (r *unpairedRates) addDecided(n [2]inference.Noise, random *rand.Rand, p *inference.Sequential, shift float64) error {
	var sides [2][]float64
	const trials = 32 // as far as such a run may go here
	for i := range sides {
		slow := n[i].Session(random, trials, shift)
		ratios := inference.Ratios(slow.Slow, slow.Arm)
		_, seen, err := p.Decide(ratios, func(i inference.Interval) inference.Verdict { return inference.AgainstNone(i, 0, 0) })
		if err != nil {
			return err
		}
		sides[i] = ratios[:seen]
	}
	i, err := inference.Shift(sides[0], sides[1], inference.Confidence)
	r.Decided.Count(leavesOut(i, 0))
	return err
}

func leavesOut(i inference.Interval, value float64) bool { return i.Lo > value || i.Hi < value }
