package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rubato/player"
)

// Files in the data folder.
const (
	libraryFile = "library.db"
	traceKept   = "trace.db"
	begunFile   = "begun" // when the library was first played, so that the player's time goes on
)

// closers ends what was opened, newest first.
type closers []func() error

func (c closers) close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i]())
	}
	return errors.Join(errs...)
}

// live opens the player with its stores and its site, and lets the load run until
// ctx ends. Nothing is left open, whatever fails.
func (d Deps) live(ctx context.Context, c serveConfig, stdout, stderr io.Writer) (err error) {
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w; give another -addr", err)
	}
	opened := closers{func() error { _ = l.Close(); return nil }} // a server has closed it already
	defer func() { err = errors.Join(err, opened.close()) }()
	people, insides, err := d.open(c, &opened, stderr)
	if err != nil {
		return err
	}
	site := SiteConfig{Token: c.token, Status: func() Status { return c.status(people.counts()) }}
	if c.dev {
		site.Insides = &insides
	}
	if c.loopback {
		site.Hosts = hosts(l.Addr())
	}
	s := start(l, Site(site))
	opened = append(opened, s.close)
	return c.run(ctx, people, s, l.Addr(), stdout)
}

// run says where the page is, and drives the player until ctx ends or the server
// does.
func (c serveConfig) run(ctx context.Context, people *load, s *server, at net.Addr, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	driven := make(chan struct{})
	go func() {
		defer close(driven)
		people.run(ctx)
	}()
	defer func() { stop(); <-driven }()
	if _, err := fmt.Fprintf(stdout, "http://%s/\n", reachable(at)); err != nil {
		return fmt.Errorf("cannot say where the page is: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.served:
		s.served <- err // close reads it, too
		return fmt.Errorf("the server stopped: %w", err)
	}
}

// reachable is an address to open from this machine: one that stands for all
// addresses is none.
func reachable(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return at.String()
}

// open makes the library if there is none, and opens all that the load needs.
func (d Deps) open(c serveConfig, opened *closers, stderr io.Writer) (*load, Insides, error) {
	begun, err := d.prepare(c, stderr)
	if err != nil {
		return nil, Insides{}, err
	}
	store, closer, err := d.OpenStore(filepath.Join(c.data, libraryFile))
	if err != nil {
		return nil, Insides{}, err
	}
	*opened = append(*opened, closer.Close)
	trace, err := d.OpenTrace(filepath.Join(c.data, traceKept))
	if err != nil {
		return nil, Insides{}, err
	}
	*opened = append(*opened, trace.Close)
	p, err := c.style.Open(player.Config{Store: store, Token: d.Token, Trace: player.Tracing{On: true, Sink: trace.Sink}})
	if err != nil {
		return nil, Insides{}, fmt.Errorf("open %s: %w", c.style.Name, err)
	}
	*opened = append(*opened, func() error { return errors.Join(p.Settle(), p.Close()) })
	people := &load{player: p, stimulus: d.Stimulus, clock: clock{begun, d.Epoch}, seed: c.seed, rate: c.rate}
	return people, InsidesOf(c.style.Name, p, trace.Reader), nil
}

// prepare makes folder and library, and reads when the library was first played.
func (d Deps) prepare(c serveConfig, stderr io.Writer) (time.Time, error) {
	if err := os.MkdirAll(c.data, 0o755); err != nil {
		return time.Time{}, fmt.Errorf("cannot make the data folder: %w; give another -data", err)
	}
	path := filepath.Join(c.data, libraryFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(stderr, "making a library of %d passages in %s\n", c.passages, path)
		if err := d.MakeLibrary(path, c.passages, c.seed); err != nil {
			return time.Time{}, err
		}
	} else if err != nil {
		return time.Time{}, fmt.Errorf("cannot look at the library: %w; give another -data", err)
	}
	return readBegun(filepath.Join(c.data, begunFile))
}

// readBegun is what the file says, or now, which it says from then on.
func readBegun(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		now := time.Now().UTC().Truncate(time.Second)
		return now, os.WriteFile(path, []byte(now.Format(time.RFC3339)+"\n"), 0o644)
	}
	if err != nil {
		return time.Time{}, err
	}
	begun, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s holds no time: remove the data folder, or write one such as 2026-01-02T15:04:05Z", path)
	}
	return begun, nil
}

func (c serveConfig) status(so counts) Status {
	s := Status{Style: c.style.Name, Doc: c.style.Doc, Data: c.data, Seed: c.seed,
		Rate: strconv.FormatFloat(c.rate, 'g', -1, 64), Stimuli: so.stimuli, Failed: so.failed}
	if so.last != nil {
		s.LastError = so.last.Error()
	}
	return s
}

// hosts are the names by which a browser on this machine may call what listens at
// addr.
func hosts(addr net.Addr) []string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return []string{addr.String()}
	}
	var out []string
	for _, name := range []string{host, "127.0.0.1", "localhost", "::1"} {
		out = append(out, net.JoinHostPort(name, port))
		if port == "80" { // which browsers leave out
			out = append(out, strings.TrimSuffix(net.JoinHostPort(name, port), ":80"))
		}
	}
	return out
}
