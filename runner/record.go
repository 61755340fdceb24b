package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"rubato/reports"
)

// A record is results.jsonl while it grows: every line is written as it comes, so
// that a broken run keeps what it had. It is not synced: that would load the disk
// that is being measured, and a crash of the runner loses nothing.
type record struct {
	mu      sync.Mutex
	file    io.WriteCloser
	details reports.Details
	err     error // the first failure; nothing is written after it
}

func openRecord(dir string) (*record, error) {
	file, err := os.OpenFile(filepath.Join(dir, rawName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the results: %w", err)
	}
	return &record{file: file}, nil
}

// add writes a line and keeps it for the summary.
func (r *record) add(line reports.Line) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	if err := writeLine(r.file, line); err != nil {
		r.err = fmt.Errorf("writing the results: %w", err)
		return r.err
	}
	switch {
	case line.Block != nil:
		r.details.Blocks = append(r.details.Blocks, *line.Block)
	case line.Sample != nil:
		r.details.Samples = append(r.details.Samples, *line.Sample)
	case line.Profile != nil:
		r.details.Profiles = append(r.details.Profiles, *line.Profile)
	}
	return nil
}

// blocks are those so far. Nobody changes them.
func (r *record) blocks() []reports.Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.details.Blocks
}

// finish writes the summary as the last line.
func (r *record) finish(run *reports.Run) error {
	err := r.add(reports.Line{Run: run})
	return errors.Join(err, r.file.Close())
}
