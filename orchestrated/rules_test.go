package orchestrated

import (
	"testing"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// TestPlayerRules: the player's own rules pass the checks they impose.
func TestPlayerRules(t *testing.T) {
	t.Parallel()
	e := engine.New(engine.Settings{})
	err := e.AddConcepts(append(Concepts(&player.Parts{}), PaddingConcept())...)
	if err == nil {
		err = e.AddRules(Padded(Rules(), 100)...)
	}
	if len(e.Rules()) != 100 {
		t.Errorf("%d rules, want 100", len(e.Rules()))
	}
	if err != nil {
		t.Error(err)
	}
	if n := len(RulesOf("ap", Rules())) + len(RulesOf("log", Rules())) + len(RulesOf("ui", Rules())); n != len(Rules()) {
		t.Errorf("%d of %d rules have a module to run in", n, len(Rules()))
	}
}
