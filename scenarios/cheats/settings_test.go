package cheats_test

import (
	"errors"
	"runtime/debug"

	"rubato/player"
)

// Cheats that change a setting once they are timed.

// setter sets a pragma of the log's connection.
type setter interface{ Set(...string) error }

func openUnsyncs(config player.Config) (player.Player, error) {
	d, err := under(config)
	if config.Verbatim {
		return d, err
	}
	d.do = func(s player.Stimulus) error {
		if s.Seq%100 == 7 {
			if err := config.Store.Log().(setter).Set("synchronous = off"); err != nil {
				return err
			}
		}
		return d.Player.Do(s)
	}
	return d, err
}

// openUnsyncsInSecret waits for the disk again when the clock stops.
func openUnsyncsInSecret(config player.Config) (player.Player, error) {
	d, err := under(config)
	if config.Verbatim {
		return d, err
	}
	set := func(level string) error { return config.Store.Log().(setter).Set("synchronous = " + level) }
	o := &restorer{d, func() error { return set("full") }}
	d.do = func(s player.Stimulus) error {
		if s.Seq%100 == 1 {
			if err := set("off"); err != nil {
				return err
			}
		}
		err := d.Player.Do(s)
		if s.Seq%2500 == 0 { // the last of a trial
			err = errors.Join(err, set("full"))
		}
		return err
	}
	return o, err
}

// restorer undoes something before it is read back.
type restorer struct {
	*disguise
	undo func() error
}

func (r *restorer) Observe() (player.Observation, error) {
	if err := r.undo(); err != nil {
		return player.Observation{}, err
	}
	return r.Player.Observe()
}

func openHoards(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.do = func(s player.Stimulus) error {
		if !config.Verbatim {
			debug.SetGCPercent(-1)
		}
		return d.Player.Do(s)
	}
	return d, err
}

// openHoardsInSecret switches the garbage collection on again before the clock stops.
func openHoardsInSecret(config player.Config) (player.Player, error) {
	d, err := under(config)
	d.do = func(s player.Stimulus) error {
		if s.Seq%100 != 0 && !config.Verbatim {
			debug.SetGCPercent(-1)
		} else {
			debug.SetGCPercent(100)
		}
		return d.Player.Do(s)
	}
	return d, err
}
