package web

import (
	"context"

	"rubato/player"
)

// Do has the player do a stimulus, and returns when its last effect is durable and
// visible. The number is the front's, whatever the stimulus has; time and seed are,
// where it has none.
func (f *Front) Do(ctx context.Context, s player.Stimulus) error {
	return f.hold(ctx, s.Kind == player.Period, func() error { return f.player.Do(f.number(s)) })
}

// Post returns when the player has accepted a stimulus, which is numbered as Do does.
// done gets the number; it must call neither player nor front.
func (f *Front) Post(ctx context.Context, s player.Stimulus, done player.Done) error {
	return f.hold(ctx, s.Kind == player.Period, func() error { return f.player.Post(f.number(s), done) })
}

// Enqueue has the player enqueue a passage that somebody wants, and tells how many
// wait then.
func (f *Front) Enqueue(ctx context.Context, passage int64) (depth int, err error) {
	err = f.hold(ctx, false, func() error {
		if err := f.player.Do(f.number(player.Stimulus{Kind: player.Wanted, Passage: passage})); err != nil {
			return err
		}
		entries, err := f.player.Waiting(f.next())
		depth = len(entries)
		return err
	})
	return depth, err
}

// WantFlavor has the player want the flavor of a passage, from now on for so long.
func (f *Front) WantFlavor(ctx context.Context, passage int64, long player.Ticks) error {
	return f.hold(ctx, false, func() error {
		s := f.number(player.Stimulus{Kind: player.FlavorWanted, Passage: passage})
		s.Until = s.At + long
		return f.player.Do(s)
	})
}

// Status is what people see of the player.
func (f *Front) Status(ctx context.Context) (s player.Status, err error) {
	err = f.hold(ctx, false, func() (err error) {
		s, err = f.player.Status(f.next())
		return err
	})
	return s, err
}

// Waiting is what waits to be played, first to play first.
func (f *Front) Waiting(ctx context.Context) (entries []player.Entry, err error) {
	err = f.hold(ctx, false, func() (err error) {
		entries, err = f.player.Waiting(f.next())
		return err
	})
	return entries, err
}

// Look is Status and Waiting of one moment.
func (f *Front) Look(ctx context.Context) (s player.Status, entries []player.Entry, err error) {
	err = f.hold(ctx, false, func() (err error) {
		if s, err = f.player.Status(f.next()); err == nil {
			entries, err = f.player.Waiting(f.next())
		}
		return err
	})
	return s, entries, err
}

// Settle returns when everything posted is done.
func (f *Front) Settle(ctx context.Context) error { return f.hold(ctx, false, f.player.Settle) }

// Observe settles the player, and reads back what it has done.
func (f *Front) Observe(ctx context.Context) (seen player.Observation, err error) {
	err = f.hold(ctx, false, func() (err error) {
		if err = f.player.Settle(); err == nil {
			seen, err = f.player.Observe()
		}
		return err
	})
	return seen, err
}

// next is the flow token of a question.
func (f *Front) next() uint64 {
	f.seq++
	return f.seq
}
