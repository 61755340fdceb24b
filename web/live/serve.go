package live

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"rubato/command"
	"rubato/player"
	"rubato/web"
)

// Exit codes, the same in every command of the program.
const (
	exitPass    = 0
	exitNothing = 1 // trace: there is no answer
	exitUsage   = 2
	exitFailed  = 5
)

// Deps is what serve needs, as values, so that this package knows no style and no database.
type Deps struct {
	Styles  []player.Style
	Default string // name of the default style

	// MakeLibrary makes a library at path, where nothing is yet, and reports progress with
	// say.
	MakeLibrary func(path string, wish LibraryWish, say func(string)) error
	// Playable refuses a folder of music in which nothing plays; nil: any will do.
	Playable func(folder string) error
	// OpenStore opens the library at path.
	OpenStore func(path string) (player.Store, io.Closer, error)
	// Titles are the titles of the passages of the library at path; nil: pages show numbers.
	Titles func(path string) (web.Titles, error)
	// OpenTrace opens the stored trace at path, and creates it if it is missing.
	OpenTrace func(path string) (Trace, error)
	// Epoch is the end of a made library's history, and the start of the player's time.
	Epoch player.Ticks
	// Stimulus makes one stimulus of the load, of any kind. The load sets Passage.
	Stimulus func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus
	// OpenSound opens a deck that plays at real pace and discards the sound; nil: no sound.
	OpenSound func() (Sound, error)
	// Runs reads past runs; without Names none are shown.
	Runs Runs
	// Program starts this command again, with other flags: "rubato", "serve"; nil: no -beside.
	Program []string
	// Stdin is what -stdin waits for.
	Stdin io.Reader
	// Token is the token that a command of playback needs; "": none. It does not open a
	// page.
	Token string
}

// LibraryWish describes a library to make.
type LibraryWish struct {
	Passages int
	Seed     uint64
	Music    string // the user's folder of music; "": none
	Tracks   string // folder for generated music, if Music is ""; "": a library without sound
}

// Sound is a deck with its output.
type Sound interface {
	player.Deck
	// Pump calls do with a stimulus whenever the output needs more sound, and when the deck
	// has decoded a passage or failed to, until ctx ends or do fails.
	Pump(ctx context.Context, do func(player.Stimulus) error) error
	Close() error
}

// Trace is a stored trace: the player writes it, the developer interface reads it.
type Trace struct {
	Sink   player.TraceSink
	Reader TraceReader
	io.Closer
}

const serveHelp = `Usage: rubato serve [flags]

Runs the player live, at natural load: people talk, and music is decoded, faded and
mixed at real pace, but not sent to a loudspeaker. The page shows what plays and has the
buttons; programs use the API below /api/. Past runs are at /runs/: a run's report
beside the player, with the CPU and latency of now. With -dev the page also shows rules and their
figures, events as they happen, and flows as pictures. Ctrl-C ends it.

  -dev             turn on the developer interface: /dev/ and its part of the page
  -style NAME      %s (default %s)
  -addr HOST:PORT  where to listen (default 127.0.0.1:0: loopback, a free port); an
                   address other than loopback needs a token, and on a network that
                   others can read a proxy with TLS
  -token TOKEN     require this token, at least %d bytes; or set RUBATO_TOKEN, which
                   other users of the machine cannot see in the list of processes
  -data DIR        folder of library.db and trace.db (default data); a missing library
                   is made
  -passages N      size of a new library: a whole number from 300 to 200000 (default 5736)
  -music DIR       play the WAV, FLAC, MP3 and Ogg Vorbis files in and below DIR, in
                   turn. Without -music, music is generated. DIR is read once, when its
                   library data/music-….db is made
  -mute            no sound: a passage ends every ten seconds, people press the buttons,
                   and time passes %d times as fast, in a separate library
  -seed N          seed of the library and the load: a whole number (default 1)
  -beside A,B      play these styles at the same time, under the same load, each in a process
                   of its own: the page shows the CPU and latency of each
  -stdin           end when stdin ends
  -runs DIR        folder of past runs (default out): those of rubato run
  -rate N          stimuli a second, %g to %g, such as 2 or 0.5 (default 2)

Examples:
  rubato serve -dev
  rubato serve -dev -addr 127.0.0.1:8080 -style bus -music /usr/share/sounds
  rubato serve -style bus -beside direct,nats
  curl -X POST http://127.0.0.1:8080/api/skip
  RUBATO_TOKEN=$(openssl rand -hex 16) rubato serve -dev -addr 0.0.0.0:8080

When the server answers, its address is printed on stdout. If that is every address of
the machine (:8080, 0.0.0.0:8080, [::]:8080), there is one line for each: the first for
this machine, the others for other machines.
`

// Bounds of a new library.
const (
	fewestPassages = 300
	mostPassages   = 200_000
)

// serveConfig holds the flags.
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
	runs     string   // folder of past runs
	beside   []string // other styles that play at the same time
	stdin    bool     // end with stdin
}

// ServeCommand is the command serve. It runs until ctx ends, leaves nothing open, and
// returns the exit code.
func ServeCommand(deps Deps) func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		c, err := deps.parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stdout, serveHelp, strings.Join(deps.names(), ", "), deps.Default, web.ShortestToken, Speed, LowestRate, float64(HighestRate))
			return exitPass
		}
		if err != nil {
			fmt.Fprintf(stderr, "rubato serve: %v\nTry: rubato serve -h\n", err)
			return exitUsage
		}
		if c.stdin && deps.Stdin != nil {
			var end context.CancelFunc
			ctx, end = context.WithCancel(ctx)
			go func() { _, _ = io.Copy(io.Discard, deps.Stdin); end() }()
		}
		return finished("serve", deps.live(ctx, c, stdout, stderr), stderr)
	}
}

// finished reports how a command ended, in one line, and returns the exit code.
func finished(name string, err error, stderr io.Writer) int {
	if err == nil {
		return exitPass
	}
	text := err.Error()
	for _, mark := range []error{errUsage, errNothing} {
		text = strings.TrimPrefix(text, mark.Error())
	}
	fmt.Fprintf(stderr, "rubato %s: %s\n", name, strings.ReplaceAll(text, "\n", "; "))
	switch {
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errNothing), player.CodeOf(err) == player.NotFound:
		return exitNothing
	}
	return exitFailed
}

func (d Deps) names() []string {
	var out []string
	for _, s := range d.Styles {
		out = append(out, s.Name)
	}
	return out
}

// parse reads and checks the flags.
func (d Deps) parse(args []string) (serveConfig, error) {
	c := serveConfig{}
	var style string
	flags := command.Flags("serve")
	flags.BoolVar(&c.dev, "dev", false, "")
	flags.StringVar(&style, "style", d.Default, "one of "+strings.Join(d.names(), ", "))
	flags.StringVar(&c.addr, "addr", "127.0.0.1:0", "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:8080")
	flags.StringVar(&c.token, "token", os.Getenv("RUBATO_TOKEN"), fmt.Sprintf("a token of at least %d bytes", web.ShortestToken))
	flags.StringVar(&c.data, "data", "data", "a folder, such as data")
	flags.IntVar(&c.passages, "passages", 5736, fmt.Sprintf("a whole number from %d to %d; with fewer, all may be cooling down", fewestPassages, mostPassages))
	flags.StringVar(&c.music, "music", "", "a folder, such as /usr/share/sounds")
	flags.BoolVar(&c.mute, "mute", d.OpenSound == nil, "")
	flags.Uint64Var(&c.seed, "seed", 1, "a whole number from 0, such as 7")
	flags.Float64Var(&c.rate, "rate", 2, fmt.Sprintf("a number of stimuli a second from %g to %d, such as 2 or 0.5; rubato run measures higher loads", LowestRate, HighestRate))
	flags.StringVar(&c.runs, "runs", "out", "a folder of runs, such as out")
	beside := flags.String("beside", "", "styles, such as "+strings.Join(d.names(), ","))
	flags.BoolVar(&c.stdin, "stdin", false, "")
	names, err := command.Parse(flags, args)
	if err != nil {
		return c, err
	}
	c.mute = c.mute || d.OpenSound == nil
	if len(names) > 0 {
		return c, fmt.Errorf("serve takes flags only, not %q", names[0])
	}
	if c.music != "" { // one name for one folder
		if folder, err := filepath.Abs(c.music); err == nil {
			c.music = folder
		}
	}
	err = errors.Join(d.choose(&c, style), c.check(flags), d.checkBeside(&c, *beside))
	if err == nil && c.music != "" && d.Playable != nil {
		err = d.Playable(c.music)
	}
	return c, err
}

func (d Deps) choose(c *serveConfig, name string) error {
	for _, s := range d.Styles {
		if s.Name == name {
			c.style = s
			return nil
		}
	}
	return command.Unknown("style", name, d.names())
}

func (c *serveConfig) check(flags *flag.FlagSet) error {
	host, port, err := net.SplitHostPort(c.addr)
	if _, named := net.LookupPort("tcp", port); err != nil || named != nil {
		return command.Wrong(flags, "addr")
	}
	ip := net.ParseIP(host)
	c.loopback = host == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case c.token != "" && len(c.token) < web.ShortestToken:
		return fmt.Errorf("the token has %d bytes: give at least %d", len(c.token), web.ShortestToken)
	case !c.loopback && c.token == "":
		return fmt.Errorf("-addr %s can be reached from other machines, so it needs a token: give -token or RUBATO_TOKEN, at least %d bytes", c.addr, web.ShortestToken)
	case !(c.rate >= LowestRate && c.rate <= HighestRate):
		return command.Wrong(flags, "rate")
	case c.passages < fewestPassages || c.passages > mostPassages:
		return command.Wrong(flags, "passages")
	case c.data == "":
		return errors.New("-data is empty: give a folder")
	case c.mute && c.music != "":
		return errors.New("-music and -mute: give one of them")
	}
	return c.checkFolders()
}

// longestData is how long the path of the data folder may be, in bytes: SQLite takes no path
// over 512.
const longestData = 400

// checkFolders refuses folders that cannot be what they are named for.
func (c *serveConfig) checkFolders() error {
	data, err := filepath.Abs(c.data)
	if err == nil && len(data) > longestData {
		return fmt.Errorf("-data is too long: its path has %d bytes, and at most %d leave room for its files: %s", len(data), longestData, data)
	}
	if at, err := os.Stat(c.data); err == nil && !at.IsDir() {
		return fmt.Errorf("-data %s is no folder: give another -data", c.data)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("-data cannot be used: %w; give another -data", err)
	}
	if c.music == "" {
		return nil
	}
	if at, err := os.Stat(c.music); err != nil {
		return fmt.Errorf("-music cannot be read: %w; give a folder with music", err)
	} else if !at.IsDir() {
		return fmt.Errorf("-music %s is no folder: give a folder with music", c.music)
	}
	return nil
}
