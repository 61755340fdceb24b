// Package callgrind counts what a program executes: it runs the program on the processor that
// valgrind simulates, and reads the file that valgrind's tool callgrind leaves.
//
// It knows Go programs: which settings they need under valgrind, and how to give a stripped one its
// names back. It does not know what the program does. What it counts is no time: waiting, the disk
// and idleness execute nothing.
package callgrind

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// ErrMissing is the error where valgrind is not installed.
var ErrMissing = errors.New("valgrind is not installed: it counts instructions. Debian has it: apt-get install valgrind")

// Version is what valgrind says that it is, such as "valgrind-3.24.0".
func Version() (string, error) {
	said, err := exec.Command("valgrind", "--version").Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", ErrMissing
	case err != nil:
		return "", fmt.Errorf("valgrind --version: %w", err)
	}
	return strings.TrimSpace(string(said)), nil
}

// settings are those of a Go program whose instructions are to be the same each time: one thread for
// Go code, no garbage collection, no signals that take it away, and no RDTSCP, which ends some
// programs under valgrind.
var settings = []string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=off", "GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off"}

// Environment is an environment with the settings under which programs are counted.
func Environment(of []string) []string {
	return append(slices.Clone(of), settings...)
}

// Command runs a program under callgrind, which writes what it counted to the file out when the
// program ends. The program's environment must be an Environment.
func Command(ctx context.Context, out, program string, args ...string) *exec.Cmd {
	own := []string{"--tool=callgrind", "--quiet", "--demangle=no", "--callgrind-out-file=" + strings.ReplaceAll(out, "%", "%%"), program}
	return exec.CommandContext(ctx, "valgrind", append(own, args...)...)
}

// A Profile is what was executed.
type Profile struct {
	Instructions int64
	Calls        map[string]int64 // by the name of the function that was called
}

// Read reads a file that callgrind has written.
func Read(path string) (Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return Profile{}, err
	}
	defer f.Close()
	p, err := Parse(f)
	if err != nil {
		return Profile{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// longestLine bounds a line: the longest hold a name.
const longestLine = 1 << 20

// monitor is the thread by which Go's scheduler looks at the others, so many times a second: what it
// executes depends on how long a program takes, so it is left out.
const monitor = "runtime.sysmon"

// Parse reads the format that valgrind's manual describes ("Callgrind Format Specification"). A file
// without its totals was cut off.
func Parse(r io.Reader) (Profile, error) {
	p := parser{names: map[string]string{}, event: -1, positions: 1, Profile: Profile{Instructions: -1, Calls: map[string]int64{}}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	n := 0
	for lines.Scan() {
		n++
		if err := p.line(lines.Text()); err != nil {
			return Profile{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Profile{}, fmt.Errorf("line %d: %w", n+1, err)
	}
	if p.Instructions < 0 {
		return Profile{}, errors.New("it has no totals: callgrind was stopped before the program ended")
	}
	if p.Instructions -= p.monitored; p.Instructions < 0 {
		return Profile{}, errors.New("its totals are less than its parts")
	}
	return p.Profile, nil
}

type parser struct {
	Profile
	names     map[string]string // of functions, by number
	positions int               // columns before the costs
	event     int               // column of the instructions among the costs
	callee    string            // of the next calls
	known     bool              // callee is
	monitors  bool              // the lines are the monitor's
	monitored int64             // its instructions, and those of what it calls
}

// line reads one line. Costs are left out, because the totals have them, but for the monitor's.
func (p *parser) line(text string) (err error) {
	if key, value, is := strings.Cut(text, ":"); is {
		switch key {
		case "positions":
			p.positions = len(strings.Fields(value))
		case "events":
			if p.event = slices.Index(strings.Fields(value), "Ir"); p.event < 0 {
				return fmt.Errorf("it counts %s, and no instructions (Ir)", value)
			}
		case "totals":
			if p.Instructions, err = p.total(strings.Fields(value)); err != nil {
				return err
			}
		}
	}
	key, value, is := strings.Cut(text, "=")
	switch {
	case !is:
		if p.monitors && text != "" && strings.ContainsRune("0123456789+-*", rune(text[0])) {
			return p.monitorCost(strings.Fields(text))
		}
	case key == "fn":
		value, err = p.name(value)
		p.monitors = value == monitor
	case key == "cfn":
		p.callee, err = p.name(value)
		p.known = true
	case key == "calls":
		return p.called(value)
	}
	return err
}

func (p *parser) total(fields []string) (int64, error) {
	if p.event < 0 || p.event >= len(fields) {
		return 0, fmt.Errorf("totals %q without instructions", strings.Join(fields, " "))
	}
	return number(fields[p.event])
}

// name is that of a function: "(3) name" gives number 3 a name, and "(3)" means it from then on.
func (p *parser) name(value string) (string, error) {
	if !strings.HasPrefix(value, "(") {
		return value, nil // a file without numbers
	}
	id, name, is := strings.Cut(value, ")")
	if !is {
		return "", fmt.Errorf("function %q has no end of its number", value)
	}
	name = strings.TrimSpace(name)
	before, known := p.names[id]
	switch {
	case name == "" && !known:
		return "", fmt.Errorf("function %s) has no name", id)
	case name == "":
		return before, nil
	case known && before != name:
		return "", fmt.Errorf("function %s) is %q and %q", id, before, name)
	}
	p.names[id] = name
	return name, nil
}

// called reads "calls=times position", the calls of the last cfn.
func (p *parser) called(value string) error {
	if !p.known {
		return fmt.Errorf("calls=%s of no function", value)
	}
	times, _, _ := strings.Cut(value, " ")
	n, err := number(times)
	if err == nil && !p.monitors {
		p.Calls[p.callee] += n
	}
	p.known = false
	return err
}

// monitorCost reads a line of costs.
func (p *parser) monitorCost(fields []string) error {
	if p.event < 0 || p.positions+p.event >= len(fields) {
		return nil // a cost of 0 is left out
	}
	n, err := number(fields[p.positions+p.event])
	if p.monitored += n; p.monitored < 0 {
		err = errors.New("costs beyond what can be counted")
	}
	return err
}

// number reads a count.
func number(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is no count", text)
	}
	return int64(n), nil
}
