// Package scenarios holds the workloads, one file each: what is asked of the
// player, with which settings, what must come of it, and which published figures
// it answers. It opens stores and styles for the runner, which knows neither.
package scenarios

import (
	"fmt"
	"slices"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// Suite is the player under every scenario, in each of the styles. The first
// style is the baseline.
func Suite(versions map[string]string, styles ...player.Style) runner.Suite {
	s := styleSet(styles)
	suite := runner.Suite{Name: "rubato", Scenarios: observed(s.all()),
		Versions: map[string]string{"sqlite": sqlite.Version()}}
	for _, style := range styles {
		suite.Styles = append(suite.Styles, runner.Style{Name: style.Name, Doc: style.Doc})
	}
	for name, version := range versions {
		suite.Versions[name] = version
	}
	return suite
}

// all are the scenarios, in the order in which rubato list has them: what the player
// does, what people say, how the modules hold up, and at last the pieces.
func (s styleSet) all() []runner.Scenario {
	return []runner.Scenario{
		s.passageSelect(),
		s.queueLow(),
		s.httpRequest(),
		s.sseBroadcast(),
		s.crossfade(),
		s.audio(),
		s.storm(),
		s.manyRules(),
		s.messageLog(),
		s.messageBurst(),
		s.messageSustained(),
		s.messageMixed(),
		s.messageConcurrent(),
		s.requestReply(),
		s.idle(),
		s.soak(),
		s.restart(),
		s.playerHour(),
		alternatives(),
		components(),
	}
}

// styleSet is the styles that scenarios may open.
type styleSet []player.Style

// open returns the player of setup's style over the store.
func (s styleSet) open(setup runner.Setup, config player.Config) (player.Player, error) {
	i := slices.IndexFunc(s, func(style player.Style) bool { return style.Name == setup.Style })
	if i < 0 {
		return nil, fmt.Errorf("no style %q", setup.Style)
	}
	p, err := s[i].Open(config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", setup.Style, err)
	}
	return p, nil
}
