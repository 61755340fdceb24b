package callgrind

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What valgrind wrote about a small Go program: loop, called 2 000 times by main.main.
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

// A program without symbols gets those that it had.
func TestWithNames(t *testing.T) {
	t.Parallel()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	had := symbolsOf(t, data)
	stripped := filepath.Join(t.TempDir(), "stripped")
	if err := os.WriteFile(stripped, bytes.ReplaceAll(data, []byte("\x00.symtab\x00"), []byte("\x00.removd\x00")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WithNames(stripped, stripped+"-named"); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(stripped + "-named")
	if err != nil {
		t.Fatal(err)
	}
	got := symbolsOf(t, again)
	for _, name := range []string{"rubato/runner/callgrind.Parse", "rubato/runner/callgrind.(*parser).line", "runtime.mallocgc"} {
		if at, is := got[name]; !is || at.Value != had[name].Value || at.Size == 0 || at.Section != had[name].Section {
			t.Errorf("%s: %+v, it was %+v", name, at, had[name])
		}
	}
	if err := WithNames("testdata/callgrind.out", stripped); err == nil {
		t.Error("a text has names of functions")
	}
}

func symbolsOf(t *testing.T, program []byte) map[string]elf.Symbol {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	all, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]elf.Symbol{}
	for _, s := range all {
		of[s.Name] = s
	}
	return of
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
