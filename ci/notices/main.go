// Notices writes THIRD_PARTY_NOTICES.md: every module of which make dist links a part into rubato,
// on any system, with the texts of its licences. It refuses a licence that is not on the list. It
// is not part of rubato; its test fails while the file is not what it would write.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

const file = "THIRD_PARTY_NOTICES.md"

// allowed are the licences that a program under Apache-2.0 may contain, with what each asks for.
var allowed = map[string]string{
	"Apache-2.0": "", "BSD-2-Clause": "", "BSD-3-Clause": "", "ISC": "", "MIT": "", "OFL-1.1": "", "Unlicense": "",
	"CC-BY-4.0": "by its author, see below",
	"FTL":       "portions of this software are copyright © The FreeType Project, www.freetype.org. All rights reserved",
	"MPL-2.0":   "its source is the module of this version",
}

// chosen is the file with the licence that we take of several to choose from.
var chosen = map[string]string{"github.com/golang/freetype": "licenses/ftl.txt"}

// systems are those of make dist. A module that only one of them needs is in all notices.
var systems = []string{"linux", "darwin", "windows"}

func main() {
	text, err := notices(".")
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "notices: %v\n", err)
		os.Exit(1)
	}
}

// A module is one that is linked, and the files with its licences.
type module struct {
	path, version string
	licences      map[string]bool   // by SPDX's names
	texts         map[string]string // by file
}

// notices is the content of the file, for the main package in the folder.
func notices(folder string) ([]byte, error) {
	linked, err := modules(folder)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Third-party notices\n\nrubato contains these modules, on some system or on all. `make notices` writes this file.\n\n" +
		"| module | version | licence |\n|---|---|---|\n")
	holders, order := map[string][]string{}, []string(nil)
	var faults []error
	for _, m := range linked {
		names := slices.Sorted(maps.Keys(m.licences))
		faults = append(faults, m.check(names))
		for i, name := range names {
			if allowed[name] != "" {
				names[i] += " (" + allowed[name] + ")"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.path, m.version, strings.Join(names, ", "))
		for _, name := range slices.Sorted(maps.Keys(m.texts)) {
			text := m.texts[name]
			if holders[text] == nil {
				order = append(order, text)
			}
			holders[text] = append(holders[text], m.path+"/"+name)
		}
	}
	for _, text := range order {
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n", strings.Join(holders[text], ", "), text)
	}
	return b.Bytes(), errors.Join(faults...)
}

// check refuses a module without a licence, or with one that is not allowed.
func (m *module) check(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("%s %s: no file with a known licence", m.path, m.version)
	}
	for _, name := range names {
		if _, ok := allowed[name]; !ok {
			return fmt.Errorf("%s %s: %s is not on the list of licences in ci/notices", m.path, m.version, name)
		}
	}
	return nil
}

// modules asks go for the packages of each system. The standard library has the licence of x/sys,
// which is by the same authors; its own file is not in every installation of Go.
func modules(folder string) ([]*module, error) {
	found := map[string]*module{}
	for _, system := range systems {
		list := exec.Command("go", "list", "-deps", "-tags", "minimal", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}", ".")
		list.Dir, list.Env, list.Stderr = folder, append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0"), os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSpace(line), "\t")
			if len(f) != 4 || strings.HasSuffix(f[2], "reports"+string(filepath.Separator)+"fonts") { // ours, in place of another
				continue
			}
			m := found[f[0]]
			if m == nil {
				m = &module{f[0], f[1], map[string]bool{}, map[string]string{}}
				found[f[0]] = m
			}
			if err := m.read(f[2], f[3]); err != nil {
				return nil, err
			}
		}
	}
	if sys := found["golang.org/x/sys"]; sys != nil {
		found[""] = &module{"Go's standard library and runtime", "", sys.licences, map[string]string{}}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *module) int { return cmp.Compare(a.path, b.path) }), nil
}

var licenceName = regexp.MustCompile(`(?i)^(.*-)?(un)?(licen[cs]e|copying|notice)([-.].*)?$`)

// read reads the licences in the folder of a package and in those around it, up to its module's.
func (m *module) read(root, folder string) error {
	for ; ; folder = filepath.Dir(folder) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type()&fs.ModeType != 0 || !licenceName.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
				continue
			}
			if err := m.take(root, filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
		if len(folder) <= len(root) {
			break
		}
	}
	if file := chosen[m.path]; file != "" {
		return m.take(root, filepath.Join(root, file))
	}
	return nil
}

// take keeps a text, and which licences it is. One that it links to is not in it.
func (m *module) take(root, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, file)
	if err != nil {
		return err
	}
	m.texts[filepath.ToSlash(name)] = strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
	for _, match := range licensecheck.Scan(data).Match {
		if !match.IsURL {
			m.licences[match.ID] = true
		}
	}
	return nil
}
