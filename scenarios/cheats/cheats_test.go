package cheats_test

import (
	"strings"
	"testing"

	"rubato/player"
	"rubato/reports"
)

// A cheat is a way to be faster by doing less than what was asked, or to look it.
type cheat struct {
	kind     string // of the twelve that must be caught
	name     string // of the style
	doc      string
	scenario string
	set      string
	open     func(player.Config) (player.Player, error)
	why      string // what the verdict must say, one of several
}

// cheats are all of them, in the order of the table.
var cheats = []cheat{
	{"drop 1 in 10 000", "drops", "does not store every 10 000th message", "message-log", "mode=batched",
		openDrops, "effects are missing"},
	{"duplicate", "duplicates", "stores every 5 000th message twice", "message-log", "mode=batched",
		openDuplicates, "effects more than"},
	{"reorder within a key", "reorders", "stores two messages of a user the wrong way round, once in 7 000", "message-log", "mode=batched",
		openReorders, "order within a key differs"},
	{"skip a stage", "skips", "does not record every 40th cooldown, and says that it has", "queue-low", "",
		openSkips, "lane cooldowns|digest of what is stored"},
	{"cache a result", "caches", "reads the flavors once and keeps them: every selection is right", "queue-low", "",
		openCaches, "rows were read"},
	{"smaller payload", "shrinks", "stores the first 40 bytes of a message, once the clock runs", "message-log", "mode=pipelined",
		openShrinks, "its effects hold"},
	{"another codec setting", "repacks", "proves its work with one setting of its codec and is timed with another", "message-log", "mode=closed",
		openRepacks, "its script ran with codec"},
	{"another codec setting", "pipes", "connects in process where a socket was asked for", "queue-low", "",
		openPipes, `asked to run with transport "tcp", it runs with "pipe"`},
	{"another codec setting", "shares", "lets 100 messages share a commit where each was to have its own", "message-log", "mode=pipelined",
		openShares, `asked to run with batch "1", it runs with "100"`},
	{"dead code", "idles", "does nothing once the clock runs, and says that it has done everything", "message-log", "mode=closed",
		openIdles, "was reported done before its message was durable"},
	{"early acknowledgement", "hurries", "answers at once and stores 50 ms later", "message-log", "mode=closed",
		openHurries, "stimulus 1 was reported done before its message was durable"},
	{"early acknowledgement", "postpones", "stores in the background, once the clock runs", "queue-low", "",
		openPostpones, "other cooldowns are stored|something became durable after it had said that all was done|effects are missing"},
	{"early acknowledgement", "waits-to-be-asked", "stores when somebody reads back, once the clock runs", "message-log", "mode=pipelined",
		openWaits, "was reported done before its message was durable"},
	{"early acknowledgement", "trails", "is one refill behind, and has caught up when the counting begins", "queue-low", "",
		openTrails, "something became durable after it had said that all was done|other cooldowns are stored"},
	{"early acknowledgement", "promises", "reports each message done when it is taken, not when it is durable; waits in the end", "message-log", "mode=batched",
		openPromises, "was reported done before its message was durable"},
	{"wrong fan-out", "deafens", "does not tell one client every 100th announcement", "storm", "rate=max pace=coalesced",
		openDeafens, "effects are missing"},
	{"wrong fan-out", "repeats", "tells a client every 100th announcement twice", "storm", "rate=max pace=coalesced",
		openRepeats, "effects more than"},
	{"swallowed time-out", "swallows", "reports a message done that the log module has not answered for", "message-log", "mode=closed",
		openSwallows, "effects are missing"},
	{"float rounding", "rounds", "rounds flavors to 32 bits on their way", "queue-low", "",
		openRounds, "lane timeslots"},
}

// TestCheats has every cheat measured beside the baseline, and prints the table.
func TestCheats(t *testing.T) {
	t.Parallel()
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
	told.Lock()
	defer told.Unlock()
	told.cheats = table
}

// caught holds that the cheat is void for the right reason, and the baseline is not.
func (c cheat) caught(t *testing.T, cells map[string]reports.Cell) {
	t.Helper()
	if cell := cells["direct"]; cell.Verdict == reports.Void {
		t.Errorf("the baseline is %s", shown(cell))
	}
	cell := cells[c.name]
	if cell.Verdict != reports.Void || !strings.Contains(cell.Why, "style "+c.name) {
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
