package scenarios

import (
	"rubato/player"
	"rubato/sqlite"
)

// soakCycle is how many stimuli an hour of the player's time has.
const soakCycle = 100

// soakTurns are the stimuli of a cycle that are neither said nor volume nor playing and
// pausing. What is about a passage of the queue is given its number when it is posted.
var soakTurns = map[int]player.Stimulus{
	0:  {Kind: player.QueueLow},
	5:  {Kind: player.BufferReady}, // of the first
	25: {Kind: player.PassageEnd},
	35: {Kind: player.Suggestion},
	45: {Kind: player.FlavorWanted},
	55: {Kind: player.Wanted},
	65: {Kind: player.BufferFailed}, // of the last
	75: {Kind: player.Period, Frames: stormPeriod},
	85: {Kind: player.Control, Command: player.Skip, Token: liveToken},
	95: {Kind: player.Control, Command: player.Stop, Token: "somebody else's"}, // refused
}

// soakAt makes the i-th stimulus.
func soakAt(seed uint64, i, passages int) player.Stimulus {
	k, h := i%soakCycle, stir(seed, i)
	at := sqlite.Epoch + player.Ticks(1+i/soakCycle)*player.Hour + player.Ticks(k)*(player.Hour/soakCycle)
	if saysAt(k) {
		s := say(seed, i)
		s.Message.At = at
		return s
	}
	s, special := soakTurns[k]
	switch {
	case special:
	case k%4 == 1:
		s = player.Stimulus{Kind: player.VolumeSet, Volume: int(h % (player.MaxVolume + 1))}
	default:
		s = player.Stimulus{Kind: player.Control, Command: [...]string{player.Play, player.Pause}[k/4%2], Token: liveToken}
	}
	s.Seq, s.At, s.Seed = uint64(i)+1, at, h
	if s.Kind == player.Wanted || s.Kind == player.FlavorWanted {
		s.Passage, s.Until = 1+int64(h%uint64(passages)), at+player.Hour/4
	}
	return s
}

// saysAt tells whether the k-th of a cycle is a message: most are.
func saysAt(k int) bool {
	_, special := soakTurns[k]
	return !special && (k%2 == 0 || k%10 == 3)
}

// said is how many of n stimuli from first are messages.
func said(first, n int) (messages int64) {
	for i := first; i < first+n; i++ {
		if saysAt(i % soakCycle) {
			messages++
		}
	}
	return messages
}
