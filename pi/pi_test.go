package pi

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rubato/results"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		host string
		run  []string
		says string
	}{
		{[]string{"pi@10.0.0.7", "-quick", "queue-low", "-set", "a=b c;d"}, "pi@10.0.0.7", []string{"-quick", "queue-low", "-set", "a=b c;d"}, ""},
		{[]string{"-o", "Port=2222", "--collect", "pi.local"}, "pi.local", []string{}, ""},
		{[]string{"-check", "--", "[fe80::1%eth0]"}, "[fe80::1%eth0]", []string{}, ""},
		{nil, "", nil, "takes the device"},
		{[]string{"-collect"}, "", nil, "takes the device"},
		{[]string{"-oProxyCommand=touch x"}, "", nil, "unknown flag"},
		{[]string{"--", "-oProxyCommand=touch x"}, "", nil, "is no host"},
		{[]string{"pi@a", "-out", "x"}, "", nil, "-out is chosen here"},
		{[]string{"pi@a", "--budgets=x"}, "", nil, "rubato gate -budgets FILE"},
		{[]string{"pi@a", "-collect"}, "", nil, "put it before the host"},
		{[]string{"-collect", "pi@a", "queue-low"}, "", nil, "run nothing"},
		{[]string{"-dir", "a\nb", "pi@a"}, "", nil, "want a folder"},
		{[]string{"pi@a", "-h"}, "", nil, flag.ErrHelp.Error()},
	} {
		ask, err := parse(c.args)
		switch {
		case c.says == "" && (err != nil || ask.host != c.host || !slices.Equal(ask.run, c.run)):
			t.Errorf("%q: %q %q, %v", c.args, ask.host, ask.run, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: %v, want %q", c.args, err, c.says)
		}
	}
}

// What ssh's configuration may put into a shell command must not end that command.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "-p", "a b", "a;b", "a'b", `a"b`, "a`b`", "a$b", "a|b", "a\nb", "@a", "-a@b", "a@-b", "a@b@c", "a&b", "a(b", "a/b", `a\b`, "a@", "ä"} {
		if checkHost(bad) == nil {
			t.Errorf("%q is a host", bad)
		}
	}
	for _, good := range []string{"pi", "pi@raspberrypi.local", "10.0.0.7", "pi@[::1]", "fe80::1%eth0", "pi_2@a-b.c"} {
		if err := checkHost(good); err != nil {
			t.Error(err)
		}
	}
}

// shells are those of this machine that could be a device's.
func shells() (all [][]string) {
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash"}, {"busybox", "sh"}} {
		if _, err := exec.LookPath(shell[0]); err == nil {
			all = append(all, shell)
		}
	}
	return all
}

// Every shell reads a quoted word as it was, also when a login shell starts sh with it.
func FuzzQuote(f *testing.F) {
	for _, word := range []string{"", "a b", "it's", `"$HOME"`, "`id`", "$(id)", ";exit 3", "-n", "a\nb", `\`, `\'`, "*", "~", "!!", "ä€", "\xff", "''", "#"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.Contains(word, "\x00") || len(word) > 1000 {
			return // no argument of a process has that
		}
		for _, shell := range shells() {
			once := "printf %s. " + quote(word)
			for _, text := range []string{once, "exec sh -c " + quote(once)} {
				out, err := exec.Command(shell[0], append(shell[1:], "-c", text)...).Output()
				if err != nil || string(out) != word+"." {
					t.Errorf("%s: %q became %q, %v", shell, word, out, err)
				}
			}
		}
	})
}

func TestBoard(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{"Linux aarch64": "arm64", "Linux armv8l": "armv7", "Linux armv7l": "armv7",
		"Linux armv6l": "armv6", "Linux x86_64": "amd64", "Linux riscv64": "", "Darwin arm64": "", "": ""} {
		if got, err := board(system); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", system, got, err)
		}
	}
}

func TestKillsCounted(t *testing.T) {
	t.Parallel()
	root := fstest.MapFS{"proc/vmstat": {Data: []byte("nr_free_pages 7\noom_kill 3\ncma_alloc 9\n")}}
	if n := countedKills(root); n != 3 {
		t.Errorf("%d kills, want 3", n)
	}
	if n := countedKills(fstest.MapFS{}); n != 0 {
		t.Errorf("%d kills without a count", n)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	m := results.Machine{CPU: "ARM (Raspberry Pi Zero 2 W)", Cores: 4, OS: "linux", Arch: "arm64", Memory: 416 << 20, Available: 290 << 20,
		TempC: 48.3, Throttled: "0x50005", Governor: "ondemand", Warnings: []string{"it is slowed down"},
		Disk: &results.Disk{Device: "/dev/mmcblk0p2", FileSystem: "ext4", Free: 9 << 30, Fsync: 8123456}}
	var out bytes.Buffer
	describe(&out, "pi@a", &m, -3*time.Hour)
	for _, part := range []string{"Raspberry Pi Zero 2 W", "416 MB, 290 MB available", "48 °C", "0x50005", "ondemand", "/dev/mmcblk0p2, ext4, 9216 MB free, 8.123ms",
		"WRONG: 3h0m0s behind ours", "it is slowed down"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, &out)
		}
	}
	out.Reset()
	describe(&out, "pi@a", &m, 2*time.Second)
	if strings.Contains(out.String(), "WRONG") {
		t.Error(out.String())
	}
}

// A device must not write outside of the folder, whatever its archive says.
func FuzzExtract(f *testing.F) {
	dir := f.TempDir()
	for path, text := range map[string]string{"results.jsonl": "{}\n", "plots/a.svg": "<svg/>", ".work/store": "x"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755), os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644)); err != nil {
			f.Fatal(err)
		}
	}
	var whole bytes.Buffer
	if err := archive(&whole, dir); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(bytes.Replace(whole.Bytes(), []byte("results.jsonl"), []byte("../sults.json"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		around := t.TempDir()
		err := extract(bytes.NewReader(data), filepath.Join(around, "in"))
		if names, _ := filepath.Glob(filepath.Join(around, "*")); len(names) != 1 {
			t.Errorf("outside: %q, %v", names, err)
		}
		if !bytes.Equal(data, whole.Bytes()) {
			return
		}
		text, read := os.ReadFile(filepath.Join(around, "in", "plots", "a.svg"))
		if err != nil || read != nil || string(text) != "<svg/>" {
			t.Errorf("%q, %v, %v", text, read, err)
		}
		if _, err := os.Stat(filepath.Join(around, "in", ".work")); err == nil {
			t.Error("the folder that a run works in came along")
		}
	})
}

// What stands in the unit is run as systemd would, with another program in place of rubato.
func TestNightly(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("rubato-nightly.service")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fake := filepath.Join(dir, "rubato")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	night := func() (said string) {
		for line := range strings.Lines(string(unit)) {
			command, is := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=/bin/sh -c ")
			if !is {
				continue
			}
			command = strings.NewReplacer("$$", "$", "%%", "%", "/usr/local/bin/rubato", fake).Replace(strings.Trim(command, "'"))
			c := exec.Command("sh", "-c", command)
			c.Dir = dir
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", command, err, out)
			}
			said += string(out)
		}
		return said
	}
	today, before := time.Now().Format(time.DateOnly), time.Now().AddDate(0, 0, -7).Format(time.DateOnly)
	ran := "run " + strings.Join(profileArgs[:3], " ") + " -out " + today + " " + strings.Join(profileArgs[3:], " ") + "\n"
	if got, want := night(), ran+"there is no run of "+before+" to compare with\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := os.Mkdir(filepath.Join(dir, before), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, want := night(), ran+"compare "+before+" "+today+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !strings.Contains(string(unit), "Environment="+limitEnv+" ") || profileText != strings.Join(profileArgs, " ") {
		t.Error("the unit, the help and the command have different profiles")
	}
}
