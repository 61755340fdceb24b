package runner

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatiently: a block of an hour says a word now and then, and none after it.
func TestPatiently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		p := newProgress(&said, 1)
		done := p.patiently("soak")
		<-time.After(time.Hour)
		done()
		<-time.After(time.Hour)
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if len(lines) < 10 || len(lines) > 20 || lines[0] != "soak: at work for 30s" || lines[1] != "soak: at work for 1m0s" || lines[3] != "soak: at work for 4m0s" {
			t.Errorf("said %d lines: %q", len(lines), lines)
		}
	})
}
