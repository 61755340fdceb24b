package runner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"rubato/results"
)

// A build is a program that children are started from. Of nil, it is this program.
type build struct {
	path string
	was  os.FileInfo // when it was first used
}

// asStarted is this program.
var asStarted = sync.OnceValues(func() (*build, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return buildAt(path)
})

func buildAt(path string) (*build, error) {
	was, err := os.Stat(path)
	return &build{path, was}, err
}

// file is the path of the program. It fails if the file has changed: children of two builds
// must not be taken for those of one.
func (b *build) file() (string, error) {
	if b == nil {
		own, err := asStarted()
		if err != nil {
			return "", fmt.Errorf("finding the own program to start it again: %w", err)
		}
		b = own
	}
	is, err := os.Stat(b.path)
	if err != nil {
		return "", fmt.Errorf("finding a program to start it again: %w", err)
	}
	if !os.SameFile(b.was, is) || !b.was.ModTime().Equal(is.ModTime()) {
		return "", fmt.Errorf("%s was built again while it ran: run it again", b.path)
	}
	return b.path, nil
}

// mergeBase is the name by which -against takes the commit at which this branch left the main one.
const mergeBase = "merge-base"

// buildTime bounds a build; oldBuilds is how many are kept.
const (
	buildTime = 10 * time.Minute
	oldBuilds = 8
)

// A source says how this program was built, so that another revision is built in the same way.
type source struct {
	main     string // import path of its main package
	module   string
	goes     string               // the version of Go
	settings []debug.BuildSetting // see debug.BuildInfo
	stripped bool                 // it has no symbols
}

// ownSource is that of this program.
func ownSource() (source, error) {
	info, known := debug.ReadBuildInfo()
	if !known || info.Main.Path == "" {
		return source{}, errors.New("this program does not say what it was built from: name the other one by its file")
	}
	own, err := asStarted()
	if err != nil {
		return source{}, err
	}
	s := source{main: info.Path, module: info.Main.Path, goes: info.GoVersion, settings: info.Settings}
	if file, err := elf.Open(own.path); err == nil { // another system's format: with symbols, as Go builds it
		_, err = file.Symbols()
		s.stripped = errors.Is(err, elf.ErrNoSymbols)
		_ = file.Close()
	}
	return s, nil
}

// flags are those of go build, and the environment that it needs.
func (s source) flags() (flags, env []string) {
	pgo := "-pgo=off"
	for _, set := range s.settings {
		switch key := set.Key; {
		case key == "-pgo":
			pgo = "" // as go build chooses
		case key == "-ldflags", key == "-buildmode", key == "-compiler", strings.HasPrefix(key, "vcs"):
		case strings.HasPrefix(key, "-"):
			flags = append(flags, key+"="+set.Value)
		case key == "CGO_ENABLED", key == "GOOS", key == "GOEXPERIMENT", strings.HasPrefix(key, "GO"):
			env = append(env, key+"="+set.Value)
		}
	}
	if pgo != "" {
		flags = append(flags, pgo)
	}
	if s.stripped {
		flags = append(flags, "-ldflags=-s")
	}
	return flags, env
}

// revision finds another build of this program: a file, or a commit of the checkout in dir, which
// is built unless it was before.
func revision(ctx context.Context, s source, dir, asked string, say func(string, ...any)) (*results.Revision, *build, error) {
	named := strings.HasPrefix(asked, ".") || filepath.IsAbs(asked)
	commit, err := "", error(nil)
	if !named {
		commit, err = commitOf(ctx, dir, asked)
	}
	path := asked
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if info, failed := os.Stat(path); named || err != nil && failed == nil {
		switch {
		case failed != nil:
			return nil, nil, failed
		case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
			return nil, nil, fmt.Errorf("%s is no program: -against takes a revision, or the file of another build", asked)
		}
		r := &results.Revision{Asked: asked}
		r.Commit, r.Dirty = vcs(path)
		b, err := buildAt(path)
		return r, b, err
	}
	if err != nil {
		return nil, nil, err
	}
	path, err = s.build(ctx, dir, commit, say)
	if err != nil {
		return nil, nil, err
	}
	b, err := buildAt(path)
	return &results.Revision{Asked: asked, Commit: commit}, b, err
}

// vcs says what a program was built from, as far as it knows.
func vcs(path string) (commit string, dirty bool) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", false
	}
	for _, set := range info.Settings {
		switch set.Key {
		case "vcs.revision":
			commit = set.Value
		case "vcs.modified":
			dirty = set.Value == "true"
		}
	}
	return commit, dirty
}

// commitOf is the commit that a name stands for.
func commitOf(ctx context.Context, dir, asked string) (string, error) {
	if _, err := git(ctx, dir, "rev-parse", "--show-toplevel"); err != nil {
		return "", fmt.Errorf("-against %s needs a git checkout to find it in, or the file of another build: %w", asked, err)
	}
	shallow := ""
	if is, err := git(ctx, dir, "rev-parse", "--is-shallow-repository"); err == nil && is == "true" {
		shallow = "; this clone is shallow: fetch the rest with git fetch --unshallow (on GitHub: fetch-depth: 0)"
	}
	if asked != mergeBase {
		commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", asked+"^{commit}")
		if err != nil {
			return "", fmt.Errorf("no commit, tag or branch %q in this checkout%s", asked, shallow)
		}
		return commit, nil
	}
	var tried []string
	for _, branch := range []string{os.Getenv("GITHUB_BASE_REF"), os.Getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), os.Getenv("CI_DEFAULT_BRANCH"), "HEAD", "main", "master"} {
		if branch == "" {
			continue
		}
		for _, name := range []string{"refs/remotes/origin/" + branch, "refs/heads/" + branch} {
			if name == "refs/heads/HEAD" {
				continue
			}
			if _, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", name+"^{commit}"); err != nil {
				continue
			}
			commit, err := git(ctx, dir, "merge-base", "HEAD", name)
			if err == nil {
				return commit, nil
			}
			tried = append(tried, name)
		}
	}
	if len(tried) == 0 {
		return "", fmt.Errorf("no main branch to have left: name the revision, or fetch it%s", shallow)
	}
	return "", fmt.Errorf("HEAD has no commit in common with %s%s", strings.Join(tried, " or "), shallow)
}

// git is the output of a git command.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return outputOf(exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.hooksPath=/dev/null"}, args...)...))
}

// outputOf is what a command prints; its error says what it complained of.
func outputOf(c *exec.Cmd) (string, error) {
	out, err := c.Output()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) {
		err = errors.New(cmp.Or(strings.TrimSpace(string(exit.Stderr)), err.Error()))
	}
	return strings.TrimSpace(string(out)), err
}

// build builds a commit in a worktree of its own, with the flags of this program. A build is kept
// and used again.
func (s source) build(ctx context.Context, dir, commit string, say func(string, ...any)) (path string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime, fmt.Errorf("%s takes over %v to build", commit, buildTime))
	defer cancel()
	root, err := s.root(ctx, dir)
	if err != nil {
		return "", err
	}
	flags, env := s.flags()
	builds, err := os.UserCacheDir()
	if err != nil {
		builds = os.TempDir()
	}
	builds = filepath.Join(builds, "rubato", "builds")
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat([]string{commit, s.main, s.goes}, flags, env), "\x00")))
	folder := filepath.Join(builds, commit[:12]+"-"+hex.EncodeToString(sum[:6]))
	path = filepath.Join(folder, filepath.Base(s.main))
	if _, err := os.Stat(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(folder, now, now) // the oldest are removed
		say("%s was built before", commit[:12])
		return path, nil
	}
	say("building %s", commit[:12])
	began := time.Now()
	work, err := os.MkdirTemp("", "rubato-revision-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	tree := filepath.Join(work, "tree")
	if _, err := git(ctx, dir, "worktree", "add", "--detach", "--quiet", tree, commit); err != nil {
		return "", fmt.Errorf("checking %s out: %w", commit[:12], err)
	}
	defer func() {
		_, failed := git(context.WithoutCancel(ctx), dir, "worktree", "remove", "--force", tree)
		err = errors.Join(err, failed)
	}()
	made := filepath.Join(work, "program")
	compile := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-o", made}, flags, []string{s.main})...)
	compile.Dir, compile.Env = filepath.Join(tree, root), append(os.Environ(), env...)
	if _, err := outputOf(compile); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("%s does not build:\n%w", commit[:12], err)
	}
	if info, err := buildinfo.ReadFile(made); err != nil {
		return "", err
	} else if info.GoVersion != s.goes {
		return "", fmt.Errorf("%s was built with %s, this program with %s: not only their code would be compared", commit[:12], info.GoVersion, s.goes)
	}
	if err := keepBuild(builds, folder, made, path); err != nil {
		return "", fmt.Errorf("keeping the build of %s: %w", commit[:12], err)
	}
	say("built %s in %v", commit[:12], time.Since(began).Round(100*time.Millisecond))
	return path, nil
}

// root is the folder of the program's module within the checkout of dir.
func (s source) root(ctx context.Context, dir string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	list.Dir = dir
	module, err := outputOf(list)
	path, at, _ := strings.Cut(module, "\n")
	if err != nil || path != s.module {
		return "", fmt.Errorf("a revision is built from source: run it in the checkout of %s, or name the file of another build", s.module)
	}
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	if at, err = filepath.EvalSymlinks(at); err != nil {
		return "", err
	}
	return filepath.Rel(top, at)
}

// keepBuild moves a program to its place and removes the oldest builds.
func keepBuild(builds, folder, made, path string) error {
	if err := os.MkdirAll(builds, 0o755); err != nil {
		return err
	}
	half, err := os.MkdirTemp(builds, "half-")
	if err != nil {
		return err
	}
	data, err := os.ReadFile(made)
	if err == nil {
		err = os.WriteFile(filepath.Join(half, filepath.Base(path)), data, 0o755)
	}
	if err == nil {
		err = os.Rename(half, folder)
	}
	if err != nil {
		_ = os.RemoveAll(half)
		if _, other := os.Stat(path); other == nil {
			return nil // another run has built it meanwhile
		}
		return err
	}
	all, err := os.ReadDir(builds)
	if err != nil {
		return err
	}
	age := func(e os.DirEntry) time.Time {
		if info, err := e.Info(); err == nil {
			return info.ModTime()
		}
		return time.Time{}
	}
	slices.SortFunc(all, func(a, b os.DirEntry) int { return age(b).Compare(age(a)) })
	for _, old := range all[min(len(all), oldBuilds):] {
		_ = os.RemoveAll(filepath.Join(builds, old.Name())) // the next build tries again
	}
	return nil
}
