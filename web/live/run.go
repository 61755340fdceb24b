package live

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"rubato/player"
	"rubato/web"
)

// Files in the data folder, beside the libraries.
const (
	traceKept    = "trace.db"
	tracksFolder = "tracks" // music that was made
)

// kept names the library, and the file with the time of its first use, from which the
// player's time continues. Each music has its own library. So has -mute, where time passes
// faster.
func (c serveConfig) kept() (library, begun string) {
	switch {
	case c.mute:
		return "library.db", "begun"
	case c.music == "":
		return "music.db", "music.begun"
	}
	sum := sha256.Sum256([]byte(c.music))
	name := fmt.Sprintf("music-%x", sum[:4])
	return name + ".db", name + ".begun"
}

// closers closes what was opened, newest first.
type closers []func() error

func (c closers) close() error {
	var err error
	for _, one := range slices.Backward(c) {
		err = errors.Join(err, one())
	}
	return err
}

// session is everything that runs while the player is served.
type session struct {
	people   *load
	sound    Sound // nil: none
	insides  Insides
	meter    *meter
	siblings []*sibling
	shared   *web.SharedPlayer
	hub      *web.Hub
}

// live opens the player with its stores and its site, and runs the load until ctx ends.
// Nothing stays open, whatever fails.
func (d Deps) live(ctx context.Context, c serveConfig, stdout, stderr io.Writer) (err error) {
	l, err := net.Listen("tcp", c.addr)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return misused("-addr %s: this machine does not have that address; it has %s", c.addr, cmp.Or(strings.Join(ownHosts(), ", "), "none"))
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen: %w; give another -addr", err)
	}
	if err != nil {
		return misused("cannot listen: %w; give another -addr", err)
	}
	opened := closers{func() error { _ = l.Close(); return nil }} // the server may have closed it already
	defer func() { err = errors.Join(err, opened.close()) }()
	pages := addresses(l.Addr(), ownHosts())
	e, err := d.open(c, pages[0], &opened, stderr)
	if err != nil {
		return err
	}
	if e.siblings, err = d.siblings(c, &opened); err != nil {
		return err
	}
	site := SiteConfig{Token: c.token, Status: func() Status { return c.status(e.people.counts()) },
		API: web.API(e.shared, e.hub, d.Token), Figures: e.everyFigures}
	if d.Runs.Names != nil {
		site.runs = newPastRuns(d.Runs, c.runs, d.names())
	}
	if c.dev {
		site.Insides = &e.insides
	}
	if c.loopback {
		site.Hosts = web.LocalHosts(l.Addr())
	}
	s := web.StartServer(l, Site(site))
	opened = append(opened, s.Close)
	if c.token != "" {
		fmt.Fprintln(stderr, "a browser opens the address once with ?token=TOKEN at its end; programs send Authorization: Bearer TOKEN")
	}
	return e.run(ctx, s, pages, stdout)
}

// run prints the addresses of the page, and drives the player until ctx ends, or the server
// or the sound stops.
func (e *session) run(ctx context.Context, s *web.Server, pages []string, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	var driven sync.WaitGroup
	defer func() { stop(); driven.Wait() }()
	driven.Go(func() { e.people.run(ctx) })
	silent := make(chan error, 1)
	if e.sound != nil {
		driven.Go(func() { silent <- e.sound.Pump(ctx, e.people.hear(ctx)) })
	}
	if _, err := fmt.Fprintln(stdout, strings.Join(pages, "\n")); err != nil {
		return fmt.Errorf("cannot print the address of the page: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-silent:
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("the sound stopped: %w; -mute serves without sound", err)
	case <-s.Done():
		return fmt.Errorf("the server stopped: %w", s.Err())
	}
}

// open makes the library if it is missing, and opens everything that the session needs.
func (d Deps) open(c serveConfig, address string, opened *closers, stderr io.Writer) (*session, error) {
	if err := os.MkdirAll(c.data, 0o755); err != nil {
		return nil, misused("cannot make the data folder: %w; give another -data", err)
	}
	release, err := claim(c.data, address)
	if err != nil {
		return nil, err
	}
	*opened = append(*opened, release)
	library, begun := c.kept()
	if err := d.prepare(c, filepath.Join(c.data, library), stderr); err != nil {
		return nil, err
	}
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
	clock, err := d.clock(c, filepath.Join(c.data, begun), store)
	if err != nil {
		return nil, err
	}
	titles, err := d.titles(filepath.Join(c.data, library))
	if err != nil {
		return nil, err
	}
	e := &session{hub: web.NewHub(web.HubConfig{Titles: titles})}
	config := player.Config{Store: store, Token: d.Token, Audience: e.hub, Trace: player.Tracing{On: true, Sink: trace.Sink}}
	if !c.mute {
		if e.sound, err = d.OpenSound(); err != nil {
			return nil, fmt.Errorf("cannot open the sound: %w; -mute serves without sound", err)
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
	e.insides.Titles = titles
	e.drive(p, d, c, clock)
	*opened = append(*opened, func() error { e.shared.Close(); return nil })
	return e, nil
}

func (d Deps) titles(library string) (web.Titles, error) {
	if d.Titles == nil {
		return nil, nil
	}
	return d.Titles(library)
}

// drive shares the player, and sets up the people who use it.
func (e *session) drive(p player.Player, d Deps, c serveConfig, clock clock) {
	e.meter = newMeter(c.style.Name, p)
	e.shared = web.NewSharedPlayer(e.meter, func() player.Ticks { return clock.at(time.Now()) })
	e.people = &load{shared: e.shared, stimulus: d.Stimulus, clock: clock, seed: c.seed, rate: c.rate, sounds: !c.mute}
}

// prepare makes the library if it is missing.
func (d Deps) prepare(c serveConfig, path string, stderr io.Writer) error {
	_, err := os.Stat(path)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot look at the library: %w; give another -data", err)
	}
	err = d.make(c, path, stderr)
	if player.CodeOf(err) == player.Invalid { // it is the user's music that cannot be played
		return misused("%w", err)
	}
	return err
}

// make makes the library.
func (d Deps) make(c serveConfig, path string, stderr io.Writer) error {
	fmt.Fprintf(stderr, "making a library of %d passages in %s\n", c.passages, path)
	wish := LibraryWish{Passages: c.passages, Seed: c.seed, Music: c.music}
	if !c.mute && c.music == "" {
		wish.Tracks = filepath.Join(c.data, tracksFolder)
	}
	return d.MakeLibrary(path, wish, func(text string) { fmt.Fprintln(stderr, text) })
}

func (c serveConfig) status(so counts) Status {
	s := Status{Sound: c.sound(), Style: c.style.Name, Doc: c.style.Doc, Data: c.data, Seed: c.seed,
		Rate: strconv.FormatFloat(c.rate, 'g', -1, 64), Stimuli: so.stimuli, Failed: so.failed}
	if so.last != nil {
		s.LastError = web.Reason(so.last)
		if c.dev {
			s.LastError = so.last.Error()
		}
	}
	return s
}

// sound describes the music, for the page.
func (c serveConfig) sound() string {
	switch {
	case c.mute:
		return ""
	case c.music == "":
		return "music made from the seed"
	}
	return "music from " + c.music
}
