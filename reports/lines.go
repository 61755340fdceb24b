package reports

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// raw is what results.jsonl holds.
type raw struct {
	Details
	path   string
	first  *Run
	last   *Run
	broken string // why the file ends early, if it does
}

func loadRaw(path string) (raw, error) {
	f, err := os.Open(path)
	if err != nil {
		return raw{}, err
	}
	defer f.Close()
	r, err := parseRaw(f)
	r.path = path
	if err != nil {
		return raw{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// parseRaw reads the lines. The last one may be cut off, as a killed run leaves it.
func parseRaw(from io.Reader) (raw, error) {
	var r raw
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
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := r.add(line); err != nil {
			if !whole && n > 1 && errors.As(err, new(cutError)) {
				r.broken = fmt.Sprintf("%s ends in the middle of line %d", rawFile, n)
				return r, nil
			}
			return r, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// readLine is the next line without its end, and whether it had one.
func readLine(in *bufio.Reader) (line []byte, whole bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, false, fmt.Errorf("over %d bytes long", maxLine)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		return bytes.TrimSuffix(line, []byte("\n")), err == nil, err
	}
}

// A cutError is of a line that is no whole JSON value.
type cutError struct{ error }

func (r *raw) add(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return cutError{err}
	}
	if run, ok := fields["run"]; ok {
		if err := checkSchema(run); err != nil {
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
	case l.Run != nil:
		r.last = l.Run
	case l.Block != nil:
		r.Blocks = append(r.Blocks, *l.Block)
	case l.Sample != nil:
		r.Samples = append(r.Samples, *l.Sample)
	case l.Profile != nil:
		r.Profiles = append(r.Profiles, *l.Profile)
		return checkProfiles([]Profile{*l.Profile})
	}
	return nil
}

// run is the summary that the raw results allow.
func (r *raw) run() (*Run, error) {
	if r.first == nil {
		return nil, fmt.Errorf("%s: empty: nothing was measured", r.path)
	}
	run := r.last // a checkpoint in a broken run, the summary in a whole one
	if run == nil {
		run = r.first
		run.Incomplete = cmp.Or(run.Incomplete, "the run ended before it wrote its summary")
	}
	if r.broken != "" {
		run.Incomplete = strings.TrimPrefix(run.Incomplete+"; "+r.broken, "; ")
	}
	for _, b := range r.Blocks {
		if slices.ContainsFunc(run.arms(), func(c *Cell) bool { return c.Key() == b.Cell }) {
			continue
		}
		c, err := parseKey(b.Cell)
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
