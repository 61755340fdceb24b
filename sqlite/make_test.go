package sqlite_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
)

var update = flag.Bool("update", false, "rewrite golden files")

func makeLibrary(t *testing.T, spec sqlite.Library) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.db")
	if err := sqlite.Make(path, spec, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	read := func(spec sqlite.Library) []byte {
		b, err := os.ReadFile(makeLibrary(t, spec))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one := read(sqlite.Library{Passages: 150, Seed: 7})
	if !bytes.Equal(one, read(sqlite.Library{Passages: 150, Seed: 7})) {
		t.Error("the same seed makes another library")
	}
	if bytes.Equal(one, read(sqlite.Library{Passages: 150, Seed: 8})) {
		t.Error("another seed makes the same library")
	}
}

// The content is the same on every processor and with every Go: the golden file
// was written on amd64. A change of it is a change of every published figure.
func TestContent(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, spec := range []sqlite.Library{{Passages: 100, Seed: 1}, {Seed: 1}, {Passages: 1_000, Seed: 2}} {
		path := makeLibrary(t, spec)
		fmt.Fprintf(&b, "library of %d passages from seed %d\n", spec.Passages, spec.Seed)
		for _, table := range text(t, path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
			rows, digest := content(t, path, table)
			fmt.Fprintf(&b, "  %-18s %5d rows %016x\n", table, rows, digest)
		}
	}
	golden := filepath.Join("testdata", "content.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("content is\n%s\nwant\n%s\n(go test -update accepts it)", b.String(), want)
	}
}

func content(t *testing.T, path, table string) (rows int, digest uint64) {
	query(t, path, "SELECT * FROM "+table, func(row *driver.Stmt) {
		rows++
		for i := range row.ColumnCount() {
			if row.ColumnType(i) == driver.TypeFloat {
				digest = player.DigestWord(digest, math.Float64bits(row.ColumnFloat(i)))
				continue
			}
			digest = player.DigestText(digest, row.ColumnText(i))
		}
	})
	return rows, digest
}

func TestMadeLibraryIsSound(t *testing.T) {
	t.Parallel()
	path := library(t)
	for sql, want := range map[string]int64{
		"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'": 0,
		"SELECT count(*) FROM pragma_foreign_key_check":                             0,
		"SELECT count(*) FROM passages":                                             sqlite.DefaultPassages,
		"SELECT max(id) FROM passages":                                              sqlite.DefaultPassages,
		"SELECT count(*) FROM passages WHERE begins < 0 OR ends - begins NOT BETWEEN 120*28224000 AND 360*28224000": 0,
		"SELECT count(*) FROM passages WHERE 2 * lead_in > ends - begins":                                           0,
		"SELECT count(*) FROM (SELECT sum(weight) AS w FROM song_artists GROUP BY song) WHERE w <> 1":               0,
		"SELECT count(*) FROM songs WHERE id NOT IN (SELECT song FROM song_artists)":                                0,
		"SELECT count(*) FROM songs WHERE id NOT IN (SELECT song FROM passage_songs)":                               0,
		"SELECT count(*) FROM works WHERE id NOT IN (SELECT work FROM song_works)":                                  0,
		"SELECT count(*) FROM timeslots": 5,
		"SELECT count(*) FROM timeslots AS s WHERE (SELECT count(*) FROM timeslot_passages WHERE timeslot = s.id) NOT BETWEEN 3 AND 8": 0,
	} {
		if got := number(t, path, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	for _, table := range []string{"songs", "artists", "works"} {
		bad := fmt.Sprintf("SELECT count(*) FROM %s WHERE base NOT BETWEEN 0 AND 1000 OR minimum <= 0 OR ramp <= 0 OR last_played >= %d", table, sqlite.Epoch)
		if n := number(t, path, bad); n != 0 {
			t.Errorf("%d %s have an impossible standing", n, table)
		}
	}
}

// The shapes that a selection has to cope with must all occur.
func TestMadeLibraryIsVaried(t *testing.T) {
	t.Parallel()
	path := library(t)
	share := func(sql string, least, most float64) {
		t.Helper()
		if got := float64(number(t, path, sql)) / sqlite.DefaultPassages; got < least || got > most {
			t.Errorf("%s: %.1f %% of the passages, want %.1f to %.1f", sql, 100*got, 100*least, 100*most)
		}
	}
	share("SELECT count(*) FROM passages WHERE id NOT IN (SELECT passage FROM passage_songs)", 0.005, 0.05)
	share("SELECT count(*) FROM (SELECT 1 FROM passage_songs GROUP BY passage HAVING count(*) > 1)", 0.005, 0.05)
	share("SELECT count(*) FROM (SELECT 1 FROM passage_songs GROUP BY song HAVING count(*) > 1)", 0.005, 0.06)
	share("SELECT count(*) FROM artists", 0.08, 0.12)
	share("SELECT count(*) FROM (SELECT 1 FROM song_artists GROUP BY song HAVING count(*) > 1)", 0.03, 0.15)
	share("SELECT count(*) FROM (SELECT 1 FROM song_works GROUP BY song HAVING count(*) > 1)", 0.005, 0.05)
	share("SELECT count(*) FROM songs WHERE id NOT IN (SELECT song FROM song_works)", 0.05, 0.15)
	share("SELECT count(*) FROM songs WHERE base NOT IN (0, 1)", 0.01, 0.08)
	share("SELECT count(*) FROM songs WHERE base = 0", 0.0005, 0.02)
	partial := 0
	query(t, path, "SELECT flavor FROM passages", func(row *driver.Stmt) {
		var f player.Flavor
		if err := f.Unpack(bytesOf(row, 0)); err != nil {
			t.Fatal(err)
		}
		if err := f.Check(); err != nil {
			t.Error(err)
		}
		if f.Present != 1<<player.FlavorCategories-1 {
			partial++
		}
	})
	if partial < 5 || partial > 60 {
		t.Errorf("%d flavors lack categories", partial)
	}
}

// At Epoch as many songs cool down as one passage an hour keeps cooling: 168 in
// their minimum of a week. Artists and works agree with their songs.
func TestHistoryIsInSteadyState(t *testing.T) {
	t.Parallel()
	path := library(t)
	since := func(table string, d player.Ticks) int64 {
		return number(t, path, fmt.Sprintf("SELECT count(*) FROM %s WHERE last_played >= %d", table, sqlite.Epoch-d))
	}
	if n := since("songs", player.SongMinimum); n < 150 || n > 190 {
		t.Errorf("%d songs were played in the last week, want about 168", n)
	}
	if n := since("songs", player.SongMinimum+player.SongRamp); n < 400 || n > 520 {
		t.Errorf("%d songs were played in the last three weeks, want somewhat under 504", n)
	}
	for table, links := range map[string]string{"artist": "song_artists", "work": "song_works"} {
		sql := fmt.Sprintf(`SELECT count(*) FROM %[1]ss AS e JOIN
			(SELECT %[1]s AS id, max(last_played) AS last FROM %[2]s JOIN songs ON songs.id = song GROUP BY 1) AS s
			ON s.id = e.id WHERE e.last_played IS NOT s.last`, table, links)
		if n := number(t, path, sql); n != 0 {
			t.Errorf("%d %ss were not last played with their last song", n, table)
		}
	}
}

func TestMakeTellsProgress(t *testing.T) {
	t.Parallel()
	var seen []int
	err := sqlite.Make(filepath.Join(t.TempDir(), "a.db"), sqlite.Library{Passages: 2_500}, func(done, total int) {
		if total != 2_500 {
			t.Errorf("total %d", total)
		}
		seen = append(seen, done)
	})
	if err != nil || fmt.Sprint(seen) != "[1000 2000 2500]" {
		t.Errorf("progress %v, %v", seen, err)
	}
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		size int
		want string
	}{
		"too small": {filepath.Join(dir, "a"), 99, "ask for 100 to 200000"},
		"too large": {filepath.Join(dir, "a"), 200_001, "ask for 100 to 200000"},
		"negative":  {filepath.Join(dir, "a"), -1, "ask for 100 to 200000"},
		"taken":     {taken, 100, "exists already"},
		"a folder":  {dir, 100, "not a regular file"},
		"no folder": {filepath.Join(dir, "missing", "a"), 100, "no such file, or its folder cannot be written"},
		"in a file": {filepath.Join(taken, "a"), 100, "not a directory"},
		"memory":    {":memory:", 100, "names no file"},
		"an URI":    {"file:a.db?mode=memory", 100, "names no file"},
		"empty":     {"", 100, "names no file"},
	} {
		err := sqlite.Make(c.path, sqlite.Library{Passages: c.size}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left %v, %v, want what was there", files, err)
	}
	if b, err := os.ReadFile(taken); err != nil || string(b) != "mine" {
		t.Errorf("wrote over a file: %q, %v", b, err)
	}
}

// A library that a killed process left unfinished is made again.
func TestMakeAfterKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path+".part", []byte("half a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Make(path, sqlite.Library{Passages: 100}, nil); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("left %v, %v, want the library alone", files, err)
	}
	open(t, path)
}
