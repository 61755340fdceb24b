package orchestrated

import (
	"fmt"
	"strconv"
	"strings"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// Concepts are the player's parts as concepts. Each wraps one part and knows no other.
func Concepts(p *player.Parts) []engine.Concept {
	return append([]engine.Concept{
		queueConcept(p.Queue), playbackConcept(p.Playback), decoderConcept(p.Decoder), paceConcept(p.Pace),
		timeslotsConcept(p.Timeslots), directorConcept(p.Director), cooldownsConcept(p.Cooldowns),
		messagesConcept(p.Messages), usersConcept(p.Users), historyConcept(p.History), settingsConcept(p.Settings),
		ChatConcept(), broadcastConcept(p.Broadcast), sessionsConcept(p.Sessions),
	}, filterConcepts(p.Filters)...)
}

// fields are fields of these names. A name has the same type throughout the player.
func fields(names ...string) []engine.Field {
	out := make([]engine.Field, len(names))
	for i, name := range names {
		out[i] = engine.Field{Name: name, Type: engine.Integer}
		switch name {
		case "code", "command", "entries", "key", "kind", "state", "text", "token", "user", "value":
			out[i].Type = engine.Text
		case "flavor":
			out[i].Type = engine.Flavor
		case "seed":
			out[i].Type = engine.Natural
		}
	}
	return out
}

func event(name string, names ...string) engine.Event {
	return engine.Event{Name: name, Fields: fields(names...)}
}

// Module ap: the audio player.

func queueConcept(q *player.Queue) engine.Concept {
	return engine.Concept{
		Module: "ap", Name: "Queue",
		Events: []engine.Event{event("depthChanged", "depth", "target", "seed", "at"), event("starved", "code")},
		Actions: append(queueMoves(q), []engine.Action{
			{
				Name: "playDown", In: fields("at", "seed"), Emits: emitsLevel,
				Run: func(c *engine.Call) error {
					emitLevel(c, q.PlayDown(c.In[0].Ticks()), c.In[0], c.In[1])
					return nil
				},
			},
			{
				Name: "review", In: fields("at", "seed"), Emits: emitsLevel,
				Run: func(c *engine.Call) error {
					if level := q.Review(c.In[0].Ticks()); level.Refill {
						emitLevel(c, level, c.In[0], c.In[1])
					}
					return nil
				},
			},
			{
				Name: "enqueue", In: fields("passage", "length", "at"), Out: fields("depth"),
				Run: func(c *engine.Call) error {
					err := q.Enqueue(c.In[0].Int(), c.In[1].Ticks())
					c.Out[0] = engine.Int(q.Depth())
					return err
				},
			},
			{
				Name: "list", Out: fields("entries"),
				Run: func(c *engine.Call) error { c.Out[0] = engine.String(formatEntries(q.Entries())); return nil },
			},
		}...),
		Queries: []engine.Query{
			{Name: "autoPlay", Ask: func(*engine.Call) (bool, error) { return q.AutoPlay, nil }},
			{Name: "refillDue", Ask: func(*engine.Call) (bool, error) { return q.RefillDue(), nil }},
			{Name: "isHead", In: fields("passage"), Ask: func(c *engine.Call) (bool, error) { return q.Head() == c.In[0].Int(), nil }},
			{Name: "isNext", In: fields("passage"), Ask: func(c *engine.Call) (bool, error) { return q.Next() == c.In[0].Int(), nil }},
		},
	}
}

// emitsLevel are the events of an action that changes how full the queue is.
var emitsLevel = []string{"depthChanged", "starved"}

func emitLevel(c *engine.Call, level player.Level, at, seed engine.Value) {
	c.Emit(0, engine.Int(level.Depth), engine.Int(level.Target), seed, at)
	if level.Starved {
		c.Emit(1, engine.String(player.RefillWaits))
	}
}

// queueMoves are the actions that remove an entry. Afterwards next is the first passage
// of the queue and after is the second.
func queueMoves(q *player.Queue) []engine.Action {
	return []engine.Action{
		{
			Name: "advance", In: fields("at", "seed"),
			Out:   fields("passage", "began", "next", "after"),
			Emits: emitsLevel,
			Run: func(c *engine.Call) error {
				ended, began, level, err := q.Advance(c.In[0].Ticks())
				if err != nil {
					return err
				}
				c.Out[0], c.Out[1], c.Out[2], c.Out[3] = engine.Int(ended.Passage), engine.Int(began), engine.Int(q.Head()), engine.Int(q.Next())
				emitLevel(c, level, c.In[0], c.In[1])
				return nil
			},
		},
		{
			Name: "drop", In: fields("passage", "at", "seed"),
			Out:   fields("next", "after"),
			Emits: emitsLevel,
			Run: func(c *engine.Call) error {
				level, err := q.Drop(c.In[0].Int(), c.In[1].Ticks())
				if err != nil {
					return err
				}
				c.Out[0], c.Out[1] = engine.Int(q.Head()), engine.Int(q.Next())
				emitLevel(c, level, c.In[1], c.In[2])
				return nil
			},
		},
	}
}

// formatEntries writes a queue as text, "12:84672000 7:…": passage and length of each
// entry.
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

// parseEntries reads the output of ap::Queue::list.
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

func playbackConcept(p *player.Playback) engine.Concept {
	changes := map[player.State]int{player.Playing: 0, player.Paused: 1, player.Stopped: 2} // index in Emits
	return engine.Concept{
		Module: "ap", Name: "Playback",
		Events: []engine.Event{
			event("started", "state"), event("paused", "state"), event("stopped", "state"), event("crossfadeStarted", "state"),
			event("songChanged", "passage"), event("songBoundary", "passage"), event("passageEnded", "at", "seed"),
			event("position", "ms", "at", "seed"),
			// The settings keep it as text.
			{Name: "volumeChanged", Fields: []engine.Field{{Name: "volume", Type: engine.Text}}},
		},
		Actions: []engine.Action{
			{
				Name: "command", In: fields("command", "at", "seed"),
				Emits: []string{"started", "paused", "stopped", "passageEnded"},
				Run: func(c *engine.Call) error {
					if c.In[0].Text() == player.Skip {
						err := p.Skip(c.In[1].Ticks())
						if err == nil {
							c.Emit(3, c.In[1], c.In[2])
						}
						return err
					}
					changed, err := p.Command(c.In[0].Text())
					if changed {
						c.Emit(changes[p.State], engine.String(string(p.State)))
					}
					return err
				},
			},
			{
				Name: "start", In: fields("passage"), Emits: []string{"started", "songChanged"},
				Run: func(c *engine.Call) error {
					if err := p.Start(c.In[0].Int()); err != nil {
						return err
					}
					c.Emit(0, engine.String(string(p.State)))
					c.Emit(1, c.In[0])
					return nil
				},
			},
			{
				Name: "cue", In: fields("passage"),
				Run: func(c *engine.Call) error { return p.Cue(c.In[0].Int()) },
			},
			{
				Name: "status", Out: fields("state", "passage", "position", "volume"),
				Run: func(c *engine.Call) error {
					s := p.Status()
					c.Out[0], c.Out[1], c.Out[2], c.Out[3] = engine.String(string(s.State)), engine.Int(s.Passage), engine.Int(s.Position), engine.Int(s.Volume)
					return nil
				},
			},
			{
				Name: "setVolume", In: fields("volume"), Emits: []string{"volumeChanged"},
				Run: func(c *engine.Call) error {
					if err := p.SetVolume(int(c.In[0].Int())); err != nil {
						return err
					}
					c.Emit(0, engine.String(c.In[0].Format(engine.Integer)))
					return nil
				},
			},
		},
		Queries: []engine.Query{{Name: "plays", In: fields("passage"),
			Ask: func(c *engine.Call) (bool, error) { return p.Passage == c.In[0].Int(), nil }}},
	}
}

func decoderConcept(d *player.Decoder) engine.Concept {
	passage, failed := fields("passage"), fields("passage", "at", "seed")
	return engine.Concept{
		Module: "ap", Name: "Decoder",
		Events: []engine.Event{event("bufferReady", "passage"), event("unplayable", "passage", "at", "seed")},
		Actions: []engine.Action{
			{Name: "request", In: passage, Run: func(c *engine.Call) error { return d.Request(c.In[0].Int()) }},
			{Name: "ready", In: passage, Emits: []string{"bufferReady"}, Run: func(c *engine.Call) error {
				if err := d.Ready(c.In[0].Int()); err != nil {
					return err
				}
				c.Emit(0, c.In[0])
				return nil
			}},
			{Name: "fail", In: failed, Emits: []string{"unplayable"}, Run: func(c *engine.Call) error {
				if err := d.Fail(c.In[0].Int()); err != nil {
					return err
				}
				c.Emit(0, c.In...)
				return nil
			}},
		},
		Queries: []engine.Query{{Name: "isReady", In: passage, Ask: func(c *engine.Call) (bool, error) { return d.IsReady(c.In[0].Int()), nil }}},
	}
}

// paceConcept is ap::Pace: the state of a rate limit, since rules keep no state.
func paceConcept(p *player.Pace) engine.Concept {
	at := fields("at")
	return engine.Concept{
		Module: "ap", Name: "Pace",
		Events: []engine.Event{event("owed", "depth", "at")},
		Actions: []engine.Action{
			{Name: "mark", In: at, Run: func(c *engine.Call) error { return p.Mark(c.In[0].Ticks()) }},
			{Name: "hold", In: fields("depth"), Run: func(c *engine.Call) error { return p.Hold(int(c.In[0].Int())) }},
			{Name: "release", In: at, Emits: []string{"owed"}, Run: func(c *engine.Call) error {
				if depth, due := p.Owed(c.In[0].Ticks()); due {
					c.Emit(0, engine.Int(depth), c.In[0])
				}
				return nil
			}},
		},
		Queries: []engine.Query{{Name: "due", In: at, Ask: func(c *engine.Call) (bool, error) { return p.Due(c.In[0].Ticks()), nil }}},
	}
}

// Module pd: the program director.

func timeslotsConcept(t *player.Timeslots) engine.Concept {
	return engine.Concept{
		Module: "pd", Name: "Timeslots",
		Actions: []engine.Action{{
			Name: "override", In: fields("passage", "until"),
			Run: func(c *engine.Call) error { return t.Override(c.In[0].Int(), c.In[1].Ticks()) },
		}, {
			Name: "flavorAt", In: fields("target"), Out: fields("flavor"),
			Run: func(c *engine.Call) error {
				flavor, err := t.FlavorAt(c.In[0].Ticks())
				c.Out[0] = engine.FlavorOf(flavor)
				return err
			},
		}},
	}
}

func directorConcept(d *player.Director) engine.Concept {
	return engine.Concept{
		Module: "pd", Name: "Director",
		Actions: []engine.Action{{
			Name: "find", In: fields("passage"), Out: fields("length"),
			Run: func(c *engine.Call) error {
				found, err := d.Find(c.In[0].Int())
				c.Out[0] = engine.Int(found.Length())
				return err
			},
		}, {
			Name: "select",
			In:   fields("target", "flavor", "seed"),
			Out:  fields("passage", "length"),
			Run: func(c *engine.Call) error {
				passage, err := d.Select(c.In[0].Ticks(), c.In[1].Flavor(), c.In[2].Nat())
				c.Out[0], c.Out[1] = engine.Int(passage.ID), engine.Int(passage.Length())
				return err
			},
		}},
	}
}

func cooldownsConcept(k *player.Cooldowns) engine.Concept {
	return engine.Concept{Module: "pd", Name: "Cooldowns", Actions: []engine.Action{{
		Name: "record", In: fields("passage", "target"),
		Run: func(c *engine.Call) error { return k.Record(c.In[0].Int(), c.In[1].Ticks()) },
	}}}
}

// Module ui: what users see and press.

// ChatConcept is ui::Chat, where users say messages. It has no state.
func ChatConcept() engine.Concept {
	return engine.Concept{
		Module: "ui", Name: "Chat",
		Events: []engine.Event{event("said", "user", "text", "at")},
	}
}

func broadcastConcept(b *player.Broadcast) engine.Concept {
	return engine.Concept{Module: "ui", Name: "Broadcast", Actions: []engine.Action{{
		Name: "send", In: fields("kind", "text", "number"),
		Run: func(c *engine.Call) error { return b.Send(c.In[0].Text(), c.In[1].Text(), c.In[2].Int()) },
	}}}
}

func sessionsConcept(s *player.Sessions) engine.Concept {
	return engine.Concept{
		Module: "ui", Name: "Sessions",
		Events: []engine.Event{
			event("commanded", "command", "token", "at", "seed"),
			event("suggestionWanted", "target", "seed"),
			event("wanted", "passage", "at"),
			event("flavorWanted", "passage", "until"),
		},
		Actions: []engine.Action{{Name: "refuse", In: fields("command"), Run: func(c *engine.Call) error { return s.Refuse(c.In[0].Text()) }}},
		Queries: []engine.Query{{Name: "authorised", In: fields("token"), Ask: func(c *engine.Call) (bool, error) { return s.Authorised(c.In[0].Text()), nil }}},
	}
}

// Module log: messages, history, settings.

func messagesConcept(m *player.Messages) engine.Concept {
	return engine.Concept{
		Module: "log", Name: "Messages",
		Actions: []engine.Action{{
			Name: "append", In: fields("user", "text", "at"),
			Run: func(c *engine.Call) error {
				return m.Append(player.Message{Username: c.In[0].Text(), Text: c.In[1].Text(), At: c.In[2].Ticks()})
			},
		}},
	}
}

func usersConcept(u *player.Users) engine.Concept {
	return engine.Concept{Module: "log", Name: "Users", Actions: []engine.Action{{
		Name: "count", In: fields("user"),
		Run: func(c *engine.Call) error { return u.Count(c.In[0].Text()) },
	}}}
}

func historyConcept(h *player.History) engine.Concept {
	return engine.Concept{Module: "log", Name: "History", Actions: []engine.Action{{
		Name: "record", In: fields("passage", "began", "ended"),
		Run: func(c *engine.Call) error { return h.Record(c.In[0].Int(), c.In[1].Ticks(), c.In[2].Ticks()) },
	}}}
}

func settingsConcept(s *player.Settings) engine.Concept {
	return engine.Concept{Module: "log", Name: "Settings", Actions: []engine.Action{{
		Name: "put", In: fields("key", "value"),
		Run: func(c *engine.Call) error { return s.Put(c.In[0].Text(), c.In[1].Text()) },
	}}}
}
