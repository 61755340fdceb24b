package natsbus

import (
	"errors"

	"rubato/player"
)

// Modules join, leave, and join again.

// joinModule gives a module a connection of its own, which is the module's to close.
func (w *wired) joinModule(m *module) error {
	conn, err := connect(w.server, w.config.Placement.Transport, m.name, w.config.Timeout)
	if err != nil {
		return err
	}
	return m.join(conn)
}

// stopModule has module log finish what waits, and leave: its connection is gone,
// and with it what was on its way there.
func (w *wired) stopModule(module string) error {
	if w.said == nil {
		return w.Parts.StopModule(module) // which has left: only the name may be wrong
	}
	settled := w.chat.settle()
	w.log.mu.Lock()
	err := w.Parts.StopModule(module)
	w.log.mu.Unlock()
	if player.CodeOf(err) == player.Invalid {
		return err
	}
	dropped, err := w.lost()
	w.dropped, w.said = dropped, nil
	w.log.leave()
	return errors.Join(settled, err)
}

// startModule joins it again, on a connection of its own.
func (w *wired) startModule(module string) error {
	w.log.mu.Lock()
	err := w.Parts.StartModule(module)
	w.log.mu.Unlock()
	if err != nil || w.said != nil {
		return err
	}
	if err := w.joinModule(w.log); err != nil {
		return err
	}
	w.said, err = w.logSide.listen()
	return err
}

// lost is how many messages a full buffer has dropped.
func (w *wired) lost() (int, error) {
	if w.said == nil {
		return w.dropped, nil
	}
	now, err := w.said.Dropped()
	return w.dropped + now, err
}

// leave ends whatever was started.
func (w *wired) leave() {
	for _, m := range []*module{w.ui, w.ap, w.pd, w.log} {
		if m != nil {
			m.close()
		}
	}
	if w.server != nil {
		stopServer(w.server)
	}
}
