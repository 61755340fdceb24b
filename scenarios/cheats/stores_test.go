package cheats_test

import (
	"bytes"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/player"
)

// Cheats between the parts and their stores and audience.

// forger is a store with a view replaced by a cheat.
type forger struct {
	player.Store
	director player.DirectorStore // nil: the honest one
	log      player.LogStore
}

func (f *forger) Director() player.DirectorStore {
	if f.director != nil {
		return f.director
	}
	return f.Store.Director()
}

func (f *forger) Log() player.LogStore {
	if f.log != nil {
		return f.log
	}
	return f.Store.Log()
}

// forgetful does not record every 40th cooldown.
type forgetful struct {
	player.DirectorStore
	records int
}

func (f *forgetful) RecordPlayed(passage int64, at player.Ticks) (rows int, err error) {
	if f.records++; f.records%40 == 0 {
		return 3, nil // a song, its artist, its work
	}
	return f.DirectorStore.RecordPlayed(passage, at)
}

func openSkips(config player.Config) (player.Player, error) {
	config.Store = &forger{Store: config.Store, director: &forgetful{DirectorStore: config.Store.Director()}}
	return direct.Open(config)
}

// keeper reads the flavors once.
type keeper struct {
	player.DirectorStore
	ids    []int64
	packed [][]byte
	owed   int // readings that did not take place
}

func (k *keeper) Flavors(visit func(int64, []byte) error) error {
	if k.ids == nil {
		err := k.DirectorStore.Flavors(func(id int64, packed []byte) error {
			k.ids, k.packed = append(k.ids, id), append(k.packed, bytes.Clone(packed))
			return nil
		})
		if err != nil {
			return err
		}
	}
	k.owed++
	for i, id := range k.ids {
		if err := visit(id, k.packed[i]); err != nil {
			return err
		}
	}
	return nil
}

func openCaches(config player.Config) (player.Player, error) {
	config.Store = &forger{Store: config.Store, director: &keeper{DirectorStore: config.Store.Director()}}
	return direct.Open(config)
}

// shrinker stores only the beginning of a message.
type shrinker struct{ player.LogStore }

func (s shrinker) AppendMessage(m player.Message) error {
	m.Text = m.Text[:min(len(m.Text), 40)]
	return s.LogStore.AppendMessage(m)
}

func openShrinks(config player.Config) (player.Player, error) {
	if !config.Verbatim {
		config.Store = &forger{Store: config.Store, log: shrinker{config.Store.Log()}}
	}
	return direct.Open(config)
}

// rounder rounds flavors to 32 bits.
type rounder struct{ player.DirectorStore }

func (r rounder) References(secondOfDay int, visit func(*player.Flavor)) error {
	return r.DirectorStore.References(secondOfDay, func(f *player.Flavor) {
		for i, v := range f.Values {
			f.Values[i] = float64(float32(v))
		}
		visit(f)
	})
}

func openRounds(config player.Config) (player.Player, error) {
	config.Store = &forger{Store: config.Store, director: rounder{config.Store.Director()}}
	return direct.Open(config)
}

// ear stands between the player and a client.
type ear struct {
	player.Audience
	heard  int
	copies int // of every 100th announcement
}

func (e *ear) Hear(a player.Announcement) {
	e.heard++
	copies := 1
	if e.heard%100 == 0 {
		copies = e.copies
	}
	for range copies {
		e.Audience.Hear(a)
	}
}

func openDeafens(config player.Config) (player.Player, error) {
	config.Audience = &ear{Audience: config.Audience}
	return direct.Open(config)
}

func openRepeats(config player.Config) (player.Player, error) {
	config.Audience = &ear{Audience: config.Audience, copies: 2}
	return direct.Open(config)
}

// truster takes each message for new and writes no key.
type truster struct{ player.Receipts }

func (truster) Note(string) (bool, error) { return true, nil }

func openTrusts(config player.Config) (player.Player, error) {
	if !config.Verbatim {
		config.Receipts = truster{config.Receipts}
	}
	return natsbus.Open(config)
}
