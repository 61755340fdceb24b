package results_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"rubato/results"
)

const (
	began   = `{"run":{"schema":2,"started":"2026-01-02T03:04:05Z","baseline":"direct","effort":"quick","scenarios":[{"name":"s"}]}}` + "\n"
	block   = `{"block":{"cell":"s/direct","ops":4,"wall":100}}` + "\n"
	ended   = `{"run":{"schema":2,"started":"2026-01-02T03:04:05Z","baseline":"direct","cells":[{"scenario":"s","style":"direct"}]}}` + "\n"
	another = `{"run":{"schema":2,"started":"2026-05-05T05:05:05Z","baseline":"direct"}}` + "\n"
	summary = `{"schema":2,"started":"2026-01-02T03:04:05Z","baseline":"direct","cells":[{"scenario":"s","style":"direct","ns_op":{"median":25,"lo":24,"hi":26}}]}`
	later   = `{"schema":9,"started":"2027-01-02T03:04:05Z","effort":"full","cells":"not as we know them","styles":[{"name":"telepathy"}]}`
)

// Whatever is wrong with a folder, what can be shown is shown, and what is missing is named.
func TestRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw, summary string
		blocks       int    // that are shown
		median       string // of the first cell
		lacks        string // some of what is named; "": nothing is
		incomplete   string
		damaged      bool
	}{
		"whole":                     {raw: began + block + ended, summary: summary, blocks: 1, median: "25"},
		"cut in mid-line":           {raw: began + block + block[:20], blocks: 1, lacks: "results.json is missing", incomplete: "in the middle of line 3"},
		"cut, with a whole summary": {raw: began + block + block[:20], summary: summary, median: "25", lacks: "in the middle of line 3; the figures are those of results.json"},
		"no closing record":         {raw: began + block, summary: summary, median: "25", lacks: "without its closing record"},
		"garbage in between":        {raw: began + block + "\x00\x01garbage\n" + block + ended, blocks: 1, lacks: "results.jsonl cannot be read whole: line 3: ", incomplete: "closing record", damaged: true},
		"two runs in one file":      {raw: began + block + ended + another + block, blocks: 1, lacks: "line 4: a second run begins here", damaged: true},
		"two runs, with a summary":  {raw: began + block + ended + another + block, summary: summary, median: "25", lacks: "line 4: a second run begins here", damaged: true},
		"a summary of another run":  {raw: another + block, summary: summary, blocks: 1, lacks: "results.json is of another run, which began at 2026-01-02T03:04:05Z", incomplete: "closing", damaged: true},
		"summary cut":               {raw: began + block + ended, summary: summary[:50], blocks: 1, lacks: "results.json cannot be read whole", damaged: true},
		"no raw results":            {summary: summary, median: "25", lacks: "results.jsonl is missing; the figures are those"},
		"a cell of nobody":          {raw: began + `{"block":{"cell":"only","ops":1,"wall":1}}` + "\n" + block + ended, blocks: 1, lacks: "1 blocks are of no cell", damaged: true},
		"raw of a later schema":     {raw: `{"run":{"schema":9}}` + "\n", summary: summary, median: "25", lacks: "schema 9 is later than 2", damaged: true},
		"a better end than summary": {raw: began + block + ended, summary: strings.Replace(summary, `{"schema":2,`, `{"schema":2,"incomplete":"stopped",`, 1), blocks: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := results.Read(folder(c.raw, c.summary))
			if err != nil {
				t.Fatal(err)
			}
			lacks := strings.Join(p.Lacks, "; ")
			if len(p.Details.Blocks) != c.blocks || p.Damaged != c.damaged || p.Later {
				t.Errorf("%d blocks, damaged %v, later %v: %s", len(p.Details.Blocks), p.Damaged, p.Later, lacks)
			}
			if !strings.Contains(lacks, c.lacks) || c.lacks == "" && lacks != "" {
				t.Errorf("lacks %q, want %q", lacks, c.lacks)
			}
			if !strings.Contains(p.Run.Incomplete, c.incomplete) || c.incomplete == "" && p.Run.Incomplete != "" {
				t.Errorf("incomplete %q, want %q", p.Run.Incomplete, c.incomplete)
			}
			if len(p.Run.Cells) != 1 || c.median == "25" && p.Run.Cells[0].NsOp.Median != 25 {
				t.Errorf("cells %+v", p.Run.Cells)
			}
		})
	}
}

func folder(raw, summary string) fs.FS {
	files := fstest.MapFS{}
	if raw != "" {
		files[results.RawFile] = &fstest.MapFile{Data: []byte(raw)}
	}
	if summary != "" {
		files[results.SummaryFile] = &fstest.MapFile{Data: []byte(summary)}
	}
	return files
}

// Of a later schema only names and times are read, wherever they stand.
func TestReadLater(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fs.FS{"summary": folder(began+block, later), "raw": folder(`{"run":`+later+"}\nand more", "")} {
		p, err := results.Read(files)
		if err != nil || !p.Later || p.Run.Schema != 9 || p.Run.Effort != "full" || p.Run.Started.Year() != 2027 || len(p.Run.Cells) != 0 ||
			len(p.Run.Styles) != 1 || p.Run.Styles[0].Name != "telepathy" || !strings.Contains(p.Lacks[0], "schema 9 is later than 2") {
			t.Errorf("%s: %+v, %+v, %v", name, p, p.Run, err)
		}
		if n := results.Names(files); n.Run.Effort != "full" || !n.Later {
			t.Errorf("%s: names %+v", name, n.Run)
		}
	}
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fs.FS{"empty": folder("", ""), "no run": folder("hello\n", ""), "neither": folder("hello\n", "{"), "block first": folder(block, "")} {
		if p, err := results.Read(files); err == nil || !strings.Contains(err.Error(), "nothing to show") {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if n := results.Names(files); len(n.Lacks) == 0 || n.Run == nil {
			t.Errorf("%s: names %+v", name, n)
		}
	}
}

// A list needs no more than names, from the summary or else from the first line.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files fs.FS
		lacks int
	}{"whole": {folder(began+block+ended, summary), 0}, "cut": {folder(began+block[:9], ""), 1}, "no raw": {folder("", summary), 1}} {
		n := results.Names(c.files)
		if n.Run.Started.Year() != 2026 || n.Run.Baseline != "direct" || len(n.Lacks) != c.lacks {
			t.Errorf("%s: %+v, lacks %q", name, n.Run, n.Lacks)
		}
	}
}

// Whatever a folder holds, reading it ends, and what is shown can be written.
func FuzzRead(f *testing.F) {
	f.Add([]byte(began+block+ended), []byte(summary))
	f.Add([]byte(began+block+ended+another+block), []byte(later))
	f.Add([]byte(began+block+`{"blo`), []byte(""))
	f.Add([]byte("\x00"), []byte(summary[:40]))
	f.Fuzz(func(t *testing.T, raw, summary []byte) {
		files := folder(string(raw), string(summary))
		if n := results.Names(files); n.Run == nil {
			t.Error("no run, not even an empty one")
		}
		p, err := results.Read(files)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := json.NewEncoder(&b).Encode(p.Run); err != nil {
			t.Errorf("cannot be written: %v", err)
		}
		if p.Damaged && len(p.Lacks) == 0 {
			t.Error("it is damaged, and nothing is named")
		}
	})
}
