package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A process is the runner's side of a child. Every wait on it is bounded, and its
// whole process group is gone when end returns.
type process struct {
	name    string // for errors: scenario and style
	command *exec.Cmd
	input   io.WriteCloser
	replies chan reply
	ended   chan struct{} // closed when it is gone and reaped
	said    *excerpt
}

// asStarted is the file of this program at its first look.
var asStarted = sync.OnceValues(func() (os.FileInfo, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.Stat(program)
})

// ownProgram is the path of this program, unless another stands there by now: children
// of two programs are not to be compared.
func ownProgram() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the own program to start it again: %w", err)
	}
	was, err := asStarted()
	if err != nil {
		return "", fmt.Errorf("finding the own program to start it again: %w", err)
	}
	return program, unchanged(program, was)
}

// unchanged holds that a program's file is what it was.
func unchanged(program string, was os.FileInfo) error {
	is, err := os.Stat(program)
	if err != nil {
		return fmt.Errorf("finding the own program to start it again: %w", err)
	}
	if !os.SameFile(was, is) || !was.ModTime().Equal(is.ModTime()) {
		return fmt.Errorf("%s was built anew while it ran: run it again", program)
	}
	return nil
}

// start runs this program again as a child; what it leaves in a temporary folder
// lands in temp.
func start(name, temp string, stderr io.Writer) (*process, error) {
	program, err := ownProgram()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, command: exec.Command(program, childCommand),
		replies: make(chan reply), ended: make(chan struct{}), said: newExcerpt(name, stderr)}
	p.command.Env = append(os.Environ(), "TMPDIR="+temp,
		"GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)), "GOGC="+gogc())
	p.command.SysProcAttr = childAttributes()
	p.command.Stderr = p.said
	p.command.WaitDelay = time.Second // for what its own children may hold open
	if p.input, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("%s: starting its process: %w", name, err)
	}
	go p.listen(output)
	return p, nil
}

// gogc is the setting of this process, which its children get too.
func gogc() string {
	if value := os.Getenv("GOGC"); value != "" {
		return value
	}
	return "100"
}

// listen hands replies on until the child is gone, then clears up after it.
func (p *process) listen(output io.Reader) {
	defer close(p.ended)
	input := newLines(output, maxLine)
	for {
		var answer reply
		if err := input.next(&answer); err != nil {
			if !errors.Is(err, io.EOF) {
				p.said.note(err.Error())
			}
			break
		}
		p.replies <- answer
	}
	p.kill() // what it started itself; it is not reaped yet, so the number is its own
	_ = p.command.Wait()
}

// kill ends the child and all that it started.
func (p *process) kill() { _ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) }

// ask sends a request and waits for its reply.
func (p *process) ask(ctx context.Context, r request, wait time.Duration) (reply, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	if err := writeLine(p.input, r); err != nil {
		return reply{}, p.gone(ctx, r.Do)
	}
	select {
	case answer := <-p.replies:
		if answer.Error != "" {
			return reply{}, fmt.Errorf("%s: %s: %s", p.name, r.Do, answer.Error)
		}
		return answer, nil
	case <-p.ended:
		return reply{}, p.gone(ctx, r.Do)
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	case <-deadline.C:
		return reply{}, fmt.Errorf("%s: no answer to %q within %v: it hangs, or this machine is too slow for it", p.name, r.Do, wait)
	}
}

// gone says how the child ended. A run that was stopped says that instead: its
// children may see the same signal.
func (p *process) gone(ctx context.Context, doing string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("%s: its process does not listen any more, during %q", p.name, doing)
	}
	err := fmt.Errorf("%s: its process ended during %q (%v)", p.name, doing, p.command.ProcessState)
	if last := p.said.telling(); last != "" {
		err = fmt.Errorf("%w: %s", err, last)
	}
	return err
}

// end closes the child's stdin, which ends it; by force if it is not gone in time.
func (p *process) end(wait time.Duration) {
	_ = p.input.Close()
	p.drain(wait)
	select {
	case <-p.ended:
		return
	default:
	}
	p.kill()
	p.drain(time.Minute)
}

// drain throws late replies away until the child is gone or the time is up.
func (p *process) drain(wait time.Duration) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		select {
		case <-p.replies:
		case <-p.ended:
			return
		case <-deadline.C:
			return
		}
	}
}
