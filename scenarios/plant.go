package scenarios

import (
	"rubato/player"
	"rubato/runner"
)

// Stages in which a slowdown can be planted: each is one call of the store an
// operation, on the goroutine that the style has the module's work on.
const (
	stageDirector = "director" // a passage is read once a selection
	stageLog      = "log"      // a message is appended once it is said
)

// planted is the store that the style gets: as it is, but for the arm that is to be
// found slower.
func planted(setup runner.Setup, store player.Store) player.Store {
	if setup.Plant == nil {
		return store
	}
	switch setup.Plant.Stage {
	case stageDirector:
		return slowDirector{store, setup.Plant}
	case stageLog:
		return slowLog{store, setup.Plant}
	}
	return store
}

type slowDirector struct {
	player.Store
	plant *runner.Plant
}

func (s slowDirector) Director() player.DirectorStore {
	return slowPassage{s.Store.Director(), s.plant}
}

type slowPassage struct {
	player.DirectorStore
	plant *runner.Plant
}

func (s slowPassage) Passage(id int64) (player.Passage, error) {
	s.plant.Stall()
	return s.DirectorStore.Passage(id)
}

type slowLog struct {
	player.Store
	plant *runner.Plant
}

func (s slowLog) Log() player.LogStore { return slowAppend{s.Store.Log(), s.plant} }

type slowAppend struct {
	player.LogStore
	plant *runner.Plant
}

func (s slowAppend) AppendMessage(m player.Message) error {
	s.plant.Stall()
	return s.LogStore.AppendMessage(m)
}
