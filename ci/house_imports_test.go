package ci

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// importLaws are who may know whom. They bind what is built, not the tests: a test
// may stand its package beside another.
var importLaws = []law{
	{"player is pure", playerIsPure},
	{"player has no clock", playerHasNoClock},
	{"player starts nothing", playerStartsNothing},
	{"folders know only their neighbours", neighbours},
	{"one folder imports NATS, one a driver, none a rival", owners},
	{"playertest stands on the player alone", playertestStandsAlone},
	{"runner names no style", runnerNamesNoStyle},
	{"no cgo", noCgo},
}

var styles = []string{"direct", "orchestrated", "natsbus"}

// styleNames are what the styles are called on the command line.
var styleNames = []string{"direct", "bus", "nats"}

func playerIsPure(sources []source) []string {
	return forbid(sources, inFolder("player"), "os", "io/ioutil", "syscall", "net", "sync", "log", "database/sql", "runtime")
}

// forbid tells which of the chosen sources import one of the paths or what is below.
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

// playerHasNoClock allows the types of package time and what does arithmetic on
// them. A file that renames the package is told off for that alone.
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

// uses tells where a source names one of the identifiers of a package.
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

// neighbours holds for each folder what of the house it may import. A folder that
// is not named may import everything but main; it is the outside of the house.
func neighbours(sources []source) []string {
	may := map[string][]string{
		"player":       {},
		"sqlite":       {"player"},
		"audio":        {"player"},
		"web":          {"player"},
		"direct":       {"player"},
		"orchestrated": {"player"},
		"natsbus":      {"player", "orchestrated"},
		"inference":    {},
		"runner":       {"reports", "ci", "inference"},
		"reports":      {"inference"},
		"ci":           {"reports", "inference"},
	}
	var broken []string
	for _, s := range goFiles(sources, false) {
		top, _, _ := strings.Cut(s.path, "/")
		allowed, bound := may[top]
		for _, imported := range s.imports() {
			rest, ours := strings.CutPrefix(imported, module+"/")
			neighbour, _, _ := strings.Cut(rest, "/")
			switch {
			case imported == module:
				broken = append(broken, s.path+" imports main")
			case ours && bound && neighbour != top && !slices.Contains(allowed, neighbour):
				broken = append(broken, fmt.Sprintf("%s imports %s; %s may know %s", s.path, imported, top, orNobody(allowed)))
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

// owners are the only folders that may import what they stand for. Rivals live in
// peers, a module of its own, so no folder of this module may.
func owners(sources []source) []string {
	owned := []struct {
		folder string
		paths  []string
	}{
		{"natsbus", []string{"github.com/nats-io"}},
		{"sqlite", []string{"zombiezen.com/go/sqlite", "modernc.org", "github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3"}},
		{"audio", []string{"github.com/gopxl/beep", "github.com/mewkiz/flac"}},
		{"peers", []string{"github.com/ThreeDotsLabs/watermill", "github.com/asaskevich/EventBus", "github.com/kelindar/event", "github.com/mustafaturan/bus", "github.com/olebedev/emitter", "github.com/gookit/event", "github.com/maniartech/signals", "github.com/dustin/go-broadcast"}},
	}
	var broken []string
	for _, o := range owned {
		outside := func(s source) bool { return !s.in(o.folder) }
		broken = append(broken, forbid(sources, outside, o.paths...)...)
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
