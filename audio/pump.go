package audio

import (
	"context"

	"rubato/player"
)

// Pumping says how a player with a deck is driven.
type Pumping struct {
	Frames  int          // of a period
	Start   player.Ticks // when the first begins
	Periods int          // how many; 0: until the context ends
}

// Pump drives a player as its output asks for frames: period after period one
// stimulus that has them mixed, and one for each passage that the deck has decoded
// or cannot decode. It waits for room in a paced output first, so that nobody waits
// behind a period. A deck that waits for its decoder is asked in such a way that the
// stimuli come in the same places however fast it is.
//
// do gets stimuli with kind, time and what they are about; their numbers, and taking
// turns with others, are its own. Pump ends with the first error that do returns,
// and with none when the context ends.
func Pump(ctx context.Context, deck *Deck, p Pumping, do func(player.Stimulus) error) error {
	at := p.Start
	for n := 0; p.Periods == 0 || n < p.Periods; n++ {
		if err := deck.room(ctx, p.Frames); err != nil || ctx.Err() != nil {
			return ended(ctx, err)
		}
		if err := do(player.Stimulus{Kind: player.Period, At: at, Frames: p.Frames}); err != nil {
			return err
		}
		at += player.Ticks(p.Frames) * player.TicksPerFrame
		if err := tell(deck.Prepared(deck.options.Wait), at, do); err != nil {
			return err
		}
	}
	return nil
}

// tell makes stimuli of what became of passages.
func tell(prepared []Prepared, at player.Ticks, do func(player.Stimulus) error) error {
	for _, p := range prepared {
		kind := player.BufferReady
		if p.Err != nil {
			kind = player.BufferFailed
		}
		if err := do(player.Stimulus{Kind: kind, At: at, Passage: p.Passage}); err != nil {
			return err
		}
	}
	return nil
}

// ended tells the end of the context from a failure.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// room waits until the output has some.
func (d *Deck) room(ctx context.Context, frames int) error {
	if paced, ok := d.options.Output.(Paced); ok {
		return paced.Room(ctx, frames)
	}
	return nil
}
