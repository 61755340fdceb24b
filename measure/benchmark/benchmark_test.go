package benchmark_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"rubato/measure"
	"rubato/measure/benchmark"
)

var upper = measure.Task[int, string]{Name: "upper", Styles: []measure.Style[int, string]{
	{Name: "library", Do: func(i int) string { return strings.ToUpper(fmt.Sprint("word ", i)) }},
	{Name: "own", Do: func(i int) string {
		var out []byte
		for _, c := range []byte(fmt.Sprint("word ", i)) {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			out = append(out, c)
		}
		return string(out)
	}},
}}

func BenchmarkUpper(b *testing.B) { benchmark.Run(b, upper) }

func BenchmarkNested(b *testing.B) {
	b.Run("words (a|b)", func(b *testing.B) { benchmark.Run(b, upper) })
}

// go test -bench prints lines that benchstat groups by style, and what was found.
func TestLines(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	for _, c := range []struct{ bench, name string }{{"Upper", "Upper/Upper"}, {"Nested", "Nested/words_(a|b)/Upper"}} {
		t.Run(c.bench, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(os.Args[0], "-test.run=^$", "-test.bench="+c.bench, "-test.benchtime=100ms").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			seen := map[string]int{}
			for lines := benchfmt.NewReader(bytes.NewReader(out), "test"); lines.Scan(); {
				result, is := lines.Result().(*benchfmt.Result)
				if !is {
					continue
				}
				if v, has := result.Value("sec/op"); !has || v <= 0 {
					t.Errorf("%s: %v sec/op", result.Name, v)
				}
				seen[regexp.MustCompile(`-\d+$`).ReplaceAllString(string(result.Name), "")]++
			}
			for _, style := range []string{"library", "own"} {
				if n := seen[c.name+"/style="+style]; n < 2 {
					t.Errorf("%d lines of %s", n, style)
				}
			}
			if len(seen) != 2 || !strings.Contains(string(out), "\n# own: ") {
				t.Errorf("lines of %v\n%s", seen, out)
			}
		})
	}
}
