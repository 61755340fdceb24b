package results

import (
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
	"sync"
	"syscall"
	"time"
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
//
// What is no regular file, such as /dev/null, is written to as it is.
func WriteFile(path string, data []byte) (err error) {
	writing.RLock()
	defer writing.RUnlock()
	if at, err := os.Stat(path); err == nil && !at.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o644)
	}
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

// Reason is the text of an error. Of a path that is too long, which may fill a page, it says
// so first.
func Reason(err error) string {
	if errors.Is(err, syscall.ENAMETOOLONG) {
		return "a path or name is too long: " + err.Error()
	}
	return err.Error()
}

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

// Limits of files that are read back. The longest lines hold a run or a block's histogram.
const (
	MaxLine    = 8 << 20
	maxLines   = 1_000_000
	maxSummary = 64 << 20
)

const (
	RawFile     = "results.jsonl"
	SummaryFile = "results.json"
	ReportFile  = "report.html"
)

// SummaryJSON is the content of results.json: a run and the paths of its profiles.
type SummaryJSON struct {
	*Run
	Profiles []Profile `json:"profiles"`
}

// Load reads a run back from its folder. The summary comes from results.json, the details
// from results.jsonl. A run that was cut off has no results.json: then all comes from
// results.jsonl. Run.Incomplete says if results.jsonl has no closing record, whatever
// results.json says. Call Summarize next.
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
		if raw.first != nil && !run.Started.Equal(raw.first.Started) {
			return nil, Details{}, fmt.Errorf("%s: %s and %s are of two runs: give each run a folder of its own", dir, SummaryFile, RawFile)
		}
		if err == nil && !raw.closed {
			run.Incomplete = cmp.Or(run.Incomplete, noClosing)
		}
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

// Poorer says what results.json in dir tells that these results, as read there now, do not. A
// summary that tells something must not be overwritten by one that does not. One that cannot be
// read tells nothing.
func Poorer(dir string, run *Run, details Details) (loses []string) {
	kept, profiles, err := LoadSummary(filepath.Join(dir, SummaryFile))
	switch {
	case errors.As(err, new(laterError)):
		return []string{"what a later schema holds"}
	case err != nil:
		return nil
	case !kept.Started.Equal(run.Started):
		return []string{"another run, which began at " + kept.Started.UTC().Format(time.RFC3339)}
	case kept.Incomplete == "" && run.Incomplete != "":
		loses = append(loses, "the end of the run")
	}
	rounds, short := map[string]int{}, 0
	for _, c := range run.Arms() {
		rounds[c.Key()] = c.Rounds + c.LeftOut
	}
	for _, c := range kept.Arms() {
		if c.Rounds+c.LeftOut > rounds[c.Key()] {
			short++
		}
	}
	if short > 0 {
		loses = append(loses, fmt.Sprintf("rounds of %d of %d arms", short, len(kept.Arms())))
	}
	if _, err := os.Stat(filepath.Join(dir, ReportFile)); err != nil {
		return loses // there is no report with more to see
	}
	if len(details.Blocks) == 0 && len(rounds) > 0 {
		loses = append(loses, "the report's rounds and curves")
	}
	for _, p := range profiles {
		if p.Lost == "" && !slices.Contains(details.Profiles, p) {
			loses = append(loses, p.Path)
		}
	}
	return loses
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
	data = withoutMark(data)
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
	return s.Run, s.Profiles, errors.Join(s.Run.sound(), checkProfiles(s.Profiles))
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
		return 0, laterError(*s.Schema)
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
