package audio

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The callback may reach these functions of this package, and call these others:
// atomic counts, arithmetic, the clock, and the recording of a value.
var (
	lawFiles  = []string{"callback.go", "clock_linux.go"}
	reachable = []string{"Buffered", "NewClock", "Read", "over", "pace", "play", "record", "run", "sameInstant"}
	outside   = []string{
		"clear", "copy", "int", "int64", "len", "max", "min", "uint64",
		"Load", "Store", // of sync/atomic
		"RecordValue", "now", "until",
		"Add", "Nano", "ClockGettime", "ClockNanosleep", "NsecToTimespec", "Now", "Since",
		"extra", // RealTimeOptions.InCallback: nil unless its cost is measured
	}
)

func TestCallbackKeepsTheLaw(t *testing.T) {
	t.Parallel()
	l := newLaw(t)
	for _, f := range lawFiles {
		l.add(t, f, nil)
	}
	l.follow("pace")
	l.follow("NewClock")
	slices.Sort(l.reached)
	if !slices.Equal(l.reached, reachable) {
		t.Errorf("the callback reaches %q, want %q", l.reached, reachable)
	}
	for _, b := range l.broken {
		t.Error(b)
	}
}

// TestCallbackLawIsHeld shows that the check finds what is forbidden.
func TestCallbackLawIsHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{"c.mu.Lock()", "calls Lock"},
		{"log.Print(1)", "calls Print"},
		{"fmt.Println()", "calls Println"},
		{"time.Sleep(1)", "calls Sleep"},
		{"ch <- 1", "sends"},
		{"<-ch", "receives"},
		{"select {}", "selects"},
		{"go f()", "starts"},
		{"defer f()", "defers"},
		{"x = append(x, 1)", "calls append"},
		{"_ = make([]int, 1)", "calls make"},
		{"_ = &T{}", "makes a value"},
		{"_ = func() {}", "makes a function"},
		{"deeper()", "calls Lock"},
		{"panic(1)", "calls panic"},
		{"for range ch {}", ""}, // needs types; the list of fields says that there is none
	} {
		l := newLaw(t)
		l.add(t, "x.go", []byte("package audio\nfunc pace() { "+c.body+" }\nfunc deeper() { m.Lock() }\n"))
		l.follow("pace")
		if got := strings.Join(l.broken, "; "); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", c.body, got, c.want)
		}
	}
}

// TestCallbackHasNoChannel: what the callback and the ring hold is neither a lock
// nor a channel, so they cannot wait for one.
func TestCallbackHasNoChannel(t *testing.T) {
	t.Parallel()
	l := newLaw(t)
	for _, f := range lawFiles {
		l.add(t, f, nil)
	}
	for _, f := range l.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if _, ok := n.(*ast.ChanType); ok {
				t.Errorf("%s: a channel", l.fset.Position(n.Pos()))
			}
			return true
		})
		for _, i := range f.Imports {
			if path := strings.Trim(i.Path.Value, `"`); slices.Contains([]string{"sync", "log", "fmt", "os", "context", "log/slog"}, path) {
				t.Errorf("%s imports %s", l.fset.Position(i.Pos()), path)
			}
		}
	}
}

// law follows calls from function to function within some files.
type law struct {
	fset    *token.FileSet
	files   []*ast.File
	decls   map[string]*ast.FuncDecl
	reached []string
	broken  []string
}

func newLaw(t *testing.T) *law {
	t.Helper()
	return &law{fset: token.NewFileSet(), decls: map[string]*ast.FuncDecl{}}
}

func (l *law) add(t *testing.T, name string, text []byte) {
	t.Helper()
	var src any
	if text != nil {
		src = text
	}
	f, err := parser.ParseFile(l.fset, filepath.FromSlash(name), src, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.files = append(l.files, f)
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			l.decls[fn.Name.Name] = fn
		}
	}
}

func (l *law) follow(name string) {
	if slices.Contains(l.reached, name) {
		return
	}
	l.reached = append(l.reached, name)
	ast.Inspect(l.decls[name].Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SendStmt:
			l.breaks(n, "sends")
		case *ast.SelectStmt:
			l.breaks(n, "selects")
		case *ast.GoStmt:
			l.breaks(n, "starts a goroutine")
		case *ast.DeferStmt:
			l.breaks(n, "defers")
		case *ast.FuncLit:
			if name != "NewClock" { // runs once, before the first callback
				l.breaks(n, "makes a function")
			}
		case *ast.UnaryExpr:
			l.unary(n)
		case *ast.CallExpr:
			l.call(n)
		}
		return true
	})
}

func (l *law) unary(n *ast.UnaryExpr) {
	if n.Op == token.ARROW {
		l.breaks(n, "receives")
	}
	if _, ok := n.X.(*ast.CompositeLit); ok && n.Op == token.AND {
		l.breaks(n, "makes a value")
	}
}

func (l *law) call(n *ast.CallExpr) {
	var name string
	switch f := n.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	default:
		l.breaks(n, "calls something that has no name")
		return
	}
	_, ours := l.decls[name]
	switch {
	case ours:
		l.follow(name)
	case !slices.Contains(outside, name):
		l.breaks(n, "calls "+name)
	}
}

func (l *law) breaks(n ast.Node, how string) {
	l.broken = append(l.broken, l.fset.Position(n.Pos()).String()+" "+how)
}
