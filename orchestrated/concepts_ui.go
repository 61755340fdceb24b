package orchestrated

import "rubato/player"

// Module ui: what people see and press.

// ChatConcept is ui::Chat, where messages are said. It has no state.
func ChatConcept() Concept {
	return Concept{
		Module: "ui", Name: "Chat",
		Events: []Event{{"said", []Field{{"user", Text}, {"text", Text}, {"at", Integer}}}},
	}
}

// BroadcastConcept is ui::Broadcast.
func BroadcastConcept(b *player.Broadcast) Concept {
	return Concept{
		Module: "ui", Name: "Broadcast",
		Actions: []Action{{
			Name: "send", In: []Field{{"kind", Text}, {"text", Text}, {"number", Integer}},
			Run: func(c *Call) error { return b.Send(c.In[0].Text(), c.In[1].Text(), c.In[2].Int()) },
		}},
	}
}

// SessionsConcept is ui::Sessions.
func SessionsConcept(s *player.Sessions) Concept {
	return Concept{
		Module: "ui", Name: "Sessions",
		Events: []Event{
			{"commanded", []Field{{"command", Text}, {"token", Text}, {"at", Integer}, {"seed", Natural}}},
			{"suggestionWanted", []Field{{"target", Integer}, {"seed", Natural}}},
			{"wanted", []Field{{"passage", Integer}}},
			{"flavorWanted", []Field{{"passage", Integer}, {"until", Integer}}},
		},
		Actions: []Action{{Name: "refuse", In: []Field{{"command", Text}}, Run: func(c *Call) error { return s.Refuse(c.In[0].Text()) }}},
		Queries: []Query{{Name: "authorised", In: []Field{{"token", Text}}, Ask: func(c *Call) (bool, error) { return s.Authorised(c.In[0].Text()), nil }}},
	}
}
