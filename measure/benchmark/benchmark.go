// Package benchmark runs tasks of package measure inside go test -bench: trials of fresh processes, in
// which the styles take turns every millisecond, as rubato run has them. It prints one line of Go's benchmark
// format for each style and trial, and what was found in lines that begin with #:
//
//	func BenchmarkUpper(b *testing.B) { benchmark.Run(b, upper) }
//
//	go test -bench Upper | benchstat -col /style -
//
// The measured processes are started from the test's own program, which runs the benchmark up to Run
// again. So what stands before Run must be quick and print nothing.
package benchmark

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rubato/measure"
	"rubato/reports"
	"rubato/results"
	"rubato/runner"
)

// perStyle is how many times -benchtime the trials of a task may take, for each of its styles.
const perStyle = 5

// Run measures the tasks. -benchtime sets the time: each style may take five times as long (5 s
// by default). It ends early when every answer is certain. A style whose work differs, that fails
// or does not end, fails the benchmark; the others have their lines.
func Run(b *testing.B, tasks ...measure.Measurable) {
	b.Helper()
	suite, err := measure.Suite(tasks...)
	if err != nil {
		b.Fatal(err)
	}
	if args := flag.Args(); runner.IsChild(args) {
		os.Exit(runner.Main(suite, args))
	}
	suite.Child = childArguments(b.Name())
	folder := filepath.Join(b.TempDir(), "run")
	var said bytes.Buffer
	args := []string{"run", "-quick", "-time", timeFor(len(suite.Styles)).String(), "-out", folder}
	code := runner.MainTo(suite, args, &said, &said)
	run, _, err := results.Load(folder)
	if err != nil {
		b.Fatalf("%v\n%s", err, said.String())
	}
	if err := show(b.Name(), folder, run); err != nil {
		b.Fatal(err)
	}
	if code >= invalid {
		b.Errorf("the run ended with exit code %d\n%s", code, said.String())
	}
	b.SkipNow() // or testing would call it again, and print a line of its own
}

// invalid is the least exit code of rubato run that says that there is no result.
const invalid = 4

// childArguments have the test's program run this benchmark alone, once.
func childArguments(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	return []string{"-test.run=^$", "-test.bench=" + strings.Join(parts, "/"), "-test.benchtime=1x", "-test.timeout=0"}
}

// timeFor is the time of the trials of a comparison. A -benchtime of a number of operations says
// nothing about it, and counts as the default.
func timeFor(styles int) time.Duration {
	each := time.Second
	if f := flag.Lookup("test.benchtime"); f != nil {
		if d, err := time.ParseDuration(f.Value.String()); err == nil {
			each = d
		}
	}
	return max(time.Second, time.Duration(styles*perStyle)*each)
}

// show prints the lines of the run under the benchmark's name.
func show(name, folder string, run *results.Run) error {
	file, err := os.Open(filepath.Join(folder, "bench.txt"))
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if rest, is := strings.CutPrefix(line, "Benchmark"); is {
			fmt.Printf("%s/%s\n", name, rest)
		} else if strings.HasPrefix(line, "#") {
			fmt.Println(line)
		}
	}
	for _, said := range reports.Sentences(run) {
		fmt.Printf("# %s\n", said)
	}
	return lines.Err()
}
