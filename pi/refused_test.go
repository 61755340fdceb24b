package pi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stub puts a program before those of the pretended device.
func (d device) stub(t *testing.T, name, script string) {
	t.Helper()
	path := filepath.Join(filepath.Dir(d.home), "there", name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// What a device lacks is said, and it is left as it was.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		stub, script string
		args         []string
		code         int
		says         string
	}{
		"unknown architecture": {"uname", `echo Linux riscv64`, nil, 2, `is "Linux riscv64"; there are binaries for`},
		"almost full":          {"df", `echo x; echo /dev/mmcblk0p2 1000 999 1024 99% /`, nil, 5, "has 1 MB free in that folder; it takes"},
		"full":                 {"head", `exit 1`, nil, 5, "its disk is full"},
		"damaged":              {"gzip", `exit 1`, nil, 5, "damaged copy"},
		"forbids programs":     {"chmod", `exit 0`, nil, 5, "noexec"},
		"forbids writing":      {"mkdir", `exit 1`, nil, 5, "name one that you may write to with -dir"},
		"another program":      {"gzip", `exec /bin/echo '#!/bin/true'`, nil, 5, "does not start"},
	} {
		t.Run(name, func(t *testing.T) {
			d := pretend(t)
			d.stub(t, c.stub, c.script)
			k := &call{interrupts: make(chan os.Signal), done: make(chan struct{})}
			ask, err := parse([]string{"-dir", filepath.Join(d.home, "a folder"), "pi@127.0.0.1"})
			if err != nil {
				t.Fatal(err)
			}
			cl := &client{asking: ask, ctx: t.Context(), stdout: &k.stdout, stderr: &k.stderr, interrupts: k.interrupts, patience: patience{time.Second, time.Second, time.Second}}
			_, err = cl.do()
			if got := code(cl.named(err), &k.stderr); got != c.code || !strings.Contains(k.stderr.String(), c.says) {
				t.Errorf("exit %d, want %d and %q:\n%s", got, c.code, c.says, &k.stderr)
			}
			d.empty(t)
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		d := pretend(t)
		d.cut = func(*testing.T) {}
		if err := os.WriteFile(filepath.Join(filepath.Dir(d.home), "down"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		k := d.call(t, "pi@127.0.0.1")
		if k.ends(t, 5); !strings.Contains(k.stderr.String(), "cannot log in to pi@127.0.0.1; try it by hand: ssh pi@127.0.0.1") {
			t.Error(k.stderr.String())
		}
	})
}

// A copy that was cut off goes on where it stopped.
func TestCopyGoesOn(t *testing.T) {
	d := pretend(t)
	t.Chdir(t.TempDir())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := load(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.pack(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(d.home, "a folder")
	half := len(b.packed) / 2
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, b.name+".part"), b.packed[:half], 0o600)); err != nil {
		t.Fatal(err)
	}
	k := d.call(t, "-check", "pi@127.0.0.1")
	if k.ends(t, 0); !strings.Contains(k.stderr.String(), fmt.Sprintf("from byte %d on", half)) || !strings.Contains(k.stdout.String(), "clock") {
		t.Errorf("%s\n%s", &k.stderr, &k.stdout)
	}
	d.empty(t)
}

// A device that lost power has a run without an end. What it has is brought.
func TestPowerLost(t *testing.T) {
	d := pretend(t)
	t.Chdir(t.TempDir())
	run := filepath.Join(d.home, "a folder", runsName, "r1")
	err := errors.Join(os.MkdirAll(filepath.Join(run, resultName), 0o700),
		os.WriteFile(filepath.Join(run, requestName), []byte(`{"do":"start","run":"r1","args":["-quick"]}`), 0o600),
		os.WriteFile(filepath.Join(run, logName), []byte("so far\n"), 0o600),
		os.WriteFile(filepath.Join(run, resultName, "results.jsonl"), bytes.Repeat([]byte("raw\n"), 50_000), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	k := d.call(t, "-collect", "pi@127.0.0.1")
	if k.ends(t, 5) == "" || !strings.Contains(k.stderr.String(), "so far\n") || !strings.Contains(k.stderr.String(), "restarted or lost power") {
		t.Errorf("%s\n%s", &k.stderr, &k.stdout)
	}
	d.empty(t)
}

// Results go from the device only when the checksum of what arrived is that of what it has.
func TestChecksums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := filepath.Join(dir, runsName, "r1")
	err := errors.Join(os.MkdirAll(filepath.Join(run, resultName), 0o700), os.WriteFile(filepath.Join(run, requestName), []byte(`{"do":"start"}`), 0o600),
		os.WriteFile(filepath.Join(run, resultName, "results.jsonl"), []byte("raw\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := &agent{dir: dir, to: &said}
	for _, sum := range []string{"", "00"} {
		if err := a.do(t.Context(), request{Do: "forget", Run: "r1", Sum: sum}); err == nil || !strings.Contains(err.Error(), "keeps the results") {
			t.Errorf("sum %q: %v", sum, err)
		}
	}
	if err := a.do(t.Context(), request{Do: "send", Run: "../r1"}); err == nil {
		t.Error("a name leads out of the folder")
	}
	var whole bytes.Buffer
	if err := archive(&whole, filepath.Join(run, resultName)); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(whole.Bytes()))
	p, err := newParcel(filepath.Join(dir, "out", "pi"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.drop()
	if _, err := p.file.Write(whole.Bytes()[:whole.Len()-1]); err != nil {
		t.Fatal(err)
	}
	if err := p.unpack(sum); !errors.Is(err, errChecksum) || p.size() != 0 {
		t.Errorf("a byte is missing: %v, %d bytes kept", err, p.size())
	}
	if _, err := p.file.Write(whole.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := p.unpack(sum); err != nil {
		t.Error(err)
	}
	if err := a.do(t.Context(), request{Do: "forget", Run: "r1", Sum: sum}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", run, err)
	}
}
