package ci

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// module is the import path of this module.
const module = "rubato"

// A source is one file of the module.
type source struct {
	path string // from the root, with slashes
	text string
	file *ast.File // nil when it is no Go file
	fset *token.FileSet
}

func (s source) folder() string { return path.Dir(s.path) }
func (s source) test() bool     { return strings.HasSuffix(s.path, "_test.go") }
func (s source) line(n ast.Node) int {
	return s.fset.Position(n.Pos()).Line
}

// in says whether the source lies in the folder or below.
func (s source) in(folder string) bool {
	return s.folder() == folder || strings.HasPrefix(s.path, folder+"/")
}

// imports are the import paths of the source.
func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// A law is a rule that the code keeps. broken lists each place where it does not.
type law struct {
	name   string
	broken func([]source) []string
}

var laws = append(append([]law{}, importLaws...), styleLaws...)

// TestHouse checks every law on the real files.
func TestHouse(t *testing.T) {
	t.Parallel()
	sources, err := readHouse(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(goFiles(sources, true)); n < 20 {
		t.Fatalf("found %d Go files, so the laws would check nothing", n)
	}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			for _, place := range l.broken(sources) {
				t.Error(place)
			}
		})
	}
}

// ownModules are those beside this one that keep the same laws.
var ownModules = []string{"peers", "examples"}

// readHouse reads the text files of this module and of its own others, without what is a module of
// somebody else's making and without the output of runs and builds.
func readHouse(root fs.FS) ([]source, error) {
	var sources []source
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(root, p)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := fs.ReadFile(root, p)
		if err != nil || !utf8.Valid(data) {
			return err
		}
		s, err := parseSource(p, string(data))
		sources = append(sources, s)
		return err
	})
	return sources, err
}

func skipFolder(root fs.FS, p string) error {
	if p == "." {
		return nil
	}
	if p == "out" || p == "bin" || p == "dist" || p == ".git" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(p, "go.mod")); err == nil && !slices.Contains(ownModules, p) {
		return fs.SkipDir
	}
	return nil
}

func parseSource(p, text string) (source, error) {
	s := source{path: p, text: text, fset: token.NewFileSet()}
	if !strings.HasSuffix(p, ".go") {
		return s, nil
	}
	var err error
	s.file, err = parser.ParseFile(s.fset, p, text, parser.ParseComments)
	return s, err
}

// goFiles are the Go sources, those of tests only on request.
func goFiles(sources []source, tests bool) []source {
	var out []source
	for _, s := range sources {
		if s.file != nil && (tests || !s.test()) {
			out = append(out, s)
		}
	}
	return out
}
