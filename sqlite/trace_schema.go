package sqlite

import (
	"fmt"
	"strings"
)

// What the header of a stored trace says. A change of traceTables is a new version.
const (
	traceApplicationID = 0x72756274 // "rubt"
	traceSchemaVersion = 1
)

// traceSegments is into how many pairs of tables the rows of a trace are divided.
// The oldest pair is emptied as a whole, which SQLite does page by page; deleting row
// by row cost nearly half as much again as writing the row.
const traceSegments = 8

// traceTables makes an empty trace. Strings that repeat in every row (rule,
// trigger, action) are interned as one number: written out, they made a row a
// quarter dearer. There is no index but the order of arrival: one on the flow alone
// made it at least a third dearer. Instead a zone, one row an Append, says which run, flows
// and times lie in a range of rows, and a question reads only the zones it needs.
func traceTables() string {
	var b strings.Builder
	b.WriteString(`
CREATE TABLE runs (
	id      INTEGER PRIMARY KEY,
	nonce   INTEGER NOT NULL UNIQUE, -- tells a run that comes back from a new one
	started INTEGER NOT NULL         -- µs since 1970
) STRICT;
CREATE TABLE kinds (
	id      INTEGER PRIMARY KEY,
	rule    TEXT NOT NULL, -- '': called from outside the rules
	trigger TEXT NOT NULL,
	action  TEXT NOT NULL,
	UNIQUE (rule, trigger, action)
) STRICT;`)
	for i := range traceSegments {
		fmt.Fprintf(&b, `
CREATE TABLE rows_%[1]d (
	seq    INTEGER PRIMARY KEY, -- order of arrival, over all segments
	flow   INTEGER NOT NULL,
	id     INTEGER NOT NULL,
	cause  INTEGER NOT NULL,
	kind   INTEGER NOT NULL REFERENCES kinds,
	start  INTEGER NOT NULL, -- µs since 1970
	took   INTEGER NOT NULL, -- ns
	input  TEXT NOT NULL,
	output TEXT, -- NULL: none
	err    TEXT  -- NULL: it did not fail
) STRICT;
CREATE TABLE zones_%[1]d (
	first INTEGER PRIMARY KEY, -- seq
	last  INTEGER NOT NULL,
	run   INTEGER NOT NULL REFERENCES runs,
	low   INTEGER NOT NULL, -- lowest and highest flow
	high  INTEGER NOT NULL,
	began INTEGER NOT NULL, -- earliest and latest start
	ended INTEGER NOT NULL
) STRICT;`, i)
	}
	fmt.Fprintf(&b, "\nPRAGMA application_id = %d;\nPRAGMA user_version = %d;\n", traceApplicationID, traceSchemaVersion)
	return b.String()
}

// checkTrace says whether the file holds a trace of this schema; empty files hold
// none yet.
func (c *connection) checkTrace() (empty bool, err error) {
	var header [3]int64
	for i, q := range [...]string{"PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_schema"} {
		if header[i], err = c.number(q); err != nil {
			return false, explainTrace("read", c.path, err)
		}
	}
	switch {
	case header == [3]int64{}:
		return true, nil
	case header[0] != traceApplicationID:
		return false, fmt.Errorf("sqlite: %s is a database, but no trace of rubato: give another path", c.path)
	case header[1] != traceSchemaVersion:
		return false, fmt.Errorf("sqlite: trace %s has schema version %d, this program knows %d: move it away, and a new one is made",
			c.path, header[1], traceSchemaVersion)
	}
	return false, nil
}
