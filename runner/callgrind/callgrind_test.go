package callgrind

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What valgrind wrote about a small Go program, without the lines of costs: main.main calls twice
// 1 000 times, which calls step twice.
func TestRead(t *testing.T) {
	t.Parallel()
	p, err := Read("testdata/callgrind.out")
	if err != nil {
		t.Fatal(err)
	}
	if p.Calls["main.step"] != 2000 || p.Calls["main.twice"] != 1000 || p.Calls["main.main"] != 1 {
		t.Errorf("step %d, twice %d, main %d", p.Calls["main.step"], p.Calls["main.twice"], p.Calls["main.main"])
	}
	if want := lastTotal(t, "testdata/callgrind.out"); p.Instructions != want {
		t.Errorf("%d instructions, and the file ends with %d", p.Instructions, want)
	}
	data, err := os.ReadFile("testdata/callgrind.out")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(bytes.NewReader(data[:len(data)/2])); err == nil || !strings.Contains(err.Error(), "no totals") {
		t.Errorf("half a file: %v", err)
	}
}

const small = `# callgrind format
version: 1
creator: callgrind-3.24.0
positions: line
events: Ir Dr

fl=(1) a.go
fn=(1) main.main
3 10 1
cfn=(2) main.a
calls=3 7
3 300 2
cfn=(3) main.(*t).b[...]
calls=1 9
3 5 1

fn=(2)
8 300 2
cfn=(3)
calls=4 9
8 20 1
totals: 335 6
`

func TestParse(t *testing.T) {
	t.Parallel()
	p, err := Parse(strings.NewReader(small))
	if err != nil || p.Instructions != 335 || len(p.Calls) != 2 || p.Calls["main.a"] != 3 || p.Calls["main.(*t).b[...]"] != 5 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"no totals":          {"totals: 335 6\n", "", "no totals"},
		"other events":       {"Ir Dr", "Dr Dw", "no instructions"},
		"no events":          {"events: Ir Dr\n", "", "without instructions"},
		"few totals":         {"Ir Dr", "Dr Ir Dw", "335"}, // Ir is the second
		"no count":           {"calls=3 7", "calls=x 7", `line 11: "x" is no count`},
		"below zero":         {"calls=3 7", "calls=-3 7", "is no count"},
		"beyond int64":       {"calls=3 7", "calls=9223372036854775808 7", "is no count"},
		"calls of nobody":    {"cfn=(2) main.a\n", "", "of no function"},
		"a number unknown":   {"cfn=(3)\n", "cfn=(4)\n", "has no name"},
		"a number twice":     {"fn=(2)\n", "fn=(2) main.c\n", `is "main.a" and "main.c"`},
		"a number without )": {"fn=(2)\n", "fn=(2\n", "no end"},
	} {
		p, err := Parse(strings.NewReader(strings.Replace(small, c.old, c.new, 1)))
		if name == "few totals" {
			if err != nil || p.Instructions != 6 {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// What the scheduler's monitor executes is left out: 30 of its own, 40 of what it calls.
func TestMonitor(t *testing.T) {
	t.Parallel()
	with := strings.Replace(small, "totals: 335", "fn=(7) runtime.sysmon\n6486 25 3\n+1 5\ncfn=(8) runtime.usleep\ncalls=9 155\n* 40 2\nfn=(3)\n+3 1\ntotals: 406", 1)
	p, err := Parse(strings.NewReader(with))
	if err != nil || p.Instructions != 336 || p.Calls["runtime.usleep"] != 0 || p.Calls["main.a"] != 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := Parse(strings.NewReader(strings.Replace(with, "totals: 406", "totals: 69", 1))); err == nil || !strings.Contains(err.Error(), "less than its parts") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	if data, err := os.ReadFile("testdata/callgrind.out"); err == nil {
		f.Add(data[:min(len(data), 4096)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(bytes.NewReader(data))
		if err == nil && p.Instructions < 0 {
			t.Errorf("%+v", p)
		}
	})
}

// A program without symbols, as go test builds one, gets those that its functions have.
func TestWithNames(t *testing.T) {
	t.Parallel()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stripped, err := elf.Open(own)
	if err != nil {
		t.Fatal(err)
	}
	defer stripped.Close()
	if _, err := stripped.Symbols(); !errors.Is(err, elf.ErrNoSymbols) {
		t.Fatalf("this test has symbols: %v", err)
	}
	path := filepath.Join(t.TempDir(), "named")
	if err := WithNames(own, path); err != nil {
		t.Fatal(err)
	}
	named, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	symbols, err := named.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]elf.Symbol{}
	for _, s := range symbols {
		at[s.Name] = s
	}
	for name, of := range map[string]any{"rubato/runner/callgrind.Parse": Parse, "rubato/runner/callgrind.(*parser).line": (*parser).line, "os.ReadFile": os.ReadFile} {
		entry := uint64(reflect.ValueOf(of).Pointer())
		if s := at[name]; s.Value != entry || s.Size == 0 || named.Sections[s.Section].Name != ".text" || elf.ST_TYPE(s.Info) != elf.STT_FUNC {
			t.Errorf("%s is at %x: %+v", name, entry, s)
		}
	}
	for _, s := range stripped.Sections {
		was, err := s.Data()
		is, failed := named.Section(s.Name).Data()
		if s.Name != ".shstrtab" && s.Type != elf.SHT_NOBITS && (err != nil || failed != nil || !bytes.Equal(was, is)) {
			t.Errorf("section %s differs: %v, %v", s.Name, err, failed)
		}
	}
	again := path + "-again"
	if err := WithNames(path, again); err != nil {
		t.Fatal(err)
	}
	once, err := os.ReadFile(path)
	twice, failed := os.ReadFile(again)
	if err != nil || failed != nil || !bytes.Equal(once, twice) {
		t.Errorf("names are added twice: %v, %v", err, failed)
	}
	if err := WithNames("testdata/callgrind.out", again); err == nil || !strings.Contains(err.Error(), "no program") {
		t.Errorf("the names of a text: %v", err)
	}
}

func FuzzNamed(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = named(data) // which must not panic
	})
}

// lastTotal is the number in the last line of a file that callgrind wrote, read with other means.
func lastTotal(t *testing.T, path string) (n int64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(string(data))
	for _, digit := range text[strings.LastIndex(text, " ")+1:] {
		n = 10*n + int64(digit-'0')
	}
	return n
}
