package reports

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"testing"

	"rubato/inference"
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
	table := grid{Head: []string{"noise of OLD, NEW", "a ratio changed, they say", "over", "an absolute time changed, they say", "a ratio changed, runs that decided", "+10 % lies in the interval", "+10 % is over"}, Text: []int{0}}
	for _, n := range pairs {
		r, err := inference.SimulateUnpaired(n, 5, 1000, [2]int{10, 20}, math.Log1p(DefaultMargin), math.Log(1.1))
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
		table.Rows = append(table.Rows, row{Cells: []string{name, share(r.TypeI), share(r.Over), share(r.Absolute), share(r.Decided), share(r.Coverage), share(r.Found)}})
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
