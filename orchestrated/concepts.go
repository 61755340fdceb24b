package orchestrated

import "rubato/player"

// The player's parts as concepts. Each wraps one part and knows no other.

// QueueConcept is ap::Queue.
func QueueConcept(q *player.Queue) Concept {
	return Concept{
		Module: "ap", Name: "Queue",
		Events: []Event{{"depthChanged", []Field{{"depth", Integer}, {"target", Integer}, {"seed", Natural}}}},
		Actions: []Action{
			{
				Name: "playDown", In: []Field{{"at", Integer}, {"seed", Natural}}, Emits: []string{"depthChanged"},
				Run: func(c *Call) error {
					level := q.PlayDown(c.In[0].Ticks())
					c.Emit(0, Int(level.Depth), Int(level.Target), c.In[1])
					return nil
				},
			},
			{
				Name: "enqueue", In: []Field{{"passage", Integer}, {"length", Integer}},
				Run: func(c *Call) error { return q.Enqueue(c.In[0].Int(), c.In[1].Ticks()) },
			},
		},
		Queries: []Query{
			{Name: "autoPlay", Ask: func(*Call) (bool, error) { return q.AutoPlay, nil }},
			{Name: "refillDue", Ask: func(*Call) (bool, error) { return q.RefillDue(), nil }},
		},
	}
}

// TimeslotsConcept is pd::Timeslots.
func TimeslotsConcept(t *player.Timeslots) Concept {
	return Concept{
		Module: "pd", Name: "Timeslots",
		Actions: []Action{{
			Name: "flavorAt", In: []Field{{"target", Integer}}, Out: []Field{{"flavor", Flavor}},
			Run: func(c *Call) error {
				flavor, err := t.FlavorAt(c.In[0].Ticks())
				c.Out[0] = FlavorOf(flavor)
				return err
			},
		}},
	}
}

// DirectorConcept is pd::Director.
func DirectorConcept(d *player.Director) Concept {
	return Concept{
		Module: "pd", Name: "Director",
		Actions: []Action{{
			Name: "select",
			In:   []Field{{"target", Integer}, {"flavor", Flavor}, {"seed", Natural}},
			Out:  []Field{{"passage", Integer}, {"length", Integer}},
			Run: func(c *Call) error {
				passage, err := d.Select(c.In[0].Ticks(), c.In[1].Flavor(), c.In[2].Nat())
				c.Out[0], c.Out[1] = Int(passage.ID), Int(passage.Length())
				return err
			},
		}},
	}
}

// CooldownsConcept is pd::Cooldowns.
func CooldownsConcept(k *player.Cooldowns) Concept {
	return Concept{
		Module: "pd", Name: "Cooldowns",
		Actions: []Action{{
			Name: "record", In: []Field{{"passage", Integer}, {"target", Integer}},
			Run: func(c *Call) error { return k.Record(c.In[0].Int(), c.In[1].Ticks()) },
		}},
	}
}

// ChatConcept is ui::Chat, where messages are said. It has no state yet.
func ChatConcept() Concept {
	return Concept{
		Module: "ui", Name: "Chat",
		Events: []Event{{"said", []Field{{"user", Text}, {"text", Text}, {"at", Integer}}}},
	}
}

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
