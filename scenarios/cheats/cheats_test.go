package cheats_test

import (
	"slices"
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
		openSkips, "done before anything was committed|lane cooldowns|commits, but the stimuli need at least"},
	{"cache a result", "caches", "reads the flavors once and keeps them; every selection is right", "queue-low", "",
		openCaches, "reads: "},
	{"smaller payload", "shrinks", "stores only the first 40 bytes of a message in timed blocks", "message-log", "mode=pipelined",
		openShrinks, "its effects hold"},
	{"another codec setting", "repacks", "uses one codec setting in the transcript and another in timed blocks", "message-log", "mode=closed",
		openRepacks, "its script ran with codec"},
	{"another codec setting", "pipes", "connects in process although a socket was asked for", "queue-low", "",
		openPipes, `asked to run with transport "tcp", it runs with "pipe"`},
	{"another codec setting", "shares", "lets 100 messages share a commit although each should have its own", "message-log", "mode=pipelined",
		openShares, `asked to run with batch "1", it runs with "100"|commits, but the stimuli need at least`},
	{"dead code", "idles", "does nothing in timed blocks, but reports everything done", "message-log", "mode=closed",
		openIdles, "was reported done before its message was durable"},
	{"early acknowledgement", "hurries", "reports done at once and stores 50 ms later", "message-log", "mode=closed",
		openHurries, "stimulus 1 was reported done before its message was durable"},
	{"early acknowledgement", "postpones", "stores in the background in timed blocks", "queue-low", "",
		openPostpones, "it reports other cooldowns|after it had reported that all was done it did more|effects are missing|commits, but the stimuli need at least|done before anything was committed"},
	{"early acknowledgement", "waits-to-be-asked", "in timed blocks stores only when it is read back", "message-log", "mode=pipelined",
		openWaits, "was reported done before its message was durable"},
	{"early acknowledgement", "trails", "is one refill behind, and catches up before the effects are counted", "queue-low", "",
		openTrails, "after it had reported that all was done it did more|it reports other cooldowns|commits, but the stimuli need at least|done before anything was committed"},
	{"early acknowledgement", "promises", "reports each message done when it is accepted, not when it is durable; waits at the end", "message-log", "mode=batched",
		openPromises, "was reported done before its message was durable"},
	{"wrong fan-out", "deafens", "does not send every 100th broadcast to a client", "storm", "rate=max pace=coalesced",
		openDeafens, "effects are missing"},
	{"wrong fan-out", "repeats", "sends every 100th broadcast to a client twice", "storm", "rate=max pace=coalesced",
		openRepeats, "effects more than"},
	{"swallowed time-out", "swallows", "reports a message done that the log module did not acknowledge", "message-log", "mode=closed",
		openSwallows, "effects are missing|commits, but the stimuli need at least|was reported done before its message was durable"},
	{"fewer commits", "bunches", "has all queued messages share a commit, and says that each has its own", "message-log", "mode=pipelined",
		openBunches, "commits, but the stimuli need at least"},
	{"fewer commits", "inflates", "has messages share a commit, and makes up their number with commits of nothing", "message-log", "mode=pipelined",
		openInflates, "writes: "},
	{"skip a stage", "trusts", "says that it keeps receipts in the database, and writes none in timed blocks", "message-log", "mode=closed delivery=jetstream-memory receipts=database",
		openTrusts, "receipts were written, want"},
	{"nothing crosses", "remembers", "keeps its last answer and does not ask again", "request-reply", "",
		openRemembers, "they did not cross"},
	{"nothing crosses", "calls-inside", "calls in process, and says that its modules are joined by sockets", "queue-low", "",
		openCallsInside, "they did not cross"},
	{"nothing crosses", "decoy", "calls in process, and sends the same messages for nothing", "message-log", "mode=closed",
		openDecoy, "the network was gone, and it worked all the same"},
	{"work after the clock", "pays-later", "reads the flavors once, and as often as it should when it is read back", "queue-low", "",
		openPaysLater, "it did more"},
	{"work after the clock", "whispers", "tells its clients from a goroutine, in its own time", "storm", "rate=max pace=coalesced",
		openWhispers, "effects are missing|broadcasts were received"},
	{"a trace that is not", "blinkered", "keeps one flow of sixteen in its trace", "message-log", "mode=closed",
		openBlinkered, "left no flow"},
	{"a trace that is not", "rootless", "keeps no causes in its trace", "queue-low", "",
		openRootless, "is lost"},
	{"a trace that is not", "rewires", "names the stimulus' first action as the cause of everything", "queue-low", "",
		openRewires, "its trace kept other flows"},
	{"a trace that is not", "pretends", "calls directly, and says that rules run and are traced", "queue-low", "",
		openPretends, "its trace is asked to be on, but it shows none"},
	{"a setting changed later", "unsyncs", "stops waiting for the disk once it is timed", "message-log", "mode=closed sync=full",
		openUnsyncs, "it was done before the clock started|its script ran with sqlite log"},
	{"a setting changed later", "unsyncs-in-secret", "does so, and waits again before the clock stops", "message-log", "mode=closed sync=full",
		openUnsyncsInSecret, "it was done before the clock started|while the clock ran commits had synchronous|its script ran with sqlite log"},
	{"a setting changed later", "hoards", "switches the garbage collection off once it is timed", "message-log", "mode=closed",
		openHoards, "GOGC"},
	{"a setting changed later", "hoards-in-secret", "does so, and switches it on again before the clock stops", "message-log", "mode=closed",
		openHoardsInSecret, "GOGC"},
	{"early acknowledgement", "lies-seldom", "reports one message in 64 done before it is durable", "message-log", "mode=closed",
		openLiesSeldom, "was reported done before its message was durable|it did more|commits, but the stimuli need at least"},
	{"early acknowledgement", "settles-in", "reports messages early, but only in the middle of a trial", "message-log", "mode=closed",
		openSettlesIn, "was reported done before its message was durable|it did more|commits, but the stimuli need at least"},
	{"work in others' time", "forethinks", "uses the CPU while others are measured", "queue-low", "",
		openForethinks, "while others were measured it used"},
	{"contents that are only counted", "backdates", "stores plays with another time", "player-hour", "",
		openBackdates, "digest of"},
	{"float rounding", "rounds", "rounds flavors to 32 bits", "queue-low", "",
		openRounds, "lane timeslots"},
}

// strawMen are baselines that make other styles look good.
var strawMen = []cheat{
	{"a straw man", "spins", "is the baseline, and keeps the CPU busy for 100 µs a message", "message-log", "mode=closed",
		openSpins, "it is no fair baseline. It takes"},
	{"a straw man", "rereads", "is the baseline, and reads a row more for each message", "message-log", "mode=closed",
		openRereads, "it is no fair baseline. reads"},
}

// TestCheats measures every cheat beside the baseline, or as the baseline, and prints the table.
func TestCheats(t *testing.T) {
	t.Parallel()
	all := append(slices.Clone(cheats), strawMen...)
	if testing.Short() {
		all = all[:1] // each is a run of its own; all of them take minutes
	}
	table := make([]string, len(all))
	t.Run("all", func(t *testing.T) {
		for i, c := range all {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				styles := "direct," + c.name
				switch {
				case i >= len(cheats):
					styles = c.name + ",bus"
				case c.name == "rewires":
					styles = "direct,bus," + c.name // compared with another trace
				}
				cells := run(t, append([]string{"-seed", "1", "-styles", styles, c.scenario}, settings(c.set)...)...)
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
