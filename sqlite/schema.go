package sqlite

import (
	_ "embed"
	"fmt"
)

// The tables, and the indexes on them.
var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// What the header of a library says: that it is one, and of which schema. A
// change of schema.sql or indexes.sql is a new version.
const (
	applicationID = 0x72756261 // "ruba"
	schemaVersion = 2
)

// Settings by measurement (BenchmarkQueueLow, 1 000 to 50 000 passages): pages of
// 2 to 16 KiB, caches of 2 to 64 MiB and a memory map differ by less than the
// noise, so what is smallest stands. A commit writes whole pages, which speaks
// for small ones; without a map a large library stays out of the resident set.
const (
	pageSize      = "page_size = 4096"
	mapped        = "mmap_size = 0"
	directorCache = "cache_size = -8192" // KiB when negative
	otherCache    = "cache_size = -1024"
)

// checkSchema refuses what is no library, or one of another schema.
func (c *connection) checkSchema() error {
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return err
	}
	if id != applicationID {
		return fmt.Errorf("sqlite: %s is a database, but no library of rubato: give another path", c.path)
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	if version != schemaVersion {
		return fmt.Errorf("sqlite: %s has schema version %d, this program reads %d: remove it and make the library anew",
			c.path, version, schemaVersion)
	}
	return nil
}
