package orchestrated

import (
	"fmt"

	"rubato/player"
)

// Rules are the player's synchronizations, declared once for every bus. Module
// says whose engine runs a rule when modules are apart: that of its queries and,
// failing these, of its trigger.
func Rules() []Rule {
	var all []Rule
	for _, some := range [][]Rule{selectionRules(), playbackRules(), broadcastRules(), logRules()} {
		all = append(all, some...)
	}
	return all
}

// selectionRules keep the queue filled.
func selectionRules() []Rule {
	return []Rule{
		{
			Name: "AutoSelectWhenQueueLow", Module: "ap",
			When:  On(Trigger{URI: "ap::Queue::depthChanged", Bind: same("target", "seed")}),
			Where: And{Ask{Query: "ap::Queue::autoPlay"}, Ask{Query: "ap::Queue::refillDue"}},
			Then: []Step{
				{Do: "pd::Timeslots::flavorAt", With: vars("target"), Gives: same("flavor")},
				{Do: "pd::Director::select", With: vars("target", "flavor", "seed"), Gives: same("passage", "length")},
				{Do: "ap::Queue::enqueue", With: vars("passage", "length")},
				{Do: "pd::Cooldowns::record", With: vars("passage", "target")},
			},
		},
		{
			Name: "NotifyWhenSelectionFails", Module: "ap",
			When: On(Trigger{URI: "pd::Director::select", Failed: true, Bind: same("code")}),
			Then: []Step{{Do: "ui::Broadcast::send", With: send(player.Notice, Var("code"), zero)}},
		},
		{
			Name: "EnqueueWhenWanted", Module: "ui",
			When: On(Trigger{URI: "ui::Sessions::wanted", Bind: same("passage")}),
			Then: []Step{
				{Do: "pd::Director::find", With: vars("passage"), Gives: same("length")},
				{Do: "ap::Queue::enqueue", With: vars("passage", "length")},
			},
		},
		{
			Name: "OverrideFlavorWhenWanted", Module: "ui",
			When: On(Trigger{URI: "ui::Sessions::flavorWanted", Bind: same("passage", "until")}),
			Then: []Step{{Do: "pd::Timeslots::override", With: vars("passage", "until")}},
		},
		{
			Name: "SuggestWhenWanted", Module: "ui",
			When: On(Trigger{URI: "ui::Sessions::suggestionWanted", Bind: same("target", "seed")}),
			Then: []Step{
				{Do: "pd::Timeslots::flavorAt", With: vars("target"), Gives: same("flavor")},
				{Do: "pd::Director::select", With: vars("target", "flavor", "seed"), Gives: same("passage")},
				{Do: "ui::Broadcast::send", With: send(player.Suggested, nothing, Var("passage"))},
			},
		},
		{
			Name: "RequestDecodeWhenEnqueued", Module: "ap",
			When: On(Trigger{URI: "ap::Queue::enqueue", Bind: same("passage")}),
			Then: []Step{{Do: "ap::Decoder::request", With: vars("passage")}},
		},
	}
}

// playbackRules go from one passage to the next.
func playbackRules() []Rule {
	return []Rule{
		{
			Name: "StartWhenBufferReady", Module: "ap",
			When: moved("next"),
			Where: And{Ask{Query: "ap::Queue::isHead", With: vars("passage")}, Ask{Query: "ap::Decoder::isReady", With: vars("passage")},
				Not{Ask{Query: "ap::Playback::plays", With: vars("passage")}}},
			Then: []Step{{Do: "ap::Playback::start", With: vars("passage")}},
		},
		{
			Name: "AdvanceQueueWhenPassageEnds", Module: "ap",
			When: On(Trigger{URI: "ap::Playback::passageEnded", Bind: same("at", "seed")}),
			Then: []Step{{Do: "ap::Queue::advance", With: vars("at", "seed")}},
		},
		{
			Name: "RecordHistoryWhenPassageEnds", Module: "ap",
			When: On(Trigger{URI: "ap::Queue::advance", Bind: same("passage", "began", "at")}),
			Then: []Step{{Do: "log::History::record", With: Args{"passage": Var("passage"), "began": Var("began"), "ended": Var("at")}}},
		},
		{
			Name: "CueNextWhenReady", Module: "ap",
			When: moved("after"),
			Where: And{Ask{Query: "ap::Queue::isNext", With: vars("passage")},
				Ask{Query: "ap::Decoder::isReady", With: vars("passage")}},
			Then: []Step{{Do: "ap::Playback::cue", With: vars("passage")}},
		},
		{
			Name: "DropWhenUnplayable", Module: "ap",
			When: On(Trigger{URI: "ap::Decoder::unplayable", Bind: same("passage", "at", "seed")}),
			Then: []Step{{Do: "ap::Queue::drop", With: vars("passage", "at", "seed")}},
		},
		{
			Name: "EnforceAuthenticationOnPlayback", Module: "ui",
			When:  On(Trigger{URI: "ui::Sessions::commanded", Bind: same("command", "token", "at", "seed")}),
			Where: Ask{Query: "ui::Sessions::authorised", With: vars("token")},
			Then:  []Step{{Do: "ap::Playback::command", With: vars("command", "at", "seed")}},
			Else:  []Step{{Do: "ui::Sessions::refuse", With: vars("command")}},
		},
	}
}

// moved binds the passage that has come to a place of the queue, which an output of
// what moves it names, or that is ready now.
func moved(place string) When {
	to := map[string]string{place: "passage"}
	return When{Any: []Trigger{
		{URI: "ap::Decoder::bufferReady", Bind: same("passage")},
		{URI: "ap::Queue::advance", Bind: to}, {URI: "ap::Queue::drop", Bind: to}}}
}

// stateChanges binds what playback is doing, whichever way it came to that.
var stateChanges = When{Any: []Trigger{
	{URI: "ap::Playback::started", Bind: same("state")},
	{URI: "ap::Playback::paused", Bind: same("state")},
	{URI: "ap::Playback::stopped", Bind: same("state")},
}}

// broadcastRules tell everybody who looks.
func broadcastRules() []Rule {
	return []Rule{
		{
			Name: "BroadcastPlaybackState", Module: "ap",
			When: When{Any: append(stateChanges.Any[:3:3], Trigger{URI: "ap::Playback::crossfadeStarted", Bind: same("state")})},
			Then: []Step{{Do: "ui::Broadcast::send", With: send(player.StateChanged, Var("state"), zero)}},
		},
		{
			Name: "BroadcastSongChange", Module: "ap",
			When: When{Any: []Trigger{
				{URI: "ap::Playback::songChanged", Bind: same("passage")},
				{URI: "ap::Playback::songBoundary", Bind: same("passage")}}},
			Then: []Step{{Do: "ui::Broadcast::send", With: send(player.SongChanged, nothing, Var("passage"))}},
		},
		{
			Name: "BroadcastQueueDepth", Module: "ap",
			When: When{Any: []Trigger{
				{URI: "ap::Queue::depthChanged", Bind: same("depth", "at")},
				{URI: "ap::Pace::owed", Bind: same("depth", "at")}}},
			Where: Ask{Query: "ap::Pace::due", With: vars("at")},
			Then: []Step{
				{Do: "ui::Broadcast::send", With: send(player.DepthChanged, nothing, Var("depth"))},
				{Do: "ap::Pace::mark", With: vars("at")},
			},
			Else: []Step{{Do: "ap::Pace::hold", With: vars("depth")}},
		},
		{
			// As a passage goes on, time passes: what waits for it has its turn here.
			Name: "FollowPosition", Module: "ap",
			When: On(Trigger{URI: "ap::Playback::position", Bind: same("ms", "at", "seed")}),
			Then: []Step{
				{Do: "ui::Broadcast::send", With: send(player.PositionTold, nothing, Var("ms"))},
				{Do: "ap::Queue::review", With: vars("at", "seed")},
				{Do: "ap::Pace::release", With: vars("at")},
			},
		},
	}
}

// logRules write down what is to be found again.
func logRules() []Rule {
	return []Rule{
		{
			Name: "LogMessageWhenSaid", Module: "log",
			When: On(Trigger{URI: "ui::Chat::said", Bind: same("user", "text", "at")}),
			Then: []Step{{Do: "log::Messages::append", With: vars("user", "text", "at")}},
		},
		{
			// When it was logged, and not beside that: a refused message counts for nobody.
			Name: "CountUserWhenSaid", Module: "log",
			When: On(Trigger{URI: "log::Messages::append", Bind: same("user")}),
			Then: []Step{{Do: "log::Users::count", With: vars("user")}},
		},
		{
			Name: "PersistVolumeChange", Module: "ap",
			When: On(Trigger{URI: "ap::Playback::volumeChanged", Bind: same("volume")}),
			Then: []Step{{Do: "log::Settings::put", With: Args{"key": Const(Text, String("volume")), "value": Var("volume")}}},
		},
		{
			Name: "PersistPlaybackState", Module: "ap", When: stateChanges,
			Then: []Step{{Do: "log::Settings::put", With: Args{"key": Const(Text, String("playback")), "value": Var("state")}}},
		},
	}
}

var (
	nothing = Const(Text, String(""))
	zero    = Const(Integer, Int(0))
)

// send are the inputs of a broadcast.
func send(kind string, text, number Term) Args {
	return Args{"kind": Const(Text, String(kind)), "text": text, "number": number}
}

// PaddingConcept has the event that padding rules wait for, which nobody emits.
func PaddingConcept() Concept {
	return Concept{Module: "ap", Name: "Padding", Events: []Event{{"never", nil}},
		Actions: []Action{{Name: "nothing", Run: func(*Call) error { return nil }}}}
}

// Padded are these rules and as many more, which never match, as make n.
func Padded(rules []Rule, n int) []Rule {
	for i := len(rules); i < n; i++ {
		rules = append(rules, Rule{Name: fmt.Sprintf("Padding%03d", i), Module: "ap",
			When: On(Trigger{URI: "ap::Padding::never"}), Then: []Step{{Do: "ap::Padding::nothing"}}})
	}
	return rules
}

// RulesOf are those of these rules that run in one module's engine.
func RulesOf(module string, rules []Rule) []Rule {
	var out []Rule
	for _, r := range rules {
		if r.Module == module {
			out = append(out, r)
		}
	}
	return out
}
