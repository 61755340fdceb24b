package workload

import (
	"errors"
	"path/filepath"
	"strconv"

	"rubato/player"
	"rubato/runner"
)

// Another starts one more worker while the crew works, on a store of its own. setup is that of
// OpenCrew. It returns when the worker has joined.
func (c *Crew) Another(setup runner.Setup) error {
	inviting, can := c.network.(player.Inviting)
	if !can {
		return errors.New("the network cannot be joined by workers")
	}
	to, err := inviting.Invite()
	if err != nil {
		return err
	}
	w, err := startWorker(filepath.Join(setup.Dir, "worker-"+strconv.Itoa(len(c.Workers)+1)),
		filepath.Join(setup.Shared, LibraryFile), setup.Options["sync"], to)
	if w != nil {
		c.Workers = append(c.Workers, w)
	}
	if err != nil {
		return err
	}
	return w.join()
}
