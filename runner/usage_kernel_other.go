//go:build !linux

package runner

import (
	"io/fs"
	"os"
	"time"

	"rubato/reports"
)

// Nothing of this is told on other systems.

func openIO() *os.File { return nil }

func readIO(*os.File, bool) *reports.IO { return nil }

func readWaits(fs.FS) map[string]time.Duration { return nil }
