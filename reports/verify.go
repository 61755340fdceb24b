package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"rubato/results"
)

// Verify renders the run in dir again, elsewhere, from its raw results, and says what differs
// from the files in dir: what was changed by hand, is missing, or is not of this run. Nothing in
// dir is written. The run itself is read as Write's caller would.
func Verify(dir string, run *results.Run, details results.Details) (wrong []string, err error) {
	again, err := os.MkdirTemp("", "rubato-verify-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(again)) }()
	if err := writeFrom(dir, again, run, details); err != nil {
		return nil, err
	}
	if wrong, err = differences(again, dir); err != nil {
		return nil, err
	}
	for _, p := range details.Profiles {
		if !filepath.IsLocal(p.Path) {
			wrong = append(wrong, fmt.Sprintf("outside of the folder: %q", p.Path))
		} else if _, err := os.Stat(filepath.Join(dir, p.Path)); errors.Is(err, fs.ErrNotExist) {
			wrong = append(wrong, "missing: "+p.Path)
		}
	}
	return wrong, nil
}

// differences compares the files in want with those of the same names in got, and looks for plots
// that got has beyond them.
func differences(want, got string) (wrong []string, err error) {
	err = filepath.WalkDir(want, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(want, path) // it is inside
		expected, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := os.ReadFile(filepath.Join(got, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, "missing: "+filepath.ToSlash(name))
		case err != nil:
			return err
		case !bytes.Equal(found, expected):
			wrong = append(wrong, "changed: "+filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	plots, err := os.ReadDir(filepath.Join(got, plotsFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, p := range plots {
		if _, err := os.Stat(filepath.Join(want, plotsFolder, p.Name())); errors.Is(err, fs.ErrNotExist) {
			wrong = append(wrong, "not of this run: "+plotsFolder+"/"+p.Name())
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}
