package player

import (
	"fmt"
	"slices"
)

// Decoder knows which queued passages have been asked for and not come. Part of
// module ap. What decodes them is the deck.
type Decoder struct {
	Lane      Lane
	deck      Deck // may be nil
	cuts      CutStore
	requested []int64
	ready     []int64
}

// NewDecoder returns the part; without a deck, cuts are not read.
func NewDecoder(deck Deck, cuts CutStore, verbatim bool) *Decoder {
	return &Decoder{Lane: NewLane("decoder", verbatim), deck: deck, cuts: cuts}
}

// Request asks for a passage. Of more than the queue can hold, the oldest is
// forgotten: it has left the queue undecoded. What was ready of an earlier play is
// not any more.
func (d *Decoder) Request(passage int64) error {
	if len(d.requested) == QueueLimit {
		d.drop(d.requested[0])
		d.requested = slices.Delete(d.requested, 0, 1)
	}
	if err := d.load(passage); err != nil {
		return err
	}
	if i := slices.Index(d.ready, passage); i >= 0 {
		d.ready = slices.Delete(d.ready, i, i+1)
	}
	d.requested = append(d.requested, passage)
	d.Lane.Record("request", "", passage)
	return nil
}

func (d *Decoder) load(passage int64) error {
	const op = "decoder: request"
	if d.deck == nil {
		return nil
	}
	cut, err := d.cuts.Cut(passage)
	if err == nil {
		err = d.deck.Load(cut)
	}
	if err != nil {
		return fail(CodeOf(err), op, err)
	}
	return nil
}

func (d *Decoder) drop(passage int64) {
	if d.deck != nil {
		d.deck.Drop(passage)
	}
}

// Ready takes a passage that has been decoded; NotFound if nobody waits for it.
func (d *Decoder) Ready(passage int64) error {
	if err := d.came(passage, "decoder: ready"); err != nil {
		return err
	}
	if len(d.ready) == QueueLimit {
		d.ready = slices.Delete(d.ready, 0, 1)
	}
	d.ready = append(d.ready, passage)
	d.Lane.Record("ready", "", passage)
	return nil
}

// Fail takes a passage that cannot be decoded; NotFound if nobody waits for it.
func (d *Decoder) Fail(passage int64) error {
	if err := d.came(passage, "decoder: fail"); err != nil {
		return err
	}
	d.drop(passage)
	d.Lane.Record("fail", "", passage)
	return nil
}

// came takes a passage off those asked for.
func (d *Decoder) came(passage int64, op string) error {
	i := slices.Index(d.requested, passage)
	if i < 0 {
		return fail(NotFound, op, fmt.Errorf("passage %d was not asked for", passage))
	}
	d.requested = slices.Delete(d.requested, i, i+1)
	return nil
}

// IsReady tells whether a passage has been decoded.
func (d *Decoder) IsReady(passage int64) bool { return slices.Contains(d.ready, passage) }
