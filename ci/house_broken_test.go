package ci

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// long is a text of n lines.
func long(n int, line string) string { return strings.Repeat(line+"\n", n) }

// breaches are small modules that each break one law, to show that the law finds it.
var breaches = []struct {
	law, path, text, want string
}{
	{"player is pure", "player/a.go", `package player; import "os"`, "imports os"},
	{"player is pure", "player/a.go", `package player; import "net/http"`, "imports net/http"},
	{"player is pure", "player/a.go", `package player; import "sync/atomic"`, "imports sync/atomic"},
	{"player is pure", "player/a.go", `package player; import l "log/slog"`, "imports log/slog"},
	{"player is pure", "player/a.go", `package player; import "database/sql"`, "imports database/sql"},
	{"player has no clock", "player/a.go", "package player\nimport \"time\"\nvar t = time.Now()", "player/a.go:3 uses time.Now"},
	{"player has no clock", "player/a.go", `package player; import "time"; var f = time.AfterFunc`, "uses time.AfterFunc"},
	{"player has no clock", "player/a.go", `package player; import . "time"; var t = Now()`, "renames package \"time\""},
	{"player has no clock", "player/a.go", `package player; import "context"; var f = context.WithTimeout`, "uses context.WithTimeout"},
	{"player starts nothing", "player/a.go", `package player; func f() { go f() }`, "starts a goroutine"},
	{"rooms import only their neighbours", "player/a.go", `package player; import "rubato/sqlite"`, "may know nobody"},
	{"rooms import only their neighbours", "direct/a.go", `package direct; import "rubato/scenarios"`, "imports rubato/scenarios"},
	{"rooms import only their neighbours", "direct/a.go", `package direct; import "rubato/orchestrated"`, "imports rubato/orchestrated"},
	{"rooms import only their neighbours", "orchestrated/x/a.go", `package x; import "rubato/natsbus"`, "imports rubato/natsbus"},
	{"rooms import only their neighbours", "natsbus/a.go", `package natsbus; import "rubato/direct"`, "may know player, orchestrated"},
	{"rooms import only their neighbours", "reports/a.go", `package reports; import "rubato/runner"`, "imports rubato/runner"},
	{"rooms import only their neighbours", "runner/a.go", `package runner; import "rubato/player"`, "imports rubato/player"},
	{"rooms import only their neighbours", "orchestrated/engine/a.go", `package engine; import "rubato/orchestrated"`, "orchestrated/engine may know player"},
	{"rooms import only their neighbours", "sqlite/a.go", `package sqlite; import "rubato/sqlite/tracedb"`, "sqlite may know player"},
	{"rooms import only their neighbours", "web/page/a.go", `package page; import "rubato/web/live"`, "web may know player"},
	{"rooms import only their neighbours", "runner/host/a.go", `package host; import "rubato/inference"`, "runner/host may know results"},
	{"rooms import only their neighbours", "results/a.go", `package results; import "rubato/inference"`, "results may know nobody"},
	{"rooms import only their neighbours", "scenarios/a.go", `package scenarios; import "rubato"`, "imports main"},
	{"rooms import only their neighbours", "examples/orders/a.go", `package orders; import "rubato/results"`, "examples may know measure, runner"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "main.go", `package main; import "github.com/nats-io/nats.go"`, "main.go imports"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "scenarios/a.go", `package scenarios; import "zombiezen.com/go/sqlite/sqlitex"`, "imports zombiezen"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "natsbus/a.go", `package natsbus; import "modernc.org/sqlite"`, "imports modernc"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "runner/a.go", `package runner; import "github.com/ThreeDotsLabs/watermill/message"`, "imports github.com/ThreeDotsLabs"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "scenarios/a.go", `package scenarios; import "github.com/cskr/pubsub/v2"`, "imports github.com/cskr"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "peers/a.go", `package main; import "github.com/nats-io/nats.go"`, "peers/a.go imports github.com/nats-io"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "audio/a.go", `package audio; import "github.com/gopxl/beep/v2"`, "audio/a.go imports github.com/gopxl"},
	{"one room imports NATS, one a driver, one the decoders, only peers a rival", "web/a.go", `package web; import "github.com/hajimehoshi/go-mp3"`, "web/a.go imports github.com/hajimehoshi"},
	{"playertest stands on the player alone", "player/playertest/a.go", `package playertest; import "rubato/direct"`, "imports rubato/direct"},
	{"playertest stands on the player alone", "player/playertest/a.go", `package playertest; import "pgregory.net/rapid"`, "imports pgregory.net/rapid"},
	{"runner names no style", "runner/a.go", "package runner\n\nvar s = \"bus\"", "runner/a.go:3 names the style \"bus\""},
	{"runner names no style", "runner/x/a.go", "package x; const s = `direct`", "names the style"},
	{"runner names no style", "runner/a.go", `package runner; import _ "rubato/natsbus"`, "imports rubato/natsbus"},
	{"no cgo", "sqlite/a.go", `package sqlite; import "C"`, "imports C"},
	{"a function fits on a screen", "direct/a.go", "package direct\nfunc f() {\n" + long(69, "_ = 1") + "}\n", "f has 71 lines"},
	{"a long file says why", "direct/a.go", "package direct\n" + long(400, "// a"), "has 401 lines"},
	{"a long file says why", "direct/a_test.go", "package direct\n" + long(400, "// a"), "has 401 lines"},
	{"nothing sleeps", "runner/a.go", `package runner; import "time"; func f() { time.Sleep(1) }`, "uses time.Sleep"},
	{"every package says what it is", "direct/a.go", "// A file.\npackage direct", "direct: no file opens"},
	{"every package says what it is", "direct/a_test.go", "// Package direct is described in a test only.\npackage direct", ""},
	{"names come from the field", "direct/utils.go", "package direct", "utils says nothing"},
	{"names come from the field", "direct/a.go", "package direct; type QueueManager int", "QueueManager says nothing"},
	{"names come from the field", "common/a.go", "package common", "common says nothing"},
	{"no test skips", "direct/a_test.go", `package direct; import "testing"; func TestX(t *testing.T) { t.Skip() }`, "uses t.Skip"},
	{"no test skips", "direct/a_test.go", `package direct; import "testing"; func TestX(t *testing.T) { if !testing.Short() { t.Skip() } }`, "uses t.Skip"},
	{"no test skips", "direct/a_test.go", `package direct; import "testing"; func TestX(t *testing.T) { if testing.Short() { return } else { t.Skip() } }`, "uses t.Skip"},
	{"no test skips", "player/playertest/a.go", `package playertest; import "testing"; func X(t *testing.T) { t.Skipf("x") }`, "uses t.Skipf"},
	{"no registry is named", "ci/gitlab-ci.yml", "image: docker" + ".io/x", "ci/gitlab-ci.yml:1 names"},
}

func TestLawsCanFail(t *testing.T) {
	t.Parallel()
	byName := make(map[string]law)
	proven := make(map[string]bool)
	for _, l := range laws {
		byName[l.name] = l
	}
	for _, c := range breaches {
		sources := house(t, c.path, c.text)
		got := strings.Join(byName[c.law].broken(sources), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s, over %s: got %q, want %q", c.law, c.path, got, c.want)
		}
		proven[c.law] = proven[c.law] || got != ""
	}
	for _, l := range laws {
		if !proven[l.name] {
			t.Errorf("%q was never seen to fail", l.name)
		}
	}
}

// TestLawsLetPass checks the laws on code that is nearly forbidden but allowed.
func TestLawsLetPass(t *testing.T) {
	t.Parallel()
	for path, text := range map[string]string{
		"peers/a.go":             "// Peers measures.\npackage main\nimport (\"rubato/natsbus\"; \"github.com/ThreeDotsLabs/watermill\")\n",
		"peers/watermillnats.go": "// Peers measures.\npackage main\nimport \"github.com/nats-io/nats.go\"\n",
		"player/a.go":            "// Package player is.\npackage player\nimport \"time\"\nvar d time.Duration = 2 * time.Second\n",
		"player/a_test.go":       `package player; import ("os"; "time"); var n = time.Now(); var h = os.Args`,
		"player/playertest/a.go": "// Package playertest is.\npackage playertest\nimport (\"rubato/player\"; \"go.uber.org/goleak\"; \"sync\")\n",
		"natsbus/a.go":           "// Package natsbus is.\npackage natsbus\nimport (\"rubato/orchestrated\"; \"rubato/player\"; \"github.com/nats-io/nats.go\")\n",
		"natsbus/b.go":           "// Package natsbus is.\npackage natsbus\nimport \"rubato/orchestrated/engine\"\n",
		"audio/decode/a.go":      "// Package decode is.\npackage decode\nimport (\"github.com/mewkiz/flac\"; \"github.com/hajimehoshi/go-mp3\")\n",
		"examples/a.go":          "// Command examples is.\npackage main\nimport (\"rubato/examples/orders\"; \"rubato/measure\"; \"zombiezen.com/go/sqlite\"; \"github.com/nats-io/nats.go\")\n",
		"runner/b.go":            "// Package runner is.\npackage runner\nimport (\"rubato/results\"; \"rubato/runner/host\")\n",
		"scenarios/x/a.go":       "// Package x is.\npackage x\nimport (\"rubato/scenarios\"; \"rubato/web/live\")\n",
		"sqlite/a.go":            "// Package sqlite is.\npackage sqlite\nimport \"zombiezen.com/go/sqlite\"\n",
		"runner/a.go":            "// Package runner is.\npackage runner\nvar s = \"a direct answer\"\n",
		"runner/a_test.go":       `package runner; var s = "bus"`,
		"main.go":                "// Rubato measures.\npackage main\nimport (\"rubato/direct\"; \"rubato/runner\")\n",
		"direct/long.go":         "// Package direct is.\npackage direct\n" + longFile + " of a table.\n" + long(400, "// a"),
		"direct/f.go":            "// Package direct is.\npackage direct\nfunc f() {\n" + long(68, "_ = 1") + "}\n",
	} {
		for _, l := range laws {
			for _, place := range l.broken(house(t, path, text)) {
				t.Errorf("%s: %s", l.name, place)
			}
		}
	}
}

// TestOtherModulesAreOutside keeps tools and fonts, which have a module of their own, and what runs
// leave behind, out of the laws. peers keeps them.
func TestOtherModulesAreOutside(t *testing.T) {
	t.Parallel()
	sources, err := readHouse(fstest.MapFS{
		"fonts/go.mod":  {Data: []byte("module fonts")},
		"fonts/a.go":    {Data: []byte("package fonts")},
		"peers/go.mod":  {Data: []byte("module rubato/peers")},
		"peers/a.go":    {Data: []byte("package main")},
		"out/x/a.go":    {Data: []byte("package x")},
		"direct/a.go":   {Data: []byte("package direct")},
		"direct/a.flac": {Data: []byte{0xff, 0xfe}},
	})
	var read []string
	for _, s := range sources {
		read = append(read, s.path)
	}
	if want := []string{"direct/a.go", "peers/a.go", "peers/go.mod"}; err != nil || !slices.Equal(read, want) {
		t.Errorf("read %v, %v; want %v", read, err, want)
	}
}

func house(t *testing.T, path, text string) []source {
	t.Helper()
	sources, err := readHouse(fstest.MapFS{path: {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}
