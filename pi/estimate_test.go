package pi

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/results"
)

// leave writes a run's folder.
func leave(t *testing.T, cpu string, cells ...string) string {
	t.Helper()
	dir := t.TempDir()
	run := `{"schema":2,"baseline":"direct","machine":{"cpu":"` + cpu + `","warnings":[]},"cells":[` + strings.Join(cells, ",") + `]}`
	if err := os.WriteFile(filepath.Join(dir, results.RawFile), []byte(`{"run":`+run+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	cell := func(style string) string {
		return `{"scenario":"s","style":"` + style + `","verdict":"measured","warnings":[]}`
	}
	here, device := leave(t, "workstation", cell("direct"), cell("bus")), leave(t, "board", cell("direct"))
	for _, test := range []struct {
		args []string
		code int
		says []string // on stdout, or on stderr if it fails
	}{
		{[]string{"-estimate", here}, exitPass, []string{"PROJECTION, not a measurement", "no run on a device", "no time is projected"}},
		{[]string{"-estimate", here, device}, exitPass, []string{"PROJECTION, not a measurement: workstation", "board", "same factor as the baseline"}},
		{[]string{"--estimate", "-json", here}, exitPass, []string{`"PROJECTION": true`, `"device": null`}},
		{[]string{"-estimate", here, here}, exitUsage, []string{"of one machine"}},
		{[]string{"-estimate"}, exitUsage, []string{"takes a run of this machine"}},
		{[]string{"-estimate", here, device, here}, exitUsage, []string{"takes a run of this machine"}},
		{[]string{"-estimate", filepath.Join(here, "none")}, exitUsage, []string{"no such file"}},
		{[]string{"-estimate", "-h"}, exitPass, []string{"-estimate"}},
	} {
		var stdout, stderr bytes.Buffer
		got := run(t.Context(), test.args, &stdout, &stderr)
		text := stdout.String()
		if test.code != exitPass {
			text = stderr.String()
		}
		if got != test.code {
			t.Errorf("%q: exit %d, want %d\n%s%s", test.args, got, test.code, &stdout, &stderr)
		}
		for _, part := range test.says {
			if !strings.Contains(text, part) {
				t.Errorf("%q does not say %q:\n%s", test.args, part, text)
			}
		}
	}
}
