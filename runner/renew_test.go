package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/reports"
)

// With -fresh every round begins the script again in processes of its own: what a block
// leaves is the same in all rounds, which go on from each other otherwise. The plant is
// there in every life.
func TestFreshRun(t *testing.T) {
	t.Parallel()
	for fresh, args := range map[bool][]string{false: nil, true: {"-fresh"}} {
		r := runTiny(t, t.Context(), nil, append(args, "journal", "-set", "ink=black", "-styles", "plain,other", "-proof", "-plant", "9")...)
		digests, slowest := map[string]bool{}, map[string]float64{}
		for _, b := range r.details.Blocks {
			digests[b.Digest] = true
			key := r.role(b)
			if at := float64(b.Wall) / float64(b.Ops); slowest[key] == 0 || at < slowest[key] {
				slowest[key] = at
			}
		}
		if len(r.details.Blocks) != 4*tiny.Rounds || (len(digests) == 1) != fresh || r.run.Fresh != fresh {
			t.Errorf("fresh %v: %d blocks, digests %v, told %v\n%s", fresh, len(r.details.Blocks), digests, r.run.Fresh, r.stderr)
		}
		if !(slowest[reports.Plant] > 2*slowest[""]) {
			t.Errorf("fresh %v: quickest blocks %v", fresh, slowest)
		}
		if held := strings.Contains(strings.Join(r.page(t), "\n"), "each round had processes of its own"); held != fresh {
			t.Errorf("fresh %v: the report says %v", fresh, held)
		}
	}
}

// role is that of the block's arm.
func (r ran) role(b reports.Block) string {
	for _, p := range r.run.Proofs {
		for _, c := range []reports.Cell{p.Twin, p.Plant} {
			if c.Key() == b.Cell {
				return c.Role
			}
		}
	}
	return ""
}

// page is the report, as lines.
func (r ran) page(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// What a clock paces, and pieces, keep their processes.
func TestFreshOnlyWhereTimesAreCompared(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "beat", "-fresh")
	if r.code != exitPass || len(r.details.Blocks) == 0 {
		t.Errorf("exit %d, %d blocks\n%s", r.code, len(r.details.Blocks), r.stderr)
	}
}

// A program that is built anew while it runs starts no children of the new one.
func TestBuiltAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program")
	write := func(text string) os.FileInfo {
		if err := os.WriteFile(path+"-new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"-new", path); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	was := write("1")
	if err := unchanged(path, was); err != nil {
		t.Error(err)
	}
	write("2")
	if err := unchanged(path, was); err == nil || !strings.Contains(err.Error(), "built anew") {
		t.Errorf("got %v", err)
	}
}
