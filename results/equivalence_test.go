package results

import (
	"strings"
	"testing"
	"time"
)

func TestWorkDifference(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 500)
	baseline := func() WorkDone {
		return WorkDone{Expected: 3, Lanes: map[string][]string{"a": {"one", "two"}, "b": {"three"}, "empty": nil},
			Payload: 10, Keys: "k", Counts: Counts{"rows read": 20}, Digest: "d"}
	}
	for name, test := range map[string]struct {
		change func(*WorkDone)
		want   string
	}{
		"the same":             {func(*WorkDone) {}, ""},
		"no empty lane":        {func(d *WorkDone) { delete(d.Lanes, "empty") }, ""},
		"another empty lane":   {func(d *WorkDone) { d.Lanes["c"] = []string{} }, ""},
		"other expectation":    {func(d *WorkDone) { d.Expected = 2 }, "it expects 2 effects, the baseline 3"},
		"other line":           {func(d *WorkDone) { d.Lanes["a"][1] = "2" }, `lane a, line 2: want "two", got "2"`},
		"other order":          {func(d *WorkDone) { d.Lanes["a"] = []string{"two", "one"} }, `lane a, line 1: want "one", got "two"`},
		"line missing":         {func(d *WorkDone) { d.Lanes["a"] = d.Lanes["a"][:1] }, `lane a, line 2: want "two", got no line`},
		"lane missing":         {func(d *WorkDone) { delete(d.Lanes, "b") }, `lane b, line 1: want "three", got no line`},
		"lane more":            {func(d *WorkDone) { d.Lanes["c"] = []string{"four"} }, `lane c, line 1: want no line, got "four"`},
		"a long line is cut":   {func(d *WorkDone) { d.Lanes["b"][0] = long }, `got "` + long[:199] + `…"`},
		"other bytes":          {func(d *WorkDone) { d.Payload = 9 }, "its effects hold 9 bytes, those of the baseline 10"},
		"other order by key":   {func(d *WorkDone) { d.Keys = "" }, `the order within a key differs: its digest is "", that of the baseline "k"`},
		"fewer rows":           {func(d *WorkDone) { d.Counts = Counts{"rows read": 19} }, "rows read: 19, in the baseline 20"},
		"other digest":         {func(d *WorkDone) { d.Digest = "e" }, `the digest of its effects is "e", that of the baseline "d": it did other work`},
		"the lane comes first": {func(d *WorkDone) { d.Digest, d.Lanes["b"][0] = "e", "3" }, "lane b, line 1"},
	} {
		got := baseline()
		test.change(&got)
		if said := got.Difference(baseline()); !strings.Contains(said, test.want) || (test.want == "") != (said == "") {
			t.Errorf("%s: %q, want %q", name, said, test.want)
		}
	}
}

func TestBlocksAreComparedByRound(t *testing.T) {
	t.Parallel()
	block := func(round int, digest string) Block {
		return Block{Round: round, Ops: 1, Wall: time.Second, Effects: 2, Expected: 2, Digest: digest}
	}
	baseline := []Block{block(0, "a"), block(1, "b")}
	for want, blocks := range map[string][]Block{
		"":                                   {block(1, "b"), block(0, "a"), block(2, "c")},
		`round 1: the digest of its effects`: {block(0, "a"), block(1, "x")},
	} {
		if got := BlocksDifference(blocks, baseline); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestBlocksFault(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Block){
		"":                                    func(*Block) {},
		"round 4: 0 operations in 1s":         func(b *Block) { b.Ops = 0 },
		"round 4: 1 operations in 0s":         func(b *Block) { b.Wall = 0 },
		"round 4: CPU time below zero":        func(b *Block) { b.System = -1 },
		"round 4: 1 of 2 effects are missing": func(b *Block) { b.Effects = 1 },
		"round 4: 1 effects more than the 2 expected": func(b *Block) { b.Effects = 3 },
		"round 3 is in the results twice":             func(b *Block) { b.Round = 3 },
	} {
		b := Block{Round: 3, Ops: 1, Wall: time.Second, Effects: 2, Expected: 2}
		other := b
		other.Round = 4
		change(&other)
		if got := BlocksFault([]Block{b, other}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := BlocksFault(nil); got != "no round was measured" {
		t.Errorf("%q", got)
	}
}
