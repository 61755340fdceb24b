package orchestrated

import (
	"fmt"
	"strconv"
	"strings"

	"rubato/player"
)

// The queue as a value is text, "12:84672000 7:…": passage and length of each entry.

func formatEntries(entries []player.Entry) string {
	var b []byte
	for i, e := range entries {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, e.Passage, 10)
		b = strconv.AppendInt(append(b, ':'), int64(e.Length), 10)
	}
	return string(b)
}

// parseEntries reads what ap::Queue::list gave.
func parseEntries(text string) ([]player.Entry, error) {
	var entries []player.Entry
	for field := range strings.FieldsSeq(text) {
		passage, length, _ := strings.Cut(field, ":")
		id, err := strconv.ParseInt(passage, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("queue entry %q: %w", field, err)
		}
		ticks, err := strconv.ParseInt(length, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("queue entry %q: %w", field, err)
		}
		entries = append(entries, player.Entry{Passage: id, Length: player.Ticks(ticks)})
	}
	return entries, nil
}
