package natsbus

import (
	"strings"
	"testing"
)

// A machine without the loopback address is told so, and what works without it. 192.0.2.1 is
// for documentation: no machine has it.
func TestNoLoopback(t *testing.T) {
	t.Parallel()
	if err := loopback("127.0.0.1"); err != nil {
		t.Error(err)
	}
	err := loopback("192.0.2.1")
	if err == nil || !strings.Contains(err.Error(), "no IPv4 loopback (192.0.2.1)") || !strings.Contains(err.Error(), "use transport=pipe") {
		t.Errorf("%v", err)
	}
}
