package runner

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"rubato/runner/callgrind"
)

// 100 operations more: 7 instructions, 3 calls and one call of an own function each.
func TestSlope(t *testing.T) {
	t.Parallel()
	n := callgrind.Profile{Instructions: 5700, Calls: map[string]int64{"runtime.main": 1, "a/b.f": 110, "a/b.start": 1, "ab.g": 200, "once": 4}}
	twice := callgrind.Profile{Instructions: 6400, Calls: map[string]int64{"runtime.main": 1, "a/b.f": 210, "a/b.start": 1, "ab.g": 400, "new": 4}}
	x := slope(n, twice, "a/")
	if x.Instructions != 700 || x.Calls != 300 || x.HouseCalls != 100 || !maps.Equal(x.Functions, map[string]int64{"a/b.f": 100}) {
		t.Errorf("%+v", x)
	}
	for from, want := range map[float64]int{0: 1, 0.4: 1, 1: 1, 1.9: 1, 2: 2, 4.99: 2, 5: 5, 99: 50, 100: 100, 12345: 10000, 50000: 50000} {
		if got := rounded(from); got != want {
			t.Errorf("%v is rounded to %d, want %d", from, got, want)
		}
	}
}

func TestUncountable(t *testing.T) {
	t.Parallel()
	wait := func(o Options) time.Duration {
		if o["rate"] == "slow" {
			return time.Second
		}
		return 0
	}
	for name, c := range map[string]struct {
		scenario Scenario
		options  Options
		want     string
	}{
		"as fast as it can": {Scenario{}, nil, ""},
		"paced":             {Scenario{Paced: true}, nil, "a clock sets its pace"},
		"pieces":            {Scenario{Arms: []Style{{Name: "a"}}}, nil, "pieces"},
		"waits":             {Scenario{Pause: wait}, Options{"rate": "slow"}, "wait before each operation"},
		"does not":          {Scenario{Pause: wait}, Options{"rate": "fast"}, ""},
	} {
		if got := c.scenario.uncountable(c.options); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What a program says that was asked in the words of another version, or in none.
func TestCountProtocol(t *testing.T) {
	t.Parallel()
	ask := func(line string) countReply {
		var out bytes.Buffer
		if code := serveCount(journals(), strings.NewReader(line), &out); code != exitPass {
			t.Errorf("%q: exit %d", line, code)
		}
		var answer countReply
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			t.Error(err)
		}
		return answer
	}
	setup, err := json.Marshal(Setup{Style: "plain", Dir: t.TempDir(), Options: Options{}})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		`{"version":2,"scenario":"count"}`: "version 1 of the protocol, not 2",
		`{}`:                               "not 0",
		``:                                 "EOF",
		`{"version":1,"scenario":"nothing","setup":` + string(setup) + `}`: `no scenario "nothing"`,
	} {
		if got := ask(line); !strings.Contains(got.Error, want) || got.Version != countVersion {
			t.Errorf("%s: %+v", line, got)
		}
	}
	done := ask(`{"version":1,"scenario":"count","setup":` + string(setup) + `,"ops":6,"run":6,"check":true}`)
	if done.Error != "" || done.Wrong != "" || done.Work == nil || done.Work.Stimuli != 6 || done.Work.Effects != 6 {
		t.Errorf("%+v", done)
	}
}

// steppers are the journals and a scenario of which each call is known.
func steppers() Suite {
	s := journals()
	s.Scenarios = append(s.Scenarios, Scenario{Name: "stepper", Answers: "How many steps?", Op: "walk", Script: 2,
		Open: func(s Setup) (Workload, error) {
			return &walk{steps: map[string]int{"plain": 3, "other": 7, "slow": 7}[s.Style]}, nil
		}})
	return s
}

// A walk calls step so often for each operation.
type walk struct {
	steps, asked int
	made         uint64
}

func (w *walk) Prepare(_, n int) error {
	w.asked, w.made = n, 0
	return nil
}

func (w *walk) Run(n int, _ func(time.Duration)) error {
	for range n {
		for range w.steps {
			w.made = step(w.made)
		}
	}
	return nil
}

//go:noinline
func step(x uint64) uint64 { return x + 1 }

func (w *walk) Work() (Work, error) {
	return Work{Stimuli: int64(w.asked), Effects: int64(w.made) / int64(w.steps), Expected: int64(w.asked)}, nil
}

func (w *walk) Close() error { return nil }
