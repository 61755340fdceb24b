package natsbus

import (
	"strings"
	"testing"
)

// The transport is what the connection has, whatever was asked for; the codec is
// known by what it does.
func TestFacts(t *testing.T) {
	t.Parallel()
	if got := describeCodec(); !strings.HasPrefix(got, "json, members by name: ") || got != describeCodec() {
		t.Errorf("codec %q", got)
	}
}
