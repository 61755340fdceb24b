package orchestrated

// Rules are the player's synchronizations, declared once for every bus. Module
// says whose engine runs a rule when modules are apart: that of its queries and,
// failing these, of its actions.
func Rules() []Rule {
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
	}
}

// RulesOf are the rules that run in one module's engine.
func RulesOf(module string) []Rule {
	var out []Rule
	for _, r := range Rules() {
		if r.Module == module {
			out = append(out, r)
		}
	}
	return out
}
