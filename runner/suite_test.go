package runner

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// The test binary is also the program that the tests are about: as "rubato" in
// transcripts, and as every measured child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childCommand {
		os.Exit(Main(steppers(), os.Args[1:]))
	}
	testscript.Main(leakless{m}, map[string]func(){
		"rubato": func() { os.Exit(Main(journals(), os.Args[1:])) },
	})
}

// leakless fails the tests when they leave a goroutine behind.
type leakless struct{ *testing.M }

func (l leakless) Run() int {
	code := l.M.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// journals is a small suite: numbers are read from a shared file, summed, and each
// sum is appended to a file. It can be told to do it wrong.
func journals() Suite {
	return Suite{
		Name: "journals",
		Styles: []Style{
			{Name: "plain", Doc: "adds and appends"},
			{Name: "other", Doc: "the same, elsewhere"},
			{Name: "slow", Doc: "the same, three times over"},
		},
		Scenarios: append([]Scenario{journal(), {
			Name: "count", Answers: "What does counting cost?", Op: "count", Script: 5,
			Open: func(s Setup) (Workload, error) { return openJournal(s) },
			Claims: []Claim{{Text: "counting takes no time", Source: "hearsay", Kind: "estimate",
				Quantity: "ns_op", Hi: 1}},
		}}, beats()...),
		Versions: map[string]string{"abacus": "1.2.3"},
	}
}

func journal() Scenario {
	return Scenario{
		Name: "journal", Answers: "What does a line in a journal cost?", Op: "line", Script: 20, Stages: []string{"ink"}, Verified: true,
		Keys: []Key{
			{Name: "ink", Doc: "colour of the lines", Default: "black,blue", Values: []string{"black", "blue", "red"}},
			{Name: "width", Doc: "digits of a number", Default: "6", Check: func(v string) error {
				if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 9 {
					return errors.New("want a number from 1 to 9")
				}
				return nil
			}},
			{Name: "pen", Doc: "what writes", Default: "quill", Values: []string{"quill", "ball"}, Styles: []string{"other"}},
			{Name: "fault", Doc: "style/what goes wrong/from which stimulus/in which trial", Default: "none"},
		},
		Prepare: func(s Setup) error {
			return os.WriteFile(filepath.Join(s.Shared, "start"), []byte(strconv.FormatUint(s.Seed, 10)), 0o600)
		},
		Open: func(s Setup) (Workload, error) { return openJournal(s) },
	}
}

// pastVariable holds the fault of a program that stands for another revision.
const pastVariable = "JOURNAL_PAST"

// A book is the workload.
type book struct {
	setup   Setup
	file    *os.File
	sum     uint64
	fault   string
	from    int
	paced   bool // every operation takes a known time
	first   int
	numbers []uint64
	at      int // of numbers, done so far
	effects int64
	lines   []string
	hash    hash.Hash
}

func openJournal(s Setup) (*book, error) {
	file, err := os.Create(filepath.Join(s.Dir, "journal"))
	if err != nil {
		return nil, err
	}
	b := &book{setup: s, file: file}
	if start, err := os.ReadFile(filepath.Join(s.Shared, "start")); err == nil {
		b.sum, _ = strconv.ParseUint(string(start), 10, 64)
	}
	parts := strings.Split(cmp.Or(os.Getenv(pastVariable), s.Options["fault"]), "/")
	if len(parts) < 3 {
		return b, nil
	}
	b.paced = parts[1] == "tail"
	if (parts[0] == s.Style || parts[0] == "all") && (len(parts) == 3 || trialMatches(parts[3], s.Dir)) {
		b.fault = parts[1]
		b.from, err = strconv.Atoi(parts[2])
	}
	return b, err
}

// trialMatches reports whether a workload in this folder is of the wanted trial, as in "2",
// or of one from then on, as in "2+". Trials are numbered from 1, with those that were
// dropped; script and calibration are 0.
func trialMatches(wanted, dir string) bool {
	trial := 0
	_, _ = fmt.Sscanf(filepath.Base(dir), "arm%d-", &trial) // no match: the script
	from, onwards := strings.CutSuffix(wanted, "+")
	n, err := strconv.Atoi(from)
	return err == nil && (trial == n || onwards && trial > n)
}

func (b *book) Prepare(first, n int) error {
	if b.fault == "prepare" {
		return errors.New("there is no paper")
	}
	b.first, b.numbers, b.at, b.effects, b.lines, b.hash = first, b.numbers[:0], 0, 0, nil, sha256.New()
	for i := range n {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %d", b.setup.Seed, first+i)
		b.numbers = append(b.numbers, h.Sum64()%1000)
	}
	return nil
}

func (b *book) Run(n int, latency func(time.Duration)) error {
	out, h := bufio.NewWriter(b.file), b.hash
	from := b.at
	b.at += n
	for i, number := range b.numbers[from:b.at] {
		i += from
		start := time.Now()
		b.sum += number
		if p := b.setup.Slowdown; p != nil && p.Stage == "ink" {
			p.Stall()
		}
		if b.paced {
			spin(pace)
		}
		if b.setup.Style == "slow" {
			_, _ = io.WriteString(io.Discard, strings.Repeat("slow", 300))
		}
		line := fmt.Sprintf("%s %d", b.setup.Options["ink"], b.sum)
		if b.fault != "" && b.first+i >= b.from {
			skip, err := b.misbehave(b.first+i, &line)
			if err != nil {
				return err
			}
			if skip {
				continue
			}
		}
		fmt.Fprintln(h, line)
		if b.setup.Verbatim {
			b.lines = append(b.lines, line)
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
		b.effects++
		latency(time.Since(start))
	}
	return out.Flush()
}

// pace is how long an operation takes at least when one of the styles has a tail: a slice.
const pace = shortSlice

// misbehave does what the fault says; skip leaves the line out.
func (b *book) misbehave(stimulus int, line *string) (skip bool, err error) {
	switch b.fault {
	case "drops":
		return true, nil
	case "lane":
		*line += " or so"
	case "crash":
		panic("out of ink")
	case "error":
		return false, errors.New("the pen broke")
	case "stall":
		spin(pace / 10)
	case "hang":
		<-context.Background().Done()
	case "tail": // one operation in 100 takes a hundred times as long
		if (stimulus-b.from)%100 == 0 {
			spin(99 * pace)
		}
	case "wait": // until the test removes the file; not in the script
		if b.setup.Verbatim {
			return false, nil
		}
		b.fault = ""
		return false, waitIn(filepath.Join(b.setup.Shared, waitingName))
	case "hang-in-profile", "hang-once-in-profile", "error-in-profile", "crash-in-profile":
		return false, failInProfile(b.fault, b.setup.Shared)
	case "chatter":
		fmt.Println("a stray line on stdout")
	case "leak":
		b.fault = ""
		go func() { <-context.Background().Done() }()
	}
	return false, nil
}

// waitingName is the file in which a child leaves its process id while it waits.
const waitingName = "waiting"

func waitIn(path string) error {
	if err := os.WriteFile(path+"-new", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+"-new", path); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

func (b *book) Work() (Work, error) {
	work := Work{Stimuli: int64(len(b.numbers)), Effects: b.effects, Expected: int64(len(b.numbers)), Digest: hex.EncodeToString(b.hash.Sum(nil))}
	if !b.setup.Verified() {
		work.Digest = "unverified"
	}
	if b.setup.Verbatim {
		work.Lanes = map[string][]string{"journal": b.lines}
	}
	return work, nil
}

func (b *book) Close() error { return b.file.Close() }

// spin keeps the CPU busy.
func spin(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}
