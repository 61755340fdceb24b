package scenarios

import (
	"context"

	"rubato/audio"
	"rubato/player"
)

// blockOutput is an output at real pace while a block lasts. Between blocks there is no
// thread that would take time from the style whose turn it is.
type blockOutput struct {
	off bool            // for a transcript, where pace does not matter: all is taken at once
	now *audio.RealTime // nil: off
}

var _ audio.Paced = (*blockOutput)(nil)

// open starts the callbacks.
func (o *blockOutput) open(options audio.RealTimeOptions) {
	if !o.off {
		out := audio.OpenRealTime(options)
		o.now = &out
	}
}

// end plays what waits, and tells how the callbacks went: nil of an output that is off.
func (o *blockOutput) end() (*audio.CallbackStats, error) {
	if o.now == nil {
		return nil, nil
	}
	err := o.now.Close()
	stats := o.now.Take()
	o.now = nil
	return &stats, err
}

// Write hands on, while there is somebody to hand on to.
func (o *blockOutput) Write(frames []player.Frame) error {
	if o.now == nil {
		return nil
	}
	return o.now.Write(frames)
}

// Room waits until there is some.
func (o *blockOutput) Room(ctx context.Context, frames int) error {
	if o.now == nil {
		return nil
	}
	return o.now.Room(ctx, frames)
}

// Close ends a block that was not.
func (o *blockOutput) Close() error {
	_, err := o.end()
	return err
}
