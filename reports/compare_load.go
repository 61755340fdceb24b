package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LoadRecorded reads a run for a comparison: its folder, its results.json there, its
// raw results, or a summary that was kept alone under any name. It is Summarized.
func LoadRecorded(path string) (Recorded, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Recorded{}, fmt.Errorf("%w: give the folder of a run, or its %s", err, summaryFile)
	}
	r := Recorded{Path: path}
	switch name := filepath.Base(path); {
	case info.IsDir():
		r.Run, r.Details, err = Load(path)
	case name == summaryFile || name == rawFile:
		r.Run, r.Details, err = Load(filepath.Dir(path))
	case strings.HasSuffix(name, ".jsonl"):
		var lines raw
		if lines, err = loadRaw(path); err == nil {
			r.Run, err = lines.run()
			r.Details = lines.Details
		}
	default:
		r.Run, _, err = loadSummary(path)
	}
	if err != nil {
		return Recorded{}, err
	}
	Summarize(r.Run, r.Details)
	return r, nil
}
