package cheats_test

import (
	"strings"
	"testing"

	"rubato/player"
	"rubato/results"
)

// A cheat is a way to be faster, or to look faster, by doing less than was asked.
type cheat struct {
	kind     string // one of the twelve that must be caught
	name     string // of the style
	doc      string
	scenario string
	set      string
	open     func(player.Config) (player.Player, error)
	why      string // what the verdict must say; alternatives are separated by |
}

// cheats lists them in the order of the table.
var cheats = []cheat{
	{"drop 1 in 10 000", "drops", "does not store every 10 000th message", "message-log", "mode=batched",
		openDrops, "effects are missing"},
	{"duplicate", "duplicates", "stores every 5 000th message twice", "message-log", "mode=batched",
		openDuplicates, "effects more than"},
	{"reorder within a key", "reorders", "swaps two messages of a user, once in 7 000", "message-log", "mode=batched",
		openReorders, "order within a key differs"},
	{"skip a stage", "skips", "does not record every 40th cooldown, but reports that it did", "queue-low", "",
		openSkips, "lane cooldowns|digest of what is stored"},
	{"cache a result", "caches", "reads the flavors once and keeps them; every selection is right", "queue-low", "",
		openCaches, "kept an answer or asked twice"},
	{"smaller payload", "shrinks", "stores only the first 40 bytes of a message in timed blocks", "message-log", "mode=pipelined",
		openShrinks, "its effects hold"},
	{"another codec setting", "repacks", "uses one codec setting in the transcript and another in timed blocks", "message-log", "mode=closed",
		openRepacks, "its script ran with codec"},
	{"another codec setting", "pipes", "connects in process although a socket was asked for", "queue-low", "",
		openPipes, `asked to run with transport "tcp", it runs with "pipe"`},
	{"another codec setting", "shares", "lets 100 messages share a commit although each should have its own", "message-log", "mode=pipelined",
		openShares, `asked to run with batch "1", it runs with "100"`},
	{"dead code", "idles", "does nothing in timed blocks, but reports everything done", "message-log", "mode=closed",
		openIdles, "was reported done before its message was durable"},
	{"early acknowledgement", "hurries", "reports done at once and stores 50 ms later", "message-log", "mode=closed",
		openHurries, "stimulus 1 was reported done before its message was durable"},
	{"early acknowledgement", "postpones", "stores in the background in timed blocks", "queue-low", "",
		openPostpones, "it reports other cooldowns|something became durable after it had reported that all was done|effects are missing"},
	{"early acknowledgement", "waits-to-be-asked", "in timed blocks stores only when it is read back", "message-log", "mode=pipelined",
		openWaits, "was reported done before its message was durable"},
	{"early acknowledgement", "trails", "is one refill behind, and catches up before the effects are counted", "queue-low", "",
		openTrails, "something became durable after it had reported that all was done|it reports other cooldowns"},
	{"early acknowledgement", "promises", "reports each message done when it is accepted, not when it is durable; waits at the end", "message-log", "mode=batched",
		openPromises, "was reported done before its message was durable"},
	{"wrong fan-out", "deafens", "does not send every 100th broadcast to a client", "storm", "rate=max pace=coalesced",
		openDeafens, "effects are missing"},
	{"wrong fan-out", "repeats", "sends every 100th broadcast to a client twice", "storm", "rate=max pace=coalesced",
		openRepeats, "effects more than"},
	{"swallowed time-out", "swallows", "reports a message done that the log module did not acknowledge", "message-log", "mode=closed",
		openSwallows, "effects are missing|was reported done before its message was durable"},
	{"float rounding", "rounds", "rounds flavors to 32 bits", "queue-low", "",
		openRounds, "lane timeslots"},
}

// TestCheats measures every cheat beside the baseline and prints the table.
func TestCheats(t *testing.T) {
	t.Parallel()
	cheats := cheats
	if testing.Short() {
		cheats = cheats[:1] // each is a run of its own; all of them take minutes
	}
	table := make([]string, len(cheats))
	t.Run("all", func(t *testing.T) {
		for i, c := range cheats {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				args := append([]string{"-seed", "1", "-styles", "direct," + c.name, c.scenario}, settings(c.set)...)
				cells := run(t, args...)
				table[i] = "| " + strings.Join([]string{c.kind, c.doc, shown(cells[c.name])}, " | ") + " |"
				c.caught(t, cells)
			})
		}
	})
	t.Logf("\n%s%s", tableHead, strings.Join(table, "\n"))
	page.Lock()
	defer page.Unlock()
	page.cheats = table
}

// caught checks that the cheat is invalid for the right reason, and the baseline is valid.
func (c cheat) caught(t *testing.T, cells map[string]results.Cell) {
	t.Helper()
	if cell := cells["direct"]; cell.Verdict == results.Invalid {
		t.Errorf("the baseline is %s", shown(cell))
	}
	cell := cells[c.name]
	if cell.Verdict != results.Invalid || !strings.Contains(cell.Why, "style "+c.name) {
		t.Errorf("not caught by name: %s", shown(cell))
	}
	if cell.Ratio != nil {
		t.Errorf("it has a ratio: %v", *cell.Ratio)
	}
	for why := range strings.SplitSeq(c.why, "|") {
		if strings.Contains(cell.Why, why) {
			return
		}
	}
	t.Errorf("caught for another reason: %s\nwant %q", shown(cell), c.why)
}
