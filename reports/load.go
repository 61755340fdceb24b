package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Limits of what is read back. A line holds a block's histogram at most, or a run.
const (
	maxLine    = 8 << 20
	maxLines   = 1_000_000
	maxSummary = 64 << 20
)

const (
	rawFile     = "results.jsonl"
	summaryFile = "results.json"
)

// summaryJSON is results.json: a run, and where its profiles lie.
type summaryJSON struct {
	*Run
	Profiles []Profile `json:"profiles"`
}

// Load reads a run back from its folder. The summary comes from results.json, the
// details from results.jsonl; of a broken run, which has no results.json, all comes
// from results.jsonl and Run.Incomplete says so. Call Summarize next.
func Load(dir string) (*Run, Details, error) {
	raw, err := loadRaw(filepath.Join(dir, rawFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, Details{}, err
	}
	run, profiles, sumErr := loadSummary(filepath.Join(dir, summaryFile))
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
		return nil, Details{}, fmt.Errorf("%s holds neither %s nor %s: give the folder of a run", dir, summaryFile, rawFile)
	}
	run, err = raw.run()
	return run, raw.Details, err
}

func loadSummary(path string) (*Run, []Profile, error) {
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
	run, profiles, err := parseSummary(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return run, profiles, nil
}

func parseSummary(data []byte) (*Run, []Profile, error) {
	s := summaryJSON{Run: &Run{}}
	if err := checkSchema(data); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, nil, fmt.Errorf("%w (remove it to read the raw results instead)", located(data, err))
	}
	return s.Run, s.Profiles, checkProfiles(s.Profiles)
}

// checkSchema looks before the rest is decoded: a later schema may not fit.
func checkSchema(data []byte) error {
	var s struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return located(data, err)
	}
	switch {
	case s.Schema == nil || *s.Schema < 1:
		return errors.New("it names no schema: not a result of rubato")
	case *s.Schema > Schema:
		return fmt.Errorf("schema %d is later than %d, the last that this rubato reads: use the rubato that wrote it, or a newer one", *s.Schema, Schema)
	}
	return nil
}

// located puts the line into an error of package json.
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
