package sqlite

import "strconv"

// LimitTrace lets the file grow to so many pages only; a large number lifts that.
func LimitTrace(s *TraceStore, pages int64) error {
	return s.writer.set("max_page_count = " + strconv.FormatInt(pages, 10))
}
