package workload

import (
	"fmt"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

func LowAt(seed uint64, i int) player.Stimulus {
	return player.Stimulus{Kind: player.QueueLow, Seq: uint64(i) + 1,
		At: sqlite.Epoch + player.Ticks(i+1)*player.Hour, Seed: runner.SeedAt(seed, i)}
}

func SameMoment(seed uint64, i int) player.Stimulus {
	return player.Stimulus{Kind: player.QueueLow, Seq: uint64(i) + 1,
		At: sqlite.Epoch + player.Hour, Seed: runner.SeedAt(seed, i)}
}

func SuggestAt(seed uint64, i int) player.Stimulus {
	return player.Stimulus{Kind: player.Suggestion, Seq: uint64(i) + 1,
		At: sqlite.Epoch + player.Ticks(1+i%24)*player.Hour, Seed: runner.SeedAt(seed, i)}
}

// chatters is the number of users who send messages.
const chatters = 50

// Say makes the i-th message: 20 to 120 bytes from one of 50 users.
func Say(seed uint64, i int) player.Stimulus {
	h := runner.SeedAt(seed, i)
	text := fmt.Sprintf("message %d, which says %016x and so on, at some length, as people do when the song is a long one and nobody minds at all", i, h)
	return player.Stimulus{Kind: player.MessageSaid, Seq: uint64(i) + 1, Message: player.Message{
		Username: fmt.Sprintf("listener-%02d", h%chatters),
		Text:     text[:20+int((h>>32)%101)],
		At:       sqlite.Epoch + player.Ticks(i)*player.Second,
	}}
}

// Refills counts the lines of all lanes. A refill has nine: the queue played down, its
// depth broadcast, the time of that broadcast, a flavor found, a passage selected, enqueued,
// the new depth held until it is due, the decoding requested, the cooldown recorded. The digest shows that the
// cooldown is durable: it reads the database.
func Refills(seen player.Observation) (effects int64) {
	for _, lane := range seen.Lanes {
		effects += int64(lane.Count)
	}
	return effects
}

// Stored counts the rows of messages and the sum of the users' counters in the database.
func Stored(seen player.Observation) int64 { return seen.Stored.Messages + seen.Stored.Said }

// RefillsAndStored counts the lines of all lanes and what is in the database.
func RefillsAndStored(seen player.Observation) int64 { return Refills(seen) + Stored(seen) }
