package ci

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	maxFunction = 70  // lines: what fits on a screen
	maxFile     = 400 // lines, unless the file says why
	longFile    = "// Long because"
)

// styleLaws are the rules of style that a program can check.
var styleLaws = []law{
	{"a function fits on a screen", functionsFit},
	{"a long file says why", longFilesSayWhy},
	{"nothing sleeps", nothingSleeps},
	{"every package says what it is", packagesAreDescribed},
	{"names come from the field", namesFromTheField},
	{"no test skips", noTestSkips},
	{"no registry is named", noRegistry},
}

func functionsFit(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.line(f) + 1; n > maxFunction {
				broken = append(broken, fmt.Sprintf("%s:%d %s has %d lines of %d", s.path, s.line(f), f.Name.Name, n, maxFunction))
			}
		}
	}
	return broken
}

func longFilesSayWhy(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, true) {
		n := strings.Count(s.text, "\n")
		if n > maxFile && !strings.Contains(s.text, longFile) {
			broken = append(broken, fmt.Sprintf("%s has %d lines of %d, and no %q", s.path, n, maxFile, longFile))
		}
	}
	return broken
}

// nothingSleeps: a sleep inside a timed region made the published figures wrong. Code waits
// for a channel, a timer that can be stopped, or a context.
func nothingSleeps(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		broken = append(broken, uses(s, "time", "Sleep")...)
	}
	return broken
}

func packagesAreDescribed(sources []source) []string {
	documented := make(map[string]bool)
	for _, s := range goFiles(sources, false) {
		text := s.file.Doc.Text()
		starts := strings.HasPrefix(text, "Package "+s.file.Name.Name+" ")
		if s.file.Name.Name == "main" {
			starts = text != ""
		}
		documented[s.folder()] = documented[s.folder()] || starts
	}
	var broken []string
	for folder, ok := range documented {
		if !ok {
			broken = append(broken, fmt.Sprintf("%s: no file opens with // Package %s …", folder, path.Base(folder)))
		}
	}
	slices.Sort(broken)
	return broken
}

var vague = regexp.MustCompile(`(?i)^(util|utils|helper|helpers|common|base|misc)$|(Manager|Helper|Util|Utils)$`)

// namesFromTheField looks at packages, files and declared types and functions.
func namesFromTheField(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, false) {
		names := []string{s.file.Name.Name, strings.TrimSuffix(path.Base(s.path), ".go")}
		for _, d := range s.file.Decls {
			names = append(names, declared(d)...)
		}
		for _, name := range names {
			if vague.MatchString(name) {
				broken = append(broken, fmt.Sprintf("%s: %s says nothing", s.path, name))
			}
		}
	}
	return broken
}

func declared(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return []string{d.Name.Name}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				names = append(names, t.Name.Name)
			}
		}
		return names
	}
	return nil
}

var skip = regexp.MustCompile(`^(t|b|f|tb)\.Skip(f|Now)?$`)

// noTestSkips allows a skip only in "if testing.Short() { … }": make test runs those, too.
func noTestSkips(sources []source) []string {
	var broken []string
	for _, s := range goFiles(sources, true) {
		if !s.test() && !s.in("player/playertest") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IfStmt:
				return n.Else != nil || types.ExprString(n.Cond) != "testing.Short()"
			case *ast.SelectorExpr:
				if skip.MatchString(types.ExprString(n)) {
					broken = append(broken, fmt.Sprintf("%s:%d uses %s", s.path, s.line(n), types.ExprString(n)))
				}
			}
			return true
		})
	}
	return broken
}

// registries are written in pieces, so that this file keeps its own law.
var registries = []string{
	"proxy." + "golang.org", "sum." + "golang.org", "goproxy" + ".io", "deb." + "debian.org",
	"registry." + "npmjs.org", "pypi" + ".org", "files." + "pythonhosted.org", "docker" + ".io",
	"gh" + "cr.io", "quay" + ".io", "crates" + ".io", "index." + "docker.com",
}

// noRegistry: the machine decides where packages come from.
func noRegistry(sources []source) []string {
	var broken []string
	for _, s := range sources {
		for i, line := range strings.Split(s.text, "\n") {
			for _, r := range registries {
				if strings.Contains(line, r) {
					broken = append(broken, fmt.Sprintf("%s:%d names %s", s.path, i+1, r))
				}
			}
		}
	}
	return broken
}
