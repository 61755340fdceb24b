package playertest

import (
	"errors"
	"sync/atomic"

	"rubato/player"
)

// errFault is what a faulty store answers.
var errFault = errors.New("the disk is having a bad day")

// faulty is a store whose writes fail while it is told so.
type faulty struct {
	player.Store
	failing atomic.Bool
}

func (f *faulty) fail(yes bool) { f.failing.Store(yes) }

func (f *faulty) err() error {
	if f.failing.Load() {
		return errFault
	}
	return nil
}

func (f *faulty) Director() player.DirectorStore { return faultyDirector{f.Store.Director(), f} }
func (f *faulty) Log() player.LogStore           { return faultyLog{f.Store.Log(), f} }

type faultyDirector struct {
	player.DirectorStore
	*faulty
}

func (d faultyDirector) RecordPlayed(passage int64, at player.Ticks) (int, error) {
	if err := d.err(); err != nil {
		return 0, err
	}
	return d.DirectorStore.RecordPlayed(passage, at)
}

type faultyLog struct {
	player.LogStore
	*faulty
}

func (l faultyLog) CountUser(username string) error {
	if err := l.err(); err != nil {
		return err
	}
	return l.LogStore.CountUser(username)
}
