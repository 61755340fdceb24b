package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCurrent: the file is what make notices would write, and every licence is on the list.
func TestCurrent(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	want, err := notices(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, file))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not current (%v): run make notices", file, err)
	}
	for _, module := range []string{"github.com/nats-io/nats-server/v2", "modernc.org/sqlite", "golang.org/x/sys", "github.com/go-fonts/liberation"} {
		if !strings.Contains(string(want), "| `"+module+"` |") {
			t.Errorf("%s is linked, and not named", module)
		}
	}
	if strings.Contains(string(want), "pgregory.net/rapid") {
		t.Error("what only tests use is named")
	}
}

// TestLicences: of a module that has none, or one that is not on the list, nothing is written.
func TestLicences(t *testing.T) {
	t.Parallel()
	gpl := "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n"
	isc := "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.\n\n" +
		"THE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.\n"
	for name, c := range map[string]struct{ file, text, says string }{
		"known":       {"LICENSE.md", isc, ""},
		"forbidden":   {"COPYING", gpl, "is not on the list"},
		"none":        {"README.md", isc, "no file with a known licence"},
		"not a text":  {"LICENSE", "Ask me.", "no file with a known licence"},
		"around":      {"../LICENSE", isc, ""},
		"not outside": {"../../LICENSE", isc, "no file with a known licence"},
	} {
		root := filepath.Join(t.TempDir(), "outside", "module")
		folder := filepath.Join(root, "package")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, c.file), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		m := &module{path: name, licences: map[string]bool{}, texts: map[string]string{}}
		if err := m.read(root, folder); err != nil {
			t.Fatal(err)
		}
		var known []string
		for name := range m.licences {
			known = append(known, name)
		}
		err := m.check(known)
		if said := err != nil && strings.Contains(err.Error(), c.says); said != (c.says != "") {
			t.Errorf("%s: %v, want %q; found %q", name, err, c.says, known)
		}
	}
}
