package scenarios

import (
	"strings"
	"testing"

	"rubato/natsbus"
	"rubato/player"
	"rubato/runner"
)

// TestDeliverable: values that do not go together are told before anything is measured.
func TestDeliverable(t *testing.T) {
	t.Parallel()
	fits := deliverable([]player.Style{natsbus.Style})
	for want, o := range map[string]runner.Options{
		"":                        {"transport": "cluster", "delivery": "jetstream-file", "replicas": "3", "codec": "json"},
		"use transport=cluster":   {"transport": "process", "delivery": "jetstream-file", "replicas": "3", "codec": "json"},
		"use delivery=jetstream-": {"transport": "cluster", "delivery": "core", "replicas": "3", "codec": "json"},
		"use share=nothing":       {"transport": "tcp", "delivery": "jetstream-file", "codec": "json", "share": "all"},
		"use envelope=header":     {"transport": "tcp", "delivery": "jetstream-file", "codec": "json", "envelope": "body"},
		"with codec \"none\"":     {"transport": "tcp", "codec": "none", "share": "outcomes"},
		"use codec=json":          {"transport": "split", "codec": "none"},
		"use delivery=core":       {"transport": "tcp", "delivery": "jetstream-file", "replicas": "1", "codec": "none"},
	} {
		if err := fits(o); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", o, err)
		}
	}
	if err := fits(runner.Options{"transport": "split", "codec": "json"}); err != nil {
		t.Error(err)
	}
	if err := fits(runner.Options{"delivery": "jetstream-file"}); err != nil { // a style without a network
		t.Error(err)
	}
}
