package measure_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/measure"
	"rubato/results"
	"rubato/runner"
)

// The test binary is also the program that measures: its children are started from it.
func TestMain(m *testing.M) {
	if runner.IsChild(os.Args[1:]) {
		os.Exit(measure.Main(os.Args[1:], faulty, sorted, totals))
	}
	os.Exit(m.Run())
}

// double is a function that all styles of faulty do, each with a fault of its own.
func double(i int) int { return 2 * i }

func fault(harm func(i int)) func(int) int {
	return func(i int) int {
		harm(i)
		return 2 * i
	}
}

func never(int) { select {} }

var faulty = measure.Task[int, int]{Name: "double", Limit: 5 * time.Second, Styles: []measure.Style[int, int]{
	{Name: "sound", Do: double},
	{Name: "too", Do: func(i int) int { return i << 1 }},
	{Name: "panics", Do: fault(func(i int) { panic(fmt.Sprint("no ", i)) })},
	{Name: "hangs", Do: fault(never)},
	{Name: "nothing", Do: func(int) int { return 0 }},
	{Name: "differs", Do: func(i int) int {
		if i == 7 {
			return 15
		}
		return 2 * i
	}},
	{Name: "prints", Do: fault(func(int) { fmt.Println("here I am") })},
	{Name: "exits", Do: fault(func(int) { os.Exit(0) })},
	{Name: "leaks", Open: func(runner.Setup) (measure.System[int, int], error) {
		go func() { select {} }()
		return measure.System[int, int]{Do: func(i int) (int, error) { return 2 * i, nil }}, nil
	}},
	{Name: "closed", Open: func(runner.Setup) (s measure.System[int, int], err error) {
		return s, errors.New("the shop is closed")
	}},
}}

// sorted sorts: a function whose inputs come again must not sort them in place, and what it has returned
// must stay as it is.
var sorted = measure.Task[[]int, []int]{Name: "sorted", Input: func(_ runner.Setup, i int) []int { return []int{3, i, 2} }, Styles: []measure.Style[[]int, []int]{
	{Name: "copies", Do: func(x []int) []int { return slices.Sorted(slices.Values(x)) }},
	{Name: "in-place", Do: func(x []int) []int { slices.Sort(x); return slices.Clone(x) }},
	{Name: "reuses", Do: func() func(x []int) []int {
		var room []int
		return func(x []int) []int {
			room = append(room[:0], x...)
			slices.Sort(room)
			return room
		}
	}()},
}}

// totals adds up amounts: one style on disk, one in memory. The third forgets one.
var totals = measure.Task[int, string]{Name: "totals", Styles: []measure.Style[int, string]{
	{Name: "memory", Open: func(runner.Setup) (measure.System[int, string], error) {
		return ledger(func(int) error { return nil }, -1), nil
	}},
	{Name: "disk", Open: func(s runner.Setup) (measure.System[int, string], error) {
		file, err := os.Create(filepath.Join(s.Dir, "ledger"))
		l := ledger(func(i int) error { _, err := fmt.Fprintln(file, i); return err }, -1)
		l.Close = func() error { return file.Close() }
		return l, err
	}},
	{Name: "forgets", Open: func(runner.Setup) (measure.System[int, string], error) {
		return ledger(func(int) error { return nil }, 50), nil
	}},
}}

func ledger(keep func(int) error, forgets int) measure.System[int, string] {
	sum := 0
	return measure.System[int, string]{
		Do: func(i int) (string, error) {
			if i != forgets {
				sum += i
			}
			return "booked", keep(i)
		},
		State: func() (string, error) { return fmt.Sprint("sum ", sum), nil },
	}
}

// measured runs a task and returns its cells by style.
func measured(t *testing.T, name string) (cells map[string]results.Cell, said string) {
	t.Helper()
	suite, err := measure.Suite(faulty, sorted, totals)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	folder := filepath.Join(t.TempDir(), "run")
	runner.MainTo(suite, []string{"run", "-quick", "-time", "1s", "-profile", "20ms", "-out", folder, name}, &out, &out)
	run, _, err := results.Load(folder)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	cells = map[string]results.Cell{}
	for _, c := range run.Cells {
		cells[c.Style] = c
	}
	return cells, out.String()
}

// A style with a fault is named and invalid, and says why. The others are measured.
func TestFaultyStyles(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	cells, said := measured(t, "double")
	for style, why := range map[string]string{
		"panics": "panic: no 0", "hangs": "it hangs", "nothing": "nothing to compare", "differs": "lane results, line 8",
		"prints": "prints to stdout", "exits": "exit status 0", "leaks": "left 1 goroutines", "closed": "the shop is closed",
	} {
		if c := cells[style]; c.Verdict != results.Invalid || !strings.Contains(c.Why, why) {
			t.Errorf("%s: %s %q, want %q", style, c.Verdict, c.Why, why)
		}
	}
	for _, style := range []string{"sound", "too"} {
		if c := cells[style]; c.Verdict == results.Invalid || c.NsOp.Median <= 0 || c.Rounds == 0 {
			t.Errorf("%s: %s %q, %+v", style, c.Verdict, c.Why, c.NsOp)
		}
	}
	if t.Failed() {
		t.Log(said)
	}
}

// What would be timed on other work than it was given is invalid, though its results are equal.
func TestUnsteady(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	cells, said := measured(t, "sorted")
	for style, why := range map[string]string{
		"in-place": `it changes its input, which comes again after 1024 operations: "[3 0 2]" became "[0 2 3]"`,
		"reuses":   `result 0 was "[0 2 3]", and is "[2 3 99]" after later calls`,
	} {
		if c := cells[style]; c.Verdict != results.Invalid || !strings.Contains(c.Why, why) {
			t.Errorf("%s: %s %q, want %q", style, c.Verdict, c.Why, why)
		}
	}
	if c := cells["copies"]; c.Verdict == results.Invalid {
		t.Errorf("copies: %q\n%s", c.Why, said)
	}
}

// What is left behind counts as much as what is returned.
func TestState(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	cells, said := measured(t, "totals")
	if c := cells["forgets"]; c.Verdict != results.Invalid || !strings.Contains(c.Why, "lane state") || !strings.Contains(c.Why, "sum 4950") {
		t.Errorf("forgets: %s %q", c.Verdict, c.Why)
	}
	if c := cells["disk"]; c.Verdict == results.Invalid || c.Ratio == nil || c.Ratio.Median < 2 { // a write to a file takes microseconds
		t.Errorf("disk: %s %q %+v\n%s", c.Verdict, c.Why, c.Ratio, said)
	}
}

func TestSound(t *testing.T) {
	t.Parallel()
	one := measure.Style[int, int]{Name: "one", Do: double}
	both := one
	both.Open = func(runner.Setup) (s measure.System[int, int], err error) { return s, nil }
	for want, tasks := range map[string][]measure.Measurable{
		"there is no task":              {},
		"it has no name":                {measure.Task[int, int]{}},
		"it has no styles":              {measure.Task[int, int]{Name: "a"}},
		"style 1 has no name":           {measure.Task[int, int]{Name: "a", Styles: []measure.Style[int, int]{{Do: double}}}},
		"give either Do or Open":        {measure.Task[int, int]{Name: "a", Styles: []measure.Style[int, int]{both}}},
		"two styles are called \"one\"": {measure.Task[int, int]{Name: "a", Styles: []measure.Style[int, int]{one, one}}},
		"two tasks are called \"a\"":    {measure.Task[int, int]{Name: "a", Styles: []measure.Style[int, int]{one}}, measure.Task[int, int]{Name: "a", Styles: []measure.Style[int, int]{one}}},
	} {
		if _, err := measure.Suite(tasks...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
