package runner

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
)

// seal has the workload note what is durable now, if it can.
func seal(load Workload) error {
	if s, can := load.(Sealer); can {
		return s.Seal()
	}
	return nil
}

// processSettings are those of the process, as its runtime tells them.
func processSettings() []Setting {
	read := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(read)
	return []Setting{
		{Name: "go", Value: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
		{Name: "GOMAXPROCS", Value: strconv.Itoa(runtime.GOMAXPROCS(0))},
		{Name: "GOGC", Value: strconv.FormatInt(int64(read[0].Value.Uint64()), 10)},
		{Name: "GOMEMLIMIT", Value: strconv.FormatUint(read[1].Value.Uint64(), 10)},
		{Name: "GODEBUG", Value: os.Getenv("GODEBUG")},
	}
}

// unasked is a setting that is not what was asked for, "" if all are.
func unasked(settings []Setting) string {
	for _, s := range settings {
		if s.Asked != "" && s.Asked != s.Value {
			return fmt.Sprintf("asked to run with %s %q, it runs with %q", s.Name, s.Asked, s.Value)
		}
	}
	return ""
}

// unlike is a setting in which a style differs from the baseline though both have it,
// "" if there is none.
func unlike(settings, reference []Setting) string {
	own := byName(settings)
	for _, want := range reference {
		if want.Own {
			continue
		}
		switch got, told := own[want.Name]; {
		case !told:
			return fmt.Sprintf("it does not tell its %s, which is %q in the baseline", want.Name, want.Value)
		case got.Value != want.Value:
			return fmt.Sprintf("it runs with %s %q, the baseline with %q", want.Name, got.Value, want.Value)
		}
	}
	return ""
}

// drifted is a setting that is not what it was in the script, "" if all are: work
// that was proven under one and timed under another is not proven. A block may tell
// none.
func drifted(script, block []Setting) string {
	if len(block) == 0 {
		return ""
	}
	now := byName(block)
	for _, was := range script {
		if is, told := now[was.Name]; !told || is.Value != was.Value {
			return fmt.Sprintf("its script ran with %s %q, this with %q", was.Name, was.Value, is.Value)
		}
	}
	if len(block) != len(script) {
		return fmt.Sprintf("its script told %d settings, this %d", len(script), len(block))
	}
	return ""
}

func byName(settings []Setting) map[string]Setting {
	named := make(map[string]Setting, len(settings))
	for _, s := range settings {
		named[s.Name] = s
	}
	return named
}
