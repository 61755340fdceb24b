package direct

import "rubato/player"

// Refill: what fills the queue.

// queueLow refills the queue by one passage.
func (w *wired) queueLow(s player.Stimulus) error {
	return w.depthChanged(s, w.Queue.PlayDown(s.At))
}

// depthChanged reports the queue's depth, or that an empty queue waits, and refills it.
func (w *wired) depthChanged(s player.Stimulus, level player.Level) error {
	if err := w.paceDepth(s, level.Depth); err != nil {
		return err
	}
	if level.Starved {
		return w.Broadcast.Send(player.Notice, player.RefillWaits, 0)
	}
	if !w.Queue.AutoPlay || !w.Queue.RefillDue() {
		return nil
	}
	return w.refill(s, level)
}

// paceDepth reports the depth at most ten times a second, and otherwise holds it back.
func (w *wired) paceDepth(s player.Stimulus, depth int) error {
	if w.Pace.Due(s.At) {
		return w.sendDepth(s, depth)
	}
	return w.Pace.Hold(depth)
}

func (w *wired) sendDepth(s player.Stimulus, depth int) error {
	if err := w.Broadcast.Send(player.DepthChanged, "", int64(depth)); err != nil {
		return err
	}
	return w.Pace.Mark(s.At)
}

// refill chooses a passage and enqueues it.
func (w *wired) refill(s player.Stimulus, level player.Level) error {
	passage, err := w.choose(level.Target, s.Seed)
	if err != nil {
		return err
	}
	if err := w.enqueue(s, passage); err != nil {
		return err
	}
	return w.Cooldowns.Record(passage.ID, level.Target)
}

// choose selects the passage that fits target best.
func (w *wired) choose(target player.Ticks, seed uint64) (player.Passage, error) {
	wanted, err := w.Timeslots.FlavorAt(target)
	if err != nil {
		return player.Passage{}, err
	}
	passage, err := w.Director.Select(target, wanted, seed)
	if err != nil {
		_ = w.Broadcast.Send(player.Notice, string(player.CodeOf(err)), 0) // the selection's error comes first
	}
	return passage, err
}

// suggestion reports what would be selected and changes nothing.
func (w *wired) suggestion(s player.Stimulus) error {
	passage, err := w.choose(s.At, s.Seed)
	if err != nil {
		return err
	}
	return w.Broadcast.Send(player.Suggested, "", passage.ID)
}

// enqueue appends a passage, reports the queue's depth and requests the decoding. Each step
// runs even if another fails.
func (w *wired) enqueue(s player.Stimulus, passage player.Passage) error {
	if err := w.Queue.Enqueue(passage.ID, passage.Length()); err != nil {
		return err
	}
	err := w.paceDepth(s, w.Queue.Depth())
	if requested := w.Decoder.Request(passage.ID); err == nil {
		err = requested
	}
	return err
}

// wanted enqueues the passage that a user wants.
func (w *wired) wanted(s player.Stimulus) error {
	passage, err := w.Director.Find(s.Passage)
	if err != nil {
		return err
	}
	return w.enqueue(s, passage)
}
