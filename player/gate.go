package player

import (
	"errors"
	"fmt"
)

// errStopped is what a module answers that has been stopped.
var errStopped = errors.New("module log is stopped")

// logGate is module log's store, which nobody reaches while the module is stopped.
// A style in which a stopped module cannot be reached anyway has it beside that.
type logGate struct {
	LogStore
	stopped bool
}

// StopModule makes durable what waits in module log, and stops it: the only module
// that can be stopped, as the one that was moved behind NATS in the published case.
func (p *Parts) StopModule(module string) error {
	if err := checkModule(module); err != nil {
		return err
	}
	err := p.Batch.Flush()
	p.gate.stopped = true
	return err
}

// StartModule lets it work again.
func (p *Parts) StartModule(module string) error {
	err := checkModule(module)
	if err == nil {
		p.gate.stopped = false
	}
	return err
}

func checkModule(module string) error {
	if module != "log" {
		return fail(Invalid, "stop or start a module", fmt.Errorf("%q cannot be; log can", module))
	}
	return nil
}

func (g *logGate) AppendMessage(m Message) error {
	if g.stopped {
		return errStopped
	}
	return g.LogStore.AppendMessage(m)
}

func (g *logGate) CountUser(username string) error {
	if g.stopped {
		return errStopped
	}
	return g.LogStore.CountUser(username)
}

func (g *logGate) AppendPlay(passage int64, began, ended Ticks) error {
	if g.stopped {
		return errStopped
	}
	return g.LogStore.AppendPlay(passage, began, ended)
}

func (g *logGate) PutSetting(key, value string) error {
	if g.stopped {
		return errStopped
	}
	return g.LogStore.PutSetting(key, value)
}
