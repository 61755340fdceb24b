package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// MakeRecording leaves in path what module pd answers to n refills of the library that
// Prepare made, an hour apart from first on. It works on a copy of the library, as
// refills store cooldowns.
func MakeRecording(setup runner.Setup, path string, first player.Ticks, n int) (err error) {
	scratch, err := os.MkdirTemp("", "recording-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	copied := filepath.Join(scratch, LibraryFile)
	if err := sqlite.Copy(filepath.Join(setup.Shared, LibraryFile), copied); err != nil {
		return err
	}
	store, err := sqlite.Open(copied, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	recording, err := player.Record(store.Director(), first, n, func(i int) uint64 { return runner.SeedAt(setup.Seed, i) })
	if err != nil {
		return fmt.Errorf("record %d refills: %w", n, err)
	}
	data, err := json.Marshal(recording)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// ReadRecording reads what MakeRecording left.
func ReadRecording(path string) (*player.Recording, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var recording player.Recording
	if err := json.Unmarshal(data, &recording); err != nil {
		return nil, fmt.Errorf("recording %s: %w", path, err)
	}
	if len(recording.Answers) == 0 {
		return nil, fmt.Errorf("recording %s holds no answer", path)
	}
	return &recording, nil
}
