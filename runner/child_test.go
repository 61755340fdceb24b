package runner

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// converse sends requests to a child in this process and gives its replies.
func converse(t *testing.T, requests ...request) []reply {
	t.Helper()
	var in, out bytes.Buffer
	for _, r := range requests {
		if err := writeLine(&in, r); err != nil {
			t.Fatal(err)
		}
	}
	orphaned := make(chan bool, 1)
	if code := serveChild(journals(), &in, &out, handover{}, nil, func() { orphaned <- true }); code != exitPass {
		t.Errorf("exit %d", code)
	}
	<-orphaned
	var replies []reply
	for decoder := json.NewDecoder(&out); ; {
		var answer reply
		if err := decoder.Decode(&answer); err == io.EOF {
			return replies
		} else if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, answer)
	}
}

func TestChildRefuses(t *testing.T) {
	t.Parallel()
	setup := &Setup{Style: "plain", Dir: t.TempDir(), Shared: t.TempDir()}
	replies := converse(t,
		request{Do: doBlock, N: 1},
		request{Do: doOpen, Scenario: "nowhere", Setup: setup},
		request{Do: doOpen, Scenario: "count"},
		request{Do: doOpen, Scenario: "count", Setup: setup},
		request{Do: "dance"},
		request{Do: doDrive},
		request{Do: doDrive, N: 1, Profile: filepath.Join(setup.Dir, "no", "folder")},
	)
	for i, want := range []string{"block before open", `no scenario "nowhere"`, `no scenario "count"`, "", `unknown request "dance"`, "blocks of 0", "no such file"} {
		if got := replies[i].Error; want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("reply %d: %q, want %q", i, got, want)
		}
	}
}

// A block's counters are those of what ran inside.
func TestChildMeasures(t *testing.T) {
	t.Parallel()
	setup := &Setup{Style: "plain", Dir: t.TempDir(), Shared: t.TempDir(), Options: Options{"ink": "red"}}
	replies := converse(t,
		request{Do: doOpen, Scenario: "journal", Setup: setup},
		request{Do: doBlock, First: 0, N: 1000},
		request{Do: doDrive, First: 1000, N: 10, Wall: time.Millisecond},
		request{Do: doUsage},
		request{Do: doClose},
	)
	b := replies[1].Block
	if b.Ops != 1000 || b.Stimuli != 1000 || b.Effects != 1000 || b.Wall <= 0 || b.Allocs < 1000 || b.Bytes < b.Allocs || b.Goroutines < 1 || b.Latency == "" || b.Digest == "" || b.RSSPeak <= 0 {
		t.Errorf("%+v", b)
	}
	if w := replies[2].Window; w.Wall <= 0 || w.CPU < 0 {
		t.Errorf("%+v", w)
	}
	if w := replies[3].Window; w.Wall <= 0 || w.CPU <= 0 {
		t.Errorf("%+v", w)
	}
	lines, err := os.ReadFile(filepath.Join(setup.Dir, "journal"))
	if err != nil || bytes.Count(lines, []byte("red ")) < 1010 {
		t.Errorf("%v: %d lines", err, bytes.Count(lines, []byte("\n")))
	}
}

func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"no json\n", strings.Repeat(" ", 1001)} {
		var v any
		if err := newLines(strings.NewReader(text), 1000).next(&v); err == nil || err == io.EOF {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

func TestWorkWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		work Work
		want string
	}{
		{Work{Stimuli: 5, Effects: 10, Expected: 10}, ""},
		{Work{Stimuli: 4, Effects: 10, Expected: 10}, "asked for 5 stimuli, worked 4"},
		{Work{Stimuli: 5, Effects: 7, Expected: 10}, "3 of 10 effects are missing"},
		{Work{Stimuli: 5, Effects: 11, Expected: 10}, "1 effects more than the 10 expected"},
	} {
		if got := test.work.wrong(5); got != test.want {
			t.Errorf("%+v: %q, want %q", test.work, got, test.want)
		}
	}
}

func TestWorkDiffers(t *testing.T) {
	t.Parallel()
	want := Work{Digest: "d", Lanes: map[string][]string{"queue": {"a", "b"}, "log": {"c"}, "silent": nil}}
	for _, test := range []struct {
		got  Work
		want string
	}{
		{Work{Digest: "d", Lanes: map[string][]string{"log": {"c"}, "queue": {"a", "b"}}}, ""},
		{Work{Digest: "d", Lanes: map[string][]string{"log": {"c"}, "queue": {"b", "a"}}}, `lane queue, line 1: want "a", got "b"`},
		{Work{Digest: "d", Lanes: map[string][]string{"log": {"c"}, "queue": {"a"}}}, `lane queue, line 2: want "b", got no line`},
		{Work{Digest: "d", Lanes: map[string][]string{"log": {"c"}, "queue": {"a", "b"}, "more": {"x"}}}, `lane more, line 1: want no line, got "x"`},
		{Work{Digest: "e", Lanes: want.Lanes}, `the digest of its effects is "e", that of the baseline "d": it did other work`},
	} {
		if got := test.got.done().Difference(want.done()); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
		if same := test.got.digest() == want.digest(); same != (test.want == "") {
			t.Errorf("digests equal: %t, difference %q", same, test.want)
		}
	}
}
