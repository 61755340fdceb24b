package runner

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"rubato/reports"
)

// The runner speaks to a child in JSON lines: one request on its stdin, one reply
// on its stdout, never two under way.

// maxLine bounds a line: the longest is the reply with a verbatim transcript.
const maxLine = 64 << 20

// What a child can be asked to do.
const (
	doPrepare = "prepare" // fill Setup.Shared
	doScript  = "script"  // open a workload of its own, run the transcript, close it
	doOpen    = "open"
	doBlock   = "block"
	doDrive   = "drive" // block after block for a time, with a profile if asked for
	doUsage   = "usage"
	doPlant   = "plant" // slow each operation down by Wall
	doDuty    = "duty"  // a known load, of Share of a core for Wall
	doClose   = "close"
)

type request struct {
	Do       string        `json:"do"`
	Scenario string        `json:"scenario,omitempty"`
	Setup    *Setup        `json:"setup,omitempty"`
	First    int           `json:"first,omitempty"`
	N        int           `json:"n,omitempty"`
	Wall     time.Duration `json:"wall,omitempty"`    // drive: at most so long; plant: so much
	CPU      time.Duration `json:"cpu,omitempty"`     // drive: or until so much is used; 0: no matter
	Profile  string        `json:"profile,omitempty"` // drive: path without -cpu.pb.gz
	Share    float64       `json:"share,omitempty"`   // duty: of a core
}

type reply struct {
	Error  string         `json:"error,omitempty"`
	Wrong  string         `json:"wrong,omitempty"` // why the work is not what it must be
	Procs  int            `json:"procs,omitempty"` // GOMAXPROCS
	GOGC   int            `json:"gogc,omitempty"`
	Work   *Work          `json:"work,omitempty"`
	Block  *reports.Block `json:"block,omitempty"`
	Window *window        `json:"window,omitempty"`
	Left   int            `json:"left,omitempty"` // goroutines that Close left behind
	Duty   *DutyReading   `json:"duty,omitempty"`

	Settings []Setting     `json:"settings,omitempty"` // of a block
	Least    time.Duration `json:"least,omitempty"`    // that the block can have taken
}

// A window is CPU time used over a time on the child's own clock.
type window struct {
	Wall time.Duration `json:"wall"`
	CPU  time.Duration `json:"cpu"`
}

// percent is CPU use in % of one core.
func (w window) percent() float64 {
	if w.Wall <= 0 {
		return 0
	}
	return 100 * float64(w.CPU) / float64(w.Wall)
}

func (w window) since(earlier window) window {
	return window{Wall: w.Wall - earlier.Wall, CPU: w.CPU - earlier.CPU}
}

// lines reads JSON lines of at most limit bytes.
type lines struct{ scanner *bufio.Scanner }

func newLines(r io.Reader, limit int) lines {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, min(limit, 64<<10)), limit)
	return lines{scanner}
}

// next reads one line into v; io.EOF when there is none.
func (l lines) next(v any) error {
	if !l.scanner.Scan() {
		if err := l.scanner.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	if err := json.Unmarshal(l.scanner.Bytes(), v); err != nil {
		return fmt.Errorf("line is not what a runner writes: %w", err)
	}
	return nil
}

// writeLine writes v as one line in one write, so that a line is whole or absent.
func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
