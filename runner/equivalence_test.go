package runner

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	base := []Setting{{Name: "sync", Value: "1"}, {Name: "batch", Value: "1", Asked: "1"}, {Name: "codec", Value: "none", Own: true}}
	with := func(name, value string) []Setting {
		changed := append([]Setting{}, base...)
		for i := range changed {
			if changed[i].Name == name {
				changed[i].Value = value
			}
		}
		return changed
	}
	for name, test := range map[string]struct{ got, want string }{
		"as asked":           {unasked(base), ""},
		"not as asked":       {unasked(with("batch", "100")), `asked to run with batch "1", it runs with "100"`},
		"like the baseline":  {unlike(base, base), ""},
		"unlike it":          {unlike(with("sync", "0"), base), `it runs with sync "0", the baseline with "1"`},
		"not reported":       {unlike(base[1:], base), `it does not report its sync, which is "1" in the baseline`},
		"its own":            {unlike(with("codec", "json"), base), ""},
		"more of its own":    {unlike(append(with("", ""), Setting{Name: "transport", Value: "tcp", Own: true}), base), ""},
		"as in the script":   {drifted(base, base), ""},
		"another codec":      {drifted(base, with("codec", "json")), `its script ran with codec "none", this with "json"`},
		"no longer reported": {drifted(base, base[:2]), `its script ran with codec "none", this with ""`},
		"reported later":     {drifted(base[:2], base), "its script reported 2 settings, this 3"},
		"a block of none":    {drifted(base, nil), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", name, test.got, test.want)
		}
	}
}

// A process tells what it runs under; nothing of it is empty but what may be.
func TestProcessSettings(t *testing.T) {
	t.Parallel()
	for _, s := range processSettings() {
		if s.Value == "" && s.Name != "GODEBUG" || s.Own {
			t.Errorf("%+v", s)
		}
	}
}

func TestBlockIsHeldAgainstBaseline(t *testing.T) {
	t.Parallel()
	base := results.Block{Digest: "d", Payload: 10, Counts: results.Counts{"rows read": 20}, Keys: "k"}
	for want, change := range map[string]func(*results.Block){
		"":              func(*results.Block) {},
		"9 bytes":       func(b *results.Block) { b.Payload = 9 },
		"within a key":  func(b *results.Block) { b.Keys = "l" },
		"rows read: 19": func(b *results.Block) { b.Counts = results.Counts{"rows read": 19} },
		"other work":    func(b *results.Block) { b.Digest = "e" },
	} {
		b := base
		change(&b)
		if got := b.Done().Difference(base.Done()); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What a block cannot have done in its time, it has not done.
func TestLeastTime(t *testing.T) {
	t.Parallel()
	e := &arm{}
	answer := reply{Block: &results.Block{Wall: time.Millisecond}, Least: 2 * time.Millisecond}
	if got := e.wrong(answer); got != "" {
		t.Errorf("half of the least is invalid: %s", got)
	}
	answer.Least += 2
	if got := e.wrong(answer); !strings.Contains(got, "what it stored takes 2") {
		t.Errorf("less than half of the least: %q", got)
	}
	answer.Wrong = "1 of 2 effects are missing"
	if got := e.wrong(answer); got != answer.Wrong {
		t.Errorf("got %q", got)
	}
}

// Only a block that seems too fast has the least time measured again, and no longer than it does.
func TestLeastTimeAgain(t *testing.T) {
	t.Parallel()
	const wall = time.Millisecond
	for name, c := range map[string]struct {
		readings    []time.Duration // of twice as much work as was timed
		least, used time.Duration
	}{
		"slow enough at once":        {[]time.Duration{4 * wall, wall}, 2 * wall, 1},
		"the disk was busy":          {[]time.Duration{40 * wall, 20 * wall, 3 * wall, wall}, 3 * wall / 2, 3},
		"slower ones change nothing": {[]time.Duration{10 * wall, 20 * wall, 8 * wall, 30 * wall, 30 * wall, 30 * wall, 0}, 4 * wall, 6},
	} {
		used := time.Duration(1)
		work := Work{Least: c.readings[0], Again: func() (time.Duration, error) { used++; return c.readings[used-1], nil }}
		if least, err := work.least(wall, 0.5); err != nil || least != c.least || used != c.used {
			t.Errorf("%s: %v after %d readings, %v; want %v after %d", name, least, used, err, c.least, c.used)
		}
	}
	work := Work{Least: time.Hour, Again: func() (time.Duration, error) { return 0, errors.New("no disk") }}
	if _, err := work.least(wall, 1); err == nil {
		t.Error("a disk that cannot be measured is no disk that is fast enough")
	}
}

// A slowed workload is sealed as the one that it is.
func TestSealReachesThrough(t *testing.T) {
	t.Parallel()
	s := &sealed{}
	if err := seal(&slowed{Workload: s}); err != nil || !s.done {
		t.Errorf("sealed %v, error %v", s.done, err)
	}
	if err := seal(&book{}); err != nil {
		t.Errorf("what cannot be sealed: %v", err)
	}
}

type sealed struct {
	book
	done bool
}

func (s *sealed) Seal() error { s.done = true; return nil }
