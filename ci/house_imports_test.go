package ci

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// importLaws say which package may import which. They hold for code, not for tests: a test
// may compare its package with another.
var importLaws = []law{
	{"player is pure", playerIsPure},
	{"player has no clock", playerHasNoClock},
	{"player starts nothing", playerStartsNothing},
	{"rooms import only their neighbours", neighbours},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", owners},
	{"playertest stands on the player alone", playertestStandsAlone},
	{"runner names no style", runnerNamesNoStyle},
	{"no cgo", noCgo},
}

var styles = []string{"direct", "orchestrated", "natsbus"}

// styleNames are the names of the styles on the command line.
var styleNames = []string{"direct", "bus", "nats"}

func playerIsPure(sources []source) []string {
	return forbid(sources, inFolder("player"), "os", "io/ioutil", "syscall", "net", "sync", "log", "database/sql", "runtime")
}

// forbid lists the chosen sources that import one of the paths or a path below it.
func forbid(sources []source, chosen func(source) bool, paths ...string) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		for _, imported := range s.imports() {
			if chosen(s) && slices.ContainsFunc(paths, func(p string) bool { return below(imported, p) }) {
				broken = append(broken, fmt.Sprintf("%s imports %s", s.path, imported))
			}
		}
	}
	return broken
}

func below(imported, p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") }

func inFolder(folder string) func(source) bool {
	return func(s source) bool { return s.folder() == folder }
}

// playerHasNoClock allows the types of package time and arithmetic on them. A file may not
// rename the package.
func playerHasNoClock(sources []source) []string {
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}
	var broken []string
	for _, s := range goFiles(sources, false) {
		if s.folder() != "player" {
			continue
		}
		for _, i := range s.file.Imports {
			if (i.Path.Value == `"time"` || i.Path.Value == `"context"`) && i.Name != nil {
				broken = append(broken, fmt.Sprintf("%s renames package %s, which hides its clock", s.path, i.Path.Value))
			}
		}
		broken = append(broken, uses(s, "time", clock...)...)
		broken = append(broken, uses(s, "context", "WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause")...)
	}
	return broken
}

// uses lists where a source uses one of the identifiers of a package.
func uses(s source, pkg string, names ...string) []string {
	var broken []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg && slices.Contains(names, sel.Sel.Name) {
			broken = append(broken, fmt.Sprintf("%s:%d uses %s.%s", s.path, s.line(n), pkg, sel.Sel.Name))
		}
		return true
	})
	return broken
}

func playerStartsNothing(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		if s.folder() != "player" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				broken = append(broken, fmt.Sprintf("%s:%d starts a goroutine", s.path, s.line(n)))
			}
			return true
		})
	}
	return broken
}

// rooms maps each room to the rooms that it may import. A folder belongs to the longest
// entry that contains it, so a folder with its own entry is not part of the room around it.
// A folder under no entry is outside and may import every room. Nobody may import main.
var rooms = map[string][]string{
	"player":               {},
	"sqlite":               {"player"},
	"sqlite/tracedb":       {"player", "sqlite"},
	"audio":                {"player", "audio/decode"},
	"audio/decode":         {"player"},
	"web":                  {"player"},
	"web/live":             {"player", "web", "command", "runner/host"},
	"direct":               {"player"},
	"orchestrated":         {"player", "orchestrated/engine"},
	"orchestrated/engine":  {"player"},
	"natsbus":              {"player", "orchestrated", "orchestrated/engine"},
	"command":              {},
	"results":              {},
	"inference":            {},
	"scenarios":            {"player", "sqlite", "sqlite/tracedb", "audio", "audio/decode", "web", "web/live", "command", "runner", "runner/host", "openloop", "reports", "results", "scenarios/workload", "scenarios/components"},
	"scenarios/workload":   {"player", "sqlite", "sqlite/tracedb", "audio", "openloop", "runner", "runner/host", "results"},
	"scenarios/components": {"player", "direct", "orchestrated", "orchestrated/engine", "natsbus", "sqlite", "sqlite/tracedb", "runner", "results", "scenarios/workload"},
	"runner":               {"runner/host", "results", "inference", "reports", "ci", "command"},
	"runner/host":          {"results"},
	"reports":              {"results", "inference"},
	"openloop":             {"audio", "runner", "runner/host"},
	"external":             {"runner", "runner/host", "command", "openloop"},
	"measure":              {"runner"},
	"measure/benchmark":    {"measure", "runner", "reports", "results"},
	"pi":                   {"runner", "runner/host", "reports", "results", "command"},
	"examples":             {"measure", "runner"},
	"ci":                   {"reports", "results", "inference", "command"},
}

// roomOf is the longest entry of rooms that contains the folder. If there is none, it is the
// top folder.
func roomOf(folder string) string {
	for room := folder; room != "."; room = path.Dir(room) {
		if _, ok := rooms[room]; ok {
			return room
		}
	}
	top, _, _ := strings.Cut(folder, "/")
	return top
}

func neighbours(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		room := roomOf(s.folder())
		allowed, bound := rooms[room]
		for _, imported := range s.imports() {
			folder, ours := strings.CutPrefix(imported, module+"/")
			neighbour := roomOf(folder)
			switch {
			case imported == module:
				broken = append(broken, s.path+" imports main")
			case ours && bound && neighbour != room && !slices.Contains(allowed, neighbour):
				broken = append(broken, fmt.Sprintf("%s imports %s; %s may know %s", s.path, imported, room, orNobody(allowed)))
			}
		}
	}
	return broken
}

func orNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// owners are the only folders, and single files, that may import a library. Rivals live in peers, a
// module of its own, so that rubato needs none.
func owners(sources []source) []string {
	owned := []struct {
		places    []string
		libraries []string
	}{
		{[]string{"natsbus", "peers/watermillnats.go", "examples"}, []string{"github.com/nats-io"}},
		{[]string{"sqlite", "examples"}, []string{"zombiezen.com/go/sqlite", "modernc.org", "github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3"}},
		{[]string{"audio/decode"}, []string{"github.com/gopxl/beep", "github.com/hajimehoshi/go-mp3", "github.com/jfreymuth/vorbis", "github.com/jfreymuth/oggvorbis"}},
		// The tracks that tests and runs play are written as FLAC.
		{[]string{"audio/decode", "audio/tracks.go"}, []string{"github.com/mewkiz/flac"}},
		{[]string{"peers"}, []string{"github.com/ThreeDotsLabs/watermill", "github.com/asaskevich/EventBus", "github.com/cskr/pubsub", "go.opentelemetry.io", "github.com/kelindar/event", "github.com/mustafaturan/bus", "github.com/olebedev/emitter", "github.com/gookit/event", "github.com/maniartech/signals", "github.com/dustin/go-broadcast"}},
	}
	var broken []string
	for _, o := range owned {
		outside := func(s source) bool {
			return !slices.ContainsFunc(o.places, func(place string) bool { return s.path == place || s.in(place) })
		}
		broken = append(broken, forbid(sources, outside, o.libraries...)...)
	}
	return broken
}

func playertestStandsAlone(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		if !s.in("player/playertest") {
			continue
		}
		for _, imported := range s.imports() {
			first, _, _ := strings.Cut(imported, "/")
			standard := !strings.Contains(first, ".") && first != module
			if !standard && imported != module+"/player" && !below(imported, "go.uber.org/goleak") {
				broken = append(broken, fmt.Sprintf("%s imports %s", s.path, imported))
			}
		}
	}
	return broken
}

func runnerNamesNoStyle(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		if !s.in("runner") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && slices.Contains(styleNames, text) {
				broken = append(broken, fmt.Sprintf("%s:%d names the style %q", s.path, s.line(n), text))
			}
			return true
		})
	}
	return append(broken, forbid(sources, func(s source) bool { return s.in("runner") },
		module+"/"+styles[0], module+"/"+styles[1], module+"/"+styles[2], module+"/scenarios")...)
}

func noCgo(sources []source) []string {
	return forbid(sources, func(source) bool { return true }, "C")
}
