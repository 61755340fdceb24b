package live

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/command"
)

// A sibling is another style that plays at the same time under the same load, in a process of
// its own: only so is its CPU time its own. It ends when its stdin does, so that it cannot outlive
// this process.
type sibling struct {
	style  string
	token  string // that its own server wants, so that nobody else commands it
	client http.Client

	process *exec.Cmd
	stdin   io.Closer
	gone    chan struct{} // closed when it has ended
	said    lastLine

	mu  sync.Mutex
	url string // "": it does not play yet
}

// siblingPatience is how long a sibling has to end by itself, and to answer.
const (
	siblingPatience = 10 * time.Second
	figuresPatience = time.Second
)

// lastLine keeps the last line that a process wrote.
type lastLine struct {
	mu   sync.Mutex
	text string
}

func (l *lastLine) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	l.text = string(lines[len(lines)-1])
	return len(text), nil
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

// siblings starts the other styles. They make their libraries while this player plays.
func (d Deps) siblings(c serveConfig, opened *closers) (all []*sibling, err error) {
	for _, style := range c.beside {
		s := &sibling{style: style, token: rand.Text(), gone: make(chan struct{}), client: http.Client{Timeout: figuresPatience}}
		if err := s.start(d.Program, c.argsOf(style)); err != nil {
			return nil, fmt.Errorf("start a player of style %s: %w", style, err)
		}
		*opened = append(*opened, s.close)
		all = append(all, s)
	}
	return all, nil
}

// argsOf are the flags of the same player in another style.
func (c serveConfig) argsOf(style string) []string {
	args := []string{"-stdin", "-style", style, "-data", filepath.Join(c.data, "beside-"+style), "-seed", strconv.FormatUint(c.seed, 10),
		"-rate", strconv.FormatFloat(c.rate, 'g', -1, 64), "-passages", strconv.Itoa(c.passages)}
	switch {
	case c.mute:
		args = append(args, "-mute")
	case c.music != "":
		args = append(args, "-music", c.music)
	}
	return args
}

func (s *sibling) start(program, args []string) error {
	s.process = exec.Command(program[0], slices.Concat(program[1:], args)...)
	s.process.Env = append(os.Environ(), "RUBATO_TOKEN="+s.token)
	s.process.Stderr = &s.said
	var err error
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		return err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	go s.follow(out)
	return nil
}

// follow learns the address, and waits for the end.
func (s *sibling) follow(out io.Reader) {
	defer close(s.gone)
	in := bufio.NewReader(out)
	if line, err := in.ReadString('\n'); err == nil {
		s.mu.Lock()
		s.url = strings.TrimSuffix(line, "\n")
		s.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, in)
	_ = s.process.Wait() // it says on stderr why it ended
}

// close ends the sibling.
func (s *sibling) close() error {
	s.client.CloseIdleConnections()
	_ = s.stdin.Close() // it may have ended by itself
	select {
	case <-s.gone:
	case <-time.After(siblingPatience):
		_ = s.process.Process.Kill()
		<-s.gone
	}
	return nil
}

// figures asks the sibling. Without an answer they say why there is none.
func (s *sibling) figures(ctx context.Context) Figures {
	select {
	case <-s.gone:
		return Figures{Style: s.style, Lacks: cmp.Or(s.said.String(), "it ended")}
	default:
	}
	s.mu.Lock()
	url := s.url
	s.mu.Unlock()
	if url == "" {
		return Figures{Style: s.style, Lacks: cmp.Or(s.said.String(), "starting")}
	}
	f, err := s.ask(ctx, url)
	if err != nil {
		return Figures{Style: s.style, Lacks: "no answer"}
	}
	return f
}

func (s *sibling) ask(ctx context.Context, url string) (Figures, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"live/figures", nil)
	if err != nil {
		return Figures{}, err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	response, err := s.client.Do(r)
	if err != nil {
		return Figures{}, err
	}
	defer response.Body.Close()
	var all []Figures
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&all)
	if err != nil || len(all) != 1 {
		return Figures{}, fmt.Errorf("%s: %d figures, %w", response.Status, len(all), err)
	}
	return all[0], nil
}

// everyFigures are those of this player, then of its siblings, asked at the same time.
func (e *session) everyFigures(ctx context.Context) []Figures {
	all := make([]Figures, 1+len(e.siblings))
	all[0] = e.meter.figures(time.Now())
	var asked sync.WaitGroup
	for i, s := range e.siblings {
		asked.Go(func() { all[1+i] = s.figures(ctx) })
	}
	asked.Wait()
	return all
}

// checkBeside reads the styles of -beside.
func (d Deps) checkBeside(c *serveConfig, list string) error {
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); {
		case list == "" || name == c.style.Name || slices.Contains(c.beside, name):
		case !slices.Contains(d.names(), name):
			return command.Unknown("style", name, d.names())
		default:
			c.beside = append(c.beside, name)
		}
	}
	if len(c.beside) > 0 && len(d.Program) == 0 {
		return fmt.Errorf("-beside %s: this program cannot start itself again", list)
	}
	return nil
}
