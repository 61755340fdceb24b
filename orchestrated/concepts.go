package orchestrated

import "rubato/player"

// Concepts are the player's parts as concepts. Each wraps one part and knows no
// other.
func Concepts(p *player.Parts) []Concept {
	return []Concept{
		QueueConcept(p.Queue), PlaybackConcept(p.Playback), DecoderConcept(p.Decoder), PaceConcept(p.Pace),
		TimeslotsConcept(p.Timeslots), DirectorConcept(p.Director), CooldownsConcept(p.Cooldowns),
		MessagesConcept(p.Messages), UsersConcept(p.Users), HistoryConcept(p.History), SettingsConcept(p.Settings),
		ChatConcept(), BroadcastConcept(p.Broadcast), SessionsConcept(p.Sessions),
	}
}
