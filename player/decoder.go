package player

import (
	"fmt"
	"slices"
)

// Decoder knows which queued passages have been asked for and not come. Part of
// module ap. What decodes them is not here.
type Decoder struct {
	Lane      Lane
	requested []int64
	ready     []int64
}

// NewDecoder returns the part.
func NewDecoder(verbatim bool) *Decoder { return &Decoder{Lane: NewLane("decoder", verbatim)} }

// Request asks for a passage. Of more than the queue can hold, the oldest is
// forgotten: it has left the queue undecoded.
func (d *Decoder) Request(passage int64) error {
	if len(d.requested) == QueueLimit {
		d.requested = slices.Delete(d.requested, 0, 1)
	}
	d.requested = append(d.requested, passage)
	d.Lane.Record("request", "", passage)
	return nil
}

// Ready takes a passage that has been decoded; NotFound if nobody waits for it.
func (d *Decoder) Ready(passage int64) error {
	i := slices.Index(d.requested, passage)
	if i < 0 {
		return fail(NotFound, "decoder: ready", fmt.Errorf("passage %d was not asked for", passage))
	}
	d.requested = slices.Delete(d.requested, i, i+1)
	if len(d.ready) == QueueLimit {
		d.ready = slices.Delete(d.ready, 0, 1)
	}
	d.ready = append(d.ready, passage)
	d.Lane.Record("ready", "", passage)
	return nil
}

// IsReady tells whether a passage has been decoded.
func (d *Decoder) IsReady(passage int64) bool { return slices.Contains(d.ready, passage) }
