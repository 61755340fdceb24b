package tracedb

import "strconv"

// LimitTrace lets the file grow to so many pages only; a large number lifts that.
func LimitTrace(s *Store, pages int64) error {
	return s.writer.Set("max_page_count = " + strconv.FormatInt(pages, 10))
}

// Field is the value of one name.
func Field(text, name string) string {
	value, _, _ := field(text, name)
	return value
}
