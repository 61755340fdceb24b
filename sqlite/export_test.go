package sqlite

// Unusual is the statement that finds entities which may weigh other than 1.
var Unusual = unusual

// EnforceForeignKeys makes a commit of the log fail when a deferred one is broken.
func EnforceForeignKeys(s *Store) error { return s.log.Set("foreign_keys = on") }

// Synchronous reads the setting back from each connection: 1 is normal, 2 full.
func Synchronous(s *Store) (settings [3]int64, err error) {
	for i, c := range [...]*Conn{s.director.Conn, s.log.Conn, s.readback.Conn} {
		if settings[i], err = c.Number("PRAGMA synchronous"); err != nil {
			return settings, err
		}
	}
	return settings, nil
}
