package web

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"rubato/player"
)

// Exit codes, as every command of the program has them.
const (
	exitPass   = 0
	exitUsage  = 2
	exitFailed = 5
)

// Deps is what serve stands on: values, so that this package knows no style and no
// database.
type Deps struct {
	Styles  []player.Style
	Default string // name of the style when none is asked for

	// MakeLibrary makes a library at path, where nothing is yet, and says what somebody
	// who waits for it should know.
	MakeLibrary func(path string, wish LibraryWish, say func(string)) error
	// OpenStore opens the library at path.
	OpenStore func(path string) (player.Store, io.Closer, error)
	// OpenTrace opens the stored trace at path, making it if need be.
	OpenTrace func(path string) (Trace, error)
	// Epoch is when a made library's history ends, and the player's time begins.
	Epoch player.Ticks
	// Stimulus makes one stimulus of the load, of any kind. Passage is set by the load.
	Stimulus func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus
	// OpenSound opens a deck whose sound goes nowhere, at real pace; nil: there is none.
	OpenSound func() (Sound, error)
	// Token is what a stimulus must bear to command playback; "": nothing. It opens no
	// page.
	Token string
}

// LibraryWish is a library that is to be made.
type LibraryWish struct {
	Passages int
	Seed     uint64
	Music    string // folder of music that it is to play; "": none of the user's
	Tracks   string // folder to make music in, if Music is ""; "": a library without sound
}

// Sound is a deck, and what drives it.
type Sound interface {
	player.Deck
	// Pump gives do a stimulus whenever the output has room for more sound, and when the
	// deck has decoded a passage or failed to, until ctx ends or do fails.
	Pump(ctx context.Context, do func(player.Stimulus) error) error
	Close() error
}

// Trace is where a trace is kept: written by the player, read by the developer
// interface.
type Trace struct {
	Sink   player.TraceSink
	Reader TraceReader
	io.Closer
}

const serveHelp = `Usage: rubato serve [flags]

Runs the player live, at natural load: people talk, and music is decoded, faded and
mixed at real pace, to nowhere. Its page shows what plays and has the buttons; below
/api/ programs find the same. With -dev the page shows the inside, too: rules and their
figures, events as they happen, flows as pictures. Ctrl-C ends it.

  -dev             turn the developer interface on: /dev/ and the page's views of it
  -style NAME      %s (default %s)
  -addr HOST:PORT  where to listen (default 127.0.0.1:0: loopback, a free port);
                   any other address than loopback needs a token,
                   and a proxy with TLS before it where others can listen in
  -token TOKEN     ask for it, %d bytes at least; or set RUBATO_TOKEN, which other
                   users of the machine cannot see in the list of processes
  -data DIR        folder of library.db and trace.db (default data); the library is
                   made if there is none
  -passages N      size of a library to be made, 200 to 200000 (default 5736)
  -music DIR       play the WAV, FLAC, MP3 and Ogg Vorbis files in and below DIR; the
                   passages of the library play them in turn. Without it music is made.
                   DIR is read when its library is made, which is data/music-….db
  -mute            no sound: a passage ends every ten seconds, and people press the
                   buttons. Time then passes %d times as fast, in a library of its own
  -seed N          of the library and the load (default 1)
  -rate N          stimuli a second, %g to %g (default 2)

Examples:
  rubato serve -dev
  rubato serve -dev -addr 127.0.0.1:8080 -style bus -music /usr/share/sounds
  curl -X POST http://127.0.0.1:8080/api/skip
  RUBATO_TOKEN=$(openssl rand -hex 16) rubato serve -dev -addr 0.0.0.0:8080

The address goes to stdout once it answers.
`

// serveConfig is what the flags say.
type serveConfig struct {
	style    player.Style
	addr     string
	loopback bool
	dev      bool
	token    string
	data     string
	passages int
	music    string
	mute     bool
	seed     uint64
	rate     float64
}

// ServeCommand is the command serve over what it stands on. It runs until ctx ends,
// leaves nothing open, and answers by exit code.
func ServeCommand(deps Deps) func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		return serve(ctx, deps, args, stdout, stderr)
	}
}

func serve(ctx context.Context, deps Deps, args []string, stdout, stderr io.Writer) int {
	c, err := deps.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stdout, serveHelp, strings.Join(deps.names(), ", "), deps.Default, ShortestToken, Speed, LowestRate, float64(HighestRate))
		return exitPass
	}
	if err != nil {
		fmt.Fprintf(stderr, "rubato serve: %v\nTry: rubato serve -h\n", err)
		return exitUsage
	}
	if err := deps.live(ctx, c, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "rubato serve: %v\n", err)
		return exitFailed
	}
	return exitPass
}

func (d Deps) names() []string {
	var out []string
	for _, s := range d.Styles {
		out = append(out, s.Name)
	}
	return out
}

// parse reads the flags and refuses what cannot be served.
func (d Deps) parse(args []string) (serveConfig, error) {
	c := serveConfig{}
	var style string
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&c.dev, "dev", false, "")
	flags.StringVar(&style, "style", d.Default, "")
	flags.StringVar(&c.addr, "addr", "127.0.0.1:0", "")
	flags.StringVar(&c.token, "token", os.Getenv("RUBATO_TOKEN"), "")
	flags.StringVar(&c.data, "data", "data", "")
	flags.IntVar(&c.passages, "passages", 5736, "")
	flags.StringVar(&c.music, "music", "", "")
	flags.BoolVar(&c.mute, "mute", d.OpenSound == nil, "")
	flags.Uint64Var(&c.seed, "seed", 1, "")
	flags.Float64Var(&c.rate, "rate", 2, "")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c.mute = c.mute || d.OpenSound == nil
	if flags.NArg() > 0 {
		return c, fmt.Errorf("serve takes no argument, but flags: what is %q?", flags.Arg(0))
	}
	if c.music != "" { // the same folder, from wherever it is named
		if folder, err := filepath.Abs(c.music); err == nil {
			c.music = folder
		}
	}
	return c, errors.Join(d.choose(&c, style), c.check())
}

func (d Deps) choose(c *serveConfig, name string) error {
	for _, s := range d.Styles {
		if s.Name == name {
			c.style = s
			return nil
		}
	}
	return fmt.Errorf("no style %q: take one of %s", name, strings.Join(d.names(), ", "))
}

func (c *serveConfig) check() error {
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("-addr %q: give HOST:PORT, such as 127.0.0.1:8080", c.addr)
	}
	ip := net.ParseIP(host)
	c.loopback = host == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case c.token != "" && len(c.token) < ShortestToken:
		return fmt.Errorf("the token has %d bytes: give %d at least", len(c.token), ShortestToken)
	case !c.loopback && c.token == "":
		return fmt.Errorf("-addr %s can be reached from elsewhere, so it needs a token: give -token or RUBATO_TOKEN, %d bytes at least", c.addr, ShortestToken)
	case !(c.rate >= LowestRate && c.rate <= HighestRate):
		return fmt.Errorf("-rate %g: natural load is %g to %d stimuli a second; for more there is rubato run", c.rate, LowestRate, HighestRate)
	case c.passages < 200 || c.passages > 200_000:
		return fmt.Errorf("-passages %d: ask for 200 to 200000; fewer are used up by cooldowns", c.passages)
	case c.data == "":
		return errors.New("-data names no folder")
	case c.mute && c.music != "":
		return errors.New("-music and -mute: give one of them")
	}
	return nil
}
