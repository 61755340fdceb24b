package results

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Raw is the content of results.jsonl.
type Raw struct {
	Details
	path   string
	schema int // of the lines after the last run
	first  *Run
	last   *Run
	closed bool   // the last line is a run, and not the first
	broken string // why the file ends early; empty: it does not
}

// LoadRaw reads results.jsonl.
func LoadRaw(path string) (Raw, error) {
	f, err := os.Open(path)
	if err != nil {
		return Raw{}, err
	}
	defer f.Close()
	r, err := ParseRaw(f)
	r.path = path
	if err != nil {
		return Raw{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ParseRaw reads the lines. The last one may be cut off by a killed run.
func ParseRaw(from io.Reader) (Raw, error) {
	var r Raw
	in := bufio.NewReaderSize(from, 64<<10)
	for n := 1; ; n++ {
		line, whole, err := readLine(in)
		if err == io.EOF && len(line) == 0 {
			return r, nil
		}
		if err != nil && err != io.EOF {
			return r, fmt.Errorf("line %d: %w", n, err)
		}
		if n > maxLines {
			return r, fmt.Errorf("over %d lines: not the results of one run", maxLines)
		}
		line = withoutMark(line)
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := r.add(line); err != nil {
			if !whole && n > 1 && errors.As(err, new(cutError)) {
				r.broken = fmt.Sprintf("%s ends in the middle of line %d", RawFile, n)
				return r, nil
			}
			return r, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// withoutMark removes the byte order mark that editors of other systems put first.
func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }

// readLine is the next line without its line break. whole says whether it had one.
func readLine(in *bufio.Reader) (line []byte, whole bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > MaxLine {
			return nil, false, fmt.Errorf("over %d bytes long", MaxLine)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		return bytes.TrimSuffix(line, []byte("\n")), err == nil, err
	}
}

// A cutError is the error for a line that is not a whole JSON value.
type cutError struct{ error }

func (r *Raw) add(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return cutError{err}
	}
	if run, ok := fields["run"]; ok {
		var err error
		if r.schema, err = schemaOf(run); err != nil {
			return err
		}
	}
	if r.schema == 1 {
		var err error
		if data, err = upgradeLine(data); err != nil {
			return err
		}
	}
	var l Line
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	set := 0
	for _, has := range []bool{l.Run != nil, l.Block != nil, l.Sample != nil, l.Profile != nil} {
		if has {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("%d of run, block, sample, profile: want exactly one", set)
	case l.Run == nil && r.first == nil:
		return errors.New("the first line must be the run")
	case l.Run != nil && r.first == nil:
		r.first = l.Run
		return l.Run.sound()
	case r.closed && r.last.Incomplete == "" || l.Run != nil && !l.Run.Started.Equal(r.first.Started):
		return errors.New("a second run begins here: give each run a file of its own")
	}
	r.closed = l.Run != nil
	switch {
	case l.Run != nil:
		r.last = l.Run
		return l.Run.sound()
	case l.Block != nil:
		r.Blocks = append(r.Blocks, *l.Block)
		return l.Block.sound()
	case l.Sample != nil:
		r.Samples = append(r.Samples, *l.Sample)
	case l.Profile != nil:
		r.Profiles = append(r.Profiles, *l.Profile)
		return checkProfiles([]Profile{*l.Profile})
	}
	return nil
}

// noClosing says that results.jsonl has no closing record.
const noClosing = RawFile + " ends without its closing record: the run was cut off, or the file"

// Run is the summary that the raw results allow.
func (r *Raw) Run() (*Run, error) {
	if r.first == nil {
		return nil, fmt.Errorf("%s: empty: nothing was measured", r.path)
	}
	run := r.last // the summary, or a checkpoint if the run was cut off
	if run == nil {
		run = r.first
		run.Incomplete = cmp.Or(run.Incomplete, noClosing)
	}
	if r.broken != "" {
		run.Incomplete = strings.TrimPrefix(run.Incomplete+"; "+r.broken, "; ")
	}
	for _, b := range r.Blocks {
		if slices.ContainsFunc(run.Arms(), func(c *Cell) bool { return c.Key() == b.Cell }) {
			continue
		}
		c, err := ParseKey(b.Cell)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.path, err)
		}
		if c.Key() != b.Cell {
			return nil, fmt.Errorf("%s: cell %q: not a key that rubato writes, which would be %q", r.path, b.Cell, c.Key())
		}
		run.Cells = append(run.Cells, c)
	}
	nameCells(run.Cells)
	return run, nil
}

// sound refuses numbers of rounds and sizes that no run has.
func (r *Run) sound() error {
	for _, c := range r.Arms() {
		if least := min(c.Rounds, c.BlockOps, c.LeftOut, c.Looked); least < 0 {
			return fmt.Errorf("cell %s: a number of rounds or operations is %d, below zero", c.Key(), least)
		}
	}
	return nil
}

// sound refuses numbers that no block has.
func (b *Block) sound() error {
	counts := append(slices.Collect(maps.Values(b.Counts)), slices.Collect(maps.Values(b.Own))...)
	least := min(slices.Min(append(counts, 0)), int64(b.Round), int64(b.Turn), int64(b.Ops), int64(b.SliceOps), int64(b.Hot), b.Stimuli, b.Effects, b.Expected,
		b.Payload, int64(slices.Min(append([]time.Duration{b.Wall}, b.Slices...))))
	if x := b.Executed; x != nil {
		least = min(least, x.Instructions, x.Calls, x.HouseCalls)
	}
	if least < 0 {
		return fmt.Errorf("block of cell %s, round %d: a number or time is %d, below zero", b.Cell, b.Round, least)
	}
	return nil
}
