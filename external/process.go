package external

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"rubato/runner/host"
)

// A process runs one command, again and again. Its processes stay in the group of the measured
// child, so that the runner's end of that group ends them, too.
type process struct {
	path   string // of the program
	args   []string
	env    []string
	status int // that it must end with
	limit  time.Duration
	output *reading
	said   tail
}

// shellNone is the -shell that means none: words are split at spaces.
const shellNone = "none"

// newProcess finds the program of a command. Only the search for it may fail.
func newProcess(text string, c commands, compared *answer) (*process, error) {
	words := []string{c.Shell, "-c", text}
	if c.Shell == shellNone {
		words = strings.Fields(text)
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", words[0], err)
	}
	return &process{path: path, args: words, env: c.environment(), status: c.Status, limit: c.Limit, output: newReading(compared)}, nil
}

// grace is how long a run's output may stay open when its process has ended, or was killed.
const grace = time.Second

// run runs the command once: from its start until it has ended and its output is closed. It
// returns what is wrong with the run; "" if nothing is.
func (p *process) run() (wrong string) {
	ctx, cancel := context.WithTimeout(context.Background(), p.limit)
	defer cancel()
	p.output.begin()
	p.said.text = p.said.text[:0]
	c := exec.CommandContext(ctx, p.path)
	c.Args, c.Env, c.Stdout, c.Stderr, c.WaitDelay = p.args, p.env, p.output, &p.said, grace
	if wrong = p.fault(ctx, c, c.Run()); wrong != "" {
		p.output.forget()
		return wrong
	}
	if difference := p.output.end(); difference != "" {
		return "what it prints changes from run to run: " + difference + ". -compare status does not look at it"
	}
	return ""
}

// fault says how a run failed; "" if it did not.
func (p *process) fault(ctx context.Context, c *exec.Cmd, err error) string {
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("it did not end within %v: -limit sets how long a run may take", p.limit)
	case p.output.first != nil && p.output.length > mostBytes:
		return fmt.Sprintf("it prints more than %d MiB, the most that is compared: -compare status does not look at it", mostBytes>>20)
	case errors.Is(err, exec.ErrWaitDelay):
		return "it has ended, but a process that it left behind holds its output open: the clock would stop before the work does"
	case c.ProcessState == nil:
		return fmt.Sprintf("it cannot be started: %v", err)
	case c.ProcessState.ExitCode() != p.status:
		return fmt.Sprintf("it ended with %v, want exit status %d%s", c.ProcessState, p.status, p.said.last())
	}
	return ""
}

// swept ends what runs have left behind, and says what that was; "" if nothing.
func swept() (wrong string) {
	left := host.EndDescendants()
	if len(left) == 0 {
		return ""
	}
	slices.Sort(left)
	return "it left behind " + strings.Join(slices.Compact(left), ", ") + ", which still ran: the clock stopped before the work did"
}

// changed are the variables that the runner sets for its children. Commands get those that rubato
// itself was started with.
var changed = []string{"TMPDIR", "GOMAXPROCS", "GOGC"}

// original are those of them that are set, each as NAME=VALUE.
func original() (all []string) {
	for _, name := range changed {
		if value, set := os.LookupEnv(name); set {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// environment is that of the commands.
func (c commands) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(changed, name)
	})
	return append(env, c.Env...)
}
