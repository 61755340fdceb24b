package orchestrated

import "rubato/player"

// Module ap: the audio player.

// QueueConcept is ap::Queue.
func QueueConcept(q *player.Queue) Concept {
	return Concept{
		Module: "ap", Name: "Queue",
		Events: []Event{{"depthChanged", []Field{{"depth", Integer}, {"target", Integer}, {"seed", Natural}, {"at", Integer}}}},
		Actions: append(queueMoves(q), []Action{
			{
				Name: "playDown", In: []Field{{"at", Integer}, {"seed", Natural}}, Emits: []string{"depthChanged"},
				Run: func(c *Call) error {
					level := q.PlayDown(c.In[0].Ticks())
					c.Emit(0, Int(level.Depth), Int(level.Target), c.In[1], c.In[0])
					return nil
				},
			},
			{
				Name: "review", In: []Field{{"at", Integer}, {"seed", Natural}}, Emits: []string{"depthChanged"},
				Run: func(c *Call) error {
					if level := q.Review(c.In[0].Ticks()); level.Refill {
						c.Emit(0, Int(level.Depth), Int(level.Target), c.In[1], c.In[0])
					}
					return nil
				},
			},
			{
				Name: "enqueue", In: []Field{{"passage", Integer}, {"length", Integer}},
				Run: func(c *Call) error { return q.Enqueue(c.In[0].Int(), c.In[1].Ticks()) },
			},
			{
				Name: "list", Out: []Field{{"entries", Text}},
				Run: func(c *Call) error { c.Out[0] = String(formatEntries(q.Entries())); return nil },
			},
		}...),
		Queries: []Query{
			{Name: "autoPlay", Ask: func(*Call) (bool, error) { return q.AutoPlay, nil }},
			{Name: "refillDue", Ask: func(*Call) (bool, error) { return q.RefillDue(), nil }},
			{Name: "isHead", In: []Field{{"passage", Integer}}, Ask: func(c *Call) (bool, error) { return q.Head() == c.In[0].Int(), nil }},
			{Name: "isNext", In: []Field{{"passage", Integer}}, Ask: func(c *Call) (bool, error) { return q.Next() == c.In[0].Int(), nil }},
		},
	}
}

// queueMoves are the actions by which entries leave the queue: next is who is first
// then, after who is second.
func queueMoves(q *player.Queue) []Action {
	return []Action{
		{
			Name: "advance", In: []Field{{"at", Integer}, {"seed", Natural}},
			Out:   []Field{{"passage", Integer}, {"began", Integer}, {"next", Integer}, {"after", Integer}},
			Emits: []string{"depthChanged"},
			Run: func(c *Call) error {
				ended, began, level, err := q.Advance(c.In[0].Ticks())
				if err != nil {
					return err
				}
				c.Out[0], c.Out[1], c.Out[2], c.Out[3] = Int(ended.Passage), Int(began), Int(q.Head()), Int(q.Next())
				c.Emit(0, Int(level.Depth), Int(level.Target), c.In[1], c.In[0])
				return nil
			},
		},
		{
			Name: "drop", In: []Field{{"passage", Integer}, {"at", Integer}, {"seed", Natural}},
			Out:   []Field{{"next", Integer}, {"after", Integer}},
			Emits: []string{"depthChanged"},
			Run: func(c *Call) error {
				level, err := q.Drop(c.In[0].Int(), c.In[1].Ticks())
				if err != nil {
					return err
				}
				c.Out[0], c.Out[1] = Int(q.Head()), Int(q.Next())
				c.Emit(0, Int(level.Depth), Int(level.Target), c.In[2], c.In[1])
				return nil
			},
		},
	}
}

// PlaybackConcept is ap::Playback.
func PlaybackConcept(p *player.Playback) Concept {
	state, moment := []Field{{"state", Text}}, []Field{{"at", Integer}, {"seed", Natural}}
	changes := map[player.State]int{player.Playing: 0, player.Paused: 1, player.Stopped: 2} // places in Emits
	return Concept{
		Module: "ap", Name: "Playback",
		Events: []Event{
			{"started", state}, {"paused", state}, {"stopped", state},
			{"songChanged", []Field{{"passage", Integer}}}, {"volumeChanged", []Field{{"volume", Text}}},
			{"passageEnded", moment}, {"crossfadeStarted", state}, {"songBoundary", []Field{{"passage", Integer}}},
			{"position", append([]Field{{"ms", Integer}}, moment...)},
		},
		Actions: []Action{
			{
				Name: "command", In: append([]Field{{"command", Text}}, moment...),
				Emits: []string{"started", "paused", "stopped", "passageEnded"},
				Run: func(c *Call) error {
					if c.In[0].Text() == player.Skip {
						err := p.Skip(c.In[1].Ticks())
						if err == nil {
							c.Emit(3, c.In[1], c.In[2])
						}
						return err
					}
					changed, err := p.Command(c.In[0].Text())
					if changed {
						c.Emit(changes[p.State], String(string(p.State)))
					}
					return err
				},
			},
			{
				Name: "start", In: []Field{{"passage", Integer}}, Emits: []string{"started", "songChanged"},
				Run: func(c *Call) error {
					if err := p.Start(c.In[0].Int()); err != nil {
						return err
					}
					c.Emit(0, String(string(p.State)))
					c.Emit(1, c.In[0])
					return nil
				},
			},
			{
				Name: "cue", In: []Field{{"passage", Integer}},
				Run: func(c *Call) error { return p.Cue(c.In[0].Int()) },
			},
			{
				Name: "status", Out: []Field{{"state", Text}, {"passage", Integer}, {"position", Integer}, {"volume", Integer}},
				Run: func(c *Call) error {
					s := p.Status()
					c.Out[0], c.Out[1], c.Out[2], c.Out[3] = String(string(s.State)), Int(s.Passage), Int(s.Position), Int(s.Volume)
					return nil
				},
			},
			{
				Name: "setVolume", In: []Field{{"volume", Integer}}, Emits: []string{"volumeChanged"},
				Run: func(c *Call) error {
					if err := p.SetVolume(int(c.In[0].Int())); err != nil {
						return err
					}
					c.Emit(0, String(c.In[0].Format(Integer)))
					return nil
				},
			},
		},
		Queries: []Query{{Name: "plays", In: []Field{{"passage", Integer}},
			Ask: func(c *Call) (bool, error) { return p.Passage == c.In[0].Int(), nil }}},
	}
}

// DecoderConcept is ap::Decoder.
func DecoderConcept(d *player.Decoder) Concept {
	passage := []Field{{"passage", Integer}}
	failed := append(passage[:1:1], Field{"at", Integer}, Field{"seed", Natural})
	return Concept{
		Module: "ap", Name: "Decoder",
		Events: []Event{{"bufferReady", passage}, {"unplayable", failed}},
		Actions: []Action{
			{Name: "request", In: passage, Run: func(c *Call) error { return d.Request(c.In[0].Int()) }},
			{Name: "ready", In: passage, Emits: []string{"bufferReady"}, Run: func(c *Call) error {
				if err := d.Ready(c.In[0].Int()); err != nil {
					return err
				}
				c.Emit(0, c.In[0])
				return nil
			}},
			{Name: "fail", In: failed, Emits: []string{"unplayable"}, Run: func(c *Call) error {
				if err := d.Fail(c.In[0].Int()); err != nil {
					return err
				}
				c.Emit(0, c.In...)
				return nil
			}},
		},
		Queries: []Query{{Name: "isReady", In: passage, Ask: func(c *Call) (bool, error) { return d.IsReady(c.In[0].Int()), nil }}},
	}
}

// PaceConcept is ap::Pace: the state of a rate limit, which no rule may keep.
func PaceConcept(p *player.Pace) Concept {
	at := []Field{{"at", Integer}}
	return Concept{
		Module: "ap", Name: "Pace",
		Events: []Event{{"owed", []Field{{"depth", Integer}, {"at", Integer}}}},
		Actions: []Action{
			{Name: "mark", In: at, Run: func(c *Call) error { return p.Mark(c.In[0].Ticks()) }},
			{Name: "hold", In: []Field{{"depth", Integer}}, Run: func(c *Call) error { return p.Hold(int(c.In[0].Int())) }},
			{Name: "release", In: at, Emits: []string{"owed"}, Run: func(c *Call) error {
				if depth, due := p.Owed(c.In[0].Ticks()); due {
					c.Emit(0, Int(depth), c.In[0])
				}
				return nil
			}},
		},
		Queries: []Query{{Name: "due", In: at, Ask: func(c *Call) (bool, error) { return p.Due(c.In[0].Ticks()), nil }}},
	}
}
