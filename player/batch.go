package player

// Batch lets messages share a commit. It stands in module log of every style, so
// that "faster because it batches" and "faster" can be told apart: the switch is
// Config.Batch, and 1 means a commit each.
type Batch struct {
	store   LogStore
	limit   int
	waiting []waiting
}

type waiting struct {
	seq  uint64
	done Done
}

// NewBatch returns an empty batch that commits at limit stimuli.
func NewBatch(store LogStore, limit int) *Batch {
	limit = max(limit, 1)
	return &Batch{store: store, limit: limit, waiting: make([]waiting, 0, limit)}
}

// Add takes a stimulus whose writes have been made, or have failed with err, and
// commits when the batch is full. done is called when that is certain. Writes
// that failed halfway cannot be told from their neighbours in the transaction, so
// a store failure fails the whole batch; a refused message fails alone.
func (b *Batch) Add(seq uint64, err error, done Done) {
	if CodeOf(err) == Invalid {
		done(seq, err)
		return
	}
	b.waiting = append(b.waiting, waiting{seq, done})
	switch {
	case err != nil:
		b.finish(b.abandon(err))
	case len(b.waiting) >= b.limit:
		b.finish(b.commit())
	}
}

// Do takes a stimulus whose writes have been made, or have failed with err, and
// makes it durable at once, with all that wait.
func (b *Batch) Do(err error) error {
	switch {
	case CodeOf(err) == Invalid:
		return err
	case err != nil:
		err = b.abandon(err)
	default:
		err = b.commit()
	}
	b.finish(err)
	return err
}

// Flush commits what waits, if anything does.
func (b *Batch) Flush() error {
	if len(b.waiting) == 0 {
		return nil
	}
	err := b.commit()
	b.finish(err)
	return err
}

// Waiting is how many stimuli wait for a commit.
func (b *Batch) Waiting() int { return len(b.waiting) }

func (b *Batch) commit() error {
	if err := b.store.Commit(); err != nil {
		return fail(Unavailable, "log: commit", err)
	}
	return nil
}

func (b *Batch) abandon(err error) error {
	if rollback := b.store.Rollback(); rollback != nil {
		return fail(Unavailable, "log: rollback", rollback)
	}
	return err
}

func (b *Batch) finish(err error) {
	for _, w := range b.waiting {
		w.done(w.seq, err)
	}
	clear(b.waiting)
	b.waiting = b.waiting[:0]
}
