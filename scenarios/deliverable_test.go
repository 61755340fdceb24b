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
		"":                         {"transport": "cluster", "delivery": "jetstream-file", "replicas": "3", "codec": "json"},
		"use transport=cluster":    {"transport": "process", "delivery": "jetstream-file", "replicas": "3", "codec": "json"},
		"use delivery=jetstream-":  {"transport": "cluster", "delivery": "core", "replicas": "3", "codec": "json"},
		"use share=nothing":        {"transport": "tcp", "delivery": "jetstream-file", "codec": "json", "share": "all"},
		"use envelope=header":      {"transport": "tcp", "delivery": "jetstream-file", "codec": "json", "envelope": "body"},
		"with codec \"none\"":      {"transport": "tcp", "codec": "none", "share": "outcomes"},
		"use delivery=core":        {"transport": "tcp", "delivery": "jetstream-file", "replicas": "1", "codec": "none"},
		"or receipts=memory":       {"transport": "tcp", "delivery": "core", "receipts": "database"},
		"use transport=tcp or":     {"transport": "pipe", "delivery": "core", "fault": faultCrash},
		"use codec=json":           {"transport": "tcp", "delivery": "core", "codec": "none", "fault": faultInstance},
		"or with workers: use env": {"transport": "tcp", "delivery": "core", "envelope": "body", "fault": faultCrash},
	} {
		if err := fits(o); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", o, err)
		}
	}
	for _, o := range []runner.Options{
		{"delivery": "jetstream-file"}, {"fault": faultCrash}, // a style without a network
		{"transport": "tcp", "delivery": "jetstream-file", "receipts": "database", "fault": faultCrash, "codec": "msgpack"},
	} {
		if err := fits(o); err != nil {
			t.Errorf("%v: %v", o, err)
		}
	}
}
