package workload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// staffing is how a crew starts its workers.
type staffing struct {
	to                      player.Invitation
	library, sync, receipts string
}

// invite says what the workers need to understand the player.
func invite(network player.Inviting, p player.Placement, workers int) (player.Invitation, error) {
	to, err := network.Invite()
	to.Codec, to.Delivery, to.Share, to.Flush, to.Shared = p.Codec, p.Delivery, p.Share, p.Flush, workers > 1
	return to, err
}

// folder is where a worker's store is. Receipts are of use to a worker that gets what another one had
// only if both have one store.
func (s staffing) folder(setup runner.Setup, i int) string {
	if s.receipts == ReceiptsInDatabase {
		i = 0
	}
	return filepath.Join(setup.Dir, "worker-"+strconv.Itoa(i+1))
}

// hire starts one more worker. It has yet to join.
func (c *Crew) hire(dir string) error {
	w, err := c.staffing.start(dir)
	if w != nil {
		w.disk = c.disk
		c.Workers = append(c.Workers, w)
	}
	return err
}

// Another has one more worker take the place of the first, which was killed, with its store. It
// returns when the worker has joined.
func (c *Crew) Another() error {
	if err := c.hire(filepath.Dir(c.Workers[0].path)); err != nil {
		return err
	}
	return c.Workers[len(c.Workers)-1].join()
}

// Files are the workers' stores, each once.
func (c *Crew) Files() (paths []string) {
	for _, w := range c.Workers {
		if !slices.Contains(paths, w.path) {
			paths = append(paths, w.path)
		}
	}
	return paths
}

// Await returns when so many messages are durable and no more come for a while, or after most.
func (c *Crew) Await(messages int64, still, most time.Duration) error {
	before, since := int64(-1), time.Now()
	for end := since.Add(most); time.Now().Before(end); <-time.After(still / 10) {
		now, err := c.durable()
		if err != nil || now >= messages && now == before && time.Since(since) >= still {
			return err
		}
		if now != before {
			before, since = now, time.Now()
		}
	}
	return nil
}

// durable is how many messages are in the files.
func (c *Crew) durable() (n int64, err error) {
	seen := map[string]bool{}
	for i, w := range c.Workers {
		if seen[w.path] || w.store == nil {
			continue
		}
		seen[w.path] = true
		newest, failed := w.store.Newest()
		n, err = n+newest, errors.Join(err, named(i, failed))
	}
	return n, err
}

// start starts this program as a worker with a store of its own, made from the library unless
// another worker has it, and tells it on stdin where the player is.
func (s staffing) start(dir string) (*Worker, error) {
	w := &Worker{path: filepath.Join(dir, WorkerFile), ended: make(chan struct{})}
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		err = sqlite.Copy(s.library, w.path)
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program to start it as a worker: %w", err)
	}
	invitation, err := json.Marshal(s.to)
	if err != nil {
		return nil, err
	}
	var theirs *os.File
	if w.output, theirs, err = os.Pipe(); err != nil {
		return nil, err
	}
	defer theirs.Close()
	w.command = exec.Command(program, WorkerCommand, "-stdin", "-data", dir, "-sync", cmp.Or(s.sync, "normal"), "-receipts", cmp.Or(s.receipts, ReceiptsInMemory))
	w.command.Stdout, w.command.Stderr = theirs, os.Stderr
	if w.input, err = w.command.StdinPipe(); err != nil {
		return nil, errors.Join(err, w.output.Close())
	}
	if err := w.command.Start(); err != nil {
		return nil, errors.Join(err, w.output.Close())
	}
	go func() {
		_ = w.command.Wait() // ProcessState says how it ended
		close(w.ended)
	}()
	_, err = w.input.Write(append(invitation, '\n'))
	return w, err
}
