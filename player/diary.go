package player

// History remembers what was played. Part of module log.
type History struct {
	Lane  Lane
	store LogStore
}

// NewHistory returns the part over its store.
func NewHistory(store LogStore, verbatim bool) *History {
	return &History{Lane: NewLane("history", verbatim), store: store}
}

// Record writes one row, durably.
func (h *History) Record(passage int64, began, ended Ticks) error {
	if err := h.store.AppendPlay(passage, began, ended); err != nil {
		return fail(Unavailable, "history: record", err)
	}
	if err := h.store.Commit(); err != nil {
		return fail(Unavailable, "history: commit", err)
	}
	h.Lane.Record("record", "", passage, int64(began), int64(ended))
	return nil
}

// Settings are what the player finds again when it starts. Part of module log.
type Settings struct {
	Lane  Lane
	store LogStore
}

// NewSettings returns the part over its store.
func NewSettings(store LogStore, verbatim bool) *Settings {
	return &Settings{Lane: NewLane("settings", verbatim), store: store}
}

// Put keeps a value under a key, durably.
func (s *Settings) Put(key, value string) error {
	if err := s.store.PutSetting(key, value); err != nil {
		return fail(Unavailable, "settings: put", err)
	}
	if err := s.store.Commit(); err != nil {
		return fail(Unavailable, "settings: commit", err)
	}
	s.Lane.Record("put "+key, value)
	return nil
}
