package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// What restart breaks. A style that has nothing that can fail so is marked, and nothing is
// counted: a row of zeros would look like a merit.

// Values of the key fault.
const (
	faultModule     = "module"
	faultServer     = "server"
	faultPartition  = "partition"
	faultDisk       = "disk"
	faultSlow       = "slow"
	faultPoison     = "poison"
	faultSubscriber = "subscriber"
	faultInstance   = "instance"
	faultCrash      = "crash"
)

var faultKey = runner.Key{
	Name: "fault", Default: faultModule,
	Values: []string{faultModule, faultServer, faultPartition, faultDisk, faultSlow, faultPoison, faultSubscriber, faultCrash, faultInstance},
	Doc: "what fails for 100 ms. module: module log is stopped and started; server: the NATS server dies and another takes its place; " +
		"partition: nothing passes between it and module log; disk: a commit hangs; slow: for 300 ms each commit takes as long as 5 messages need to arrive; " +
		"poison: each fifth message is one that can never be stored; subscriber: another one joins and stays; crash: the process that is module log is killed, and 100 ms later another is started; instance: two processes are module log, and one is killed. A style that cannot have it shows struck 0",
}

// receiptsAuto is the database where a process can die, and memory elsewhere.
const receiptsAuto = "auto"

var restartReceiptsKey = runner.Key{
	Name: workload.ReceiptsKey.Name, Default: receiptsAuto, Values: append([]string{receiptsAuto}, workload.ReceiptsKey.Values...), Styles: workload.ReceiptsKey.Styles,
	Doc: workload.ReceiptsKey.Doc + "; auto: database with fault=crash or instance, otherwise memory",
}

var pendingKey = runner.Key{
	Name: "pending", Default: "64", Check: workload.Between(1, 1<<16), Styles: []string{"nats"},
	Doc: "fault=slow: messages that may wait at module log's end of the network; the client's own limit is 500000",
}

// pending is the limit where it is asked for.
func pending(setup runner.Setup) int {
	if setup.Options["fault"] != faultSlow || setup.Options[pendingKey.Name] == "" {
		return 0
	}
	return workload.Number(setup.Options, pendingKey.Name)
}

const (
	slowFor   = 3 * outage
	slowness  = 5 // commits take so many times as long as messages take to arrive
	poisonOne = 5 // of so many
)

// lasts is how long the fault does.
func (w *restarting) lasts() time.Duration {
	switch w.fault {
	case faultSlow:
		return slowFor
	case faultInstance: // nothing comes back
		return 0
	}
	return outage
}

// can reports whether the style has what fails.
func (w *restarting) can() bool {
	switch w.fault {
	case faultServer, faultPartition:
		return w.Network() != nil
	case faultCrash, faultInstance:
		return w.kill != nil
	case faultSubscriber:
		_, can := w.Player.(player.Subscribable)
		return can
	}
	return true
}

// breakable refuses a fault that nothing here could have.
func (w *restarting) breakable() error {
	_, can := w.Network().(player.Breakable)
	if far := w.fault == faultServer || w.fault == faultPartition; far && w.Network() != nil && !can {
		return fmt.Errorf("fault=%s needs a server in this process: transport=tcp or pipe", w.fault)
	}
	return nil
}

// breaks has something fail.
func (w *restarting) breaks(seq uint64) (err error) {
	began := time.Now()
	switch network, can := w.Network().(player.Breakable); {
	case w.fault == faultDisk:
		w.commits.Stall(outage)
	case w.fault == faultSlow:
		w.commits.Slow(time.Duration(slowness*float64(time.Second)/w.rate), began.Add(slowFor))
	case w.kill != nil:
		err = w.kill()
	case w.fault == faultSubscriber:
		err = w.join(seq)
	case w.fault == faultModule:
		err = w.Player.Do(player.Stimulus{Kind: player.ModuleStopped, Seq: seq, Module: "log"})
	case w.fault == faultServer && can:
		err = network.Kill()
	case w.fault == faultPartition && can:
		network.Part("log", true)
	}
	w.outage.stopping, w.outage.asked = time.Since(began), began
	return err
}

// mends brings it back.
func (w *restarting) mends(seq uint64) (err error) {
	began := time.Now()
	switch network, can := w.Network().(player.Breakable); {
	case w.start != nil:
		w.started = make(chan error, 1)
		go w.starts(began)
	case w.fault == faultModule:
		err = w.Player.Do(player.Stimulus{Kind: player.ModuleStarted, Seq: seq, Module: "log"})
	case w.fault == faultServer && can:
		err = network.Revive()
	case w.fault == faultPartition && can:
		network.Part("log", false)
	}
	switch w.fault {
	case faultSlow: // a sender that is slowed comes to this later
		began = w.outage.asked.Add(slowFor)
	case faultSubscriber:
		w.outage.starting = w.outage.stopping
	case faultCrash: // starts says
	default:
		w.outage.starting = time.Since(began)
	}
	w.outage.asked = began
	return err
}

// starts has another process take the place of one that was killed. Users do not wait for it.
func (w *restarting) starts(began time.Time) {
	err := w.start()
	w.outage.starting = time.Since(began)
	w.started <- err
}

func (w *restarting) waitStarted() (err error) {
	if w.started != nil {
		err = <-w.started
	}
	w.started = nil
	return err
}

// killable reports whether module log is in processes of its own. A transcript is without them.
func killable(setup runner.Setup) bool {
	return kills(setup.Options) && !setup.Verbatim && setup.Style == "nats"
}

// kills reports whether the fault is the end of a process.
func kills(o runner.Options) bool { return o["fault"] == faultCrash || o["fault"] == faultInstance }

// poisons makes messages of the outage such as module log never stores, in turns: a text that is
// too long, nobody who said it, and a text that is too long for the network, too.
func (w *restarting) poisons() {
	stop := w.due[len(w.due)/3]
	for i, at := range w.due {
		if at < stop || at >= stop+outage || i%poisonOne > 0 {
			continue
		}
		m := &w.Stimuli[i].Message
		switch w.poison[i] = true; len(w.poison) % 3 {
		case 0:
			m.Text = strings.Repeat("x", 1<<20)
		case 1:
			m.Text = strings.Repeat("x", player.TextLimit+1)
		case 2:
			m.Username = ""
		}
	}
}

// join adds the new subscriber. It is another one for each block.
func (w *restarting) join(seq uint64) (err error) {
	w.hearing = nil
	l, can := w.Player.(player.Subscribable)
	if !can {
		return nil
	}
	w.hearing = &hearing{after: seq}
	w.hearing.leave, err = l.Subscribe(w.hearing.hear)
	return err
}

// hearing is what a new subscriber heard.
type hearing struct {
	after uint64 // what is said later should be heard
	leave func()
	mu    sync.Mutex
	heard []uint64
}

func (h *hearing) hear(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, seq)
}

func (h *hearing) all() []uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

// said are the attempts that it should have heard.
func (h *hearing) said(b *sendLog) (list []uint64) {
	for i, a := range b.tries {
		if seq := b.first + uint64(i) + 1; a.message >= 0 && seq > h.after {
			list = append(list, seq)
		}
	}
	return list
}

// wait has it leave when it has heard as many messages as it should, or could not.
func (h *hearing) wait(b *sendLog) {
	if h == nil {
		return
	}
	want := len(h.said(b))
	for end := time.Now().Add(patient); len(h.all()) < want && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
	h.leave()
}

// figures compares what it heard with what it should have heard.
func (h *hearing) figures(b *sendLog, f map[string]float64) {
	if h == nil {
		return
	}
	times, late, newest := map[uint64]int{}, 0, uint64(0)
	for _, seq := range h.all() {
		if times[seq]++; seq < newest {
			late++
		}
		newest = max(newest, seq)
	}
	missed, twice := 0, 0
	for _, seq := range h.said(b) {
		if times[seq] == 0 {
			missed++
		}
		twice += max(times[seq]-1, 0)
	}
	f["missed"], f["heard-twice"], f["heard-late"] = float64(missed), float64(twice), float64(late)
}
