package orchestrated

import (
	"fmt"
	"slices"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// Rules are the player's synchronizations, declared once for every bus. They stand in
// the order of the direct style's functions; the comment on each names the call there
// that it replaces. Rules of one trigger run in this order, too. Module says which
// engine runs a rule when modules are apart: that of its queries or, without
// queries, that of its trigger.
func Rules() []engine.Rule {
	return append(append(refillRules(), playingRules()...), messageRules()...)
}

// refillRules fill the queue, as direct/refill.go does.
func refillRules() []engine.Rule {
	return []engine.Rule{
		{ // paceDepth, sendDepth
			Name: "BroadcastQueueDepth", Module: "ap",
			When: engine.On(trigger("ap::Queue::depthChanged", "depth", "at"), trigger("ap::Queue::enqueue", "depth", "at"),
				trigger("ap::Pace::owed", "depth", "at")),
			Where: ask("ap::Pace::due", "at"),
			Then:  steps{send(player.DepthChanged, nothing, engine.Var("depth")), do("ap::Pace::mark", "at")},
			Else:  steps{do("ap::Pace::hold", "depth")},
		},
		{ // refill
			Name: "AutoSelectWhenQueueLow", Module: "ap",
			When:  engine.On(trigger("ap::Queue::depthChanged", "target", "seed", "at")),
			Where: engine.And{ask("ap::Queue::autoPlay"), ask("ap::Queue::refillDue")},
			Then: steps{
				gives(do("pd::Timeslots::flavorAt", "target"), "flavor"),
				known(gives(do("pd::Director::select", "target", "flavor", "seed"), "passage", "length")),
				do("ap::Queue::enqueue", "passage", "length", "at"),
				do("pd::Cooldowns::record", "passage", "target"),
			},
		},
		{ // choose, when the selection fails, and depthChanged, when it has to wait
			Name: "NotifyWhenSelectionFails", Module: "ap",
			When: engine.On(engine.Trigger{URI: "pd::Director::select", Failed: true, Bind: engine.Same("code")},
				trigger("ap::Queue::starved", "code")),
			Then: steps{send(player.Notice, engine.Var("code"), zero)},
		},
		{ // suggestion
			Name: "SuggestWhenWanted", Module: "ui",
			When: engine.On(trigger("ui::Sessions::suggestionWanted", "target", "seed")),
			Then: steps{
				gives(do("pd::Timeslots::flavorAt", "target"), "flavor"),
				known(gives(do("pd::Director::select", "target", "flavor", "seed"), "passage")),
				send(player.Suggested, nothing, engine.Var("passage")),
			},
		},
		{ // enqueue
			Name: "RequestDecodeWhenEnqueued", Module: "ap",
			When: engine.On(trigger("ap::Queue::enqueue", "passage")),
			Then: steps{do("ap::Decoder::request", "passage")},
		},
		{ // wanted
			Name: "EnqueueWhenWanted", Module: "ui",
			When: engine.On(trigger("ui::Sessions::wanted", "passage", "at")),
			Then: steps{gives(do("pd::Director::find", "passage"), "length"), do("ap::Queue::enqueue", "passage", "length", "at")},
		},
		{ // converse: Timeslots.Override
			Name: "OverrideFlavorWhenWanted", Module: "ui",
			When: engine.On(trigger("ui::Sessions::flavorWanted", "passage", "until")),
			Then: steps{do("pd::Timeslots::override", "passage", "until")},
		},
	}
}

// playingRules go from one passage to the next, as direct/playing.go does.
func playingRules() []engine.Rule {
	state := []engine.Trigger{trigger("ap::Playback::started", "state"), trigger("ap::Playback::paused", "state"), trigger("ap::Playback::stopped", "state")}
	return []engine.Rule{
		{ // position
			Name: "FollowPosition", Module: "ap",
			When: engine.On(trigger("ap::Playback::position", "ms", "at", "seed")),
			Then: steps{send(player.PositionChanged, nothing, engine.Var("ms")), do("ap::Queue::review", "at", "seed"), do("ap::Pace::release", "at")},
		},
		{ // passageEnd: Queue.Advance
			Name: "AdvanceQueueWhenPassageEnds", Module: "ap",
			When: engine.On(trigger("ap::Playback::passageEnded", "at", "seed")),
			Then: steps{do("ap::Queue::advance", "at", "seed")},
		},
		{ // passageEnd: History.Record
			Name: "RecordHistoryWhenPassageEnds", Module: "ap",
			When: engine.On(trigger("ap::Queue::advance", "passage", "began", "at")),
			Then: steps{with(do("log::History::record", "passage", "began"), "ended", engine.Var("at"))},
		},
		{ // startReady
			Name: "StartWhenBufferReady", Module: "ap",
			When: moved("next"),
			Where: engine.And{ask("ap::Queue::isHead", "passage"), ask("ap::Decoder::isReady", "passage"),
				engine.Not{Where: ask("ap::Playback::plays", "passage")}},
			Then: steps{do("ap::Playback::start", "passage")},
		},
		{ // cueReady
			Name: "CueNextWhenReady", Module: "ap",
			When:  moved("after"),
			Where: engine.And{ask("ap::Queue::isNext", "passage"), ask("ap::Decoder::isReady", "passage")},
			Then:  steps{do("ap::Playback::cue", "passage")},
		},
		{ // bufferFailed
			Name: "DropWhenUnplayable", Module: "ap",
			When: engine.On(trigger("ap::Decoder::unplayable", "passage", "at", "seed")),
			Then: steps{do("ap::Queue::drop", "passage", "at", "seed")},
		},
		{ // start, and pass at a boundary
			Name: "BroadcastSongChange", Module: "ap",
			When: engine.On(trigger("ap::Playback::songChanged", "passage"), trigger("ap::Playback::songBoundary", "passage")),
			Then: steps{send(player.SongChanged, nothing, engine.Var("passage"))},
		},
		{ // stateChanged: Broadcast.Send, and pass at a crossfade
			Name: "BroadcastPlaybackState", Module: "ap",
			When: engine.On(append(state[:3:3], trigger("ap::Playback::crossfadeStarted", "state"))...),
			Then: steps{send(player.StateChanged, engine.Var("state"), zero)},
		},
		{ // stateChanged: Settings.Put
			Name: "PersistPlaybackState", Module: "ap", When: engine.On(state...), Then: steps{put("playback", "state")},
		},
		{ // control
			Name: "EnforceAuthenticationOnPlayback", Module: "ui",
			When:  engine.On(trigger("ui::Sessions::commanded", "command", "token", "at", "seed")),
			Where: ask("ui::Sessions::authorised", "token"),
			Then:  steps{do("ap::Playback::command", "command", "at", "seed")},
			Else:  steps{do("ui::Sessions::refuse", "command")},
		},
		{ // volumeSet
			Name: "PersistVolumeChange", Module: "ap",
			When: engine.On(trigger("ap::Playback::volumeChanged", "volume")),
			Then: steps{put("volume", "volume")},
		},
	}
}

// messageRules log what is said, as direct/direct.go does.
func messageRules() []engine.Rule {
	return []engine.Rule{
		{ // messageSaid: Messages.Append
			Name: "LogMessageWhenSaid", Module: "log",
			When: engine.On(trigger("ui::Chat::said", "user", "text", "at")),
			Then: steps{do("log::Messages::append", "user", "text", "at")},
		},
		{ // messageSaid: Users.Count, once the message is logged: a refused one does not count
			Name: "CountUserWhenSaid", Module: "log",
			When: engine.On(trigger("log::Messages::append", "user")),
			Then: steps{do("log::Users::count", "user")},
		},
	}
}

// FilterRules have n filters check a draft, as direct/direct.go does. A player with filters has
// them besides its other rules.
func FilterRules(n int) (rules []engine.Rule) {
	for i := range n {
		rules = append(rules, engine.Rule{ // draftWritten: Filters.Check
			Name: fmt.Sprintf("CheckWhenWritten%02d", i), Module: "ui",
			When: engine.On(trigger("ui::Drafts::written", "text")),
			Then: steps{with(do("log::Filters::check", "text"), "filter", engine.Const(engine.Integer, engine.Int(i)))},
		})
	}
	return rules
}

// filterConcepts are those of a player with filters: ui::Drafts, which has no state, and log::Filters.
func filterConcepts(f *player.Filters) []engine.Concept {
	if f == nil {
		return nil
	}
	return []engine.Concept{
		{Module: "ui", Name: "Drafts", Events: []engine.Event{event("written", "text")}},
		{Module: "log", Name: "Filters", Actions: []engine.Action{{
			Name: "check", In: fields("filter", "text"),
			Run: func(c *engine.Call) error { return f.Check(int(c.In[0].Int()), c.In[1].Text()) },
		}}},
	}
}

type steps = []engine.Step

var (
	nothing = engine.Const(engine.Text, engine.String(""))
	zero    = engine.Const(engine.Integer, engine.Int(0))
)

// trigger binds these fields to variables of the same names.
func trigger(uri string, fields ...string) engine.Trigger {
	return engine.Trigger{URI: uri, Bind: engine.Same(fields...)}
}

// moved binds the passage that has reached a place in the queue, or is ready now. place
// names the output of the actions that move the queue.
func moved(place string) engine.When {
	to := map[string]string{place: "passage"}
	return engine.On(trigger("ap::Decoder::bufferReady", "passage"),
		engine.Trigger{URI: "ap::Queue::advance", Bind: to}, engine.Trigger{URI: "ap::Queue::drop", Bind: to})
}

// ask and do take their inputs from variables of the same names.
func ask(uri string, inputs ...string) engine.Ask {
	return engine.Ask{Query: uri, With: engine.Vars(inputs...)}
}

func do(uri string, inputs ...string) engine.Step {
	return engine.Step{Do: uri, With: engine.Vars(inputs...)}
}

func with(s engine.Step, input string, term engine.Term) engine.Step {
	s.With[input] = term
	return s
}

// gives binds these outputs to variables of the same names.
func gives(s engine.Step, outputs ...string) engine.Step {
	s.Gives = engine.Same(outputs...)
	return s
}

// known says that the module that the step goes to has given its flavor.
func known(s engine.Step) engine.Step {
	s.Known = true
	return s
}

// send broadcasts. Nothing in a flow depends on that; broadcasts of a module stay in order.
func send(kind string, text, number engine.Term) engine.Step {
	return engine.Step{Do: "ui::Broadcast::send", Later: true, With: engine.Args{
		"kind": engine.Const(engine.Text, engine.String(kind)), "text": text, "number": number}}
}

func put(key, variable string) engine.Step {
	return engine.Step{Do: "log::Settings::put", With: engine.Args{
		"key": engine.Const(engine.Text, engine.String(key)), "value": engine.Var(variable)}}
}

// PaddingConcept has the event that padding rules wait for. It never happens.
func PaddingConcept() engine.Concept {
	return engine.Concept{Module: "ap", Name: "Padding", Events: []engine.Event{event("never")},
		Actions: []engine.Action{{Name: "nothing", Run: func(*engine.Call) error { return nil }}}}
}

// Padded are these rules, followed by rules that never match, n in all.
func Padded(rules []engine.Rule, n int) []engine.Rule {
	for i := len(rules); i < n; i++ {
		rules = append(rules, engine.Rule{Name: fmt.Sprintf("Padding%03d", i), Module: "ap",
			When: engine.On(trigger("ap::Padding::never")), Then: steps{do("ap::Padding::nothing")}})
	}
	return rules
}

// RulesOf are those of these rules that one module's engine runs.
func RulesOf(module string, rules []engine.Rule) []engine.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r engine.Rule) bool { return r.Module != module })
}
