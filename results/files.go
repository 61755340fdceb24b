package results

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// WriteJSON writes a value as a JSON file.
func WriteJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return WriteFile(path, append(data, '\n'))
}

// writing has a reader for each file that is being written.
var writing sync.RWMutex

// Halt waits until no file is being written, and lets no new write begin. A program calls it
// before it exits at once.
func Halt() { writing.Lock() }

// WriteFile replaces the file in one step: no reader sees half of it, and a full disk does
// not leave half of it.
func WriteFile(path string, data []byte) (err error) {
	writing.RLock()
	defer writing.RUnlock()
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// OrEmpty is the list, or an empty one instead of nil, which JSON would write as null.
// OrEmpty is the list, or an empty one instead of nil, which JSON writes as [].
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// AddOnce appends an item that the list does not have yet.
func AddOnce[T comparable](list []T, item T) []T {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

// Raw is the content of results.jsonl.
type Raw struct {
	Details
	path   string
	schema int // of the lines after the last run
	first  *Run
	last   *Run
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

// Run is the summary that the raw results allow.
func (r *Raw) Run() (*Run, error) {
	if r.first == nil {
		return nil, fmt.Errorf("%s: empty: nothing was measured", r.path)
	}
	run := r.last // the summary, or a checkpoint if the run was cut off
	if run == nil {
		run = r.first
		run.Incomplete = cmp.Or(run.Incomplete, "the run ended before it wrote its summary")
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

// Limits of files that are read back. The longest lines hold a run or a block's histogram.
const (
	MaxLine    = 8 << 20
	maxLines   = 1_000_000
	maxSummary = 64 << 20
)

const (
	RawFile     = "results.jsonl"
	SummaryFile = "results.json"
)

// SummaryJSON is the content of results.json: a run and the paths of its profiles.
type SummaryJSON struct {
	*Run
	Profiles []Profile `json:"profiles"`
}

// Load reads a run back from its folder. The summary comes from results.json, the details
// from results.jsonl. A run that was cut off has no results.json: then all comes from
// results.jsonl, and Run.Incomplete says so. Call Summarize next.
func Load(dir string) (*Run, Details, error) {
	raw, err := LoadRaw(filepath.Join(dir, RawFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Details{}, err
	}
	run, profiles, sumErr := LoadSummary(filepath.Join(dir, SummaryFile))
	if sumErr != nil && !errors.Is(sumErr, fs.ErrNotExist) {
		return nil, Details{}, sumErr
	}
	if sumErr == nil {
		if len(profiles) > 0 {
			raw.Profiles = profiles
		}
		return run, raw.Details, nil
	}
	if err != nil {
		return nil, Details{}, fmt.Errorf("%s holds neither %s nor %s: give the folder of a run", dir, SummaryFile, RawFile)
	}
	run, err = raw.Run()
	return run, raw.Details, err
}

// LoadSummary reads results.json.
func LoadSummary(path string) (*Run, []Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSummary+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxSummary {
		return nil, nil, fmt.Errorf("%s: over %d bytes: not a summary that rubato wrote", path, maxSummary)
	}
	run, profiles, err := ParseSummary(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return run, profiles, nil
}

// ParseSummary decodes results.json of this schema or an older one.
func ParseSummary(data []byte) (*Run, []Profile, error) {
	s := SummaryJSON{Run: &Run{}}
	schema, err := schemaOf(data)
	if err != nil {
		return nil, nil, err
	}
	if schema == 1 {
		if data, err = upgradeSummary(data); err != nil {
			return nil, nil, err
		}
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, nil, fmt.Errorf("%w (remove it to read the raw results instead)", located(data, err))
	}
	return s.Run, s.Profiles, checkProfiles(s.Profiles)
}

// schemaOf reads only the schema. The rest may not decode if the schema is another.
func schemaOf(data []byte) (int, error) {
	var s struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return 0, located(data, err)
	}
	switch {
	case s.Schema == nil || *s.Schema < 1:
		return 0, errors.New("it names no schema: not a result of rubato")
	case *s.Schema > Schema:
		return 0, fmt.Errorf("schema %d is later than %d, the last that this rubato reads: use the rubato that wrote it, or a newer one", *s.Schema, Schema)
	}
	return *s.Schema, nil
}

// located adds the line to an error of package json.
func located(data []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := int64(-1)
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	} else if errors.As(err, &kind) {
		offset = kind.Offset
	}
	if offset < 0 || offset > int64(len(data)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:offset], []byte("\n")), err)
}

func checkProfiles(profiles []Profile) error {
	for _, p := range profiles {
		if !filepath.IsLocal(p.Path) {
			return fmt.Errorf("profile %q lies outside the folder of the run", p.Path)
		}
	}
	return nil
}
