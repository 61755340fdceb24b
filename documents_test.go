package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
)

// The documents are tested: links lead somewhere, commands are those of the program, and pages
// that teach are run as they are written.

// A fence is a block of code of a page, or the text between two.
type fence struct {
	kind string // "sh", "go", "text varies"; "": prose
	file string // that the line before it names
	text string
	line int // of its first line, from 1
}

var fileBefore = regexp.MustCompile("`([^`]+)`:$")

// fences splits a page.
func fences(page string) (all []fence) {
	now, before := fence{line: 1}, ""
	for i, line := range strings.SplitAfter(page, "\n") {
		if kind, is := strings.CutPrefix(strings.TrimRight(line, "\n"), "```"); is {
			all = append(all, now)
			now = fence{line: i + 2}
			if len(all)%2 == 1 {
				if now.kind = kind; kind == "" {
					now.kind = "none"
				}
				if m := fileBefore.FindStringSubmatch(before); m != nil {
					now.file = m[1]
				}
			}
			continue
		}
		now.text += line
		if text := strings.TrimSpace(line); text != "" {
			before = text
		}
	}
	return append(all, now)
}

// documents are README.md and all pages below docs.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir("docs", func(path string, e fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d documents, %v", len(paths), err)
	}
	return append(paths, "README.md")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	linked   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	inCode   = regexp.MustCompile("`[^`\n]+`")
	headings = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// anchors are those that a page has, as GitHub and GitLab make them of its headings.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, f := range fences(page) {
		if f.kind != "" {
			continue
		}
		for _, m := range headings.FindAllStringSubmatch(f.text, -1) {
			name := strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
					return unicode.ToLower(r)
				}
				return -1
			}, m[1])
			all[name] = true
		}
	}
	return all
}

// TestLinks: what documents link to exists, the heading too, and README.md links to every document.
func TestLinks(t *testing.T) {
	t.Parallel()
	mapped := map[string]bool{"README.md": true}
	for _, path := range documents(t) {
		for _, f := range fences(read(t, path)) {
			if f.kind != "" {
				continue
			}
			for _, m := range linked.FindAllStringSubmatch(inCode.ReplaceAllString(f.text, ""), -1) {
				to, anchor, _ := strings.Cut(m[1], "#")
				if strings.Contains(to, ":") {
					continue // elsewhere
				}
				target := path
				if to != "" {
					target = filepath.Join(filepath.Dir(path), to)
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s: %s: no such file", path, m[1])
				} else if anchor != "" && filepath.Ext(target) == ".md" && !anchors(read(t, target))[anchor] {
					t.Errorf("%s: %s: no such heading", path, m[1])
				}
				if path == "README.md" {
					mapped[target] = true
				}
			}
		}
	}
	for _, path := range documents(t) {
		if !mapped[path] {
			t.Errorf("README.md does not link to %s", path)
		}
	}
}

// program is the command line as a user sees it.
func program(t *testing.T, args ...string) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := (&exec.Cmd{Path: path, Args: append([]string{"rubato"}, args...)}).CombinedOutput() // the text says enough
	return string(out)
}

var (
	command  = regexp.MustCompile(`^(?:\$ )?(?:bin/|\./)?rubato +([a-z].*)$`)
	flagHelp = regexp.MustCompile(`(?m)^ +-([a-z-]+)(?:,? -[a-z-]+)*( [^ \n]+)?`)
	key      = regexp.MustCompile(`^([a-z-]+)=`)
	quoted   = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	name     = regexp.MustCompile(`^[a-z][a-z-]*$`)
)

// shownCommands are the commands of the program in a document, without its name.
func shownCommands(page string) (all []string) {
	for _, f := range fences(page) {
		lines := strings.Split(f.text, "\n")
		if f.kind == "" {
			lines = lines[:0]
			for _, code := range inCode.FindAllString(f.text, -1) {
				lines = append(lines, strings.Trim(code, "`"))
			}
		}
		for _, line := range lines {
			line, _, _ = strings.Cut(line, " #")
			for _, part := range regexp.MustCompile(` (?:&&|\|\||;|\||>) ?`).Split(line, -1) {
				if m := command.FindStringSubmatch(strings.TrimSpace(part)); m != nil {
					all = append(all, m[1])
				}
			}
		}
	}
	return all
}

// extending is the page that adds names, and is run.
const extending = "docs/extending.md"

// TestShownCommands: commands in documents, their flags, and the scenarios, styles and keys that
// they name are known.
func TestShownCommands(t *testing.T) {
	t.Parallel()
	helps, names, seen := map[string]string{}, map[string]string{}, 0
	for _, path := range documents(t) {
		for _, shown := range shownCommands(read(t, path)) {
			words := strings.Fields(quoted.ReplaceAllString(shown, "TEXT"))
			if seen++; helps[words[0]] == "" {
				helps[words[0]] = program(t, "help", words[0])
			}
			help := helps[words[0]]
			if strings.Contains(help, "unknown command") {
				t.Errorf("%s: %s: there is no such command", path, shown)
				continue
			}
			takes := map[string]bool{} // a value
			for _, m := range flagHelp.FindAllStringSubmatch(help, -1) {
				takes[m[1]] = takes[m[1]] || m[2] != ""
			}
			for i := 1; i < len(words); i++ {
				flag, is := strings.CutPrefix(words[i], "-")
				flag, _, whole := strings.Cut(strings.TrimPrefix(flag, "-"), "=")
				value := takes[flag]
				switch {
				case is && flag != "h" && !regexp.MustCompile(`(?m)(^|[ [])-`+flag+`\b`).MatchString(help):
					t.Errorf("%s: %s: %s has no flag -%s", path, shown, words[0], flag)
				case is && value && !whole:
					if i++; flag == "set" && i < len(words) {
						if m := key.FindStringSubmatch(words[i]); m != nil {
							names[m[1]] = path + ": " + shown
						}
					}
				case !is && path != extending && slices.Contains([]string{"run", "list", "count"}, words[0]) && name.MatchString(words[i]):
					names[words[i]] = path + ": " + shown
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d commands: are they still found?", seen)
	}
	for n, where := range names {
		if out := program(t, "list", n); strings.Contains(out, "unknown") {
			t.Errorf("%s: %s", where, out)
		}
	}
}

// TestShownTests: the tests and benchmarks that documents name exist.
func TestShownTests(t *testing.T) {
	t.Parallel()
	goTest := regexp.MustCompile(`go test .*`)
	function := regexp.MustCompile(`(?:Test|Benchmark)[A-Z][A-Za-z]*`)
	for _, path := range documents(t) {
		for _, line := range goTest.FindAllString(read(t, path), -1) {
			folder := regexp.MustCompile(`\./[a-z/]+`).FindString(line)
			files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
			if folder == "" || err != nil {
				continue
			}
			source := ""
			for _, file := range files {
				source += read(t, file)
			}
			for _, f := range function.FindAllString(line, -1) {
				if !strings.Contains(source, "func "+f) {
					t.Errorf("%s: %s: there is no %s in %s", path, line, f, folder)
				}
			}
		}
	}
}

// TestPages runs the pages that teach, each beside a copy of the repository: files are made,
// differences applied, commands run in order. Of shown output the words must be there, numbers may
// differ; a block "text varies" is not compared. Modules come from where Go is told to fetch them.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and measures for minutes: go test runs it without -short")
	}
	for _, p := range []struct{ page, start string }{
		{"docs/tutorial.md", "rubato"}, {"docs/library.md", "."}, {extending, "rubato"},
	} {
		t.Run(filepath.Base(p.page), func(t *testing.T) {
			root := t.TempDir()
			copyRepository(t, filepath.Join(root, "rubato"))
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // on a busy machine that has built nothing yet
			defer cancel()
			r := reader{t: t, ctx: ctx, page: p.page, folder: filepath.Join(root, p.start), notes: filepath.Join(root, "folder")}
			for _, f := range fences(read(t, p.page)) {
				r.follow(f)
			}
		})
	}
}

// copyRepository copies what a clone has, as it is now.
func copyRepository(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains([]string{".git", "out", "bin"}, path) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil // a worktree has a file .git
		}
		target := filepath.Join(to, path)
		if e.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A reader does what a page says, in order.
type reader struct {
	t      *testing.T
	ctx    context.Context
	page   string
	folder string // that the page is in
	notes  string // file in which a block leaves its folder
	out    string // of the last commands
}

func (r *reader) follow(f fence) {
	r.t.Helper()
	kind, varies, _ := strings.Cut(f.kind, " ")
	switch {
	case kind == "sh":
		r.run(f, "sh", "-ec", f.text+"\npwd >\"$NOTES\"")
		r.folder = strings.TrimSpace(read(r.t, r.notes))
	case kind == "diff":
		r.run(f, "git", "apply", "--verbose", "-")
	case f.file != "":
		path := filepath.Join(r.folder, f.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	case kind == "text" && varies == "":
		got := words(r.out)
		for line := range strings.Lines(f.text) {
			if want := words(line); !strings.Contains(got, want) {
				r.t.Errorf("%s:%d: %q is not in the output:\n%s", r.page, f.line, want, r.out)
			}
		}
	case kind == "go":
		r.t.Errorf("%s:%d: no file is named before this block", r.page, f.line)
	}
}

// run runs a command in the folder. Nothing that it starts outlives it.
func (r *reader) run(f fence, name string, args ...string) {
	r.t.Helper()
	c := exec.CommandContext(r.ctx, name, args...)
	c.Dir, c.Stdin = r.folder, strings.NewReader(f.text)
	// Without paths in them, packages are built once, wherever the copy is.
	c.Env = append(os.Environ(), "NOTES="+r.notes, "GOFLAGS=-trimpath", "CGO_ENABLED=0", "NO_COLOR=1", "PWD="+r.folder)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		r.t.Fatalf("%s:%d: %v\n%s%s", r.page, f.line, err, f.text, &out)
	}
	r.out = out.String()
	r.t.Logf("%s:%d:\n%s", r.page, f.line, r.out)
}

var exitCode = regexp.MustCompile(`exit code (\d)`)

// words are those of a text, in order, without numbers, units and lines. Exit codes stay.
func words(text string) string {
	text = exitCode.ReplaceAllStringFunc(text, func(code string) string { return "exit code " + string('a'+rune(code[len(code)-1]-'0')) })
	unit := regexp.MustCompile(`^(ns|µs|ms|s|MiB|KiB|B|%|±|…)[,;.:)]*$`)
	kept := slices.DeleteFunc(strings.Fields(text), func(word string) bool {
		return strings.IndexFunc(word, unicode.IsDigit) >= 0 || strings.IndexFunc(word, unicode.IsLetter) < 0 || unit.MatchString(word)
	})
	return fmt.Sprint(kept)[1 : len(fmt.Sprint(kept))-1]
}
