package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Write leaves everything that people and programs read of a run in dir: the
// summary, the machine, the benchmark lines, the report as Markdown and as one page
// of HTML, the plots. Each file appears whole or not at all. The run is Summarized.
func Write(dir string, run *Run, details Details) error {
	if err := os.MkdirAll(filepath.Join(dir, plotsFolder), 0o755); err != nil {
		return fmt.Errorf("make the folder of the report: %w", err)
	}
	tidy(run)
	if err := writeJSON(filepath.Join(dir, summaryFile), summaryJSON{run, details.Profiles}); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, "machine.json"), run.Machine); err != nil {
		return err
	}
	details = run.kept(details)
	if err := writeWith(filepath.Join(dir, "bench.txt"), func(w *bytes.Buffer) error { return writeBench(w, run, details) }); err != nil {
		return err
	}
	plots, err := drawPlots(run, details)
	if err != nil {
		return err
	}
	for _, p := range plots {
		for ext, data := range map[string][]byte{".svg": p.svg, ".png": p.png} {
			if err := writeFile(filepath.Join(dir, plotsFolder, p.name+ext), data); err != nil {
				return err
			}
		}
	}
	page, err := newPage(dir, run, details, plots)
	if err != nil {
		return err
	}
	if err := writeWith(filepath.Join(dir, "report.md"), page.markdown); err != nil {
		return err
	}
	return writeWith(filepath.Join(dir, "report.html"), page.html)
}

// tidy makes lists that are empty [] in JSON and not null.
func tidy(run *Run) {
	run.Schema = Schema
	for _, c := range run.arms() {
		c.Named = orEmpty(c.Named)
		c.Warnings = orEmpty(c.Warnings)
		if c.Options == nil {
			c.Options = map[string]string{}
		}
	}
	run.Command = orEmpty(run.Command)
	run.Cells = orEmpty(run.Cells)
	run.Scenarios = orEmpty(run.Scenarios)
	run.Machine.Warnings = orEmpty(run.Machine.Warnings)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeFile(path, append(data, '\n'))
}

func writeWith(path string, render func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeFile(path, b.Bytes())
}

// writing is held for reading while a file is half written.
var writing sync.RWMutex

// Halt waits until no file is half written, and lets none be begun: for a program that
// ends at once.
func Halt() { writing.Lock() }

// writeFile replaces the file in one step: a reader, or a full disk, never meets half of it.
func writeFile(path string, data []byte) (err error) {
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
