package orchestrated

import "rubato/player"

// Module log: messages, history, settings.

// MessagesConcept is log::Messages.
func MessagesConcept(m *player.Messages) Concept {
	return Concept{
		Module: "log", Name: "Messages",
		Actions: []Action{{
			Name: "append", In: []Field{{"user", Text}, {"text", Text}, {"at", Integer}},
			Run: func(c *Call) error {
				return m.Append(player.Message{Username: c.In[0].Text(), Text: c.In[1].Text(), At: c.In[2].Ticks()})
			},
		}},
	}
}

// UsersConcept is log::Users.
func UsersConcept(u *player.Users) Concept {
	return Concept{
		Module: "log", Name: "Users",
		Actions: []Action{{
			Name: "count", In: []Field{{"user", Text}},
			Run: func(c *Call) error { return u.Count(c.In[0].Text()) },
		}},
	}
}

// HistoryConcept is log::History.
func HistoryConcept(h *player.History) Concept {
	return Concept{
		Module: "log", Name: "History",
		Actions: []Action{{
			Name: "record", In: []Field{{"passage", Integer}, {"began", Integer}, {"ended", Integer}},
			Run: func(c *Call) error { return h.Record(c.In[0].Int(), c.In[1].Ticks(), c.In[2].Ticks()) },
		}},
	}
}

// SettingsConcept is log::Settings.
func SettingsConcept(s *player.Settings) Concept {
	return Concept{
		Module: "log", Name: "Settings",
		Actions: []Action{{
			Name: "put", In: []Field{{"key", Text}, {"value", Text}},
			Run: func(c *Call) error { return s.Put(c.In[0].Text(), c.In[1].Text()) },
		}},
	}
}
