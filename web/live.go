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
	"sync"
	"time"

	"rubato/player"
)

// Files in the data folder, beside the libraries.
const (
	traceKept    = "trace.db"
	tracksFolder = "tracks" // music that was made
)

// kept names the library that is played, and the file that says when it was first
// played, so that the player's time goes on. Each music has a library, and so has
// silence, in which time passes at another pace.
func (c serveConfig) kept() (library, begun string) {
	switch {
	case c.mute:
		return "library.db", "begun"
	case c.music == "":
		return "music.db", "music.begun"
	}
	name := fmt.Sprintf("music-%x", hash(c.music)[:4])
	return name + ".db", name + ".begun"
}

// closers ends what was opened, newest first.
type closers []func() error

func (c closers) close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i]())
	}
	return errors.Join(errs...)
}

// evening is all that runs while the player is served.
type evening struct {
	people  *load
	sound   Sound // nil: none
	insides Insides
	front   *Front
	hub     *Hub
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
	e, err := d.open(c, &opened, stderr)
	if err != nil {
		return err
	}
	site := SiteConfig{Token: c.token, Status: func() Status { return c.status(e.people.counts()) },
		API: API(e.front, e.hub, APIConfig{Token: d.Token})}
	if c.dev {
		site.Insides = &e.insides
	}
	if c.loopback {
		site.Hosts = hosts(l.Addr())
	}
	s := start(l, Site(site))
	opened = append(opened, s.close)
	return e.run(ctx, s, l.Addr(), stdout)
}

// run says where the page is, and drives the player until ctx ends, or the server or
// the sound does.
func (e *evening) run(ctx context.Context, s *server, at net.Addr, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	var driven sync.WaitGroup
	defer func() { stop(); driven.Wait() }()
	driven.Go(func() { e.people.run(ctx) })
	silent := make(chan error, 1)
	if e.sound != nil {
		driven.Go(func() { silent <- e.sound.Pump(ctx, e.people.hear(ctx)) })
	}
	if _, err := fmt.Fprintf(stdout, "http://%s/\n", reachable(at)); err != nil {
		return fmt.Errorf("cannot say where the page is: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-silent:
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("the sound stopped: %w; without sound there is -mute", err)
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

// open makes the library if there is none, and opens all that the evening needs.
func (d Deps) open(c serveConfig, opened *closers, stderr io.Writer) (*evening, error) {
	begun, err := d.prepare(c, stderr)
	if err != nil {
		return nil, err
	}
	library, _ := c.kept()
	store, closer, err := d.OpenStore(filepath.Join(c.data, library))
	if err != nil {
		return nil, err
	}
	*opened = append(*opened, closer.Close)
	trace, err := d.OpenTrace(filepath.Join(c.data, traceKept))
	if err != nil {
		return nil, err
	}
	*opened = append(*opened, trace.Close)
	e := &evening{hub: NewHub(HubConfig{})}
	config := player.Config{Store: store, Token: d.Token, Audience: e.hub, Trace: player.Tracing{On: true, Sink: trace.Sink}}
	if !c.mute {
		if e.sound, err = d.OpenSound(); err != nil {
			return nil, fmt.Errorf("cannot open the sound: %w; without sound there is -mute", err)
		}
		*opened = append(*opened, e.sound.Close)
		config.Deck = e.sound
	}
	p, err := c.style.Open(config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.style.Name, err)
	}
	*opened = append(*opened, p.Close)
	e.insides = InsidesOf(c.style.Name, p, trace.Reader)
	e.drive(p, d, c, begun)
	*opened = append(*opened, func() error { e.front.Close(); return nil })
	return e, nil
}

// drive puts a front before the player, and people before that.
func (e *evening) drive(p player.Player, d Deps, c serveConfig, begun time.Time) {
	clock := clock{begun: begun, epoch: d.Epoch, speed: 1}
	if c.mute {
		clock.speed = Speed
	}
	e.front = NewFront(p, FrontConfig{Clock: func() player.Ticks { return clock.at(time.Now()) }})
	e.people = &load{front: e.front, stimulus: d.Stimulus, clock: clock, seed: c.seed, rate: c.rate, sounds: !c.mute}
}

// prepare makes folder and library, and reads when the library was first played.
func (d Deps) prepare(c serveConfig, stderr io.Writer) (time.Time, error) {
	if err := os.MkdirAll(c.data, 0o755); err != nil {
		return time.Time{}, fmt.Errorf("cannot make the data folder: %w; give another -data", err)
	}
	library, begun := c.kept()
	path := filepath.Join(c.data, library)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := d.make(c, path, stderr); err != nil {
			return time.Time{}, err
		}
	} else if err != nil {
		return time.Time{}, fmt.Errorf("cannot look at the library: %w; give another -data", err)
	}
	return readBegun(filepath.Join(c.data, begun))
}

// make makes the library that is wanted.
func (d Deps) make(c serveConfig, path string, stderr io.Writer) error {
	fmt.Fprintf(stderr, "making a library of %d passages in %s\n", c.passages, path)
	wish := LibraryWish{Passages: c.passages, Seed: c.seed, Music: c.music}
	if !c.mute && c.music == "" {
		wish.Tracks = filepath.Join(c.data, tracksFolder)
	}
	return d.MakeLibrary(path, wish, func(text string) { fmt.Fprintln(stderr, text) })
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
	s := Status{Sound: c.sound(), Style: c.style.Name, Doc: c.style.Doc, Data: c.data, Seed: c.seed,
		Rate: strconv.FormatFloat(c.rate, 'g', -1, 64), Stimuli: so.stimuli, Failed: so.failed}
	if so.last != nil {
		s.LastError = so.last.Error()
	}
	return s
}

// sound says in words what is heard.
func (c serveConfig) sound() string {
	switch {
	case c.mute:
		return ""
	case c.music == "":
		return "music made from the seed"
	}
	return "music from " + c.music
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
