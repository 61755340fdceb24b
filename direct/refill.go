package direct

import "rubato/player"

// What fills the queue.

// queueLow refills the queue by one passage.
func (w *wired) queueLow(s player.Stimulus) error {
	return w.depthChanged(s, w.Queue.PlayDown(s.At))
}

// depthChanged tells how many wait, at most ten times a second, and refills.
func (w *wired) depthChanged(s player.Stimulus, level player.Level) error {
	if err := w.paceDepth(s, level.Depth); err != nil {
		return err
	}
	if !w.Queue.AutoPlay || !w.Queue.RefillDue() {
		return nil
	}
	return w.refill(s, level)
}

// paceDepth tells the depth, or holds it if that comes too soon.
func (w *wired) paceDepth(s player.Stimulus, depth int) error {
	if w.Pace.Due(s.At) {
		return w.tellDepth(s, depth)
	}
	return w.Pace.Hold(depth)
}

func (w *wired) tellDepth(s player.Stimulus, depth int) error {
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
	if err := w.enqueue(passage); err != nil {
		return err
	}
	return w.Cooldowns.Record(passage.ID, level.Target)
}

// choose selects what would play best at target.
func (w *wired) choose(target player.Ticks, seed uint64) (player.Passage, error) {
	wanted, err := w.Timeslots.FlavorAt(target)
	if err != nil {
		return player.Passage{}, err
	}
	passage, err := w.Director.Select(target, wanted, seed)
	if err != nil {
		_ = w.Broadcast.Send(player.Notice, string(player.CodeOf(err)), 0) // the selection's error is the one to tell
	}
	return passage, err
}

// suggestion tells what would be selected, and leaves all as it is.
func (w *wired) suggestion(s player.Stimulus) error {
	passage, err := w.choose(s.At, s.Seed)
	if err != nil {
		return err
	}
	return w.Broadcast.Send(player.Suggested, "", passage.ID)
}

// enqueue appends a passage, and asks for its sound.
func (w *wired) enqueue(passage player.Passage) error {
	if err := w.Queue.Enqueue(passage.ID, passage.Length()); err != nil {
		return err
	}
	return w.Decoder.Request(passage.ID)
}

// wanted enqueues what somebody wants.
func (w *wired) wanted(s player.Stimulus) error {
	passage, err := w.Director.Find(s.Passage)
	if err != nil {
		return err
	}
	return w.enqueue(passage)
}
