package runner

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"
)

// How long a child is stopped, and how long all then may work.
const (
	shortestStop = 10 * time.Millisecond
	longestStop  = 80 * time.Millisecond
	shortestGo   = 50 * time.Millisecond
	longestGo    = 400 * time.Millisecond
)

// stopAndGo stops one of the children after the other for a moment, as a debugger, a
// freezer or a laptop's lid does, until ctx ends; all are at work again when it
// returns. The children must not end before.
func stopAndGo(ctx context.Context, children []*process, random *rand.Rand) {
	stopped := phases{random: random, least: shortestStop, longest: longestStop}
	working := phases{random: random, least: shortestGo, longest: longestGo}
	for pause(ctx, working.next()) == nil {
		group := -children[random.IntN(len(children))].command.Process.Pid
		_ = syscall.Kill(group, syscall.SIGSTOP)
		_ = pause(ctx, stopped.next())
		_ = syscall.Kill(group, syscall.SIGCONT)
	}
}
